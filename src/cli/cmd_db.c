/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_db.c - latchkey db upgrade: a schema brought to what this program needs; latchkey
 * db copy: an installation moved from SQLite to PostgreSQL or back; and latchkey restore:
 * what has to be done to one that is older than the tokens it gave out.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/commands.h"
#include "server/server.h"

/* ---- db copy ------------------------------------------------------------- */

/* The file's lines save for those about the database, and then the new one. */
static bool
write_lines(FILE *out, struct bytes text, const char *database)
{
	while (text.n > 0) {
		struct bytes line = bytes_cut(&text, '\n'), rest = line;
		struct bytes key = bytes_cut(&rest, '=');

		while (key.n > 0 && key.p[key.n - 1] == ' ')
			key.n--;
		if (!bytes_equal(key, B("database")))
			fprintf(out, "%.*s\n", BYTES_FMT(line));
	}
	if (database != NULL)
		fprintf(out, "database = %s\n", database);
	return fflush(out) == 0 && fsync(fileno(out)) == 0;
}

static bool
rewrite_config(struct cli *c, const char *database, struct fault *f)
{
	const char *path = arena_printf(c->arena, "%s/%s", c->dir, DIR_CONFIG);
	const char *fresh = arena_printf(c->arena, "%s.new", path);
	struct bytes text;
	struct stat st;
	FILE *out;
	bool written;

	if (!read_file(c->arena, path, (size_t)1 << 20, &text, f))
		return false;
	unlink(fresh);
	out = fopen(fresh, "wxe");
	if (out == NULL || stat(path, &st) != 0 || fchmod(fileno(out), st.st_mode) != 0) {
		(void)FAULT_AT(f, "%s: %s", fresh, strerror(errno));
		return false;
	}
	written = write_lines(out, text, database);
	if (fclose(out) != 0 || !written || rename(fresh, path) != 0) {
		(void)FAULT_AT(f, "%s: %s", path, strerror(errno));
		return false;
	}
	return true;
}

static int
copy_to(struct cli *c, const char *to, const char *database)
{
	static const struct column columns[] = {
		{ "rows", "Rows moved" }, { "next", "Next" }, { NULL, NULL },
	};
	const char *from = config_database(c->config, c->dir);
	struct fault f = { .what = "" };
	uint64_t rows;

	if (store_move(from, to, &rows, &f) != DONE)
		return cli_fail(c, "%s", f.what);
	if (!rewrite_config(c, database, &f))
		return cli_fail(c, "everything was moved, but the configuration was not "
			"changed (%s): set or remove `database` in %s by hand before you "
			"start a server", f.what, DIR_CONFIG);
	return cli_print_object(c, json_pack("{s:I, s:s}", "rows", (json_int_t)rows, "next",
		"start the servers again; until then they answer 503"), columns);
}

static int
db_copy(struct cli *c)
{
	const char *to = option_text(c, "to");
	struct fault f = { .what = "" };
	bool back = to != NULL && bytes_equal(bytes_of(to), B("sqlite"));

	if (to == NULL || (!back && strstr(to, "://") == NULL))
		return cli_usage(c, "--to must be postgresql://..., or the word sqlite");
	if (!back && store_url_good(to, &f) != DONE)
		return cli_usage(c, "--to: %s", f.what);
	umask(077);
	if (!cli_become_owner(c))
		return 1;
	if (config_open(c->dir, NULL, 0, &c->config, &f) != DONE)
		return cli_fail(c, "%s", f.what);
	if (back == (c->config->database[0] == '\0'))
		return cli_fail(c, "this installation is in %s already",
			back ? "SQLite" : "PostgreSQL");
	return copy_to(c, back ? arena_printf(c->arena, "%s/%s", c->dir, DIR_DATABASE) : to,
		back ? NULL : to);
}

/* ---- db upgrade ---------------------------------------------------------- */

