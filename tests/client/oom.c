/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oom.c - a program whose n-th allocation fails, whoever asks for it: the library,
 * libcurl, OpenSSL, jansson. For each n a child process does one thing with a
 * connection, and then once more with all the memory there is.
 *
 *	oom VAULT KEY NAME URL open|token|call FIRST STEP MOST
 *
 * One line of output for each n = FIRST, FIRST + STEP, ...: n, how the call ended, how
 * the second one did, or which signal ended the child. It stops when a call needs fewer
 * allocations than n (the last line), or after MOST lines.
 */
#include <errno.h>
#include <latchkey/latchkey.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- memory that is refused once -------------------------------------------------- */

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *p, size_t size);

/* Not only this program calls them. */
#define EVERYBODYS __attribute__((visibility("default")))

static atomic_long left = -1; /* allocations until the one that fails; -1: none does */

static bool
refused(void)
{
	long now = atomic_load(&left);

	if (now < 0)
		return false;
	atomic_store(&left, now - 1);
	if (now == 0)
		errno = ENOMEM;
	return now == 0;
}

EVERYBODYS void *
malloc(size_t size)
{
	return refused() ? NULL : __libc_malloc(size);
}

EVERYBODYS void *
calloc(size_t count, size_t size)
{
	return refused() ? NULL : __libc_calloc(count, size);
}

EVERYBODYS void *
realloc(void *p, size_t size)
{
	return refused() ? NULL : __libc_realloc(p, size);
}

/* ---- one thing with a connection ------------------------------------------------------ */

struct wanted {
	const char *vault, *key, *name, *url, *what;
};

static enum lk_status
open_it(const struct wanted *w, struct lk **lk, struct lk_connection **c)
{
	struct lk_options o = LK_INIT(struct lk_options);
	enum lk_status status;

	o.vault = w->vault;
	o.key = w->key;
	o.flags = LK_NO_AGENT;
	o.attempts = 1;
	status = lk_open(&o, lk, NULL);
	if (status != LK_OK)
		return status;
	status = lk_connection_open(*lk, w->name, c, NULL);
	if (status != LK_OK)
		lk_close(*lk);
	return status;
}

static enum lk_status
refresh(struct lk_connection *c, const struct lk_token *old)
{
	struct lk_token *t;
	enum lk_status status = lk_token_after(c, old, &t, NULL);

	if (status == LK_OK)
		lk_token_free(t);
	return status;
}

static enum lk_status
call(struct lk_connection *c, const char *url)
{
	struct lk_request r = LK_INIT(struct lk_request);
	struct lk_response *response;
	enum lk_status status;

	r.url = url;
	status = lk_call(c, &r, &response, NULL);
	if (status == LK_OK)
		lk_response_free(response);
	return status;
}

/* The allocation that fails is counted from here on. */
static enum lk_status
act(const struct wanted *w, long n)
{
	struct lk *lk;
	struct lk_connection *c;
	struct lk_token *t = NULL;
	bool opens = strcmp(w->what, "open") == 0;
	enum lk_status status;

	if (opens)
		atomic_store(&left, n);
	status = open_it(w, &lk, &c);
	if (status != LK_OK)
		return status;
	/* The first request loads libcurl and what it brings along; that other people's
	 * libraries survive a want of memory as they start is not promised by us. */
	status = opens ? LK_OK : call(c, w->url);
	if (status == LK_OK && !opens)
		status = lk_token(c, &t, NULL);
	if (status == LK_OK && !opens) {
		atomic_store(&left, n);
		status = strcmp(w->what, "call") == 0 ? call(c, w->url) : refresh(c, t);
	}
	lk_token_free(t);
	lk_connection_close(c);
	lk_close(lk);
	return status;
}

/* Tells parent how it went: two statuses, and whether memory was refused at all. */
static void
child(const struct wanted *w, long n, int out)
{
	unsigned char told[3];

	told[0] = (unsigned char)act(w, n);
	told[2] = atomic_load(&left) >= 0;
	atomic_store(&left, -1);
	/* Some of it looks like a server that is away: that has its second of peace. */
	for (int i = 0; i < 3; i++) {
		told[1] = (unsigned char)act(w, -1);
		if (told[1] != LK_TRY_LATER)
			break;
		sleep(2);
	}
	_exit(write(out, told, sizeof(told)) == (ssize_t)sizeof(told) ? 0 : 1);
}

/* true: the call got by with fewer than n. */
static bool
one(const struct wanted *w, long n)
{
	unsigned char told[3] = { LK_BUG, LK_BUG, 0 };
	int ends[2], ended = 0;
	pid_t pid;

	if (pipe(ends) != 0)
		return true;
	pid = fork();
	if (pid == 0)
		child(w, n, ends[1]);
	close(ends[1]);
	if (read(ends[0], told, sizeof(told)) != (ssize_t)sizeof(told))
		told[2] = 0;
	close(ends[0]);
	waitpid(pid, &ended, 0);
	if (WIFSIGNALED(ended))
		printf("%ld signal %d\n", n, WTERMSIG(ended));
	else
		printf("%ld %s %s\n", n, lk_status_name(told[0]), lk_status_name(told[1]));
	fflush(stdout);
	return told[2] != 0;
}

static long
number(const char *text)
{
	long n = 0;

	for (; *text >= '0' && *text <= '9'; text++)
		n = n * 10 + (*text - '0');
	return n;
}

int
main(int argc, char **argv)
{
	long n, step, most;

	if (argc != 9)
		return 2;
	n = number(argv[6]);
	step = number(argv[7]);
	most = number(argv[8]);
	for (long lines = 0; lines < most; lines++, n += step)
		if (one(&(struct wanted){ argv[1], argv[2], argv[3], argv[4], argv[5] }, n))
			break;
	return 0;
}
