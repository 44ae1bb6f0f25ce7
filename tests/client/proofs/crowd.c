/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crowd.c - many processes with many threads each ask for a token at one moment:
 *
 *	crowd VAULT NAME PROCESSES THREADS ROUNDS expiry|refused [no-agent]
 *
 * In each round everybody first takes the token that is there, then all ask again:
 * `expiry` when its life has run out, `refused` at once, as after a 401. With `expiry`
 * the first has the token replaced before, and the server gives that one a short life
 * and the next a long one: however slow the machine is, a round has two refreshes, the
 * first one's and the crowd's. One line of JSON a round says how many got a token, how
 * many different ones, and how many the old one. Nothing of a token is printed but a
 * digest.
 *
 * It uses the library as any program does: by its header alone.
 */
#include <errno.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "latchkey/latchkey.h"

#define TICKET 16
#define CROWD_MAX 1024
#define PATIENCE_S 600 /* a round that hangs ends the process */

struct ticket {
	enum lk_status status;
	uint8_t before[TICKET], after[TICKET];
	int64_t took_ms;
	char message[200];
};

static struct shared {
	pthread_barrier_t gate;
	int64_t due_ms;
	uint8_t stale[TICKET]; /* with expiry: the token that runs out */
	struct ticket tickets[CROWD_MAX];
} *shared;

static struct settings {
	const char *vault, *name;
	int processes, threads, rounds;
	bool refused;
	unsigned flags;
} settings;

static struct lk_connection *connection; /* of this process */

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void
sleep_until(int64_t ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
		;
}

static void
print_digest(const struct lk_token *token, uint8_t out[static TICKET])
{
	uint8_t whole[SHA256_DIGEST_LENGTH];
	const char *text = lk_token_text(token);

	SHA256((const unsigned char *)text, strlen(text), whole);
	memcpy(out, whole, TICKET);
}

/* What the crowd has got, by whoever is first in it. */
static void
report(int round)
{
	int crowd = settings.processes * settings.threads, ok = 0, distinct = 0, old = 0;
	int64_t slowest = 0;
	const char *complaint = "";

	for (int i = 0; i < crowd; i++) {
		const struct ticket *t = &shared->tickets[i];
		bool seen = false;

		if (t->took_ms > slowest)
			slowest = t->took_ms;
		if (t->status != LK_OK) {
			complaint = t->message;
			continue;
		}
		ok++;
		for (int k = 0; k < i && !seen; k++)
			seen = shared->tickets[k].status == LK_OK &&
				memcmp(shared->tickets[k].after, t->after, TICKET) == 0;
		distinct += !seen;
		old += memcmp(t->before, t->after, TICKET) == 0;
	}
	printf("{\"round\":%d,\"crowd\":%d,\"ok\":%d,\"distinct\":%d,\"old\":%d,"
	       "\"slowest_ms\":%lld,\"complaint\":\"%s\"}\n",
		round, crowd, ok, distinct, old, (long long)slowest, complaint);
	fflush(stdout);
}

static void
fail_round(struct ticket *t, enum lk_status status, const struct lk_error *e)
{
	t->status = status;
	snprintf(t->message, sizeof(t->message), "%s: %.170s", lk_status_name(status),
		e->message);
	for (char *p = t->message; *p != '\0'; p++)
		if (*p == '"' || *p == '\\' || (unsigned char)*p < ' ')
			*p = '\'';
}

static enum lk_status
ask_again(const struct lk_token *before, struct lk_token **out, struct lk_error *e)
{
	return settings.refused ? lk_token_after(connection, before, out, e)
				: lk_token(connection, out, e);
}

/* When everybody asks; with expiry, of a token that was made for it. */
static void
set_stage(void)
{
	struct lk_token *there = NULL, *brief = NULL;
	struct lk_error e = { 0 };

	shared->due_ms = now_ms();
	if (settings.refused)
		return;
	if (lk_token(connection, &there, &e) != LK_OK ||
	    lk_token_after(connection, there, &brief, &e) != LK_OK) {
		fprintf(stderr, "crowd: no token to begin with: %s\n", e.message);
		exit(1);
	}
	shared->due_ms = now_ms() + (lk_token_expires_in(brief) + 1) * 1000;
	print_digest(brief, shared->stale);
	lk_token_free(there);
	lk_token_free(brief);
}

