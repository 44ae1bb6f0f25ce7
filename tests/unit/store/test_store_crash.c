/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contract of store.h: what was told DONE is there after kill -9, and nothing is
 * there that nobody asked for. A child refreshes and opens grants in waves and
 * writes each answer into a pipe; it is killed at a random moment; the parent,
 * which knows only what came through the pipe, looks at what is left.
 */
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "base/clock.h"
#include "base/secret.h"
#include "place.h"

#define ROUNDS 20
#define REFRESHED 40 /* grants 0 .. 39, refreshed in each wave */
#define OPENED 5 /* new grants in each wave, numbered on from here: */
#define OPENED_FIRST 1000

/* One answer; smaller than PIPE_BUF, so it is never torn. */
struct told {
	uint32_t number, generation;
};

/* What the parent knows for certain. */
struct known {
	uint32_t generations[REFRESHED];
	uint32_t opened; /* the number of the next to be opened */
};

/* ---- the child ----------------------------------------------------------- */

static void
tell(int fd, size_t number, uint32_t generation)
{
	struct told told = { (uint32_t)number, generation };

	if (write(fd, &told, sizeof(told)) != (ssize_t)sizeof(told))
		_exit(3);
}

static void
wave(struct place *at, struct known *k, int fd)
{
	static struct grant_change changes[REFRESHED];
	static struct grant_open opens[OPENED];

	for (size_t i = 0; i < REFRESHED; i++) {
		changes[i] = refresh_of(at, i, k->generations[i]);
		store_grant_change(at->port, &changes[i]);
	}
	for (size_t i = 0; i < OPENED; i++) {
		opens[i] = (struct grant_open){ .call = call_of(at),
			.grant = grant_live(k->opened + i) };
		store_grant_open(at->port, &opens[i]);
	}
	for (size_t i = 0; i < REFRESHED; i++) {
		if (store_wait(at->port, &changes[i].call) != DONE ||
			changes[i].verdict.kind != VERDICT_ISSUE)
			_exit(4);
		k->generations[i] = changes[i].grant.generation;
		tell(fd, i, k->generations[i]);
	}
	for (size_t i = 0; i < OPENED; i++) {
		if (store_wait(at->port, &opens[i].call) != DONE || opens[i].taken)
			_exit(5);
		tell(fd, k->opened + i, 1);
	}
	k->opened += OPENED;
	arena_reset(at->arena);
}

static void
child(struct place *at, struct known k, int fd)
{
	if (!place_open(at))
		_exit(6);
	for (;;)
		wave(at, &k, fd);
}

/* ---- the parent ---------------------------------------------------------- */

static void
learn(struct known *k, const struct told *told)
{
	if (told->number < REFRESHED)
		k->generations[told->number] = told->generation;
	else if (told->number >= k->opened)
		k->opened = told->number + 1;
}

/* Listens until the child has been killed and its pipe is empty; answers heard. */
static size_t
listen_and_kill(pid_t pid, int fd, struct known *k)
{
	uint16_t r;
	struct timespec life = { 0 };
	struct told told;
	size_t heard = 0;
	int status = 0;

	secret_random(&r, sizeof(r));
	/* The first answer says that it is at work; then up to 60 ms. */
	if (read(fd, &told, sizeof(told)) == (ssize_t)sizeof(told)) {
		learn(k, &told);
		heard++;
	}
	life.tv_nsec = r % 60000 * 1000;
	nanosleep(&life, NULL);
	kill(pid, SIGKILL);
	check_int(waitpid(pid, &status, 0), pid);
	check(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	while (read(fd, &told, sizeof(told)) == (ssize_t)sizeof(told)) {
		learn(k, &told);
		heard++;
	}
	return heard;
}

/* Nothing told is lost; at most the one wave that was under way is there untold. */
static void
check_what_is_left(struct place *at, struct known *k)
{
	for (size_t i = 0; i < REFRESHED; i++) {
		struct grant_find c = find_grant(at, i);

		check(c.found && c.grant.state == GRANT_LIVE);
		check(c.grant.generation == k->generations[i] ||
			c.grant.generation == k->generations[i] + 1);
		k->generations[i] = c.grant.generation;
	}
	for (size_t n = OPENED_FIRST; n < k->opened; n++)
		check(find_grant(at, n).found);
	for (size_t i = 0; i < OPENED && find_grant(at, k->opened).found; i++)
		k->opened++;
	check(!find_grant(at, k->opened).found);
	check_int(place_sql(at, "SELECT count(*) FROM grants"),
		REFRESHED + k->opened - OPENED_FIRST);
}

static size_t
one_round(struct place *at, struct known *k)
{
	int channel[2];
	size_t heard;
	int64_t since;
	pid_t pid;

	if (!check(pipe(channel) == 0))
		return 0;
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		close(channel[0]);
		child(at, *k, channel[1]);
	}
	close(channel[1]);
	heard = listen_and_kill(pid, channel[0], k);
	close(channel[0]);
	since = clock_monotonic_ms();
	if (check(place_open(at)))
		check_what_is_left(at, k);
	check(clock_monotonic_ms() - since < 5000);
	check_int(place_sql(at,
			  "SELECT integrity_check = 'ok' FROM pragma_integrity_check"),
		1);
	place_close(at);
	arena_reset(at->arena);
	return heard;
}

TEST(what_was_acknowledged_survives_kill_minus_nine)
{
	struct place at = place_new();
	struct known k = { .opened = OPENED_FIRST };
	size_t heard = 0;

	for (size_t i = 0; i < REFRESHED; i++) {
		struct grant g = grant_live(i);

		open_grant(&at, &g);
		k.generations[i] = 1;
	}
	place_close(&at);
	for (int i = 0; i < ROUNDS; i++) {
		row("round %d", i);
		heard += one_round(&at, &k);
	}
	printf("# %zu answers were told and are kept\n", heard);
	check(heard > ROUNDS * 10);
	place_remove(&at);
}
