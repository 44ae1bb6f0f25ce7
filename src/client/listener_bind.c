/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listener_bind.c - sockets on 127.0.0.1 and ::1 that are nobody else's.
 */
#include "client/listener_bind.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 16
#define TRIES 8

static int
bind_to(const struct sockaddr *address, socklen_t size)
{
	const int on = 1;
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	/* No SO_REUSEADDR and no SO_REUSEPORT: nobody shares it (CL-15). */
	if ((address->sa_family == AF_INET6 &&
		    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) != 0) ||
		bind(fd, address, size) != 0 || listen(fd, BACKLOG) != 0) {
		int reason = errno;

		close(fd);
		errno = reason;
		return -1;
	}
	return fd;
}

static int
bind_ipv4(uint16_t port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	return bind_to((const struct sockaddr *)&at, sizeof(at));
}

static int
bind_ipv6(uint16_t port)
{
	struct sockaddr_in6 at = { .sin6_family = AF_INET6, .sin6_port = htons(port),
		.sin6_addr = IN6ADDR_LOOPBACK_INIT };

	return bind_to((const struct sockaddr *)&at, sizeof(at));
}

/* The port is at the same place in both kinds of address. */
uint16_t
listener_port(int fd)
{
	struct sockaddr_in6 at = { 0 };
	socklen_t size = sizeof(at);

	getsockname(fd, (struct sockaddr *)&at, &size);
	return ntohs(at.sin6_port);
}

/* "localhost" is what a browser makes of it: first ::1, then 127.0.0.1. Both are
 * taken, or somebody else could take the other. */
static size_t
bind_both(uint16_t port, int fds[static 2])
{
	int reason;

	fds[0] = bind_ipv4(port);
	if (fds[0] < 0)
		return 0;
	fds[1] = bind_ipv6(listener_port(fds[0]));
	if (fds[1] >= 0)
		return 2;
	reason = errno;
	if (reason == EAFNOSUPPORT || reason == EADDRNOTAVAIL)
		return 1; /* a machine without IPv6 */
	close(fds[0]);
	errno = reason;
	return 0;
}

size_t
listener_bind(struct bytes host, uint16_t port, int fds[static 2])
{
	size_t count = 0;

	if (bytes_equal_nocase(host, B("localhost"))) {
		/* A port the kernel chose for the one may be taken at the other. */
		for (int i = 0; count == 0 && i < (port == 0 ? TRIES : 1); i++)
			count = bind_both(port, fds);
		return count;
	}
	fds[0] = bytes_equal(host, B("[::1]")) ? bind_ipv6(port) : bind_ipv4(port);
	return fds[0] >= 0;
}
