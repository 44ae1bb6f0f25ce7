/* SPDX-License-Identifier: Apache-2.0 */
/*
 * place.h - a store for a test: made in a fresh directory, removed at the end.
 *
 * The contract is tested through store.h alone, on both back ends: with
 * LATCHKEY_TEST_DATABASE (tests/with-postgres) a place is a schema in that database.
 * Only place_make, place_sql and the tests of files know which one it is.
 */
#ifndef LATCHKEY_TESTS_PLACE_H
#define LATCHKEY_TESTS_PLACE_H

#include <ftw.h>
#include <libpq-fe.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/mailbox.h"
#include "store/store.h"
#include "tap.h"

/* Far ahead of the clock by which the store reclaims: nothing here is old. */
#define NOW INT64_C(4000000000)
#define DAY INT64_C(86400)

struct place {
	char dir[64], url[256];
	struct store *store;
	struct mailbox *mailbox;
	struct store_port *port;
	struct arena *arena;
	struct fault fault;
};

/* Asks and waits: check_int(run(&at, grant_find, &c), DONE). */
#define run(at, verb, c) \
	(store_##verb((at)->port, (c)), store_wait((at)->port, &(c)->call))

TAP_UNUSED static bool
place_open(struct place *at)
{
	if (store_open(at->url, &at->store, &at->fault) != DONE) {
		printf("# %s\n", at->fault.what);
		return false;
	}
	at->mailbox = mailbox_new();
	at->port = store_port_new(at->store, at->mailbox, &at->fault);
	return at->port != NULL;
}

TAP_UNUSED static bool
place_on_postgres(void)
{
	return getenv("LATCHKEY_TEST_DATABASE") != NULL;
}

static int64_t
place_ask_postgres(const char *url, const char *sql)
{
	PGconn *conn = PQconnectdb(url);
	PGresult *r;
	int64_t value = -1;

	PQclear(PQexec(conn, "SET client_min_messages = warning"));
	r = PQexec(conn, sql);
	if (PQresultStatus(r) == PGRES_TUPLES_OK && PQntuples(r) > 0)
		value = strtoll(PQgetvalue(r, 0, 0), NULL, 10);
	else if (PQresultStatus(r) != PGRES_COMMAND_OK)
		printf("# %s: %s\n", sql, PQresultErrorMessage(r));
	PQclear(r);
	PQfinish(conn);
	return value;
}

/* A schema of its own; its name is that of no other test's. */
static void
place_make_schema(struct place *at)
{
	const char *base = getenv("LATCHKEY_TEST_DATABASE");
	static int number;
	char sql[96];

	snprintf(sql, sizeof(sql), "CREATE SCHEMA place_%d_%d", (int)getpid(), ++number);
	place_ask_postgres(base, sql);
	snprintf(at->dir, sizeof(at->dir), "place_%d_%d", (int)getpid(), number);
	snprintf(at->url, sizeof(at->url), "%s&options=-csearch_path%%3D%s", base, at->dir);
}

/* Where the files go: memory is quicker where no disk is needed. */
static void
place_make(struct place *at)
{
	const char *root = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";

	memset(at, 0, sizeof(*at));
	at->arena = arena_new();
	if (place_on_postgres()) {
		place_make_schema(at);
		return;
	}
	snprintf(at->dir, sizeof(at->dir), "%s/latchkey-store-XXXXXX", root);
	if (mkdtemp(at->dir) == NULL) {
		perror(at->dir);
		exit(1);
	}
	snprintf(at->url, sizeof(at->url), "%s/latchkey.db", at->dir);
}

TAP_UNUSED static struct place
place_new(void)
{
	struct place at;

	place_make(&at);
	if (store_create(at.url, &at.fault) != DONE || !place_open(&at)) {
		printf("# %s\n", at.fault.what);
		exit(1);
	}
	return at;
}

TAP_UNUSED static void
place_close(struct place *at)
{
	store_port_free(at->port);
	store_close(at->store);
	mailbox_free(at->mailbox);
	at->port = NULL;
	at->store = NULL;
	at->mailbox = NULL;
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

TAP_UNUSED static void
place_remove(struct place *at)
{
	if (at->store != NULL)
		place_close(at);
	if (place_on_postgres())
		place_ask_postgres(getenv("LATCHKEY_TEST_DATABASE"),
			arena_printf(at->arena, "DROP SCHEMA %s CASCADE", at->dir));
	else
		nftw(at->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	arena_free(at->arena);
}

/* What an operator might do behind our back; the first column of the first row. */
TAP_UNUSED static int64_t
place_sql(const struct place *at, const char *sql)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *statement = NULL;
	int64_t value = -1;
	int rc;

	if (place_on_postgres()) {
		/* Behind all that the store does in its own time. */
		if (at->port != NULL)
			(void)store_catalogue_version(at->port);
		return place_ask_postgres(at->url, sql);
	}
	rc = sqlite3_open(at->url, &db);
	sqlite3_busy_timeout(db, 5000);
	if (rc == SQLITE_OK)
		rc = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
	if (rc == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW)
		value = sqlite3_column_int64(statement, 0);
	if (rc != SQLITE_OK)
		printf("# %s: %s\n", sql, sqlite3_errmsg(db));
	sqlite3_finalize(statement);
	sqlite3_close(db);
	return value;
}

TAP_UNUSED static struct store_call
call_of(const struct place *at)
{
	return (struct store_call){ .arena = at->arena };
}

/* ---- grants to test with ------------------------------------------------- */

static const struct lifetimes lifetimes = {
	.code = 60,
	.access = 600,
	.refresh_idle = 60 * DAY,
	.retry_window = DAY,
};

/* A key that says its number in its first octets. */
TAP_UNUSED static void
key_of(size_t number, uint8_t key[static GRANT_KEY_SIZE])
{
	memset(key, 0x11, GRANT_KEY_SIZE);
	for (int i = 0; i < 4; i++)
		key[i] = (uint8_t)(number >> (24 - 8 * i));
}

TAP_UNUSED static struct grant
grant_live(size_t number)
{
	struct grant g = {
		.version = 2,
		.user = 1,
		.client = 1,
		.subject = B("urn:example:company:7"),
		.scope = B("expenses:read receipts:read"),
		.redirect_uri = B("https://partner.example/cb"),
		.has_challenge = true,
		.refreshable = true,
		.state = GRANT_LIVE,
		.generation = 1,
		.created_at = NOW,
		.authenticated_at = NOW - 5,
		.code_expires_at = NOW + 60,
		.issued_at = NOW,
		.access_expires_at = NOW + 600,
		.refresh_expires_at = NOW + 60 * DAY,
		.last_used_at = NOW,
	};

	key_of(number, g.key);
	memset(g.challenge, 0xA5, sizeof(g.challenge));
	return g;
}

TAP_UNUSED static bool
open_grant(struct place *at, const struct grant *g)
{
	struct grant_open c = { .call = call_of(at), .grant = *g };

	return check_int(run(at, grant_open, &c), DONE) && check(!c.taken);
}

TAP_UNUSED static struct grant_change
refresh_of(const struct place *at, size_t number, uint32_t generation)
{
	struct grant_change c = {
		.call = call_of(at),
		.event = GRANT_REFRESH,
		.now = NOW + 10,
		.refresh = { .client = 1,
			.generation = generation,
			.epoch = 3,
			.lifetimes = &lifetimes,
			.from = B("192.0.2.7") },
	};

	key_of(number, c.key);
	return c;
}

TAP_UNUSED static struct grant_find
find_grant(struct place *at, size_t number)
{
	struct grant_find c = { .call = call_of(at) };

	key_of(number, c.key);
	check_int(run(at, grant_find, &c), DONE);
	return c;
}

#endif
