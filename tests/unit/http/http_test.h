/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_test.h - a server on a thread of its own and a client that blocks, for
 * the tests of http over real sockets. Brings tap.h along.
 */
#ifndef LATCHKEY_TESTS_HTTP_TEST_H
#define LATCHKEY_TESTS_HTTP_TEST_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "http/http.h"
#include "tap.h"

#define TEST_UNUSED __attribute__((unused))

/* ---- files ---------------------------------------------------------------- */

static char test_dir[] = "/tmp/latchkey-http-XXXXXX";

/* A path in a directory of this run; it stays valid for a few calls, and only the
 * main thread may ask. */
TEST_UNUSED static const char *
test_path(const char *name)
{
	static char paths[8][80];
	static int turn;
	char *path = paths[turn++ % 8];

	if (turn == 1 && mkdtemp(test_dir) == NULL)
		abort();
	snprintf(path, sizeof(paths[0]), "%s/%s", test_dir, name);
	return path;
}

__attribute__((destructor)) static void
test_remove_dir(void)
{
	static const char *const names[] = { "cert", "key", "other", "other-key", "socket" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(test_path(names[i]));
	rmdir(test_dir);
}

static void
test_extension(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	X509_add_ext(cert, extension, -1);
	X509_EXTENSION_free(extension);
}

/* A self-signed certificate for localhost, and its key with mode 0600. */
TEST_UNUSED static void
test_certificate(const char *cert_name, const char *key_name)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	X509_NAME *name = X509_get_subject_name(cert);
	FILE *file;

	ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	X509_set_version(cert, X509_VERSION_3);
	X509_gmtime_adj(X509_getm_notBefore(cert), -60);
	X509_gmtime_adj(X509_getm_notAfter(cert), 86400);
	X509_set_pubkey(cert, key);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
		(const unsigned char *)cert_name, -1, -1, 0);
	X509_set_issuer_name(cert, name);
	test_extension(cert, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
	test_extension(cert, NID_basic_constraints, "critical,CA:TRUE");
	X509_sign(cert, key, EVP_sha256());
	file = fopen(test_path(cert_name), "w");
	PEM_write_X509(file, cert);
	fclose(file);
	file = fopen(test_path(key_name), "w");
	fchmod(fileno(file), 0600);
	PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL);
	fclose(file);
	X509_free(cert);
	EVP_PKEY_free(key);
}

TEST_UNUSED static struct tls_config *
test_tls(uint8_t secret)
{
	uint8_t ticket_secret[32] = { secret };
	struct tls_config *tls = NULL;
	struct fault f = { 0 };

	if (access(test_path("cert"), R_OK) != 0)
		test_certificate("cert", "key");
	if (tls_config_new(test_path("cert"), test_path("key"), ticket_secret, &tls, &f) != DONE)
		tap_fail(__FILE__, __LINE__, f.what);
	return tls;
}

/* ---- the server ----------------------------------------------------------- */

struct test_server {
	struct loop *loop;
	struct http_server *http;
	pthread_t thread;
	struct letter letter;
	struct timer timer;
	struct http_request *waiting; /* the one of /wait */
	int refused_status;
	char refused_why[100];
	int drained;
	uint16_t port;
};

static void test_handle(struct http_request *r, void *arg);

static void
test_refused(struct bytes peer, int status, const char *why, void *arg)
{
	struct test_server *s = arg;

	(void)peer;
	s->refused_status = status;
	snprintf(s->refused_why, sizeof(s->refused_why), "%s", why);
}

TEST_UNUSED static struct http_config
test_config(void)
{
	static const char *const any_port[] = { "127.0.0.1:0" };

	return (struct http_config){
		.listen = any_port,
		.listen_count = 1,
		.local = true,
		.limits = http_limits_default(),
		.refused = test_refused,
	};
}

static void *
test_run(void *arg)
{
	loop_run(((struct test_server *)arg)->loop);
	return NULL;
}

TEST_UNUSED static bool
test_start(struct test_server *s, struct http_config config)
{
	struct fault f = { 0 };

	*s = (struct test_server){ .loop = loop_new() };
	config.handler = test_handle;
	config.arg = s;
	if (http_server_new(s->loop, &config, &s->http, &f) != DONE) {
		tap_fail(__FILE__, __LINE__, f.what);
		return false;
	}
	s->port = http_server_port(s->http);
	return pthread_create(&s->thread, NULL, test_run, s) == 0;
}

