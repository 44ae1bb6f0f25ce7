/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mailbox.h - how a thread is handed work, or an answer, by another thread.
 *
 * Promises: letters arrive in the order they were posted; posting never
 * blocks and never allocates (the link lives inside the letter); the file
 * descriptor is readable while there is something to take.
 */
#ifndef LATCHKEY_BASE_MAILBOX_H
#define LATCHKEY_BASE_MAILBOX_H

#include <stdbool.h>
#include <stddef.h>

struct mailbox;

/* Embed as the first member of what is sent, or use a container-of. */
struct letter {
	struct letter *next;
	void (*open)(struct letter *); /* run by mailbox_deliver, on the owner's thread */
};

struct mailbox *mailbox_new(void);
void mailbox_free(struct mailbox *m); /* letters still inside are not opened */
int mailbox_fd(const struct mailbox *m); /* an eventfd, for epoll */
void mailbox_post(struct mailbox *m, struct letter *l); /* any thread */
/* Posts a whole list, in its order and with one wake-up; last: its last letter. */
void mailbox_post_list(struct mailbox *m, struct letter *first, struct letter *last);
/* Takes the whole list in order, without waiting (owner only). */
struct letter *mailbox_take(struct mailbox *m);
/* Waits until there is something, or timeout_ms passed (-1: for ever), then takes. */
struct letter *mailbox_wait(struct mailbox *m, int timeout_ms);
/* Opens everything that has arrived; returns how many (owner only). */
size_t mailbox_deliver(struct mailbox *m);

#endif
