/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_wire.c - the only file that moves bytes.
 *
 * OpenSSL keeps errors in a queue of the thread, and SSL_get_error reads it, so
 * it is emptied before each call.
 */
#include "http/http_wire.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/secret.h"

enum {
	RECORD_HEADER = 5,
	FLIGHT_MAX = 2048, /* a ClientHello with a post-quantum share, too */
};

/* To look is cheaper than to clear what is clear. */
static void
forget_errors(void)
{
	if (ERR_peek_error() != 0)
		ERR_clear_error();
}

/* What an SSL call that returned `result` means. */
static ssize_t
ssl_result(struct http_wire *w, int result)
{
	int error = SSL_get_error(w->ssl, result);

	if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
		w->wants_write = error == SSL_ERROR_WANT_WRITE;
		return WIRE_AGAIN;
	}
	if (error == SSL_ERROR_ZERO_RETURN)
		return WIRE_END;
	w->broken = true;
	return WIRE_BROKEN;
}

static ssize_t
socket_result(struct http_wire *w, ssize_t result)
{
	if (result >= 0)
		return result;
	if (errno == EAGAIN || errno == EINTR)
		return WIRE_AGAIN;
	w->broken = true;
	return WIRE_BROKEN;
}

int
http_wire_handshake(struct http_wire *w)
{
	int result;

	ERR_clear_error();
	w->wants_write = false;
	result = SSL_do_handshake(w->ssl);
	if (result == 1) {
		w->established = true;
		return 1;
	}
	if (ssl_result(w, result) == WIRE_AGAIN)
		return WIRE_AGAIN;
	w->broken = true;
	return WIRE_BROKEN;
}

ssize_t
http_wire_read(struct http_wire *w, void *p, size_t n)
{
	int result;

	if (w->ssl == NULL)
		return socket_result(w, recv(w->fd, p, n, 0));
	forget_errors();
	w->wants_write = false;
	result = SSL_read(w->ssl, p, (int)n);
	return result > 0 ? result : ssl_result(w, result);
}

static ssize_t
wire_write(struct http_wire *w, const void *p, size_t n)
{
	ssize_t answer;
	int result;

	if (w->ssl == NULL)
		return socket_result(w, send(w->fd, p, n, MSG_NOSIGNAL));
	forget_errors();
	result = SSL_write(w->ssl, p, (int)n);
	if (result > 0)
		return result;
	answer = ssl_result(w, result);
	w->wants_write = false; /* the caller knows that it has more to write */
	return answer;
}

/* Writes until the peer takes no more; how much it took. */
static size_t
write_some(struct http_wire *w, struct bytes b)
{
	size_t done = 0;

	while (done < b.n && !w->broken) {
		ssize_t put = wire_write(w, b.p + done, b.n - done);

		if (put == WIRE_AGAIN)
			break;
		if (put > 0)
			done += (size_t)put;
		else
			w->broken = true;
	}
	return done;
}

static void
drop_out(struct http_wire *w)
{
	if (w->out == NULL)
		return;
	secret_wipe(w->out, w->out_n);
	free(w->out);
	w->out = NULL;
	w->out_n = w->out_at = 0;
}

static void
keep(struct http_wire *w, struct bytes b)
{
	size_t left = w->out_n - w->out_at;
	char *out = must_calloc(1, left + b.n);

	if (w->out != NULL)
		memcpy(out, w->out + w->out_at, left);
	if (b.n > 0)
		memcpy(out + left, b.p, b.n);
	drop_out(w);
	w->out = out;
	w->out_n = left + b.n;
}

void
http_wire_send(struct http_wire *w, struct bytes b)
{
	if (w->out != NULL) {
		w->out_at += write_some(w,
			(struct bytes){ w->out + w->out_at, w->out_n - w->out_at });
		if (w->out_at == w->out_n)
			drop_out(w);
	}
	if (w->out == NULL)
		b = bytes_slice(b, write_some(w, b), b.n);
	if (b.n > 0 && !w->broken)
		keep(w, b);
}

bool
http_wire_pending(const struct http_wire *w)
{
	return w->ssl != NULL && SSL_has_pending(w->ssl) == 1;
}

void
http_wire_rest(struct http_wire *w)
{
	if (w->ssl != NULL)
		(void)SSL_free_buffers(w->ssl); /* not while a record is under way */
}

/*
 * How much of the first record is waited for: the record as its header says (RFC 8446
 * section 5.1), or as much of it as the largest ClientHello that is usual.
 */
static int
first_flight(const unsigned char *p, ssize_t n)
{
	int record = n < RECORD_HEADER ? RECORD_HEADER
				       : RECORD_HEADER + (p[3] << 8 | p[4]);

	return record < FLIGHT_MAX ? record : FLIGHT_MAX;
}

/* The kernel tells us once so many bytes are there, or no more will come. */
static void
wake_at(struct http_wire *w, int bytes)
{
	if (w->wakes_at == bytes)
		return;
	(void)setsockopt(w->fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof(bytes));
	w->wakes_at = bytes;
}

int
http_wire_first_byte(struct http_wire *w)
{
	unsigned char p[FLIGHT_MAX];
	ssize_t n = recv(w->fd, p, sizeof(p), MSG_PEEK);
	int wanted;

	if (n <= 0)
		return n < 0 && (errno == EAGAIN || errno == EINTR) ? WIRE_AGAIN
								     : WIRE_BROKEN;
	wanted = p[0] == WIRE_TLS ? first_flight(p, n) : 1;
	/* Woken for less than was asked for: there will be no more. */
	if (n < wanted && w->wakes_at != wanted) {
		wake_at(w, wanted);
		return WIRE_AGAIN;
	}
	if (w->wakes_at > 1)
		wake_at(w, 1);
	return p[0];
}

static void
say_goodbye(struct http_wire *w)
{
	if (w->ssl == NULL || !w->established || w->broken || w->finished)
		return;
	ERR_clear_error();
	SSL_shutdown(w->ssl);
	w->finished = true;
}

void
http_wire_finish(struct http_wire *w)
{
	say_goodbye(w);
	SSL_free(w->ssl);
	w->ssl = NULL;
	shutdown(w->fd, SHUT_WR);
}

ssize_t
http_wire_discard(const struct http_wire *w)
{
	char dust[4096];
	ssize_t got = recv(w->fd, dust, sizeof(dust), 0);

	if (got >= 0)
		return got;
	return errno == EAGAIN || errno == EINTR ? WIRE_AGAIN : WIRE_BROKEN;
}

void
http_wire_close(struct http_wire *w)
{
	say_goodbye(w);
	drop_out(w);
	SSL_free(w->ssl);
	close(w->fd);
	w->ssl = NULL;
	w->fd = -1;
}
