/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hasher.h - a few threads for argon2id, so that sign-ins cannot starve tokens.
 *
 * Promises: bounded in threads (half the CPUs, at least one) and in what waits;
 * when full it says so at once; the answer comes as a letter to the asker's
 * mailbox. Browsers that signed in before have a queue of their own, and every
 * second turn while both wait: strangers cannot keep them out, nor they strangers.
 */
#ifndef LATCHKEY_SERVER_HASHER_H
#define LATCHKEY_SERVER_HASHER_H

#include "base/bytes.h"
#include "base/mailbox.h"

struct hasher;

struct hash_job {              /* lives in the asker's arena until done runs */
	struct letter letter;  /* the hasher's */
	struct bytes password;
	const char *hash;      /* NULL: unknown person; takes as long as ever */
	bool known;            /* of a browser that signed in before */
	bool matches;          /* output */
	struct mailbox *reply; /* of the asker's loop */
	void (*done)(struct hash_job *); /* on the asker's thread */
	void *arg;
};

struct hasher *hasher_new(size_t queue); /* so many may wait in each of the two */
void hasher_free(struct hasher *h); /* finishes what is queued */
/* false: full; done will not run. */
bool hasher_ask(struct hasher *h, struct hash_job *job);
size_t hasher_waiting(struct hasher *h);       /* for /metrics */

#endif
