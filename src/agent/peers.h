/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peers.h - the programs that ask: who they are, one line in, one line out.
 *
 * Promises: nobody is heard whose user is not the agent's own (SO_PEERCRED), not even
 * root; a line is bounded in size and time, programs in number; a program that goes
 * away or says nothing costs nothing more; what was said is wiped.
 */
#ifndef LATCHKEY_AGENT_PEERS_H
#define LATCHKEY_AGENT_PEERS_H

#include "agent/minder.h"

struct peers;

/* key: the vault's, for programs with no other way to it; NULL: it is not given. */
struct peers *peers_new(struct loop *loop, int listener, struct minder *minder,
	const uint8_t *key);
void peers_stop(struct peers *p);        /* nobody more is heard */
bool peers_gone(const struct peers *p);
void peers_free(struct peers *p);        /* after the minder's last answer */

#endif
