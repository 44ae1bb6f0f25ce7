/* SPDX-License-Identifier: Apache-2.0 */
/*
 * child_socket.h - a command as our child, and a Unix socket beside it that gives a
 * fresh token to each who connects.
 *
 * Promises: the socket is in a directory of its own (0700) and answers this user's
 * processes only; signals are passed on, and how the child ends is how we end; socket
 * and directory go with it, or where we are killed with the next who makes one.
 */
#ifndef LATCHKEY_CLI_CHILD_SOCKET_H
#define LATCHKEY_CLI_CHILD_SOCKET_H

#include "cli/connections.h"

/* become: makes a process the command, or returns what to exit with. */
int child_with_socket(struct cli *c, const char *const *command, int64_t least,
	int (*become)(const struct cli *, const char *const *command));

#endif
