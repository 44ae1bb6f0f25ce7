/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contract of store.h: when the disk is full or fails, a call either happened and
 * was told DONE, or did not happen and was told FAULT; and when there is room
 * again, it works again. Each test is a child, because its limits are a process's.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "place.h"

#define WAVE 100
#define WAVES 200

/* Runs the body in a child; its failed checks are printed there and counted here. */
static void
in_child(void (*body)(void))
{
	int status = -1;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		body();
		fflush(stdout);
		_exit(tap.skipped != NULL ? 77 : tap.failed);
	}
	check_int(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip("no file system can be mounted here");
	else
		check_int(status, 0);
}

/* Opens WAVE grants at once, so that they share commits; counts and marks the done. */
static size_t
open_wave(struct place *at, size_t first, bool *there, struct fault *why)
{
	static struct grant_open opens[WAVE];
	size_t done = 0;

	for (size_t i = 0; i < WAVE; i++) {
		opens[i] = (struct grant_open){ .call = call_of(at),
			.grant = grant_live(first + i),
			.audit = { .at = NOW, .event = B("consent_given") } };
		store_grant_open(at->port, &opens[i]);
	}
	for (size_t i = 0; i < WAVE; i++) {
		there[first + i] = store_wait(at->port, &opens[i].call) == DONE;
		if (!there[first + i])
			*why = opens[i].call.fault;
		done += there[first + i];
	}
	arena_reset(at->arena);
	return done;
}

static void
check_what_is_there(struct place *at, const bool *there, size_t n)
{
	size_t right = 0, expected = 0;

	for (size_t i = 0; i < n; i++) {
		right += find_grant(at, i).found == there[i];
		expected += there[i];
	}
	check_int((int64_t)right, (int64_t)n);
	/* Each with its entry on the trail, or neither. */
	check_int(place_sql(at, "SELECT count(*) FROM audit"), (int64_t)expected);
}

/* Fills until it faults; makes room by more_room; must then work as before. */
static void
fill_and_recover(
	struct place *at, const char *sentence, void (*more_room)(struct place *))
{
	static bool there[WAVE * WAVES];
	struct fault why = { .what = "" };
	size_t n = 0, done = WAVE;

	while (n < WAVE * (WAVES - 2) && done == WAVE) {
		done = open_wave(at, n, there, &why);
		n += WAVE;
	}
	check(done < WAVE);
	if (!check(strstr(why.what, sentence) != NULL))
		printf("# said: %s\n", why.what);
	check(store_counts(at->store).faults > 0);
	check_what_is_there(at, there, n);
	/* A reader is not disturbed, and a further write does no harm. */
	open_wave(at, n, there, &why);
	n += WAVE;
	check_what_is_there(at, there, n);

	more_room(at);
	check_int((int64_t)open_wave(at, n, there, &why), WAVE);
	n += WAVE;
	check_what_is_there(at, there, n);
	place_close(at);
	check(place_open(at));
	check_what_is_there(at, there, n);
	check_int(place_sql(at,
			  "SELECT count(*) FROM pragma_integrity_check "
			  "WHERE integrity_check = 'ok'"),
		1);
}

/* ---- a file system with half a megabyte ---------------------------------- */

static void
larger_file_system(struct place *at)
{
	check(mount("none", at->dir, "tmpfs", MS_REMOUNT, "size=64m") == 0);
}

static void
fill_a_small_file_system(void)
{
	struct place at;

	place_make(&at);
	if ((unshare(CLONE_NEWNS) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) ||
		mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
		mount("none", at.dir, "tmpfs", 0, "size=1m,mode=0700") != 0) {
		skip("mount");
	} else {
		check_int(store_create(at.url, &at.fault), DONE);
		if (check(place_open(&at)))
			fill_and_recover(&at, "the disk is full", larger_file_system);
		place_close(&at);
		umount(at.dir);
	}
	rmdir(at.dir);
}

TEST(a_full_disk_loses_nothing_and_is_survived)
{
	in_child(fill_a_small_file_system);
}

/* ---- writes that fail ---------------------------------------------------- */

static void
limit_files(rlim_t size)
{
	struct rlimit limit;

	check(getrlimit(RLIMIT_FSIZE, &limit) == 0);
	limit.rlim_cur = size;
	check(setrlimit(RLIMIT_FSIZE, &limit) == 0);
}

static void
lift_limit(struct place *at)
{
	(void)at;
	limit_files(RLIM_INFINITY);
}

static void
fill_under_a_limit(void)
{
	struct place at = place_new();

	signal(SIGXFSZ, SIG_IGN);
	limit_files(600 * 1024);
	fill_and_recover(&at, "the disk failed", lift_limit);
	place_remove(&at);
}

TEST(a_disk_that_fails_loses_nothing_and_is_survived)
{
	in_child(fill_under_a_limit);
}

/* ---- no descriptor left -------------------------------------------------- */

static void
limit_descriptors(rlim_t most)
{
	struct rlimit limit;

	check(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	limit.rlim_cur = most;
	check(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

/* Peers may have taken them all: what is open goes on, and can be closed. */
static void
work_without_descriptors(void)
{
	struct place at = place_new();
	struct fault why = { 0 };
	bool there[WAVE] = { false };

	check_int((int64_t)open_wave(&at, 0, there, &why), WAVE);
	limit_descriptors(3);
	check_int((int64_t)open_wave(&at, 0, there, &why), WAVE);
	place_close(&at);
	limit_descriptors(256);
	place_remove(&at);
}

TEST(a_store_works_and_closes_without_a_descriptor_left)
{
	in_child(work_without_descriptors);
}
