/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postgres_value.c - values on their way to PostgreSQL and back, in its binary
 * format: numbers are eight octets, big-endian; an array is a head and its members,
 * each behind its length.
 *
 * PostgreSQL takes neither NUL nor what is not UTF-8 as text, and would fail a whole
 * batch for one such letter of a request's; so it becomes U+FFFD on the way.
 */
#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "store/postgres.h"
#include "text/utf8.h"

static void
be_put(char *out, uint64_t number, size_t size)
{
	for (size_t i = 0; i < size; i++)
		out[i] = (char)(uint8_t)(number >> (8 * (size - 1 - i)));
}

static uint64_t
be_get(const char *p, size_t size)
{
	uint64_t number = 0;

	for (size_t i = 0; i < size; i++)
		number = number << 8 | (uint8_t)p[i];
	return number;
}

/* ---- text that PostgreSQL takes ------------------------------------------ */

/* Character by character, which only what is no text pays for. */
static struct bytes
mended(struct arena *a, struct bytes text)
{
	struct buf out = buf_new(a, 3 * text.n);

	while (text.n > 0) {
		size_t n = text.p[0] == '\0' ? 0 : utf8_sequence(text);

		if (n > 0)
			buf_put(&out, bytes_slice(text, 0, n));
		else
			buf_put(&out, B("\xEF\xBF\xBD"));
		text = bytes_slice(text, n > 0 ? n : 1, text.n);
	}
	return buf_bytes(&out);
}

static struct bytes
good_text(struct arena *a, struct bytes text)
{
	if (text.n == 0 || (utf8_valid(text) && memchr(text.p, '\0', text.n) == NULL))
		return text;
	return mended(a, text);
}

/* ---- parameters ---------------------------------------------------------- */

static void
put(struct pg_params *p, const char *value, size_t n)
{
	assert(p->n < PG_PARAMS_MAX);
	p->values[p->n] = value;
	p->lengths[p->n] = (int)n;
	p->formats[p->n++] = 1;
}

void
pg_put_null(struct pg_params *p)
{
	put(p, NULL, 0);
}

void
pg_put_int(struct pg_params *p, int64_t number)
{
	char *room = arena_alloc(p->arena, 8);

	be_put(room, (uint64_t)number, 8);
	put(p, room, 8);
}

void
pg_put_blob(struct pg_params *p, const void *blob, size_t n)
{
	if (blob == NULL)
		pg_put_null(p);
	else
		put(p, n > 0 ? arena_copy(p->arena, blob, n) : "", n);
}

void
pg_put_text(struct pg_params *p, struct bytes text)
{
	struct bytes good = good_text(p->arena, text);

	pg_put_blob(p, good.n > 0 ? good.p : NULL, good.n);
}

void
pg_put_audit(struct pg_params *p, const struct audit *a)
{
	pg_put_int(p, a->at);
	pg_put_text(p, a->event);
	pg_put_text(p, a->actor);
	pg_put_text(p, a->object);
	pg_put_text(p, a->detail);
	pg_put_text(p, a->from);
}

/* ---- arrays -------------------------------------------------------------- */

#define ARRAY_MAX ((size_t)64 << 20)

static void
add_number(struct buf *b, uint64_t number, size_t size)
{
	char octets[8];

	be_put(octets, number, size);
	buf_put(b, (struct bytes){ octets, size });
}

struct pg_array
pg_array_new(struct pg_params *p, enum pg_type type, size_t members)
{
	struct pg_array a = { p, buf_new(p->arena, ARRAY_MAX) };

	/* Dimensions, "has NULLs", type, members, number of the first. */
	add_number(&a.buf, 1, 4);
	add_number(&a.buf, 1, 4);
	add_number(&a.buf, type, 4);
	add_number(&a.buf, members, 4);
	add_number(&a.buf, 1, 4);
	return a;
}

void
pg_add_null(struct pg_array *a)
{
	add_number(&a->buf, UINT32_MAX, 4);
}

void
pg_add_int(struct pg_array *a, int64_t number)
{
	add_number(&a->buf, 8, 4);
	add_number(&a->buf, (uint64_t)number, 8);
}

void
pg_add_blob(struct pg_array *a, const void *blob, size_t n)
{
	if (blob == NULL) {
		pg_add_null(a);
		return;
	}
	add_number(&a->buf, n, 4);
	buf_put(&a->buf, (struct bytes){ blob, n });
}

void
pg_add_text(struct pg_array *a, struct bytes text)
{
	struct bytes good = good_text(a->params->arena, text);

	pg_add_blob(a, good.n > 0 ? good.p : NULL, good.n);
}

void
pg_put_array(struct pg_array *a)
{
	struct bytes all = buf_bytes(&a->buf);

	assert(!a->buf.failed);
	put(a->params, all.p, all.n);
}

/* ---- results ------------------------------------------------------------- */

bool
pg_is_null(const struct pg_row *r)
{
	return pq.getisnull(r->result, r->row, r->column) != 0;
}

int64_t
pg_take_int(struct pg_row *r)
{
	const char *p = pq.getvalue(r->result, r->row, r->column);
	int n = pq.getlength(r->result, r->row, r->column);

	r->column++;
	return n == 8 ? (int64_t)be_get(p, 8) : 0;
}

struct bytes
pg_take_text(struct pg_row *r, struct arena *a)
{
	struct bytes text = { pq.getvalue(r->result, r->row, r->column),
		(size_t)pq.getlength(r->result, r->row, r->column) };
	bool null = pg_is_null(r);

	r->column++;
	return null ? NONE : arena_bytes(a, text);
}

bool
pg_take_blob(struct pg_row *r, void *out, size_t n)
{
	const char *p = pq.getvalue(r->result, r->row, r->column);
	int size = pq.getlength(r->result, r->row, r->column);
	bool null = pg_is_null(r);

	r->column++;
	if (null || (size_t)size != n)
		return false;
	memcpy(out, p, n);
	return true;
}
