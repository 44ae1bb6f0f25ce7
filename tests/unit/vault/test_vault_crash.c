/* SPDX-License-Identifier: Apache-2.0 */
/*
 * At every step of a change (base/fault_point.h): who is killed there leaves the old or
 * the new, whole, and a lock that the next can take; a disk that is full or fails there
 * is told, and the old stands. The room is compiled into this test with fault points.
 */
#include <dirent.h>
#include <stdatomic.h>
#include <sys/resource.h>

#include "vault_database.h"

#define ACME B("acme")

/* What is there afterwards; NULL: nothing. */
struct step {
	const char *point;
	const char *record, *journal;
};

static const struct step refresh_steps[] = {
	{ "record-open", "old", NULL },
	{ "reserve-allocate", "old", NULL },
	{ "reserve-fsync", "old", NULL },
	{ "reserve-done", "old", NULL },
	{ "journal-open", "old", NULL },
	{ "journal-write", "old", NULL },
	{ "journal-fsync", "old", NULL },
	{ "journal-rename", "old", NULL },
	{ "journal-dirsync", "old", "entry" },
	{ "journal-done", "old", "entry" },
	{ "record-write", "old", "entry" },
	{ "record-fsync", "old", "entry" },
	{ "record-rename", "old", "entry" },
	{ "record-dirsync", "new", "entry" },
	{ "record-done", "new", "entry" },
	{ "clear-unlink", "new", "entry" },
	{ "clear-done", "new", NULL },
	{ "unlock-wake", "new", NULL },
};

static const struct step remove_steps[] = {
	{ "remove-record", "old", "entry" },
	{ "remove-journal", NULL, "entry" },
	{ "remove-dirsync", NULL, NULL },
	{ "remove-done", NULL, NULL },
};

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

/* ---- the changes ----------------------------------------------------------- */

static enum vault_result
refresh(struct place *at, struct vault_lock *l)
{
	enum vault_result r = vault_reserve(l, 60000, &at->fault);

	if (r == VAULT_DONE)
		r = vault_journal_write(l, B("entry"), &at->fault);
	if (r == VAULT_DONE)
		r = vault_write(l, B("new"), &at->fault);
	if (r == VAULT_DONE)
		r = vault_journal_clear(l, &at->fault);
	return r;
}

static enum vault_result
forget(struct place *at, struct vault_lock *l)
{
	return vault_remove(l, &at->fault);
}

/* Does it with the fault, in a vault of its own (a session of PostgreSQL's is not for a
 * child); the child's status is 10 + the result. */
struct change {
	struct place *at;
	enum vault_result (*make)(struct place *, struct vault_lock *);
	const char *point, *action;
};

static void
change(void *arg)
{
	struct change *c = arg;
	struct vault_lock *l;
	enum vault_result r;
	char fault[64];

	snprintf(fault, sizeof(fault), "%s=%s", c->point, c->action);
	if (vault_open(c->at->where, NULL, NULL, &c->at->vault, &c->at->fault) !=
			VAULT_DONE ||
		vault_lock(c->at->vault, ACME, 1000, &l, &c->at->fault) != VAULT_DONE)
		_exit(7);
	setenv("LATCHKEY_FAULT", fault, 1);
	r = c->make(c->at, l);
	if (r != VAULT_DONE && r != VAULT_STORAGE)
		_exit(8);
	vault_unlock(l);
	_exit(10 + (int)r);
}

/* ---- what is left ---------------------------------------------------------- */

static void
check_is(struct place *at, enum vault_result r, struct bytes got, const char *want)
{
	check_result(at, r, want == NULL ? VAULT_ABSENT : VAULT_DONE);
	if (want != NULL && r == VAULT_DONE)
		check_bytes(got, bytes_of(want));
}

static int
hidden_files(struct place *at)
{
	DIR *d = opendir(at->where);
	const struct dirent *entry;
	int n = 0;

	if (d == NULL)
		return 0; /* it is a database */
	while ((entry = readdir(d)) != NULL)
		n += entry->d_name[0] == '.' && strstr(entry->d_name, ".new") != NULL;
	closedir(d);
	return n;
}

static void
check_left(struct place *at, const char *record, const char *journal)
{
	struct bytes got = NONE;
	struct vault_lock *l;
	int64_t began = clock_monotonic_ms();

	check_is(at, get_record(at, ACME, &got), got, record);
	if (!check_result(
		    at, vault_lock(at->vault, ACME, 1000, &l, &at->fault), VAULT_DONE))
		return;
	check(clock_monotonic_ms() - began < 300);
	check_is(at, vault_journal_read(l, at->arena, &got, &at->fault), got, journal);
	/* Whatever was left is no hindrance, and does not stay. */
	check_result(at, vault_reserve(l, 100, &at->fault), VAULT_DONE);
	check_result(
		at, vault_journal_write(l, B("next entry"), &at->fault), VAULT_DONE);
	check_result(at, vault_write(l, B("next"), &at->fault), VAULT_DONE);
	check_is(at, get_record(at, ACME, &got), got, "next");
	vault_unlock(l);
	check_int(hidden_files(at), 0);
}

static void
prepare(struct place *at, bool journal)
{
	struct vault_lock *l;

	check_result(at, put_record(at, ACME, B("old")), VAULT_DONE);
	check_result(at, vault_lock(at->vault, ACME, 0, &l, &at->fault), VAULT_DONE);
	if (journal)
		check_result(
			at, vault_journal_write(l, B("entry"), &at->fault), VAULT_DONE);
	vault_unlock(l);
}