static void
test_drained(void *arg)
{
	struct test_server *s = arg;

	s->drained++;
	loop_stop(s->loop);
}

static void
test_open_drain(struct letter *l)
{
	struct test_server *s =
		(struct test_server *)((char *)l - offsetof(struct test_server, letter));

	http_server_drain(s->http, 0, test_drained, s);
}

/* Asks for a drain; returns at once. */
TEST_UNUSED static void
test_drain(struct test_server *s)
{
	s->letter.open = test_open_drain;
	mailbox_post(loop_mailbox(s->loop), &s->letter);
}

/* Waits for the end of a drain. */
TEST_UNUSED static void
test_join(struct test_server *s)
{
	pthread_join(s->thread, NULL);
	check_int(s->drained, 1);
	http_server_free(s->http);
	loop_free(s->loop);
}

TEST_UNUSED static void
test_stop(struct test_server *s)
{
	test_drain(s);
	test_join(s);
}

/* ---- what the server answers ---------------------------------------------- */

static void
test_text(struct http_request *r, struct bytes body)
{
	http_reply(r, &(struct http_reply){ .status = 200, .body = body });
}

static void
test_release(struct timer *t)
{
	struct test_server *s =
		(struct test_server *)((char *)t - offsetof(struct test_server, timer));
	struct http_request *r = s->waiting;

	s->waiting = NULL;
	if (r != NULL)
		test_text(r, arena_bytes(r->arena, r->target));
}

static void
test_big(struct http_request *r)
{
	size_t size = 8 << 20;
	char *big = calloc(1, size);

	memset(big, 'b', size);
	test_text(r, (struct bytes){ big, size });
	free(big);
}

/* /echo: the body; /peer: who asks; /wait: 100 ms later, or at /release; /big;
 * /close; /known: a credential was shown; /nap: nothing else happens for 400 ms; /204;
 * /split: a reply that would break out of its header. */
static void
test_handle(struct http_request *r, void *arg)
{
	static const struct http_header split = {
		BI("Location"), BI("/\r\nSet-Cookie: a=b")
	};
	struct test_server *s = arg;

	if (bytes_equal(r->path, B("/echo"))) {
		test_text(r, r->body);
	} else if (bytes_equal(r->path, B("/peer"))) {
		test_text(r, arena_bytes(r->arena, r->peer));
	} else if (bytes_equal(r->path, B("/wait"))) {
		s->waiting = r;
		s->timer.due = test_release;
		loop_timer(s->loop, &s->timer, r->has_query ? 100 : 60000);
	} else if (bytes_equal(r->path, B("/release"))) {
		test_release(&s->timer);
		test_text(r, B("released"));
	} else if (bytes_equal(r->path, B("/big"))) {
		test_big(r);
	} else if (bytes_equal(r->path, B("/close"))) {
		http_reply(r, &(struct http_reply){ .status = 200, .close = true });
	} else if (bytes_equal(r->path, B("/known"))) {
		http_reply(r, &(struct http_reply){ .status = 200, .known = true });
	} else if (bytes_equal(r->path, B("/nap"))) {
		usleep(400000);
		test_text(r, B("slept"));
	} else if (bytes_equal(r->path, B("/204"))) {
		http_reply(r, &(struct http_reply){ .status = 204 });
	} else if (bytes_equal(r->path, B("/split"))) {
		http_reply(r, &(struct http_reply){ .status = 303, .headers = &split,
			.header_count = 1 });
	} else {
		test_text(r, arena_bytes(r->arena, r->target));
	}
}

/* ---- the client ----------------------------------------------------------- */

struct client {
	int fd;
	SSL *ssl;
	size_t n; /* read, and not yet looked at */
	char in[20000];
};

struct answer {
	int status;      /* 0: closed without one, -1: nothing came in 5 s */
	char head[4000];
	struct bytes body; /* in the client, until the next answer */
	size_t body_length; /* as announced */
};

