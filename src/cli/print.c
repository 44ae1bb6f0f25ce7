/* SPDX-License-Identifier: Apache-2.0 */
/*
 * print.c - answers to the person at the terminal: tables for people, the same
 * facts as JSON for programs. Both come from one JSON value.
 */
#include "cli/cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

static void
say(const struct cli *c, const char *format, va_list args)
{
	const struct command *m = c->command;

	fprintf(stderr, "latchkey %s%s%s: ", m->group != NULL ? m->group : "",
		m->group != NULL ? " " : "", m->verb);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
}

int
cli_fail(const struct cli *c, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(c, format, args);
	va_end(args);
	return 1;
}

int
cli_usage(const struct cli *c, const char *format, ...)
{
	const struct command *m = c->command;
	va_list args;

	va_start(args, format);
	say(c, format, args);
	va_end(args);
	fprintf(stderr, "See: latchkey %s%s%s --help\n", m->group != NULL ? m->group : "",
		m->group != NULL ? " " : "", m->verb);
	return 2;
}

static int
print_json(json_t *value)
{
	json_dumpf(value, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY);
	fputc('\n', stdout);
	json_decref(value);
	return 0;
}

/* A value as one line of a table; control characters cannot reach the terminal. */
static const char *
cell(struct arena *a, const json_t *value)
{
	struct buf b = buf_new(a, 4096);
	const json_t *item;
	size_t i;

	if (json_is_string(value)) {
		for (const char *p = json_string_value(value); *p != '\0'; p++)
			buf_putc(&b, (unsigned char)*p < 0x20 || *p == 0x7f ? '?' : *p);
	} else if (json_is_integer(value)) {
		buf_puti(&b, json_integer_value(value));
	} else if (json_is_boolean(value)) {
		buf_put(&b, json_is_true(value) ? B("yes") : B("no"));
	} else if (json_is_array(value)) {
		json_array_foreach(value, i, item) {
			buf_put(&b, i > 0 ? B(", ") : NONE);
			buf_put(&b, bytes_of(cell(a, item)));
		}
	}
	if (b.n == 0)
		buf_putc(&b, '-');
	return buf_cstr(&b);
}

/* Columns on the screen: UTF-8 continuation bytes take none. */
static int
width(const char *s)
{
	int n = 0;

	for (; *s != '\0'; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

#define MAX_COLUMNS 12

static void
measure(struct arena *a, const json_t *list, const struct column *columns,
	int widths[static MAX_COLUMNS])
{
	const json_t *row;
	size_t i;

	for (size_t k = 0; columns[k].key != NULL; k++)
		widths[k] = width(columns[k].heading);
	json_array_foreach(list, i, row)
		for (size_t k = 0; columns[k].key != NULL; k++) {
			int w = width(cell(a, json_object_get(row, columns[k].key)));
			if (w > widths[k])
				widths[k] = w;
		}
}

static void
print_cell(const char *text, int column_width, bool last)
{
	fputs(text, stdout);
	for (int n = last ? 0 : column_width + 2 - width(text); n > 0; n--)
		fputc(' ', stdout);
}

int
cli_print_list(const struct cli *c, json_t *list, const struct column *columns,
	const char *when_empty)
{
	int widths[MAX_COLUMNS] = { 0 };
	const json_t *row;
	size_t i;

	if (c->json)
		return print_json(list);
	if (json_array_size(list) == 0)
		puts(when_empty);
	else {
		measure(c->arena, list, columns, widths);
		for (size_t k = 0; columns[k].key != NULL; k++)
			print_cell(columns[k].heading, widths[k], columns[k + 1].key == NULL);
		fputc('\n', stdout);
	}
	json_array_foreach(list, i, row) {
		for (size_t k = 0; columns[k].key != NULL; k++)
			print_cell(cell(c->arena, json_object_get(row, columns[k].key)),
				widths[k], columns[k + 1].key == NULL);
		fputc('\n', stdout);
	}
	json_decref(list);
	return 0;
}

int
cli_print_object(const struct cli *c, json_t *object, const struct column *columns)
{
	if (c->json)
		return print_json(object);
	for (size_t k = 0; columns[k].key != NULL; k++) {
		const json_t *value = json_object_get(object, columns[k].key);
		const json_t *item;
		size_t i;

		if (value == NULL || json_is_null(value)
			|| (json_is_array(value) && json_array_size(value) == 0))
			continue;
		if (!json_is_array(value)) {
			printf("%-18s %s\n", columns[k].heading, cell(c->arena, value));
			continue;
		}
		json_array_foreach(value, i, item)
			printf("%-18s %s\n", i == 0 ? columns[k].heading : "",
				cell(c->arena, item));
	}
	json_decref(object);
	return 0;
}

json_t *
json_of(struct bytes b)
{
	json_t *s = json_stringn(b.n > 0 ? b.p : "", b.n);

	return s != NULL ? s : json_string("(not UTF-8)");
}

json_t *
json_of_time(int64_t unix_seconds)
{
	char text[21];

	return unix_seconds == 0 ? json_null()
				 : json_string(clock_rfc3339(unix_seconds, text));
}
