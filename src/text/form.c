/* SPDX-License-Identifier: Apache-2.0 */
/*
 * form.c - fields read strictly, values written so that anybody can read them.
 *
 * The text is copied once into the arena and decoded in place: decoding never
 * makes it longer.
 */
#include "text/form.h"

#include <string.h>

/* Decodes p in place and shortens *n; false: a bad escape. */
static bool
decode_in_place(char *p, size_t *n)
{
	size_t to = 0;

	for (size_t from = 0; from < *n; from++) {
		int high, low;

		if (p[from] != '%') {
			p[to++] = p[from] == '+' ? ' ' : p[from];
			continue;
		}
		if (*n - from < 3)
			return false;
		high = hex_digit(p[from + 1]);
		low = hex_digit(p[from + 2]);
		if (high < 0 || low < 0)
			return false;
		p[to++] = (char)(high << 4 | low);
		from += 2;
	}
	*n = to;
	return true;
}

bool
form_decode(struct arena *a, struct bytes text, struct bytes *out)
{
	char *copy = arena_copy(a, text.p, text.n);
	size_t n = text.n;

	if (!decode_in_place(copy, &n))
		return false;
	*out = (struct bytes){ copy, n };
	return true;
}

/* P-07: what cannot be decoded to clean text is a fact, and its value is gone. */
static bool
decode_part(char *p, size_t n, struct bytes *out)
{
	*out = NONE;
	if (!decode_in_place(p, &n) || !utf8_text((struct bytes){ p, n }))
		return false;
	*out = (struct bytes){ p, n };
	return true;
}

/* One piece between two '&'; a name without '=' has an empty value (P-05). */
static struct form_field
read_field(char *p, size_t n, enum form_source source)
{
	struct form_field field = { .source = source };
	size_t name = bytes_index((struct bytes){ p, n }, '=');
	size_t value = name < n ? name + 1 : n;
	bool name_good = decode_part(p, name, &field.name);
	bool value_good = decode_part(p + value, n - value, &field.value);

	field.malformed = !name_good || !value_good;
	return field;
}

/* Room for what is there and at most `more`, up to FORM_MAX_FIELDS in all. */
static void
make_room(struct arena *a, struct form *f, size_t more)
{
	struct form_field *old = f->fields;

	if (more > FORM_MAX_FIELDS - f->count)
		more = FORM_MAX_FIELDS - f->count;
	f->fields = ARENA_ARRAY(a, struct form_field, f->count + more);
	if (f->count > 0)
		memcpy(f->fields, old, f->count * sizeof(*old));
}

static size_t
count_pieces(struct bytes text)
{
	size_t pieces = 0;

	while (text.n > 0)
		pieces += bytes_cut(&text, '&').n > 0;
	return pieces;
}

void
form_read(struct arena *a, struct form *f, struct bytes text, enum form_source source)
{
	char *copy = arena_copy(a, text.p, text.n);
	struct bytes rest = { copy, text.n };

	make_room(a, f, count_pieces(rest));
	while (rest.n > 0) {
		char *p = copy + (text.n - rest.n);
		size_t n = bytes_cut(&rest, '&').n;

		if (n == 0)
			continue;
		if (f->count == FORM_MAX_FIELDS) {
			f->too_many = true;
			return;
		}
		f->fields[f->count++] = read_field(p, n, source);
	}
}

struct bytes
form_get(const struct form *f, struct bytes name)
{
	for (size_t i = 0; i < f->count; i++)
		if (f->fields[i].value.n > 0 && bytes_equal(f->fields[i].name, name))
			return f->fields[i].value;
	return NONE;
}

size_t
form_occurrences(const struct form *f, struct bytes name)
{
	size_t occurrences = 0;

	for (size_t i = 0; i < f->count; i++)
		occurrences += bytes_equal(f->fields[i].name, name);
	return occurrences;
}

bool
form_malformed(const struct form *f, struct bytes name)
{
	for (size_t i = 0; i < f->count; i++)
		if (f->fields[i].malformed && bytes_equal(f->fields[i].name, name))
			return true;
	return false;
}

/* RFC 3986 section 2.3. */
static bool
unreserved(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
		(c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
}

static void
put_encoded(struct buf *b, struct bytes value, struct bytes space)
{
	static const char hex[] = "0123456789ABCDEF";

	for (size_t i = 0; i < value.n; i++) {
		unsigned char c = (unsigned char)value.p[i];

		if (unreserved(value.p[i]))
			buf_putc(b, value.p[i]);
		else if (c == ' ')
			buf_put(b, space);
		else
			buf_put(b, (struct bytes){ (char[]){ '%', hex[c >> 4],
							   hex[c & 15] }, 3 });
	}
}

void
form_put(struct buf *b, struct bytes value)
{
	put_encoded(b, value, B("+"));
}

void
form_put_query(struct buf *b, struct bytes value)
{
	put_encoded(b, value, B("%20"));
}

void
form_pair(struct buf *b, struct bytes name, struct bytes value)
{
	if (b->n > 0 && b->p[b->n - 1] != '?' && b->p[b->n - 1] != '&')
		buf_putc(b, '&');
	form_put_query(b, name);
	buf_putc(b, '=');
	form_put_query(b, value);
}
