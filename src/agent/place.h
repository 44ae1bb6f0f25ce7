/* SPDX-License-Identifier: Apache-2.0 */
/*
 * place.h - where the agent is found: a lock file that says there is one agent a vault,
 * and the socket beside it.
 *
 * Promises: the directory is the person's alone (0700, owner) or nothing is made in it;
 * a socket is replaced only by the holder of the lock, so that the one a killed agent
 * left is, and the one of a living agent is not.
 */
#ifndef LATCHKEY_AGENT_PLACE_H
#define LATCHKEY_AGENT_PLACE_H

#include "base/outcome.h"

struct place {
	char socket[108];
	int lock_fd, listener;
};

/* For the vault at `where`. REFUSED: another agent is there. */
enum outcome place_take(const char *where, struct place *out, struct fault *f)
	must_check;
/* Removes the socket, then lets the lock go; the lock file stays, or two agents could
 * each hold a lock on a file of that name. */
void place_leave(struct place *p);

#endif
