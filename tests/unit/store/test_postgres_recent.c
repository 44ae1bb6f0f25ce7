/* SPDX-License-Identifier: Apache-2.0 */
/* postgres_recent.c: rows are remembered whole, used once, and take no more than is theirs. */
#include "place.h"
#include "store/postgres.h"

#define ROOM 100000

static struct grant
grant_of(uint32_t number)
{
	struct grant g = grant_live(number);

	/* The first octets say where it is looked for: these meet others there. */
	memset(g.key, 0, 4);
	memcpy(g.key + 4, &number, sizeof(number));
	g.generation = number;
	return g;
}

static bool
take(struct recent *r, uint32_t number, struct arena *a, struct grant *g, int64_t *mark)
{
	return recent_take(r, grant_of(number).key, a, g, mark);
}

TEST(a_row_is_remembered_whole_and_used_once)
{
	struct recent *r = recent_new();
	struct arena *a = arena_new();
	struct grant g = grant_of(7), got = { .version = 0 };
	char scope[] = "receipts:read";
	int64_t mark = 0;

	g.access_scope = bytes_of(scope);
	check(!take(r, 7, a, &got, &mark));
	recent_put(r, &g, 1, ROOM);
	recent_put(r, &g, 42, ROOM);
	memset(scope, 'x', sizeof(scope) - 1); /* whose memory it was may go */
	if (check(take(r, 7, a, &got, &mark))) {
		check_int(mark, 42);
		check_int(got.generation, 7);
		check_bytes(got.subject, g.subject);
		check_bytes(got.scope, g.scope);
		check_bytes(got.resource, NONE);
		check_bytes(got.access_scope, B("receipts:read"));
		check_memory(got.challenge, g.challenge, sizeof(g.challenge));
	}
	check(!take(r, 7, a, &got, &mark));
	arena_free(a);
	recent_free(r);
}

TEST(a_row_that_is_forgotten_is_gone)
{
	struct recent *r = recent_new();
	struct arena *a = arena_new();
	struct grant one = grant_of(1), two = grant_of(2), got;
	int64_t mark;

	recent_forget(r, one.key);
	recent_put(r, &one, 1, ROOM);
	recent_put(r, &two, 2, ROOM);
	recent_forget(r, one.key);
	check(!take(r, 1, a, &got, &mark));
	check(take(r, 2, a, &got, &mark));
	arena_free(a);
	recent_free(r);
}

TEST(what_was_written_longest_ago_makes_room)
{
	struct recent *r = recent_new();
	struct arena *a = arena_new();
	struct grant got;
	int64_t mark;
	uint32_t kept = 0;

	for (uint32_t i = 1; i <= 1000; i++) {
		struct grant g = grant_of(i);

		recent_put(r, &g, i, ROOM);
	}
	while (kept < 1000 && take(r, 1000 - kept, a, &got, &mark))
		check_int(mark, 1000 - kept++);
	printf("# %u rows in %d bytes\n", kept, ROOM);
	check(kept > ROOM / 1000 && kept < ROOM / sizeof(struct grant));
	for (uint32_t i = 1; i + kept <= 1000; i++)
		check(!take(r, i, a, &got, &mark));
	arena_free(a);
	recent_free(r);
}

TEST(without_room_nothing_is_remembered)
{
	struct recent *r = recent_new();
	struct arena *a = arena_new();
	struct grant g = grant_of(1), got;
	int64_t mark;

	recent_put(r, &g, 1, 0);
	check(!take(r, 1, a, &got, &mark));
	arena_free(a);
	recent_free(r);
}
