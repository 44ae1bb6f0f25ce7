/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_inherit.c - inherited sockets, found by the address they are bound to.
 */
#include "http/http_inherit.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/arena.h"
#include "http/http_address.h"

#define FIRST_FD 3 /* SD_LISTEN_FDS_START */
#define MOST_FDS 4096

/* ---- where they come from ------------------------------------------------- */

void
http_inherit_add(struct http_inherited *h, int fd)
{
	int *longer = must_calloc(h->count + 1, sizeof(*longer));

	if (h->count > 0)
		memcpy(longer, h->fds, h->count * sizeof(*longer));
	free(h->fds);
	h->fds = longer;
	h->fds[h->count++] = fd;
}

static bool
number_of(const char *name, uint64_t *out)
{
	return bytes_to_u64(bytes_of(getenv(name)), out);
}

void
http_inherit_systemd(struct http_inherited *h)
{
	uint64_t pid = 0, count = 0;
	bool ours = number_of("LISTEN_PID", &pid) && number_of("LISTEN_FDS", &count) &&
		pid == (uint64_t)getpid() && count <= MOST_FDS;

	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	for (int fd = FIRST_FD; ours && fd < FIRST_FD + (int)count; fd++)
		if (fcntl(fd, F_SETFD, FD_CLOEXEC) == 0)
			http_inherit_add(h, fd);
}

void
http_inherit_close(struct http_inherited *h)
{
	for (size_t i = 0; i < h->count; i++)
		close(h->fds[i]);
	free(h->fds);
	*h = (struct http_inherited){ NULL, 0 };
}

/* ---- which is which ------------------------------------------------------- */

static bool
is_unix_at(const struct sockaddr_storage *a, socklen_t length, const char *path)
{
	const struct sockaddr_un *u = (const struct sockaddr_un *)a;
	size_t n = length - offsetof(struct sockaddr_un, sun_path);

	return length > offsetof(struct sockaddr_un, sun_path) &&
		bytes_equal((struct bytes){ u->sun_path, strnlen(u->sun_path, n) },
			bytes_of(path));
}

/* The port that was chosen by the system is as good as the wish for any. */
static bool
is_tcp_at(const struct sockaddr_storage *a, const struct sockaddr_storage *wanted)
{
	struct http_address is, should;
	uint16_t port = http_port_of(wanted);

	http_address_of(a, &is);
	http_address_of(wanted, &should);
	return a->ss_family == wanted->ss_family && http_address_equal(&is, &should) &&
		(port == 0 || port == http_port_of(a));
}

static bool
listens_at(int fd, const char *where)
{
	struct sockaddr_storage a = { .ss_family = AF_UNSPEC }, wanted;
	socklen_t length = sizeof(a), size = sizeof(int);
	int listening = 0;
	struct fault f;

	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) != 0 ||
		!listening || getsockname(fd, (struct sockaddr *)&a, &length) != 0)
		return false;
	if (bytes_starts(bytes_of(where), B("unix:")))
		return a.ss_family == AF_UNIX &&
			is_unix_at(&a, length, where + sizeof("unix:") - 1);
	return http_where_parse(where, &wanted, &f) == DONE && is_tcp_at(&a, &wanted);
}

/* Its own descriptor of the same socket, as accept_ready wants it. */
static int
copy_of(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)
		return -1;
	return fcntl(fd, F_DUPFD_CLOEXEC, FIRST_FD);
}

static size_t
copies_of(const int *from, size_t count, size_t nth, size_t of, int *fds)
{
	size_t n = 0;

	/* Fewer sockets than servers: the rest share. */
	for (size_t i = nth < count ? nth : nth % count; i < count; i += of) {
		int fd = copy_of(from[i]);

		if (fd >= 0)
			fds[n++] = fd;
		if (nth >= count)
			break;
	}
	return n;
}

size_t
http_inherited_at(const struct http_inherited *h, const char *where, size_t nth,
	size_t of, int *fds)
{
	int *there = must_calloc(h->count + 1, sizeof(*there));
	size_t count = 0, n = 0;

	for (size_t i = 0; i < h->count; i++)
		if (listens_at(h->fds[i], where))
			there[count++] = h->fds[i];
	if (count > 0)
		n = copies_of(there, count, nth, of, fds);
	free(there);
	return n;
}
