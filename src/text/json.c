/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json.c - RFC 8259 out of a buffer writer, and in through jansson.
 */
#include "text/json.h"

#include <stdio.h>

#include "text/utf8.h"

#define JSON_DEPTH 16 /* metadata and requests need 4; jansson's own limit is 2048 */

struct json_out
json_out(struct buf *b)
{
	return (struct json_out){ .b = b, .first = true };
}

/* Before every key and every value of an array. */
static void
separate(struct json_out *j)
{
	if (!j->first)
		buf_putc(j->b, ',');
	j->first = false;
}

void
json_open(struct json_out *j, char bracket)
{
	separate(j);
	buf_putc(j->b, bracket);
	j->first = true;
}

void
json_close(struct json_out *j, char bracket)
{
	buf_putc(j->b, bracket);
	j->first = false;
}

void
json_key(struct json_out *j, const char *key)
{
	separate(j);
	buf_putc(j->b, '"');
	buf_put(j->b, bytes_of(key));
	buf_put(j->b, B("\":"));
	j->first = true; /* no comma between a key and its value */
}

/* Section 7: how many bytes from the start need nothing done to them. */
static size_t
plain_run(struct bytes b)
{
	size_t n = 0;

	while (n < b.n && (signed char)b.p[n] >= 0x20 && b.p[n] != '"' && b.p[n] != '\\')
		n++; /* bytes of 0x80 and above are negative, and stop it too */
	return n;
}

/* One character that is not plain; returns its length. */
static size_t
put_special(struct buf *b, struct bytes rest)
{
	size_t n = utf8_sequence(rest);

	if (n == 0) {
		buf_put(b, B("\xEF\xBF\xBD"));
		return 1;
	}
	if (n > 1)
		buf_put(b, bytes_slice(rest, 0, n));
	else if ((unsigned char)rest.p[0] < 0x20)
		buf_printf(b, "\\u%04x", (unsigned)rest.p[0]);
	else
		buf_put(b, (struct bytes){ (char[]){ '\\', rest.p[0] }, 2 });
	return n;
}

void
json_bytes(struct json_out *j, struct bytes value)
{
	size_t run;

	separate(j);
	buf_putc(j->b, '"');
	while (value.n > 0) {
		run = plain_run(value);
		buf_put(j->b, bytes_slice(value, 0, run));
		value = bytes_slice(value, run, value.n);
		if (value.n > 0)
			value = bytes_slice(value, put_special(j->b, value), value.n);
	}
	buf_putc(j->b, '"');
}

void
json_number(struct json_out *j, int64_t value)
{
	separate(j);
	buf_puti(j->b, value);
}

void
json_bool(struct json_out *j, bool value)
{
	separate(j);
	buf_put(j->b, value ? B("true") : B("false"));
}

void
json_member(struct json_out *j, const char *key, struct bytes value)
{
	if (bytes_empty(value))
		return;
	json_key(j, key);
	json_bytes(j, value);
}

void
json_member_number(struct json_out *j, const char *key, int64_t value)
{
	json_key(j, key);
	json_number(j, value);
}

void
json_member_bool(struct json_out *j, const char *key, bool value)
{
	json_key(j, key);
	json_bool(j, value);
}

/* Brackets outside of strings; whether they match is jansson's business. */
static bool
too_deep(struct bytes text)
{
	bool in_string = false;
	int depth = 0;

	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];

		if (in_string && c == '\\')
			i++;
		else if (c == '"')
			in_string = !in_string;
		else if (!in_string && (c == '{' || c == '['))
			depth++;
		else if (!in_string && (c == '}' || c == ']'))
			depth--;
		if (depth > JSON_DEPTH)
			return true;
	}
	return false;
}

/*
 * jansson's own text quotes what stood near the error, which may be a secret;
 * so it is said again by its code.
 */
static const char *
explain(const json_error_t *error)
{
	static const struct {
		enum json_error_code code;
		const char *what;
	} sentences[] = {
		{ json_error_duplicate_key, "a member occurs twice" },
		{ json_error_invalid_utf8, "not valid UTF-8" },
		{ json_error_null_character, "a NUL in a string" },
		{ json_error_null_byte_in_key, "a NUL in a string" },
		{ json_error_numeric_overflow, "a number is too large" },
		{ json_error_premature_end_of_input, "it ends too early" },
		{ json_error_end_of_input_expected, "something follows the end" },
	};
	static _Thread_local char text[120];
	const char *what = "not valid JSON";

	for (size_t i = 0; i < sizeof(sentences) / sizeof(sentences[0]); i++)
		if (sentences[i].code == json_error_code(error))
			what = sentences[i].what;
	snprintf(text, sizeof(text), "line %d, column %d: %s", error->line,
		error->column, what);
	return text;
}

json_t *
json_read(struct bytes text, size_t max, const char **why)
{
	json_error_t error;
	json_t *document;

	if (text.n == 0 || text.n > max) {
		*why = text.n == 0 ? "empty" : "too long";
		return NULL;
	}
	if (too_deep(text)) {
		*why = "nested too deeply";
		return NULL;
	}
	document = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, &error);
	if (document == NULL)
		*why = explain(&error);
	return document;
}

struct bytes
json_get_bytes(struct arena *a, const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_string(value))
		return NONE;
	return arena_bytes(a,
		(struct bytes){ json_string_value(value), json_string_length(value) });
}
