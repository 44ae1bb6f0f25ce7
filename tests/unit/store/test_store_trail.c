/* SPDX-License-Identifier: Apache-2.0 */
/* Contract of store.h: the audit trail, and why requests were refused. */
#include <time.h>

#include "place.h"

static void
add(struct place *at, int64_t when, const char *event, const char *object)
{
	struct audit_add c = { .call = call_of(at),
		.audit = { .at = when,
			.event = bytes_of(event),
			.actor = B("operator:root"),
			.object = bytes_of(object),
			.detail = B("a sentence"),
			.from = B("192.0.2.1") } };

	check_int(run(at, audit_add, &c), DONE);
}

TEST(the_trail_is_read_newest_first_and_by_what_is_asked)
{
	static const struct {
		int64_t since, until;
		const char *event, *object;
		size_t limit;
		const char *want; /* seconds after NOW */
	} rows[] = {
		{ 0, 0, "", "", 9, "4321" },
		{ 0, 0, "", "", 2, "43" },
		{ NOW + 2, 0, "", "", 9, "432" },
		{ 0, NOW + 3, "", "", 9, "321" },
		{ NOW + 2, NOW + 2, "", "", 9, "2" },
		{ 0, 0, "added", "", 9, "31" },
		{ 0, 0, "", "user:ada", 9, "32" },
		{ 0, 0, "added", "user:ada", 9, "3" },
		{ NOW + 4, 0, "added", "user:ada", 9, "" },
		{ 0, 0, "added' OR 1", "", 9, "" },
	};
	struct place at = place_new();

	add(&at, NOW + 1, "added", "user:bob");
	add(&at, NOW + 2, "removed", "user:ada");
	add(&at, NOW + 3, "added", "user:ada");
	add(&at, NOW + 4, "removed", "user:bob");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct audit_list c = { .call = call_of(&at),
			.since = rows[i].since,
			.until = rows[i].until,
			.event = bytes_of(rows[i].event),
			.object = bytes_of(rows[i].object),
			.limit = rows[i].limit };
		char got[8] = "";

		row("list %zu", i);
		check_int(run(&at, audit_list, &c), DONE);
		for (size_t n = 0; n < c.count && n < 7; n++)
			got[n] = (char)('0' + c.entries[n].at - NOW);
		check_str(got, rows[i].want);
	}
	place_remove(&at);
}

TEST(an_entry_comes_back_as_it_went_in)
{
	struct place at = place_new();
	struct audit_list c = { .call = call_of(&at), .limit = 1 };

	add(&at, NOW, "added", "user:ada");
	check_int(run(&at, audit_list, &c), DONE);
	if (check_int((int64_t)c.count, 1)) {
		check_bytes(c.entries[0].event, B("added"));
		check_bytes(c.entries[0].actor, B("operator:root"));
		check_bytes(c.entries[0].object, B("user:ada"));
		check_bytes(c.entries[0].detail, B("a sentence"));
		check_bytes(c.entries[0].from, B("192.0.2.1"));
	}
	place_remove(&at);
}

/* ---- refusals ------------------------------------------------------------ */

static struct refusal_note
note_number(const struct place *at, unsigned number)
{
	struct refusal_note n = { .call = call_of(at),
		.at = NOW,
		.reason = B("redirect_uri_mismatch"),
		.endpoint = B("/oauth/authorize"),
		.client_id = B("lkc_1"),
		.from = B("192.0.2.1"),
		.facts = B("{\"a\":1}"),
		.has_grant = number % 2 == 1 };
	char id[ERROR_ID_SIZE + 1];

	snprintf(id, sizeof(id), "%010u", number);
	memcpy(n.id, id, ERROR_ID_SIZE);
	key_of(number, n.grant);
	return n;
}

static struct refusal_find
find_note(struct place *at, unsigned number)
{
	const char *id = arena_printf(at->arena, "%010u", number);
	struct refusal_find c = { .call = call_of(at), .id = bytes_of(id) };

	check_int(run(at, refusal_find, &c), DONE);
	return c;
}

