/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of pages/words.c. */
#include "pages/words.h"

#include "tap.h"

TEST(initials_are_of_the_first_and_last_word)
{
	static const struct {
		struct bytes name;
		unsigned letters;
		struct bytes want;
	} rows[] = {
		{ BI("Ledger Sync"), 2, BI("LS") },
		{ BI("Ledger Sync"), 1, BI("L") },
		{ BI("The Ledger Sync Company"), 2, BI("TC") },
		{ BI("tally"), 2, BI("T") },
		{ BI("  \"tally\"  4u "), 2, BI("T4") },
		{ BI("O'Brien & Sons"), 2, BI("OS") },
		{ BI("\xC3\x96kostrom \xC3\xA4mter"), 2, BI("\xC3\x96\xC3\xA4") },
		{ BI("\xE5\x8C\x97\xE9\xA2\xA8"), 2, BI("\xE5\x8C\x97") },
		{ BI("\xE2\x80\xAE" "evil"), 2, BI("E") },
		{ BI("<b> <i>"), 2, BI("BI") },
		{ BI("***"), 2, BI("?") },
		{ BI_NONE, 2, BI("?") },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char memory[32];
		struct buf out = buf_fixed(memory, sizeof(memory));

		row("%.*s", BYTES_FMT(rows[i].name));
		words_initials(rows[i].name, rows[i].letters, &out);
		check_bytes(buf_bytes(&out), rows[i].want);
	}
}

TEST(a_name_longer_than_any_is_cut_before_it_is_looked_at)
{
	char name[2000], memory[32];
	struct buf out = buf_fixed(memory, sizeof(memory));

	memset(name, '\xFF', sizeof(name));
	words_initials((struct bytes){ name, sizeof(name) }, 2, &out);
	check(!out.failed);
	check_bytes(buf_bytes(&out), B("\xEF\xBF\xBD"));
}

TEST(durations_are_rounded_up)
{
	static const struct {
		int64_t seconds;
		struct bytes want;
	} rows[] = {
		{ 1, BI("1 second") },      { 2, BI("2 seconds") },
		{ 89, BI("89 seconds") },   { 90, BI("2 minutes") },
		{ 60, BI("60 seconds") },   { 300, BI("5 minutes") },
		{ 301, BI("6 minutes") },   { 5399, BI("90 minutes") },
		{ 5400, BI("2 hours") },    { 86400, BI("24 hours") },
		{ INT64_MAX, BI("2562047788015216 hours") },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char memory[40];
		struct buf out = buf_fixed(memory, sizeof(memory));

		row("%lld", (long long)rows[i].seconds);
		words_duration(rows[i].seconds, &out);
		check_bytes(buf_bytes(&out), rows[i].want);
	}
}

TEST(the_same_name_has_the_same_tint_and_digest)
{
	char memory[4];
	struct buf out = buf_fixed(memory, sizeof(memory));

	check_int(words_digest(NONE), 2166136261u);
	check_int(words_digest(B("a")), 0xe40c292c); /* FNV-1a's published vectors */
	check_int(words_digest(B("foobar")), 0xbf9cf968);
	words_tint(B("foobar"), &out);
	check_int((int64_t)out.n, 1);
	check(memory[0] >= '0' && memory[0] <= '5');
}
