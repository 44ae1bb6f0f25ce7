/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_inherit.h - sockets that listened before this process did: systemd's, or those
 * of the server that this one replaces. What waits in their backlogs waits on.
 */
#ifndef LATCHKEY_HTTP_HTTP_INHERIT_H
#define LATCHKEY_HTTP_HTTP_INHERIT_H

#include <stdbool.h>
#include <stddef.h>

struct http_inherited {
	int *fds; /* each with FD_CLOEXEC */
	size_t count;
};

/* sd_listen_fds(3): takes over what $LISTEN_FDS says is ours, and unsets it, so that no
 * child takes it for its own. */
void http_inherit_systemd(struct http_inherited *h);
void http_inherit_add(struct http_inherited *h, int fd); /* takes it over */
void http_inherit_close(struct http_inherited *h);

/*
 * Which of them the server that is the nth of `of` listens with at `where`, as copies
 * of its own in fds (room for h->count). All are dealt out, since a socket that nobody
 * accepts from would keep its connections waiting; who gets none shares one. 0: there
 * is none for that address.
 */
size_t http_inherited_at(const struct http_inherited *h, const char *where, size_t nth,
	size_t of, int *fds);

#endif