static void
check_note(const struct refusal_find *c, unsigned number)
{
	uint8_t key[GRANT_KEY_SIZE];

	if (!check(c->found))
		return;
	key_of(number, key);
	check_int(c->note.at, NOW);
	check_bytes(c->note.reason, B("redirect_uri_mismatch"));
	check_bytes(c->note.endpoint, B("/oauth/authorize"));
	check_bytes(c->note.client_id, B("lkc_1"));
	check_bytes(c->note.from, B("192.0.2.1"));
	check_bytes(c->note.facts, B("{\"a\":1}"));
	check_int(c->note.has_grant, number % 2);
	if (c->note.has_grant)
		check_memory(c->note.grant, key, GRANT_KEY_SIZE);
}

static void
note_written(struct store_call *c)
{
	check_int(c->outcome, DONE);
}

TEST(a_refusal_somebody_waits_for_is_written_at_once)
{
	struct place at = place_new();
	struct refusal_note n = note_number(&at, 1);
	struct refusal_find c;

	n.call.done = note_written;
	check_int(run(&at, refusal_note, &n), DONE);
	c = find_note(&at, 1);
	check_note(&c, 1);
	check(!find_note(&at, 2).found);
	place_remove(&at);
}

/* Within 250 ms; the caller's own memory may be gone at once. */
TEST(a_refusal_nobody_waits_for_is_copied_and_written_soon)
{
	struct place at = place_new();
	const struct timespec tick = { .tv_nsec = 10000000 };
	char facts[] = "{\"a\":1}";
	struct refusal_note n = note_number(&at, 1);
	struct refusal_find c;
	int ticks = 0;

	n.facts = bytes_of(facts);
	store_refusal_note(at.port, &n);
	memset(facts, '#', sizeof(facts));
	memset(&n, 0xEE, sizeof(n));
	while (!(c = find_note(&at, 1)).found && ticks++ < 500)
		nanosleep(&tick, NULL);
	check_note(&c, 1);
	place_remove(&at);
}

TEST(refusals_are_written_along_with_other_commits)
{
	struct place at = place_new();
	struct refusal_note n = note_number(&at, 1);
	struct grant g = grant_live(1);

	store_refusal_note(at.port, &n);
	open_grant(&at, &g);
	check(find_note(&at, 1).found);
	place_remove(&at);
}

TEST(the_newest_twenty_thousand_refusals_are_kept)
{
	struct place at = place_new();
	struct refusal_note *notes = must_calloc(512, sizeof(*notes));
	struct refusal_find oldest;
	unsigned number = 0;

	while (number < 20480) {
		struct arena *a = at.arena;

		for (size_t i = 0; i < 512; i++) {
			notes[i] = note_number(&at, number++);
			notes[i].call.done = note_written;
			store_refusal_note(at.port, &notes[i]);
		}
		for (size_t i = 0; i < 512; i++)
			check_int(store_wait(at.port, &notes[i].call), DONE);
		arena_reset(a);
	}
	check_int(place_sql(&at, "SELECT count(*) FROM refusals"), 20000);
	check(!find_note(&at, 479).found);
	oldest = find_note(&at, 480);
	check_note(&oldest, 480);
	check(find_note(&at, 20479).found);
	free(notes);
	place_remove(&at);
}

/* A flood of refusals costs neither memory nor the traffic its commits. */
TEST(a_flood_of_refusals_is_dropped_and_counted)
{
	struct place at = place_new();
	struct grant g = grant_live(1);
	struct store_counts counts;
	int64_t kept;

	for (unsigned i = 0; i < 50000; i++) {
		struct refusal_note n = note_number(&at, i);

		store_refusal_note(at.port, &n);
	}
	open_grant(&at, &g);
	counts = store_counts(at.store);
	check(counts.dropped > 0);
	check((int64_t)store_backlog(at.store) == 0);
	place_close(&at);
	kept = place_sql(&at, "SELECT max(id) FROM refusals");
	check_int(kept + (int64_t)counts.dropped, 50000);
	check(place_open(&at));
	place_remove(&at);
}