/* ---- killed ---------------------------------------------------------------- */

static void
kill_at(const struct step *s, bool journal,
	enum vault_result (*make)(struct place *, struct vault_lock *))
{
	struct place at;
	struct change c = { &at, make, s->point, "kill" };
	const _Atomic uint32_t *generation;
	uint32_t before;

	row("killed at %s", s->point);
	at = place_new();
	prepare(&at, journal);
	generation = vault_generation(at.vault, ACME, &at.fault);
	before = atomic_load(generation);
	check_int(in_child(change, &c), -1 - SIGKILL);
	/* Whoever has the old tokens in memory knows. */
	if (s->record == NULL || strcmp(s->record, "old") != 0)
		check(atomic_load(generation) != before);
	check_left(&at, s->record, s->journal);
	check_int(atomic_load(generation) % 2, 0);
	place_remove(&at);
}

TEST(who_is_killed_at_any_step_leaves_the_old_or_the_new)
{
	for (size_t i = 0; i < COUNT(refresh_steps); i++)
		kill_at(&refresh_steps[i], false, refresh);
	for (size_t i = 0; i < COUNT(remove_steps); i++)
		kill_at(&remove_steps[i], true, forget);
}

/* PostgreSQL's own steps are fewer; what it does within one is its own promise. */
static const struct step postgres_steps[] = {
	{ "journal-write", "old", NULL },
	{ "journal-done", "old", "entry" },
	{ "record-write", "old", "entry" },
	{ "record-done", "new", "entry" },
	{ "clear-unlink", "new", "entry" },
	{ "clear-done", "new", NULL },
};

TEST(with_postgresql_too)
{
	struct place at;

	if (!check(database_there()))
		return;
	for (size_t i = 0; i < COUNT(postgres_steps); i++) {
		const struct step *s = &postgres_steps[i];
		struct change c = { &at, refresh, s->point, "kill" };

		row("killed at %s", s->point);
		at = place_in_database();
		prepare(&at, false);
		check_int(in_child(change, &c), -1 - SIGKILL);
		check_left(&at, s->record, s->journal);
		place_remove(&at);
	}
}

/* ---- the disk is full, or fails -------------------------------------------- */

/* A fault point that stands for no system call cannot fail. */
static bool
can_fail(const char *point)
{
	return strstr(point, "-done") == NULL && strcmp(point, "unlock-wake") != 0;
}

static void
fail_at(const struct step *s, bool journal, const char *action,
	enum vault_result (*make)(struct place *, struct vault_lock *))
{
	struct place at;
	struct change c = { &at, make, s->point, action };

	row("%s at %s", action, s->point);
	at = place_new();
	prepare(&at, journal);
	check_int(in_child(change, &c), 10 + VAULT_STORAGE);
	check_int(hidden_files(&at), 0);
	check_left(&at, s->record, s->journal);
	place_remove(&at);
}

TEST(a_disk_that_is_full_or_fails_at_any_step_is_told_and_harms_nothing)
{
	for (size_t i = 0; i < COUNT(refresh_steps); i++) {
		if (!can_fail(refresh_steps[i].point))
			continue;
		fail_at(&refresh_steps[i], false, "enospc", refresh);
		fail_at(&refresh_steps[i], false, "eio", refresh);
	}
	for (size_t i = 0; i < COUNT(remove_steps); i++)
		if (can_fail(remove_steps[i].point))
			fail_at(&remove_steps[i], true, "eio", forget);
}

/* ---- the header's own promises --------------------------------------------- */

static void
pass_three_times(void *arg)
{
	struct place *at = arg;
	struct vault_lock *l;

	setenv("LATCHKEY_FAULT", "journal-fsync:3=enospc", 1);
	if (vault_lock(at->vault, ACME, 1000, &l, &at->fault) != VAULT_DONE)
		_exit(7);
	check_result(at, vault_journal_write(l, B("1"), &at->fault), VAULT_DONE);
	check_result(at, vault_journal_write(l, B("2"), &at->fault), VAULT_DONE);
	check_result(at, vault_journal_write(l, B("3"), &at->fault), VAULT_STORAGE);
	check(strstr(at->fault.what, "the disk is full") != NULL);
	check_result(at, vault_journal_write(l, B("4"), &at->fault), VAULT_DONE);
	vault_unlock(l);
	_exit(tap.failed);
}

TEST(a_fault_strikes_at_the_passing_that_was_named)
{
	struct place at = place_new();

	check_int(in_child(pass_three_times, &at), 0);
	place_remove(&at);
}

static void
lock_nothing(void *arg)
{
	struct place *at = arg;
	struct vault_lock *l;

	setenv("LATCHKEY_FAULT", "lock-take=eio", 1);
	check_result(at, vault_lock(at->vault, ACME, 1000, &l, &at->fault),
		VAULT_STORAGE);
	check(strstr(at->fault.what, "this file system cannot lock") != NULL);
	_exit(tap.failed);
}

TEST(a_file_system_that_cannot_lock_is_said_to_be_one)
{
	struct place at = place_new();

	check_int(in_child(lock_nothing, &at), 0);
	place_remove(&at);
}
