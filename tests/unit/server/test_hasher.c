/* SPDX-License-Identifier: Apache-2.0 */
/* test_hasher.c - the password threads: bounded, answering by letter, never dropping. */
#include "server/hasher.h"

#include "crypto/password.h"
#include "tap.h"

#define JOBS 40

static struct mailbox *home;
static int answered, matched;

static void
count_answer(struct hash_job *job)
{
	answered++;
	matched += job->matches;
}

static int first_known; /* how many had been answered when the first known one was */

static void
count_known(struct hash_job *job)
{
	count_answer(job);
	first_known = first_known == 0 ? answered : first_known;
}

static struct hash_job
job_for(const char *password, const char *hash)
{
	return (struct hash_job){ .password = bytes_of(password), .hash = hash,
		.reply = home, .done = count_answer };
}

static void
wait_for(int answers)
{
	while (answered < answers) {
		struct letter *l = mailbox_wait(home, 10000);

		if (!check(l != NULL))
			return;
		while (l != NULL) {
			struct letter *next = l->next;

			l->open(l);
			l = next;
		}
	}
}

static void
begin(void)
{
	home = mailbox_new();
	answered = matched = 0;
}

TEST(right_wrong_and_unknown_are_told_apart)
{
	char hash[PASSWORD_HASH_MAX];
	struct fault f;
	struct hasher *h = hasher_new(8);
	struct hash_job jobs[3];

	begin();
	check_int(password_hash(B("correct horse"), hash, &f), DONE);
	jobs[0] = job_for("correct horse", hash);
	jobs[1] = job_for("battery staple", hash);
	jobs[2] = job_for("correct horse", NULL);
	for (int i = 0; i < 3; i++)
		check(hasher_ask(h, &jobs[i]));
	wait_for(3);
	check(jobs[0].matches);
	check(!jobs[1].matches);
	check(!jobs[2].matches);
	hasher_free(h);
	mailbox_free(home);
}

/* A flood of sign-ins is turned away early, and what was taken is answered. */
TEST(when_full_it_says_so_and_drops_nothing_it_took)
{
	struct hasher *h = hasher_new(4);
	struct hash_job jobs[JOBS];
	int taken = 0;

	begin();
	for (int i = 0; i < JOBS; i++) {
		jobs[i] = job_for("guess", NULL);
		taken += hasher_ask(h, &jobs[i]);
		check(hasher_waiting(h) <= 4);
	}
	check(taken >= 4);
	check(taken < JOBS);
	wait_for(taken);
	check_int(answered, taken);
	check_int(matched, 0);
	/* There is room again. */
	jobs[0] = job_for("guess", NULL);
	check(hasher_ask(h, &jobs[0]));
	wait_for(taken + 1);
	hasher_free(h);
	mailbox_free(home);
}

/* One thread works off what was asked first; who is known waits for one of each. */
TEST(strangers_do_not_keep_known_browsers_out)
{
	struct hasher *h = hasher_new(4);
	struct hash_job strangers[JOBS], known[4];
	int before = 0;

	begin();
	for (int i = 0; i < JOBS; i++) {
		strangers[i] = job_for("guess", NULL);
		before += hasher_ask(h, &strangers[i]);
	}
	check(before < JOBS); /* full, for strangers */
	for (int i = 0; i < 4; i++) {
		known[i] = job_for("guess", NULL);
		known[i].known = true;
		known[i].done = count_known;
		check(hasher_ask(h, &known[i]));
	}
	wait_for(before + 4);
	/* The first of them had to wait for the one at work and one turn at most. */
	check(first_known <= 3);
	hasher_free(h);
	mailbox_free(home);
}

TEST(ending_it_finishes_what_is_queued)
{
	struct hasher *h = hasher_new(8);
	struct hash_job jobs[6];

	begin();
	for (int i = 0; i < 6; i++) {
		jobs[i] = job_for("guess", NULL);
		check(hasher_ask(h, &jobs[i]));
	}
	hasher_free(h);
	check_int((int64_t)mailbox_deliver(home), 6);
	check_int(answered, 6);
	mailbox_free(home);
	hasher_free(NULL);
}
