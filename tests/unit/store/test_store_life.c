/* SPDX-License-Identifier: Apache-2.0 */
/* Contract of store.h: making, opening and refusing to open; each with a sentence. */
#include <sys/resource.h>
#include <sys/wait.h>

#include "place.h"

static bool
opens(struct place *at)
{
	struct store *s;

	at->fault.what[0] = '\0';
	if (store_open(at->url, &s, &at->fault) != DONE)
		return false;
	store_close(s);
	return true;
}

static bool
says(const struct place *at, const char *part)
{
	bool said = strstr(at->fault.what, part) != NULL;

	if (!said)
		printf("# said: %s\n", at->fault.what);
	return said;
}

TEST(a_store_is_made_for_its_owner_only)
{
	struct place at = place_new();
	static const char *const suffixes[] = { "", "-wal", "-shm" };

	for (size_t i = 0; i < 3; i++) {
		const char *path = arena_printf(at.arena, "%s%s", at.url, suffixes[i]);
		struct stat st;

		row("%s", path);
		if (check(stat(path, &st) == 0))
			check_int(st.st_mode & 07777, 0600);
	}
	place_remove(&at);
}

TEST(what_exists_is_not_made_again)
{
	struct place at = place_new();
	struct fact c = {
		.call = call_of(&at), .name = B("issuer"), .value = B("mine")
	};

	check_int(run(&at, fact_put, &c), DONE);
	check_int(store_create(at.url, &at.fault), FAULT);
	check(says(&at, "exists already"));
	check_int(run(&at, fact_find, &c), DONE);
	check_bytes(c.value, B("mine"));
	place_remove(&at);
}

TEST(a_store_that_cannot_be_made_leaves_nothing_behind)
{
	struct place at;

	place_make(&at);
	snprintf(at.url, sizeof(at.url), "%s/no/such", at.dir);
	check_int(store_create(at.url, &at.fault), FAULT);
	check(says(&at, "cannot be made"));
	place_remove(&at);
}

static void
write_file(const struct place *at, const char *text)
{
	FILE *f = fopen(at->url, "w");

	if (check(f != NULL)) {
		fputs(text, f);
		fclose(f);
		chmod(at->url, 0600);
	}
}

TEST(what_is_not_a_store_is_not_opened)
{
	static const char text[] =
		"This is a letter to a friend, and it is long enough "
		"to be taken for a database by those who look at the size only. Truly, it "
		"goes on for more than a hundred octets.";
	struct place at;

	place_make(&at);
	check(!opens(&at));
	check(says(&at, "is missing: restore it"));
	write_file(&at, text);
	check(!opens(&at));
	check(says(&at, "is not a database"));
	write_file(&at, "");
	place_sql(&at, "CREATE TABLE songs (name TEXT)");
	check(!opens(&at));
	check(says(&at, "is not a database of latchkey"));
	unlink(at.url);
	mkdir(at.url, 0700);
	check(!opens(&at));
	check(says(&at, "is not a file"));
	place_remove(&at);
}

TEST(other_back_ends_are_named_when_they_are_not_there)
{
	struct place at;

	place_make(&at);
	snprintf(at.url, sizeof(at.url), "mysql://localhost/x");
	check(!opens(&at));
	check(says(&at, "no store is called 'mysql'"));
	check_int(store_create(at.url, &at.fault), FAULT);
	place_remove(&at);
}

TEST(a_schema_too_old_or_too_new_is_refused_and_a_later_minor_one_is_not)
{
	static const struct {
		const char *sql, *says;
	} rows[] = {
		{ "PRAGMA user_version = 2000", "made by a newer latchkey" },
		{ "PRAGMA user_version = 999", "older latchkey" },
		{ "PRAGMA user_version = 0", "older latchkey" },
		{ "PRAGMA user_version = 1001", NULL },
	};
	struct place at = place_new();
	struct grant g = grant_live(1);

	open_grant(&at, &g);
	place_close(&at);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		row("%s", rows[i].sql);
		place_sql(&at, rows[i].sql);
		check_int(opens(&at), rows[i].says == NULL);
		if (rows[i].says != NULL)
			check(says(&at, rows[i].says));
	}
	/* What a later minor version may do. */
	place_sql(&at, "ALTER TABLE grants ADD COLUMN mood TEXT DEFAULT 'fine'");
	place_sql(
		&at, "ALTER TABLE users ADD COLUMN colour INTEGER NOT NULL DEFAULT 3");
	place_sql(&at, "CREATE TABLE moods (id INTEGER PRIMARY KEY)");
	check(place_open(&at));
	check(find_grant(&at, 1).found);
	g = grant_live(2);
	open_grant(&at, &g);
	place_remove(&at);
}