TEST_UNUSED static void
client_connect(struct client *c, uint16_t port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct timeval patience = { .tv_sec = 5 };

	signal(SIGPIPE, SIG_IGN);
	c->n = 0;
	c->ssl = NULL;
	c->fd = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	check(connect(c->fd, (struct sockaddr *)&to, sizeof(to)) == 0);
}

TEST_UNUSED static bool
client_tls(struct client *c, SSL_CTX *ctx)
{
	ERR_clear_error();
	c->ssl = SSL_new(ctx);
	SSL_set_fd(c->ssl, c->fd);
	return SSL_connect(c->ssl) == 1;
}

TEST_UNUSED static void
client_close(struct client *c)
{
	if (c->ssl != NULL)
		SSL_shutdown(c->ssl);
	SSL_free(c->ssl);
	close(c->fd);
}

TEST_UNUSED static void
client_reset(struct client *c)
{
	struct linger at_once = { .l_onoff = 1 };

	setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	client_close(c);
}

/* false: the server has closed. */
TEST_UNUSED static bool
client_send(struct client *c, struct bytes b)
{
	if (c->ssl != NULL)
		return SSL_write(c->ssl, b.p, (int)b.n) == (int)b.n;
	while (b.n > 0) {
		ssize_t put = send(c->fd, b.p, b.n, MSG_NOSIGNAL);

		if (put < 0)
			return false;
		b = bytes_slice(b, (size_t)put, b.n);
	}
	return true;
}

/* Reads some more: 0 at the end, -1 when nothing came. */
static ssize_t
client_more(struct client *c)
{
	ssize_t got;

	if (c->ssl != NULL) {
		got = SSL_read(c->ssl, c->in + c->n, (int)(sizeof(c->in) - 1 - c->n));
		if (got <= 0)
			got = SSL_get_error(c->ssl, (int)got) == SSL_ERROR_WANT_READ ? -1 : 0;
	} else {
		got = recv(c->fd, c->in + c->n, sizeof(c->in) - 1 - c->n, 0);
		if (got < 0)
			got = errno == EAGAIN ? -1 : 0;
	}
	if (got > 0)
		c->n += (size_t)got;
	c->in[c->n] = '\0';
	return got;
}

/* The next answer; its body is waited for only while it fits. */
TEST_UNUSED static void
client_answer(struct client *c, struct answer *a, bool has_body)
{
	const char *end, *length;
	uint64_t number = 0;
	size_t head;
	ssize_t got = 1;

	*a = (struct answer){ 0 };
	c->in[c->n] = '\0';
	while ((end = strstr(c->in, "\r\n\r\n")) == NULL && got > 0)
		got = client_more(c);
	if (end == NULL) {
		a->status = got < 0 ? -1 : 0;
		return;
	}
	head = (size_t)(end - c->in) + 4;
	snprintf(a->head, sizeof(a->head), "%.*s", (int)head, c->in);
	bytes_to_u64((struct bytes){ a->head + sizeof("HTTP/1.1"), 3 }, &number);
	a->status = (int)number;
	length = strstr(a->head, "Content-Length: ");
	if (length != NULL && bytes_to_u64((struct bytes){ length + 16,
			strcspn(length + 16, "\r") }, &number))
		a->body_length = number;
	memmove(c->in, c->in + head, c->n - head + 1);
	c->n -= head;
	if (!has_body || a->body_length > 10000)
		return;
	while (c->n < a->body_length && client_more(c) > 0)
		;
	a->body = (struct bytes){ c->in, a->body_length };
}

/* Forgets the body, so the next answer is at the front. */
TEST_UNUSED static void
client_next(struct client *c, const struct answer *a)
{
	memmove(c->in, c->in + a->body.n, c->n - a->body.n + 1);
	c->n -= a->body.n;
}

TEST_UNUSED static void
client_ask(struct client *c, struct bytes request, struct answer *a)
{
	client_send(c, request);
	client_answer(c, a, true);
}

/* The server closes, and has said nothing more. */
TEST_UNUSED static bool
client_is_closed(struct client *c)
{
	return client_more(c) == 0 && c->n == 0;
}

TEST_UNUSED static SSL_CTX *
client_context(void)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	SSL_CTX_load_verify_file(ctx, test_path("cert"));
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	return ctx;
}

#define GET(path) B("GET " path " HTTP/1.1\r\nHost: a\r\n\r\n")

#endif
