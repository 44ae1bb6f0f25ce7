/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault_database.h - a vault for a test in PostgreSQL, in a schema of its own of the
 * database that tests/with-postgres started.
 */
#ifndef LATCHKEY_TESTS_VAULT_DATABASE_H
#define LATCHKEY_TESTS_VAULT_DATABASE_H

#include "vault/vault_pq.h"
#include "vault_place.h"

TAP_UNUSED static bool
database_there(void)
{
	return getenv("LATCHKEY_TEST_DATABASE") != NULL;
}

/* A statement of the test's own, as `url` sees the database; gives the first column
 * of the first row as a number. */
TAP_UNUSED static int64_t
database_sql(const char *url, const char *sql)
{
	char place[VAULT_PLACE_MAX];
	struct pq_target target;
	struct fault f = { .what = "" };
	PGresult *result;
	PGconn *c;
	int64_t number = 0;

	if (pq_target_read(url, &target, place, &f) != VAULT_DONE ||
		pq_connect(&target, clock_monotonic_ms() + 10000, &c,
			&f) != VAULT_DONE ||
		pq_ask(c, clock_monotonic_ms() + 10000, sql, NULL, 0, &result, &f) !=
			VAULT_DONE) {
		printf("# %s: %s\n", sql, f.what);
		exit(1);
	}
	number = pq_number(result, 0);
	vault_pq.clear(result);
	vault_pq.finish(c);
	pq_target_free(&target);
	return number;
}

/* A directory for the key file, a schema for the rest; the vault is not opened yet. */
TAP_UNUSED static void
place_make_in_database(struct place *at)
{
	static int count;
	char sql[64];

	place_make(at);
	snprintf(sql, sizeof(sql), "CREATE SCHEMA vault%d", ++count);
	database_sql(getenv("LATCHKEY_TEST_DATABASE"), sql);
	snprintf(at->where, sizeof(at->where), "%s&options=-csearch_path%%3Dvault%d",
		getenv("LATCHKEY_TEST_DATABASE"), count);
}

TAP_UNUSED static struct place
place_in_database(void)
{
	struct place at;

	place_make_in_database(&at);
	if (!place_open(&at))
		exit(1);
	return at;
}

#endif
