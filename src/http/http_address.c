/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_address.c - addresses as text and as bytes; sockets that listen.
 */
#include "http/http_address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "http/http.h"

enum { BACKLOG = 4096 };

static const uint8_t mapped[12] = { [10] = 0xFF, [11] = 0xFF };

/* ---- who ------------------------------------------------------------------ */

bool
http_address_parse(struct bytes text, struct http_address *out)
{
	struct http_address a = { .is_unix = false };
	char cstr[INET6_ADDRSTRLEN] = "";

	if (bytes_equal(text, B("unix"))) {
		*out = (struct http_address){ .is_unix = true };
		return true;
	}
	if (text.n == 0 || text.n >= sizeof(cstr))
		return false;
	memcpy(cstr, text.p, text.n);
	memcpy(a.ip, mapped, sizeof(mapped));
	if (inet_pton(AF_INET, cstr, a.ip + 12) != 1 &&
	    inet_pton(AF_INET6, cstr, a.ip) != 1)
		return false;
	*out = a;
	return true;
}

void
http_address_of(const struct sockaddr_storage *from, struct http_address *out)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)from;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)from;

	*out = (struct http_address){ .is_unix = from->ss_family == AF_UNIX };
	if (from->ss_family == AF_INET6) {
		memcpy(out->ip, &v6->sin6_addr, 16);
	} else if (from->ss_family == AF_INET) {
		memcpy(out->ip, mapped, sizeof(mapped));
		memcpy(out->ip + 12, &v4->sin_addr, 4);
	}
}

static bool
is_v4(const struct http_address *a)
{
	return memcmp(a->ip, mapped, sizeof(mapped)) == 0;
}

const char *
http_address_text(const struct http_address *a, char out[static INET6_ADDRSTRLEN])
{
	if (a->is_unix)
		return memcpy(out, "unix", sizeof("unix"));
	if (is_v4(a))
		return inet_ntop(AF_INET, a->ip + 12, out, INET6_ADDRSTRLEN);
	return inet_ntop(AF_INET6, a->ip, out, INET6_ADDRSTRLEN);
}

bool
http_address_equal(const struct http_address *a, const struct http_address *b)
{
	return a->is_unix == b->is_unix && memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

bool
http_address_is_loopback(const struct http_address *a)
{
	static const uint8_t one[16] = { [15] = 1 };

	if (a->is_unix)
		return false;
	return is_v4(a) ? a->ip[12] == 127 : memcmp(a->ip, one, sizeof(one)) == 0;
}

uint16_t
http_port_of(const struct sockaddr_storage *a)
{
	if (a->ss_family == AF_INET6)
		return ntohs(((const struct sockaddr_in6 *)a)->sin6_port);
	return a->ss_family == AF_INET ?
		ntohs(((const struct sockaddr_in *)a)->sin_port) : 0;
}

/* ---- where ---------------------------------------------------------------- */

static enum outcome
no_address(const char *where, struct fault *f)
{
	return FAULT_AT(f, "%s: not an address to listen on; write 127.0.0.1:8443, "
			   "[::1]:8443 or unix:/path", where);
}

enum outcome
http_where_parse(const char *where, struct sockaddr_storage *out, struct fault *f)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
	const char *colon = strrchr(where, ':');
	bool brackets = where[0] == '[' && colon > where && colon[-1] == ']';
	size_t skip = brackets ? 1 : 0;
	char host[INET6_ADDRSTRLEN] = "";
	uint64_t port;
	size_t n;

	if (colon == NULL || !bytes_to_u64(bytes_of(colon + 1), &port) || port > 65535)
		return no_address(where, f);
	n = (size_t)(colon - where) - 2 * skip;
	if (n >= sizeof(host))
		return no_address(where, f);
	memcpy(host, where + skip, n);
	memset(out, 0, sizeof(*out));
	if (!brackets && inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)port);
		return DONE;
	}
	if (brackets && inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)port);
		return DONE;
	}
	return no_address(where, f);
}

static socklen_t
length_of(const struct sockaddr_storage *a)
{
	return a->ss_family == AF_INET ? sizeof(struct sockaddr_in)
				       : sizeof(struct sockaddr_in6);
}

