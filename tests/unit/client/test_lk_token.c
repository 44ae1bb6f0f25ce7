/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a token is good enough (RULEBOOK CL-20): its margin, what a caller wants beside,
 * and what is good enough while the server is away.
 */
#include "client_test.h"
#include "client/lk.h"

#define S INT64_C(1000)
#define NOW (INT64_C(5000) * S)

/* A token that was given for length_s seconds, left_s of which are left. */
static struct lk_token *
token(int64_t length_s, int64_t left_s)
{
	const struct record r = { 0 };

	return token_new(B("at-1"), &r, length_s * S, NOW + left_s * S, false);
}

TEST(a_token_is_fresh_until_its_margin)
{
	static const struct {
		int64_t length, left, min_ttl;
		bool fresh, alive;
	} rows[] = {
		{ 3600, 3600, 0, true, true },
		{ 3600, 31, 0, true, true },     /* 30 s ... */
		{ 3600, 30, 0, false, true },
		{ 60, 7, 0, true, true },        /* ... or a tenth of its life */
		{ 60, 6, 0, false, true },
		{ 60, 2, 0, false, false },
		{ 3600, 0, 0, false, false },
		{ 3600, -10, 0, false, false },
		{ 3600, 331, 300, true, true },  /* and what is wanted beside */
		{ 3600, 330, 300, false, true },
		{ 3600, 300, 300, false, false },
		{ 600, 600, 86400, true, false }, /* more than there ever is: the newest */
		{ 600, 571, 86400, true, false },
		{ 600, 570, 86400, false, false },
		{ 1, 1, 0, true, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct wish wish = { .min_ttl_ms = rows[i].min_ttl * S };
		struct lk_token *t = token(rows[i].length, rows[i].left);

		row("%d of %d s left, %d wanted", (int)rows[i].left, (int)rows[i].length,
			(int)rows[i].min_ttl);
		check_int(token_fresh(t, &wish, NOW), rows[i].fresh);
		check_int(token_alive(t, &wish, NOW), rows[i].alive);
		lk_token_free(t);
	}
}

TEST(one_that_was_refused_is_never_good)
{
	struct lk_token *t = token(3600, 3600);
	const struct wish other = { .refused = B("at-2") }, same = { .refused = B("at-1") };
	const struct wish shorter = { .refused = B("at-") };

	check(token_fresh(t, &other, NOW) && token_alive(t, &other, NOW));
	check(token_fresh(t, &shorter, NOW));
	check(!token_fresh(t, &same, NOW) && !token_alive(t, &same, NOW));
	lk_token_free(t);
}

TEST(one_without_an_end_is_good_until_it_is_refused)
{
	const struct record r = { .ca_file = B("/ca.pem"), .flags = LK_DEVELOPMENT };
	const struct wish wish = { .min_ttl_ms = INT64_C(315360000) * S };
	struct lk_token *t = token_new(B("at-1"), &r, 600 * S, UNTIL_REFUSED, true);

	check(token_fresh(t, &wish, NOW));
	check_int(lk_token_expires_in(t), -1);
	check_str(lk_token_text(t), "at-1");
	check_str(t->ca_file, "/ca.pem");
	check(t->development);
	lk_token_free(t);
}

TEST(it_lives_until_the_last_reference_goes)
{
	struct lk_token *t = token(3600, 3600), *second = token_hold(t);

	lk_token_free(t);
	check_str(lk_token_text(second), "at-1");
	lk_token_free(second);
	lk_token_free(NULL);
}

TEST(a_struct_of_an_older_or_newer_program_is_read_as_far_as_it_is_known)
{
	struct known {
		size_t size;
		int a, b;
	} out;
	struct newer {
		struct known known;
		int later, last; /* no padding: what stands in it nobody knows */
	} newer = { { sizeof(newer), 1, 2 }, 0, 0 };
	const struct known older = { offsetof(struct known, b), 1, 2 };

	check(lk_copy(&out, sizeof(out), &older, older.size));
	check(out.a == 1 && out.b == 0);
	check(lk_copy(&out, sizeof(out), &newer, newer.known.size));
	check(out.a == 1 && out.b == 2);
	newer.later = 1;
	check(!lk_copy(&out, sizeof(out), &newer, newer.known.size));
	check(!lk_copy(&out, sizeof(out), &older, 0));
}
