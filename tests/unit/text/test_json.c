/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of text/json.c. */
#include "text/json.h"

#include "tap.h"

TEST(a_document_is_written_with_its_commas)
{
	struct arena *a = arena_new();
	struct buf b = buf_new(a, 1000);
	struct json_out j = json_out(&b);

	json_open(&j, '{');
	json_member_bool(&j, "active", true);
	json_member(&j, "absent", NONE);
	json_member_number(&j, "exp", -5);
	json_key(&j, "list");
	json_open(&j, '[');
	json_bytes(&j, B("a"));
	json_number(&j, INT64_MIN);
	json_open(&j, '{');
	json_close(&j, '}');
	json_open(&j, '[');
	json_close(&j, ']');
	json_bool(&j, false);
	json_close(&j, ']');
	json_member(&j, "scope", B("x y"));
	json_close(&j, '}');
	check_bytes(buf_bytes(&b),
		B("{\"active\":true,\"exp\":-5,\"list\":[\"a\",-9223372036854775808,"
		  "{},[],false],\"scope\":\"x y\"}"));
	arena_free(a);
}

TEST(strings_are_escaped_and_always_utf_8)
{
	static const struct {
		struct bytes value, text;
	} rows[] = {
		{ BI(""), BI("\"\"") },
		{ BI("plain/<&>"), BI("\"plain/<&>\"") },
		{ BI("a\"b\\c"), BI("\"a\\\"b\\\\c\"") },
		{ BI("\0\n\x1F"), BI("\"\\u0000\\u000a\\u001f\"") },
		{ BI("\x7F"), BI("\"\x7F\"") },
		{ BI("\xC2\xA3\xF0\x9F\x94\x91"), BI("\"\xC2\xA3\xF0\x9F\x94\x91\"") },
		{ BI("a\xFF" "b"), BI("\"a\xEF\xBF\xBD" "b\"") },
		{ BI("\xE2\x82"), BI("\"\xEF\xBF\xBD\xEF\xBF\xBD\"") },
	};
	struct arena *a = arena_new();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf b = buf_new(a, 100);
		struct json_out j = json_out(&b);

		row("%zu", i);
		json_bytes(&j, rows[i].value);
		check_bytes(buf_bytes(&b), rows[i].text);
	}
	arena_free(a);
}

TEST(what_is_written_can_be_read)
{
	struct arena *a = arena_new();
	struct buf b = buf_new(a, 10000);
	struct json_out j = json_out(&b);
	char all[255];
	const char *why = NULL;
	json_t *document;

	for (int c = 1; c < 256; c++)
		all[c - 1] = (char)c;
	json_open(&j, '{');
	json_member(&j, "all", (struct bytes){ all, sizeof(all) });
	json_close(&j, '}');
	document = json_read(buf_bytes(&b), 10000, &why);
	if (check(document != NULL)) {
		struct bytes back = json_get_bytes(a, document, "all");

		check_bytes(bytes_slice(back, 0, 127), ((struct bytes){ all, 127 }));
		check_int((int64_t)back.n, 127 + 128 * 3);
	}
	json_decref(document);
	arena_free(a);
}

TEST(reading_is_strict_and_says_where)
{
	static const struct {
		struct bytes text;
		const char *why; /* NULL: read */
	} rows[] = {
		{ BI("{}"), NULL },
		{ BI(" [1, 2.5, \"\\u00e9\", null] \n"), NULL },
		{ BI("[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]"), NULL },
		{ BI("[\"[[[[[[[[[[[[[[[[[[\\\"[[\"]"), NULL },
		{ BI("[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]"), "nested too deeply" },
		{ BI(""), "empty" },
		{ BI("{\"a\":1,\"a\":1}"), "line 1, column 10: a member occurs twice" },
		{ BI("{\n\"secret\":hush}"), "line 2, column 13: not valid JSON" },
		{ BI("{} {}"), "line 1, column 4: something follows the end" },
		{ BI("{\"a\":"), "line 1, column 5: it ends too early" },
		{ BI("[\"\\u0000\"]"), "line 1, column 9: a NUL in a string" },
		{ BI("[\"\xFF\"]"), "line 1, column 2: not valid UTF-8" },
		{ BI("[99999999999999999999]"),
			"line 1, column 21: a number is too large" },
		{ BI("\"text\""), "line 1, column 6: not valid JSON" },
		{ BI("[1,]"), "line 1, column 4: not valid JSON" },
		{ BI("[NaN]"), "line 1, column 4: not valid JSON" },
		{ BI("{'a':1}"), "line 1, column 2: not valid JSON" },
		{ BI("[1] \0"), "line 1, column 5: something follows the end" },
		{ BI("[0123456789 0123456789 0123456789 0123456789]"), "too long" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *why = NULL;
		json_t *document = json_read(rows[i].text, 40, &why);

		row("%.*s", BYTES_FMT(rows[i].text));
		check_int(document != NULL, rows[i].why == NULL);
		check_str(why, rows[i].why);
		json_decref(document);
	}
}

TEST(a_member_that_is_no_string_is_none)
{
	struct arena *a = arena_new();
	const char *why;
	json_t *document = json_read(B("{\"s\":\"x\",\"n\":1,\"e\":\"\"}"), 100, &why);

	check_bytes(json_get_bytes(a, document, "s"), B("x"));
	check_bytes(json_get_bytes(a, document, "n"), NONE);
	check_bytes(json_get_bytes(a, document, "e"), NONE);
	check_bytes(json_get_bytes(a, document, "other"), NONE);
	json_decref(document);
	check_bytes(json_get_bytes(a, NULL, "s"), NONE);
	arena_free(a);
}
