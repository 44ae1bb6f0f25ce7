/* SPDX-License-Identifier: Apache-2.0 */
/*
 * socket_place.h - a directory for one Unix socket, gone with whoever made it.
 *
 * Promises: it is this user's alone (0700); it is held by a lock for as long as its
 * process lives, so that one whose process was killed is cleared away by the next.
 */
#ifndef LATCHKEY_CLI_SOCKET_PLACE_H
#define LATCHKEY_CLI_SOCKET_PLACE_H

#include <stdbool.h>
#include <sys/un.h>

struct socket_place {
	int directory; /* -1: none; its lock is ours */
	char path[64];
	struct sockaddr_un at;
};

/* Where other files of this session live, or /tmp. false with errno: it cannot be. */
bool socket_place_make(struct socket_place *p);
void socket_place_remove(struct socket_place *p);

#endif
