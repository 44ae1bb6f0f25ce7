/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of rules/scope.c. */
#include "rules/scope.h"

#include "tap.h"

TEST(parsing_makes_canonical_text)
{
	static const struct {
		const char *text, *canonical; /* NULL: refused */
	} rows[] = {
		{ "users:read", "users:read" },
		{ "users:read export-jobs:read", "export-jobs:read users:read" },
		{ "b a b a", "a b" },
		{ "a A", "A a" },
		{ "a ab", "a ab" },
		{ "!#[]~", "!#[]~" },
		{ "https://api.example/ urn:x", "https://api.example/ urn:x" },
		/* RFC 6749 3.3, P-10 */
		{ "", NULL },
		{ " a", NULL },
		{ "a ", NULL },
		{ " ", NULL },
		{ "a  b", NULL },
		{ "a\tb", NULL },
		{ "a\nb", NULL },
		{ "a\"", NULL },
		{ "a\\b", NULL },
		{ "a\x7F", NULL },
		{ "\xC3\xA4", NULL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena *a = arena_new();
		struct bytes out = B("untouched");
		bool parsed = scope_parse(a, bytes_of(rows[i].text), &out);

		row("%zu: \"%s\"", i, rows[i].text);
		check_int(parsed, rows[i].canonical != NULL);
		check_bytes(out, bytes_of(parsed ? rows[i].canonical : "untouched"));
		arena_free(a);
	}
}

/* P-08 */
TEST(scope_has_a_limit)
{
	struct arena *a = arena_new();
	static char text[SCOPE_MAX + 1];
	struct bytes out;

	memset(text, 'a', sizeof(text));
	check(scope_parse(a, (struct bytes){ text, SCOPE_MAX }, &out));
	check(!scope_parse(a, (struct bytes){ text, SCOPE_MAX + 1 }, &out));
	/* As many tokens as fit. */
	for (size_t i = 1; i < SCOPE_MAX; i += 2)
		text[i] = ' ';
	check(scope_parse(a, (struct bytes){ text, SCOPE_MAX - 1 }, &out));
	check_bytes(out, B("a"));
	arena_free(a);
}

TEST(names_this_platform_registers)
{
	static const struct { const char *name; bool valid; } rows[] = {
		{ "export-jobs:read", true },
		{ "users:read", true },
		{ "v2.users:read_all", true },
		{ "openid", false },
		{ "users:", false },
		{ ":read", false },
		{ "users:read:all", false },
		{ "Users:read", false },
		{ "users:re ad", false },
		{ "", false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].name);
		check_int(scope_name_valid(bytes_of(rows[i].name)), rows[i].valid);
	}
}

TEST(sets)
{
	static const struct {
		struct bytes x, y, both, common;
		bool within;
	} rows[] = {
		{ BI("a b"), BI("a b"), BI("a b"), BI("a b"), true },
		{ BI("a"), BI("a b"), BI("a b"), BI("a"), true },
		{ BI("b"), BI("a b c"), BI("a b c"), BI("b"), true },
		{ BI("c"), BI("a b"), BI("a b c"), BI_NONE, false },
		{ BI("a c"), BI("a b"), BI("a b c"), BI("a"), false },
		{ BI_NONE, BI("a"), BI("a"), BI_NONE, true },
		{ BI("a"), BI_NONE, BI("a"), BI_NONE, false },
		{ BI_NONE, BI_NONE, BI_NONE, BI_NONE, true },
		/* a prefix is not the same */
		{ BI("a"), BI("ab"), BI("a ab"), BI_NONE, false },
		{ BI("ab"), BI("a"), BI("a ab"), BI_NONE, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena *a = arena_new();

		row("%zu", i);
		check_bytes(scope_union(a, rows[i].x, rows[i].y), rows[i].both);
		check_bytes(scope_union(a, rows[i].y, rows[i].x), rows[i].both);
		check_bytes(
			scope_intersection(a, rows[i].x, rows[i].y), rows[i].common);
		check_bytes(
			scope_intersection(a, rows[i].y, rows[i].x), rows[i].common);
		check_int(scope_within(rows[i].x, rows[i].y), rows[i].within);
		arena_free(a);
	}
}

TEST(one_token_is_found_whole)
{
	check(scope_has(B("a:read b:read"), B("b:read")));
	check(!scope_has(B("a:read b:read"), B("b:rea")));
	check(!scope_has(B("a:read b:read"), B("read b")));
	check(!scope_has(B("a:read"), NONE));
	check(!scope_has(NONE, B("a")));
}

TEST(walking)
{
	struct bytes rest = B("a bc d"), token;

	check(scope_next(&rest, &token));
	check_bytes(token, B("a"));
	check(scope_next(&rest, &token));
	check_bytes(token, B("bc"));
	check(scope_next(&rest, &token));
	check_bytes(token, B("d"));
	check(!scope_next(&rest, &token));
}
