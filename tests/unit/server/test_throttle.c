/* SPDX-License-Identifier: Apache-2.0 */
/* test_throttle.c - leaky buckets, with time as a number (C-16, H-14, U-12). */
#include "server/throttle.h"

#include "tap.h"

#define LIMIT 3
#define FORGIVE 10

static struct throttle *table;
static struct throttle_key ada;

static void
fresh(size_t buckets)
{
	throttle_free(table);
	table = throttle_new(buckets, LIMIT, FORGIVE);
	ada = throttle_key(table, B("ada"), B("192.0.2.1"));
}

static void
fail_times(int times, int64_t now)
{
	for (int i = 0; i < times; i++)
		throttle_fail(table, ada, now);
}

TEST(failures_up_to_the_limit_cost_nothing)
{
	fresh(64);
	check_int(throttle_wait(table, ada, 1000), 0);
	fail_times(LIMIT - 1, 1000);
	check_int(throttle_level(table, ada, 1000), LIMIT - 1);
	check_int(throttle_wait(table, ada, 1000), 0);
	fail_times(1, 1000);
	check_int(throttle_wait(table, ada, 1000), FORGIVE);
}

TEST(time_forgives_one_after_the_other)
{
	fresh(64);
	fail_times(LIMIT, 1000);
	check_int(throttle_wait(table, ada, 1000 + FORGIVE - 1), 1);
	check_int(throttle_wait(table, ada, 1000 + FORGIVE), 0);
	/* One was forgiven: one more failure and it waits again. */
	fail_times(1, 1000 + FORGIVE);
	check_int(throttle_wait(table, ada, 1000 + FORGIVE), FORGIVE);
	/* All were forgiven: the whole allowance is back. */
	fail_times(LIMIT - 1, 1000 + 10 * FORGIVE);
	check_int(throttle_wait(table, ada, 1000 + 10 * FORGIVE), 0);
}

TEST(failing_on_does_not_lock_out_for_ever)
{
	fresh(64);
	fail_times(10000, 1000);
	check_int(throttle_wait(table, ada, 1000), FORGIVE);
	check_int(throttle_wait(table, ada, 1000 + FORGIVE), 0);
}

TEST(failing_in_between_does_not_stop_the_clock)
{
	fresh(64);
	fail_times(LIMIT, 1000);
	for (int64_t now = 1001; now < 1000 + FORGIVE; now++)
		fail_times(1, now);
	check_int(throttle_wait(table, ada, 1000 + FORGIVE), 0);
}

TEST(others_are_not_throttled)
{
	const struct { struct bytes a, b; } others[] = {
		{ BI("ada"), BI("192.0.2.2") },
		{ BI("bob"), BI("192.0.2.1") },
		{ BI("ad"), BI("a192.0.2.1") }, /* where the parts end counts */
		{ BI_NONE, BI("192.0.2.1") },
		{ BI("ada"), BI_NONE },
	};

	fresh(4096);
	fail_times(LIMIT, 1000);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		row("%.*s", BYTES_FMT(others[i].a));
		check_int(throttle_wait(table,
			throttle_key(table, others[i].a, others[i].b), 1000), 0);
	}
	check(throttle_wait(table, ada, 1000) > 0);
}

TEST(a_success_clears)
{
	fresh(64);
	fail_times(LIMIT, 1000);
	throttle_clear(table, ada);
	check_int(throttle_wait(table, ada, 1000), 0);
	throttle_clear(table, ada);
}

TEST(what_was_counted_in_advance_is_taken_back)
{
	fresh(64);
	throttle_take_back(table, ada); /* nothing is known of her */
	fail_times(LIMIT, 1000);
	throttle_take_back(table, ada);
	check_int(throttle_wait(table, ada, 1000), 0);
	check_int(throttle_level(table, ada, 1000), LIMIT - 1);
	for (int i = 0; i < LIMIT + 1; i++)
		throttle_take_back(table, ada);
	check_int(throttle_level(table, ada, 1000), 0);
	fail_times(LIMIT, 1000);
	check_int(throttle_wait(table, ada, 1000), FORGIVE);
}

TEST(a_clock_set_back_forgives_nothing_and_locks_nobody_out)
{
	fresh(64);
	fail_times(LIMIT, 1000);
	check(throttle_wait(table, ada, 500) > 0);
	check(throttle_wait(table, ada, 500) <= FORGIVE);
	check_int(throttle_wait(table, ada, 1000 + FORGIVE), 0);
}

TEST(the_times_modulus_is_survived)
{
	const int64_t edge = (1 << 24) - 2;

	fresh(64);
	fail_times(LIMIT, edge);
	check_int(throttle_wait(table, ada, edge + FORGIVE - 1), 1);
	check_int(throttle_wait(table, ada, edge + FORGIVE), 0);
}

/* A flood of names that failed once each does not push out one that failed often. */
TEST(under_attack_the_emptiest_are_forgotten)
{
	fresh(64);
	fail_times(LIMIT, 1000);
	for (int i = 0; i < 10000; i++) {
		char name[16];
		int n = snprintf(name, sizeof(name), "x%d", i);

		throttle_fail(table, throttle_key(table, (struct bytes){ name, (size_t)n }, NONE),
			1000);
	}
	check(throttle_wait(table, ada, 1000) > 0);
}

TEST(an_ipv6_network_is_its_first_48_bits)
{
	char memory[40];

	check_bytes(throttle_network(B("2001:db8:7:1::1"), memory), B("2001:0db8:0007/48"));
	check_bytes(throttle_network(B("2001:db8:7:ffff::2"), memory), B("2001:0db8:0007/48"));
	check_bytes(throttle_network(B("2001:db8:8::1"), memory), B("2001:0db8:0008/48"));
	check(bytes_empty(throttle_network(B("192.0.2.1"), memory)));
	check(bytes_empty(throttle_network(B("unix"), memory)));
	check(bytes_empty(throttle_network(B("not:an:address"), memory)));
}

TEST(an_ipv6_address_counts_by_its_64_bit_network)
{
	static const struct { const char *peer, *seen; } rows[] = {
		{ "192.0.2.1", "192.0.2.1" },
		{ "unix", "unix" },
		{ "2001:db8:1:2:3:4:5:6", "2001:0db8:0001:0002/64" },
		{ "2001:db8:1:2::1", "2001:0db8:0001:0002/64" },
		{ "::1", "0000:0000:0000:0000/64" },
		{ "not:an:address", "not:an:address" },
	};
	char memory[40];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].peer);
		check_bytes(throttle_address(bytes_of(rows[i].peer), memory),
			bytes_of(rows[i].seen));
	}
}