static int
db_upgrade(struct cli *c)
{
	static const struct column columns[] = {
		{ "from", "Schema before" }, { "to", "Schema now" }, { NULL, NULL },
	};
	struct fault f = { .what = "" };
	int64_t from, to;

	if (!cli_become_owner(c))
		return 1;
	if (config_open(c->dir, NULL, 0, &c->config, &f) != DONE ||
		store_upgrade(config_database(c->config, c->dir), &from, &to, &f) != DONE)
		return cli_fail(c, "%s", f.what);
	return cli_print_object(c, json_pack("{s:I, s:I}", "from", (json_int_t)from, "to",
		(json_int_t)(from > to ? from : to)), columns);
}

/* ---- restore ------------------------------------------------------------- */

/* So many epochs were begun since the backup, and their numbers were used. */
static bool
begin_epochs(struct cli *c, int64_t rotations, int *epoch)
{
	for (int64_t i = 0; i <= rotations; i++) {
		struct epoch_put put = { .now = clock_now() };

		put.retire_before = put.now;
		put.audit = cli_audit(c, "key_rotated", "key", "after a restored backup");
		if (!CLI_WAIT(c, store_epoch_put, &put))
			return false;
		*epoch = put.epoch;
	}
	return true;
}

static bool
end_sessions(struct cli *c, size_t *people)
{
	struct user_list list = { .users = NULL };

	if (!CLI_WAIT(c, store_user_list, &list))
		return false;
	for (size_t i = 0; i < list.count; i++) {
		struct user_put put = { .user = list.users[i], .end_sessions = true };

		if (!CLI_WAIT(c, store_user_put, &put))
			return false;
	}
	*people = list.count;
	return true;
}

static const char *
newest_event(struct cli *c)
{
	struct audit_list list = { .limit = 1 };
	char time[21];

	if (!CLI_WAIT(c, store_audit_list, &list) || list.count == 0)
		return "unknown";
	return arena_printf(c->arena, "%s", clock_rfc3339(list.entries[0].at, time));
}

static int
restore(struct cli *c)
{
	static const struct column columns[] = {
		{ "backup_ends", "The backup ends" }, { "epoch", "New key epoch" },
		{ "people", "People signed out" }, { "cost", "What it costs" },
		{ "look", "Look after" }, { NULL, NULL },
	};
	const char *rotations = option_text(c, "rotations");
	uint64_t n = 0;
	const char *ends;
	size_t people;
	int epoch;

	if (rotations != NULL && (!bytes_to_u64(bytes_of(rotations), &n) || n > 62))
		return cli_usage(c, "--rotations %s is not a number up to 62", rotations);
	if (!cli_open(c))
		return 1;
	ends = newest_event(c);
	if (!begin_epochs(c, (int64_t)n, &epoch) || !end_sessions(c, &people))
		return 1;
	return cli_print_object(c, json_pack("{s:s, s:i, s:I, s:s, s:s}",
		"backup_ends", ends, "epoch", epoch, "people", (json_int_t)people, "cost",
		"every token given out so far is refused; apps ask their people to connect again",
		"look", "what was changed after the backup ended: accounts disabled, "
		"passwords, clients and their secrets are as they were then"), columns);
}

static const struct option copy_options[] = {
	{ "to", OPTION_TEXT, "URL", "postgresql://USER@HOST/DATABASE?passfile=/path, or: sqlite" },
	{ NULL, OPTION_FLAG, NULL, NULL },
};
static const struct option restore_options[] = {
	{ "rotations", OPTION_TEXT, "N",
		"how often keys were rotated after the backup was made; 0 when not given" },
	{ NULL, OPTION_FLAG, NULL, NULL },
};

const struct command command_db_upgrade = { "db", "upgrade", "",
	"bring the schema to what this version needs", NULL, db_upgrade, false };
const struct command command_db_copy = { "db", "copy", "",
	"move everything to PostgreSQL, or back to SQLite", copy_options, db_copy, false };
const struct command command_restore = { NULL, "restore", "",
	"after a backup was put back: refuse every token older than now", restore_options,
	restore, false };
