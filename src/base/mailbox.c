/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mailbox.c - a list under a lock, and an eventfd that is raised while the
 * list is not empty. The lock is held for a few instructions and at most one
 * system call, which never waits, so posting never blocks in practice.
 */
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/mailbox.h"

struct mailbox {
	pthread_mutex_t lock;
	struct letter *first;
	struct letter **last; /* where the next letter is hung */
	int fd;
};

struct mailbox *
mailbox_new(void)
{
	struct mailbox *m = must_calloc(1, sizeof(*m));
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (fd < 0) {
		perror("latchkey: cannot make a mailbox");
		abort();
	}
	pthread_mutex_init(&m->lock, NULL);
	m->last = &m->first;
	m->fd = fd;
	return m;
}

void
mailbox_free(struct mailbox *m)
{
	if (m == NULL)
		return;
	close(m->fd);
	pthread_mutex_destroy(&m->lock);
	free(m);
}

int
mailbox_fd(const struct mailbox *m)
{
	return m->fd;
}

void
mailbox_post_list(struct mailbox *m, struct letter *first, struct letter *last)
{
	bool was_empty;

	last->next = NULL;
	pthread_mutex_lock(&m->lock);
	was_empty = m->first == NULL;
	*m->last = first;
	m->last = &last->next;
	/* Under the lock: the owner may free the mailbox once it has the letter. */
	if (was_empty && eventfd_write(m->fd, 1) != 0)
		abort();
	pthread_mutex_unlock(&m->lock);
}

void
mailbox_post(struct mailbox *m, struct letter *l)
{
	mailbox_post_list(m, l, l);
}

struct letter *
mailbox_take(struct mailbox *m)
{
	struct letter *all;
	eventfd_t raised;

	pthread_mutex_lock(&m->lock);
	all = m->first;
	m->first = NULL;
	m->last = &m->first;
	if (all != NULL && eventfd_read(m->fd, &raised) != 0)
		abort();
	pthread_mutex_unlock(&m->lock);
	return all;
}

struct letter *
mailbox_wait(struct mailbox *m, int timeout_ms)
{
	int64_t until = clock_monotonic_ms() + timeout_ms;
	struct pollfd p = { .fd = m->fd, .events = POLLIN };
	struct letter *all = mailbox_take(m);
	int left = timeout_ms;

	while (all == NULL && left != 0) {
		(void)poll(&p, 1, left); /* a signal is only an early look */
		all = mailbox_take(m);
		if (timeout_ms > 0) {
			int64_t rest = until - clock_monotonic_ms();

			left = rest > 0 ? (int)rest : 0;
		}
	}
	return all;
}

size_t
mailbox_deliver(struct mailbox *m)
{
	struct letter *l = mailbox_take(m);
	size_t count = 0;

	while (l != NULL) {
		struct letter *next = l->next; /* opening may free it */

		l->open(l);
		l = next;
		count++;
	}
	return count;
}
