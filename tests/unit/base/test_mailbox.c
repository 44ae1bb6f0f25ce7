/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of base/mailbox.c. */
#include "base/mailbox.h"

#include <poll.h>
#include <pthread.h>

#include "base/clock.h"
#include "tap.h"

struct numbered {
	struct letter letter;
	int number;
};

static int opened[8], opened_count;

static void
note(struct letter *l)
{
	opened[opened_count++] = ((struct numbered *)l)->number;
}

static bool
readable(const struct mailbox *m)
{
	struct pollfd p = { .fd = mailbox_fd(m), .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

TEST(letters_are_opened_in_the_order_they_were_posted)
{
	struct mailbox *m = mailbox_new();
	struct numbered letters[3] = { 0 };

	opened_count = 0;
	for (int i = 0; i < 3; i++) {
		letters[i] = (struct numbered){ { .open = note }, i + 1 };
		mailbox_post(m, &letters[i].letter);
	}
	check_int((int64_t)mailbox_deliver(m), 3);
	for (int i = 0; i < 3; i++)
		check_int(opened[i], i + 1);
	check_int((int64_t)mailbox_deliver(m), 0);
	mailbox_free(m);
}

TEST(the_descriptor_is_readable_while_there_is_something_to_take)
{
	struct mailbox *m = mailbox_new();
	struct letter a = { 0 }, b = { 0 };

	check(!readable(m));
	mailbox_post(m, &a);
	mailbox_post(m, &b);
	check(readable(m));
	check(mailbox_take(m) == &a && a.next == &b && b.next == NULL);
	check(!readable(m));
	check(mailbox_take(m) == NULL);
	mailbox_post(m, &b);
	check(readable(m));
	check(mailbox_take(m) == &b);
	mailbox_free(m);
}

TEST(waiting_ends_at_its_time_or_with_a_letter)
{
	struct mailbox *m = mailbox_new();
	int64_t before = clock_monotonic_ms();
	struct letter a = { 0 };

	check(mailbox_wait(m, 30) == NULL);
	check(clock_monotonic_ms() - before >= 30);
	mailbox_post(m, &a);
	check(mailbox_wait(m, -1) == &a);
	check(mailbox_wait(m, 0) == NULL);
	mailbox_free(m);
}

enum { SENDERS = 4, EACH = 5000 };

struct sender {
	struct mailbox *to;
	struct numbered letters[EACH];
};

static void *
send_all(void *arg)
{
	struct sender *s = arg;

	for (int i = 0; i < EACH; i++) {
		s->letters[i].number = i;
		mailbox_post(s->to, &s->letters[i].letter);
	}
	return NULL;
}

/* Which sender's letter it is; its number must be the next of that sender. */
static void
receive(struct sender *senders, int *next, struct letter *l)
{
	struct numbered *n = (struct numbered *)l;

	for (int s = 0; s < SENDERS; s++)
		if (n >= senders[s].letters && n < senders[s].letters + EACH)
			check_int(n->number, next[s]++);
}

TEST(nothing_is_lost_or_overtaken_between_threads)
{
	struct mailbox *m = mailbox_new();
	struct sender *senders = calloc(SENDERS, sizeof(*senders));
	pthread_t threads[SENDERS];
	int next[SENDERS] = { 0 };
	int left = SENDERS * EACH;

	for (int i = 0; i < SENDERS; i++) {
		senders[i].to = m;
		pthread_create(&threads[i], NULL, send_all, &senders[i]);
	}
	while (left > 0) {
		struct letter *l = mailbox_wait(m, 5000);

		if (!check(l != NULL))
			break;
		for (struct letter *after; l != NULL; l = after) {
			after = l->next;
			receive(senders, next, l);
			left--;
		}
	}
	for (int i = 0; i < SENDERS; i++) {
		pthread_join(threads[i], NULL);
		check_int(next[i], EACH);
	}
	free(senders);
	mailbox_free(m);
}
