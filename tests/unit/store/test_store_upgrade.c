/* SPDX-License-Identifier: Apache-2.0 */
/* Contract of store.h: a schema is brought forward as a whole, and only that way. */
#include "place.h"
#include "store/backend.h"
#include "store/shared.h"

#define NEXT (SCHEMA_VERSION + 1)

static const struct upgrade two_steps[] = {
	{ NEXT, "ALTER TABLE users ADD COLUMN mood TEXT",
		"ALTER TABLE users ADD COLUMN mood TEXT" },
	{ NEXT + 1, "CREATE TABLE moods (id INTEGER PRIMARY KEY)",
		"CREATE TABLE moods (id BIGINT PRIMARY KEY)" },
	{ 0, NULL, NULL },
};
static const struct upgrade one_fails[] = {
	{ NEXT, "CREATE TABLE moods (id INTEGER PRIMARY KEY)",
		"CREATE TABLE moods (id BIGINT PRIMARY KEY)" },
	{ NEXT + 1, "ALTER TABLE nowhere ADD COLUMN mood TEXT",
		"ALTER TABLE nowhere ADD COLUMN mood TEXT" },
	{ 0, NULL, NULL },
};

static int64_t
version_of(const struct place *at)
{
	return place_sql(at, place_on_postgres() ? "SELECT schema_version FROM latchkey"
						 : "PRAGMA user_version");
}

static void
set_version(const struct place *at, int version)
{
	place_sql(at, arena_printf(at->arena, place_on_postgres()
			? "UPDATE latchkey SET schema_version = %d"
			: "PRAGMA user_version = %d", version));
}

TEST(every_step_is_taken_beside_a_program_of_the_older_minor_version)
{
	struct place at = place_new();
	struct grant g = grant_live(1);
	int64_t from = 0;

	open_grant(&at, &g);
	check_int(store_upgrade_by(at.url, two_steps, NEXT + 1, &from, &at.fault), DONE);
	check_int(from, SCHEMA_VERSION);
	check_int(version_of(&at), NEXT + 1);
	check_int(place_sql(&at, "SELECT count(mood) FROM users"), 0);
	check_int(place_sql(&at, "SELECT count(*) FROM moods"), 0);
	check(find_grant(&at, 1).found); /* the one that is open goes on */
	place_close(&at);
	check(place_open(&at)); /* and can be opened again */
	check(find_grant(&at, 1).found);
	check_int(store_upgrade_by(at.url, two_steps, NEXT + 1, &from, &at.fault), DONE);
	check_int(from, NEXT + 1); /* nothing is done twice */
	place_remove(&at);
}

TEST(a_step_that_fails_undoes_those_before_it)
{
	struct place at = place_new();
	int64_t from;

	check_int(store_upgrade_by(at.url, one_fails, NEXT + 1, &from, &at.fault), FAULT);
	check_int(version_of(&at), SCHEMA_VERSION);
	check_int(store_upgrade_by(at.url, two_steps, NEXT + 1, &from, &at.fault), DONE);
	place_remove(&at);
}

TEST(what_there_is_no_way_from_is_refused_in_a_sentence)
{
	struct place at = place_new();
	int64_t from, to;

	place_close(&at);
	set_version(&at, SCHEMA_VERSION - 1);
	check_int(store_open(at.url, &at.store, &at.fault), FAULT);
	check(strstr(at.fault.what, "latchkey db upgrade") != NULL);
	check_int(store_upgrade(at.url, &from, &to, &at.fault), FAULT);
	check(strstr(at.fault.what, "no way") != NULL);
	set_version(&at, SCHEMA_VERSION + 1000);
	check_int(store_upgrade(at.url, &from, &to, &at.fault), FAULT);
	check(strstr(at.fault.what, "newer") != NULL);
	set_version(&at, SCHEMA_VERSION);
	check_int(store_upgrade(at.url, &from, &to, &at.fault), DONE);
	check_int(from, to);
	place_remove(&at);
}
