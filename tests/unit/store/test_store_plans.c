/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How SQLite means to run each of our statements: nothing looks through a table
 * that grows with traffic, nothing sorts, and a refresh touches no index.
 */
#include "place.h"

static const struct {
	const char *name, *sql;
} statements[] = {
#define STATEMENT(name, ...) { #name, __VA_ARGS__ },
#include "store/statements.def"
#undef STATEMENT
};

/* What may be read from one end to the other: small tables, or behind a LIMIT. */
static const struct {
	const char *name, *plan;
} scans[] = {
	{ "grants_all", "SCAN grants" }, /* newest first, until the limit */
	{ "users_all", "SCAN users" },
	{ "catalogue_version", "SCAN catalogue" },
	{ "catalogue_bump", "SCAN catalogue" },
	{ "clients_all", "SCAN c" },
	{ "scopes_all", "SCAN scopes" },
	{ "scope_in_use", "SCAN clients" },
	{ "epochs_all", "SCAN epochs" },
};

static bool
may_scan(const char *name, const char *plan)
{
	for (size_t i = 0; i < sizeof(scans) / sizeof(*scans); i++)
		if (strcmp(name, scans[i].name) == 0)
			return strncmp(plan, scans[i].plan, strlen(scans[i].plan)) == 0;
	return false;
}

static void
check_plan(sqlite3 *db, const char *name, const char *sql)
{
	char explain[1200];
	sqlite3_stmt *s = NULL;

	snprintf(explain, sizeof(explain), "EXPLAIN QUERY PLAN %s", sql);
	if (!check_int(sqlite3_prepare_v2(db, explain, -1, &s, NULL), SQLITE_OK))
		return;
	while (sqlite3_step(s) == SQLITE_ROW) {
		const char *plan = (const char *)sqlite3_column_text(s, 3);

		row("%s: %s", name, plan);
		check(strstr(plan, "TEMP B-TREE") == NULL);
		check(strncmp(plan, "SCAN ", 5) != 0 || may_scan(name, plan));
	}
	sqlite3_finalize(s);
}

TEST(every_statement_finds_what_it_wants_by_an_index)
{
	struct place at = place_new();
	sqlite3 *db = NULL;

	check_int(sqlite3_open(at.url, &db), SQLITE_OK);
	for (size_t i = 0; i < sizeof(statements) / sizeof(*statements); i++)
		check_plan(db, statements[i].name, statements[i].sql);
	sqlite3_close(db);
	place_remove(&at);
}

/* The program of the statement opens for writing what it will touch. */
static int
written_by(sqlite3 *db, const char *sql)
{
	char explain[1200];
	sqlite3_stmt *s = NULL;
	int opened = 0;

	snprintf(explain, sizeof(explain), "EXPLAIN %s", sql);
	check_int(sqlite3_prepare_v2(db, explain, -1, &s, NULL), SQLITE_OK);
	while (sqlite3_step(s) == SQLITE_ROW)
		opened += strcmp((const char *)sqlite3_column_text(s, 1),
				  "OpenWrite") == 0;
	sqlite3_finalize(s);
	return opened;
}

TEST(a_refresh_touches_no_index)
{
	struct place at = place_new();
	sqlite3 *db = NULL;
	int found = 0;

	check_int(sqlite3_open(at.url, &db), SQLITE_OK);
	for (size_t i = 0; i < sizeof(statements) / sizeof(*statements); i++) {
		if (strcmp(statements[i].name, "grant_renew") == 0) {
			found++;
			check_int(written_by(db, statements[i].sql), 1);
		}
		/* The counterpart, so that the count is known to count. */
		if (strcmp(statements[i].name, "grant_delete") == 0)
			check_int(written_by(db, statements[i].sql), 5);
	}
	check_int(found, 1);
	sqlite3_close(db);
	place_remove(&at);
}
