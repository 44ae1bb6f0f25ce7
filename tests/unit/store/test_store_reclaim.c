/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contract of store.h: nothing grows with refreshes, and what is dead goes with
 * ordinary traffic. The store's clock is the real one here, so the past is used.
 */
#include "base/clock.h"
#include "base/secret.h"
#include "place.h"

static struct grant
grant_ended_at(size_t number, int64_t when)
{
	struct grant g = grant_live(number);

	g.created_at = g.issued_at = g.last_used_at = when - 60;
	g.authenticated_at = g.code_expires_at = when;
	g.access_expires_at = g.refresh_expires_at = when;
	g.state = GRANT_ENDED;
	g.end_reason = END_PERSON;
	g.ended_at = when;
	return g;
}

static int64_t
rows_of(const struct place *at, const char *table)
{
	return place_sql(at, arena_printf(at->arena, "SELECT count(*) FROM %s", table));
}

TEST(grants_long_dead_go_as_new_ones_come)
{
	struct place at = place_new();
	int64_t now = clock_now();

	/* Written while they are kept for a century, so that they pile up. */
	store_keep(at.store, 36500 * DAY, 36500 * DAY);
	for (size_t i = 0; i < 200; i++) {
		struct grant g = grant_ended_at(i, now - (i < 100 ? 100 : 80) * DAY);

		open_grant(&at, &g);
	}
	place_sql(&at, "UPDATE grants SET due = 1");
	store_keep(at.store, 90 * DAY, 400 * DAY);
	for (size_t i = 1000; i < 1200; i++) {
		struct grant g = grant_live(i);
		int64_t before = rows_of(&at, "grants");

		open_grant(&at, &g);
		check(rows_of(&at, "grants") > before - 16);
	}
	check(!find_grant(&at, 0).found && !find_grant(&at, 99).found);
	check(find_grant(&at, 100).found && find_grant(&at, 199).found);
	check_int(rows_of(&at, "grants"), 300);
	check_int((int64_t)store_counts(at.store).reclaimed, 100);
	place_remove(&at);
}

/* They were looked at, found alive, and given the day on which to look again. */
TEST(a_living_grant_is_kept_however_often_it_is_due)
{
	struct place at = place_new();
	int64_t now = clock_now();
	struct grant g = grant_live(1);

	g.refresh_expires_at = now + 30 * DAY;
	g.access_expires_at = now + 600;
	g.issued_at = now;
	open_grant(&at, &g);
	for (size_t i = 2; i < 50; i++) {
		struct grant other = grant_live(i);

		place_sql(&at, "UPDATE grants SET due = 1 WHERE id = 1");
		open_grant(&at, &other);
	}
	check(find_grant(&at, 1).found);
	/* Dead in 30 days, kept for 90 more: the first whole day after. */
	check_int(place_sql(&at, "SELECT due FROM grants WHERE id = 1"),
		(now + 120 * DAY) / DAY + 1);
	place_remove(&at);
}

/* The first thirty, by the first octet of their key. */
static void
make_old(struct place *at, const char *table, const char *key)
{
	place_sql(at, arena_printf(at->arena,
		"UPDATE %s SET expires_at = 5 WHERE substr(%s, 1, 1) < %s", table, key,
		place_on_postgres() ? "'\\x1e'::bytea" : "x'1e'"));
}

TEST(the_rest_that_is_dead_goes_too)
{
	struct place at = place_new();
	int64_t now = clock_now();
	static const struct {
		const char *table;
		int64_t left;
	} rows[] = {
		{ "audit", 30 },
		{ "sessions", 30 },
		{ "revoked_tokens", 30 },
	};

	store_keep(at.store, 90 * DAY, 36500 * DAY);
	for (uint8_t i = 0; i < 60; i++) {
		int64_t old = i < 30 ? 500 * DAY : 0;
		struct audit_add audit = { .call = call_of(&at),
			.audit = { .at = now - old, .event = B("signed_in") } };
		struct session_open session = { .call = call_of(&at),
			.session = { .key = { i },
				.user = 1,
				.authenticated_at = now,
				.expires_at = now + DAY } };
		struct token_revocation token = {
			.call = call_of(&at), .digest = { i }, .expires_at = now + DAY
		};

		check_int(run(&at, audit_add, &audit), DONE);
		check_int(run(&at, session_open, &session), DONE);
		check_int(run(&at, token_revoke, &token), DONE);
	}
	make_old(&at, "sessions", "key");
	make_old(&at, "revoked_tokens", "digest");
	store_keep(at.store, 90 * DAY, 400 * DAY);
	for (uint8_t i = 0; i < 3; i++) {
		struct token_revocation token = {
			.call = call_of(&at), .digest = { i, 1 }, .expires_at = 6
		};

		check_int(run(&at, token_revoke, &token), DONE);
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		row("%s", rows[i].table);
		check_int(rows_of(&at, rows[i].table), rows[i].left);
	}
	place_remove(&at);
}