TEST(a_file_that_others_may_read_is_refused)
{
	struct place at = place_new();

	place_close(&at);
	chmod(at.url, 0640);
	check(!opens(&at));
	check(says(&at, "chmod 600"));
	chmod(at.url, 0600);
	check(opens(&at));
	place_remove(&at);
}

/* Root may write anything, so this is tried as nobody. */
TEST(a_file_that_may_not_be_written_is_refused)
{
	struct place at = place_new();
	int status = 0;
	pid_t child;

	place_close(&at);
	if (geteuid() == 0 &&
		(chown(at.url, 65534, 65534) != 0 || chown(at.dir, 65534, 65534) != 0))
		skip("cannot give the file away");
	chmod(at.url, 0400);
	child = fork();
	if (child == 0) {
		if (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0)
			_exit(9);
		_exit(opens(&at) ? 1 : says(&at, "may not be written") ? 0 : 2);
	}
	check_int(waitpid(child, &status, 0), child);
	check_int(status, 0);
	chmod(at.url, 0600);
	place_remove(&at);
}

TEST(a_damaged_file_is_refused_or_answered_with_a_fault)
{
	struct place at = place_new();
	struct grant g = grant_live(1);
	struct grant_find c = { .call = call_of(&at) };
	FILE *f;

	open_grant(&at, &g);
	place_close(&at);
	f = fopen(at.url, "r+");
	fseek(f, 4096, SEEK_SET); /* all but the first page */
	for (int i = 0; i < 40 * 4096; i++)
		fputc(0x5A, f);
	fclose(f);
	if (place_open(&at)) {
		key_of(1, c.key);
		check_int(run(&at, grant_find, &c), FAULT);
		check(strstr(c.call.fault.what, "damaged") != NULL);
	} else {
		check(says(&at, "damaged"));
	}
	place_remove(&at);
}

static int
replace(const char *path)
{
	char other[320];
	FILE *f;

	snprintf(other, sizeof(other), "%s.other", path);
	f = fopen(other, "w");
	if (f != NULL)
		fclose(f);
	return rename(other, path);
}

TEST(a_file_removed_or_replaced_is_not_written_to_any_more)
{
	static const struct { const char *suffix; int (*away)(const char *); } rows[] = {
		{ "", unlink }, { "", replace }, { "-wal", unlink }, { "-wal", replace },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct place at = place_new();
		struct fact put = { .name = B("a"), .value = B("1") }, find = put;
		char path[300];

		row("%zu", i);
		check_int(run(&at, fact_put, &put), DONE);
		check_int(store_check(at.store, &at.fault), DONE);
		snprintf(path, sizeof(path), "%s%s", at.url, rows[i].suffix);
		check_int(rows[i].away(path), 0);
		check_int(run(&at, fact_put, &put), FAULT);
		find.call.arena = at.arena;
		check_int(run(&at, fact_find, &find), FAULT);
		check(store_catalogue_version(at.port) < 0);
		check_int(store_check(at.store, &at.fault), FAULT);
		place_remove(&at);
	}
}

TEST(ports_see_what_others_finished)
{
	struct place at = place_new();
	struct mailbox *m = mailbox_new();
	struct store_port *mine = at.port;
	struct store_port *other = store_port_new(at.store, m, &at.fault);
	struct grant g = grant_live(1);
	struct grant_find c = { .call = call_of(&at) };

	key_of(1, c.key);
	store_grant_find(other, &c); /* begins to read before the change */
	check(!c.found);
	open_grant(&at, &g);
	store_grant_find(other, &c);
	check(c.found);
	check(at.port == mine);
	store_port_free(other);
	mailbox_free(m);
	place_remove(&at);
}

/* Calls that were asked before the port is freed have been answered after. */
TEST(freeing_a_port_waits_for_its_calls)
{
	struct place at = place_new();
	struct grant_open *opens_now = must_calloc(1000, sizeof(*opens_now));
	size_t done = 0;

	for (size_t i = 0; i < 1000; i++) {
		opens_now[i] = (struct grant_open){ .call = call_of(&at),
			.grant = grant_live(i) };
		store_grant_open(at.port, &opens_now[i]);
	}
	store_port_free(at.port);
	check_int((int64_t)store_backlog(at.store), 0);
	check_int((int64_t)mailbox_deliver(at.mailbox), 1000);
	for (size_t i = 0; i < 1000; i++)
		done += opens_now[i].call.finished && opens_now[i].call.outcome == DONE;
	check_int((int64_t)done, 1000);
	free(opens_now);
	at.port = store_port_new(at.store, at.mailbox, &at.fault);
	place_remove(&at);
}
