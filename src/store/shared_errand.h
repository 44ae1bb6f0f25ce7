/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shared_errand.h - what another thread is sent to do while we wait; without a mailbox
 * of our own, because that wants a descriptor, and there may be none left.
 */
#ifndef LATCHKEY_STORE_SHARED_ERRAND_H
#define LATCHKEY_STORE_SHARED_ERRAND_H

#include <pthread.h>
#include <stdbool.h>

#include "base/mailbox.h"

/* The first member of what the other thread has to know. */
struct errand {
	struct letter letter; /* its open is the caller's to set */
	pthread_mutex_t lock;
	pthread_cond_t over;
	bool done;
};

/* Posts it, and returns once errand_done was called. */
void errand_send(struct errand *e, struct mailbox *to);
void errand_done(struct errand *e); /* from here on it may be gone */

#endif