static void
one_round(struct ticket *mine, bool first)
{
	struct lk_token *before = NULL, *after = NULL;
	struct lk_error e = { 0 };
	enum lk_status status;

	alarm(PATIENCE_S);
	if (first)
		set_stage();
	pthread_barrier_wait(&shared->gate);
	status = lk_token(connection, &before, &e);
	pthread_barrier_wait(&shared->gate);
	sleep_until(shared->due_ms);
	mine->took_ms = now_ms();
	if (status == LK_OK) {
		print_digest(before, mine->before);
		/* Who came late has the next one already: that is not the old one. */
		if (!settings.refused)
			memcpy(mine->before, shared->stale, TICKET);
		status = ask_again(before, &after, &e);
	}
	mine->took_ms = now_ms() - mine->took_ms;
	if (status == LK_OK) {
		mine->status = LK_OK;
		print_digest(after, mine->after);
	} else {
		fail_round(mine, status, &e);
	}
	lk_token_free(before);
	lk_token_free(after);
	pthread_barrier_wait(&shared->gate);
}

static void *
person(void *arg)
{
	struct ticket *mine = arg;
	bool first = mine == shared->tickets;

	for (int round = 1; round <= settings.rounds; round++) {
		one_round(mine, first);
		if (first)
			report(round);
		pthread_barrier_wait(&shared->gate);
	}
	return NULL;
}

/* One process of the crowd; it opens the library after fork, as the header asks. */
static int
household(int number)
{
	struct lk_options options = LK_INIT(struct lk_options);
	struct lk_error e = { 0 };
	struct lk *lk;
	pthread_t threads[CROWD_MAX];

	options.vault = settings.vault;
	options.flags = settings.flags;
	if (lk_open(&options, &lk, &e) != LK_OK ||
	    lk_connection_open(lk, settings.name, &connection, &e) != LK_OK) {
		fprintf(stderr, "crowd: %s: %s\n", lk_status_name(e.status), e.message);
		return 1;
	}
	for (int i = 0; i < settings.threads; i++)
		if (pthread_create(&threads[i], NULL, person,
			    &shared->tickets[number * settings.threads + i]) != 0)
			return 1;
	for (int i = 0; i < settings.threads; i++)
		pthread_join(threads[i], NULL);
	lk_connection_close(connection);
	lk_close(lk);
	return 0;
}

static bool
prepare(void)
{
	pthread_barrierattr_t attributes;
	void *at = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		return false;
	shared = at;
	pthread_barrierattr_init(&attributes);
	pthread_barrierattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	return pthread_barrier_init(&shared->gate, &attributes,
		       (unsigned)(settings.processes * settings.threads)) == 0;
}

/* Waits for everybody; the first who fails ends it for all. */
static int
wait_for_all(const pid_t *pids)
{
	int status, failed = 0;

	for (int i = 0; i < settings.processes; i++) {
		if (wait(&status) > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
			continue;
		failed = 1;
		for (int k = 0; k < settings.processes; k++)
			kill(pids[k], SIGKILL);
	}
	return failed;
}

static int
number(const char *text)
{
	int n = 0;

	for (; *text >= '0' && *text <= '9' && n <= CROWD_MAX; text++)
		n = n * 10 + *text - '0';
	return *text == '\0' && n <= CROWD_MAX ? n : 0;
}

int
main(int argc, char **argv)
{
	pid_t pids[CROWD_MAX];

	if (argc < 7) {
		fprintf(stderr, "usage: crowd VAULT NAME PROCESSES THREADS ROUNDS"
				" expiry|refused [no-agent]\n");
		return 2;
	}
	settings = (struct settings){ .vault = argv[1], .name = argv[2],
		.processes = number(argv[3]), .threads = number(argv[4]),
		.rounds = number(argv[5]), .refused = strcmp(argv[6], "refused") == 0,
		.flags = argc > 7 ? LK_NO_AGENT : 0 };
	if (settings.processes * settings.threads > CROWD_MAX || !prepare())
		return 2;
	for (int i = 0; i < settings.processes; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			_exit(household(i));
		if (pids[i] < 0)
			return 1;
	}
	return wait_for_all(pids);
}