/* ---- 0 bytes a refresh --------------------------------------------------- */

#define GRANTS 2000
#define LANES 50
#define REFRESHES 100000

/* PostgreSQL writes the row anew and takes the old one's place back later. */
static int64_t
table_size(const struct place *at)
{
	place_sql(at, "VACUUM grants");
	return place_sql(at, "SELECT pg_total_relation_size('grants')");
}

static int64_t
file_size(const struct place *at, const char *suffix)
{
	const char *path = arena_printf(at->arena, "%s%s", at->url, suffix);
	struct stat st;

	return stat(path, &st) == 0 ? st.st_size : 0;
}

/* Waves of refreshes of random grants, one of each residue class, each with a key. */
static void
refresh_wave(struct place *at, struct arena *a, uint32_t *generations)
{
	static struct grant_change changes[LANES];
	size_t numbers[LANES];

	for (size_t i = 0; i < LANES; i++) {
		uint16_t r;

		secret_random(&r, sizeof(r));
		numbers[i] = r % (GRANTS / LANES) * LANES + i;
		changes[i] = refresh_of(at, numbers[i], generations[numbers[i]]);
		changes[i].call.arena = a;
		changes[i].refresh.retry.present = true;
		secret_random(changes[i].refresh.retry.key, RETRY_DIGEST_SIZE);
		store_grant_change(at->port, &changes[i]);
	}
	for (size_t i = 0; i < LANES; i++) {
		check_int(store_wait(at->port, &changes[i].call), DONE);
		check_int(changes[i].verdict.kind, VERDICT_ISSUE);
		generations[numbers[i]] = changes[i].grant.generation;
	}
	arena_reset(a);
}

static void
open_grants(struct place *at, uint32_t *generations)
{
	for (size_t i = 0; i < GRANTS; i++) {
		struct grant g = grant_live(i);

		open_grant(at, &g);
		generations[i] = 1;
	}
}

static void
check_file(struct place *at, struct arena *a, uint32_t *generations)
{
	int64_t before, longest = 0;

	place_close(at); /* all is in the database, nothing in the log */
	before = file_size(at, "");
	check(place_open(at));
	for (size_t n = 0; n < REFRESHES / LANES; n++) {
		int64_t log;

		refresh_wave(at, a, generations);
		log = n % 50 == 0 ? file_size(at, "-wal") : 0;
		longest = log > longest ? log : longest;
	}
	printf("# longest log: %lld KiB\n", (long long)longest / 1024);
	check(longest < 128 * 1024 * 1024);
	place_close(at);
	check_int(file_size(at, ""), before);
	check_int(place_sql(at, "PRAGMA freelist_count"), 0);
}

/* The first half may use up the room that pages keep; the second adds nothing. */
static void
check_table(struct place *at, struct arena *a, uint32_t *generations)
{
	int64_t sizes[3];

	for (size_t half = 0; half < 3; half++) {
		sizes[half] = table_size(at);
		for (size_t n = 0; half < 2 && n < REFRESHES / 2 / LANES; n++)
			refresh_wave(at, a, generations);
	}
	printf("# %lld bytes, then %lld, then %lld\n", (long long)sizes[0],
		(long long)sizes[1], (long long)sizes[2]);
	check(sizes[1] < sizes[0] + sizes[0] / 4);
	check(sizes[2] - sizes[1] < REFRESHES / 2); /* not a byte each */
}

TEST(a_hundred_thousand_refreshes_add_no_byte)
{
	static uint32_t generations[GRANTS];
	struct place at = place_new();
	struct arena *a = arena_new();

	open_grants(&at, generations);
	if (place_on_postgres())
		check_table(&at, a, generations);
	else
		check_file(&at, a, generations);
	arena_free(a);
	place_remove(&at);
}