/* A bound socket, -1 with errno. */
static int
bind_tcp(const struct sockaddr_storage *a, int shared)
{
	int fd = socket(a->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int one = 1;
	int why;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &shared, sizeof(shared));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)); /* inherited */
	if (a->ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (bind(fd, (const struct sockaddr *)a, length_of(a)) == 0)
		return fd;
	why = errno;
	close(fd);
	errno = why;
	return -1;
}

static enum outcome
may_listen(const char *where, bool plain, struct sockaddr_storage *out, struct fault *f)
{
	struct http_address address;

	TRY(http_where_parse(where, out, f));
	http_address_of(out, &address);
	/* R2.2: plain HTTP never leaves the machine. */
	if (plain && !http_address_is_loopback(&address))
		return FAULT_AT(f, "%s: plain HTTP is served on loopback addresses and "
				   "Unix sockets only; give a certificate", where);
	return DONE;
}

enum outcome
http_listen_check(const char *where, bool plain, struct fault *f)
{
	struct sockaddr_storage a;

	return bytes_starts(bytes_of(where), B("unix:")) ? DONE
		: may_listen(where, plain, &a, f);
}

/* What errno means to who wanted to listen, and what to do about it. */
static enum outcome
cannot_listen(const char *where, struct fault *f)
{
	int why = errno;

	return FAULT_AT(f, "%s: cannot listen: %s%s", where, strerror(why),
		why == EADDRINUSE ? " by another server (ss -ltnp tells whose it is): stop "
				    "that one or choose another port" :
		why == EACCES ? ": ports below 1024 are for root or CAP_NET_BIND_SERVICE" :
		why == EADDRNOTAVAIL ? ": no interface of this machine has it" : "");
}

/*
 * SO_REUSEPORT lets the threads share a port, but it would also let a second
 * latchkey of the same user take half of the first one's connections. So the
 * first server of a process tries without it.
 */
static enum outcome
listen_tcp(const struct http_listen *l, int *fd, struct fault *f)
{
	struct sockaddr_storage a;
	int socket_fd;

	TRY(may_listen(l->where, l->plain, &a, f));
	if (!l->join) {
		socket_fd = bind_tcp(&a, 0);
		if (socket_fd < 0)
			return cannot_listen(l->where, f);
		close(socket_fd);
	}
	socket_fd = bind_tcp(&a, 1);
	if (socket_fd >= 0 && listen(socket_fd, BACKLOG) == 0) {
		*fd = socket_fd;
		return DONE;
	}
	(void)cannot_listen(l->where, f);
	if (socket_fd >= 0)
		close(socket_fd);
	return FAULT;
}

/* A socket nobody listens on is left over from a process that was killed. */
static bool
is_left_over(const struct sockaddr_un *a)
{
	struct stat st;
	int fd;
	bool refused;

	if (lstat(a->sun_path, &st) != 0 || !S_ISSOCK(st.st_mode))
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	refused = connect(fd, (const struct sockaddr *)a, sizeof(*a)) != 0 &&
		errno == ECONNREFUSED;
	close(fd);
	return refused;
}

static enum outcome
listen_unix(const struct http_listen *l, int *fd, struct fault *f)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	const char *path = l->where + sizeof("unix:") - 1;
	int socket_fd;

	if (l->join) {
		*fd = -1;
		return DONE;
	}
	if (path[0] == '\0' || strlen(path) >= sizeof(a.sun_path))
		return FAULT_AT(f, "%s: a socket's path has 1 to %zu bytes", l->where,
			sizeof(a.sun_path) - 1);
	memcpy(a.sun_path, path, strlen(path));
	if (is_left_over(&a))
		unlink(path);
	socket_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (socket_fd >= 0 &&
	    bind(socket_fd, (const struct sockaddr *)&a, sizeof(a)) == 0 &&
	    listen(socket_fd, BACKLOG) == 0) {
		*fd = socket_fd;
		return DONE;
	}
	(void)cannot_listen(l->where, f);
	if (socket_fd >= 0)
		close(socket_fd);
	return FAULT;
}

enum outcome
http_listen(const struct http_listen *l, int *fd, struct fault *f)
{
	if (bytes_starts(bytes_of(l->where), B("unix:")))
		return listen_unix(l, fd, f);
	return listen_tcp(l, fd, f);
}
