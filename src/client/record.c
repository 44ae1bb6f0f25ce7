/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record.c - a table of members a kind, and one way to write and read them.
 */
#include "client/record.h"

#include <stddef.h>
#include <string.h>

#include "text/base64url.h"
#include "text/form.h"
#include "text/utf8.h"

#define VERSION 1
/* Any sentence of ours, whole: what to do stands at its end. */
#define DETAIL_MAX (sizeof(((struct lk_error *)0)->message) - 1)
#define LINE_BESIDE 256 /* the other members of a line, and every name */

_Static_assert(3 * DETAIL_MAX + LINE_BESIDE <= VAULT_LOG_LINE_MAX,
	"a line has room for a sentence of which every octet is escaped");

enum kind { TEXT, NUMBER };

struct member {
	const char *name;
	enum kind kind;
	size_t at;
};

#define RECORD_TEXT(name) { #name, TEXT, offsetof(struct record, name) }
#define RECORD_NUMBER(name) { #name, NUMBER, offsetof(struct record, name) }
#define RECORD_SPAN(name)                                               \
	RECORD_NUMBER(name.length_ms), RECORD_TEXT(name.boot),          \
		RECORD_NUMBER(name.end_boot_ms), RECORD_NUMBER(name.end_wall_ms)

static const struct member record_members[] = {
	RECORD_TEXT(issuer), RECORD_TEXT(client_id), RECORD_TEXT(client_secret),
	RECORD_TEXT(redirect_uri), RECORD_TEXT(scope), RECORD_TEXT(resource),
	RECORD_TEXT(ca_file), RECORD_TEXT(authorization_endpoint),
	RECORD_TEXT(token_endpoint), RECORD_TEXT(revocation_endpoint),
	RECORD_TEXT(parameters), RECORD_NUMBER(flags),
	RECORD_TEXT(known_token_endpoint), RECORD_TEXT(known_revocation_endpoint),
	RECORD_NUMBER(known_retry_key), RECORD_NUMBER(known_at),
	RECORD_TEXT(access_token), RECORD_TEXT(refresh_token), RECORD_TEXT(granted_scope),
	RECORD_TEXT(subject), RECORD_NUMBER(connected_at),
	RECORD_SPAN(life), RECORD_NUMBER(life_unsaid), RECORD_TEXT(settled_key),
	RECORD_NUMBER(tried_at), RECORD_NUMBER(failures), RECORD_NUMBER(outcome),
	RECORD_TEXT(detail), RECORD_TEXT(code), RECORD_SPAN(pause),
};

/* A struct journal with its digest as text. */
struct entry {
	struct bytes token, retry_key;
	int64_t began_at, keyed;
};

static const struct member entry_members[] = {
	{ "token", TEXT, offsetof(struct entry, token) },
	{ "retry_key", TEXT, offsetof(struct entry, retry_key) },
	{ "began_at", NUMBER, offsetof(struct entry, began_at) },
	{ "keyed", NUMBER, offsetof(struct entry, keyed) },
};

struct line {
	struct bytes event, detail;
	int64_t at, status, took_ms;
};

static const struct member line_members[] = {
	{ "at", NUMBER, offsetof(struct line, at) },
	{ "event", TEXT, offsetof(struct line, event) },
	{ "status", NUMBER, offsetof(struct line, status) },
	{ "took_ms", NUMBER, offsetof(struct line, took_ms) },
	{ "detail", TEXT, offsetof(struct line, detail) },
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void
put_number(struct buf *b, const char *name, int64_t number)
{
	char digits[24];
	struct buf text = buf_fixed(digits, sizeof(digits));

	buf_puti(&text, number);
	form_pair(b, bytes_of(name), buf_bytes(&text));
}

/* What could not be read again is not written. */
static void
member_write(struct buf *b, const struct member *m, const void *from)
{
	const void *at = (const char *)from + m->at;
	struct bytes text = m->kind == TEXT ? *(const struct bytes *)at : NONE;
	int64_t number = m->kind == NUMBER ? *(const int64_t *)at : 0;

	if (number < 0 || !utf8_text(text))
		b->failed = true;
	else if (number > 0)
		put_number(b, m->name, number);
	else if (text.n > 0)
		form_pair(b, bytes_of(m->name), text);
}

static struct bytes
members_write(struct arena *a, size_t max, const struct member *m, size_t count,
	const void *from)
{
	struct buf b = buf_new(a, max);

	put_number(&b, "v", VERSION);
	for (size_t i = 0; i < count; i++)
		member_write(&b, &m[i], from);
	return b.failed ? NONE : buf_bytes(&b);
}

static bool
member_read(const struct form *f, const struct member *m, void *to)
{
	struct bytes name = bytes_of(m->name);
	struct bytes value = form_get(f, name);
	void *at = (char *)to + m->at;
	uint64_t number = 0;

	if (form_occurrences(f, name) > 1 || form_malformed(f, name))
		return false;
	if (m->kind == TEXT) {
		*(struct bytes *)at = value;
		return true;
	}
	if (value.n > 0 && (!bytes_to_u64(value, &number) || number > INT64_MAX))
		return false;
	*(int64_t *)at = (int64_t)number;
	return true;
}

static bool
members_read(struct arena *a, struct bytes text, const struct member *m, size_t count,
	void *to)
{
	struct form f = { 0 };
	uint64_t version;

	form_read(a, &f, text, FORM_BODY);
	if (f.too_many || form_occurrences(&f, B("v")) != 1 ||
	    !bytes_to_u64(form_get(&f, B("v")), &version) || version != VERSION)
		return false;
	for (size_t i = 0; i < count; i++)
		if (!member_read(&f, &m[i], to))
			return false;
	return true;
}

struct bytes
detail_clean(struct bytes text)
{
	text = bytes_slice(text, 0, DETAIL_MAX);
	/* Whoever cut it: not in the middle of a character (RFC 3629: 4 octets at most). */
	for (int i = 0; i < 3 && !utf8_valid(text); i++)
		text.n--;
	return utf8_text(text) ? text : B("(not printable)");
}

struct bytes
record_write(struct arena *a, const struct record *r)
{
	return members_write(a, VAULT_RECORD_MAX, record_members, COUNT(record_members), r);
}

bool
record_read(struct arena *a, struct bytes text, struct record *out)
{
	struct record r = { 0 };

	if (!members_read(a, text, record_members, COUNT(record_members), &r) ||
	    bytes_empty(r.issuer) || bytes_empty(r.client_id) || r.outcome > LK_BUG)
		return false;
	*out = r;
	return true;
}

struct bytes
journal_write(struct arena *a, const struct journal *j)
{
	char text[BASE64URL_SIZE(DIGEST_SIZE)];
	const struct entry e = {
		.token = { text, base64url_encode(j->token, sizeof(j->token), text) },
		.retry_key = j->retry_key,
		.began_at = j->began_at,
		.keyed = j->keyed,
	};

	return members_write(a, VAULT_JOURNAL_MAX, entry_members, COUNT(entry_members), &e);
}

bool
journal_read(struct arena *a, struct bytes text, struct journal *out)
{
	struct journal j = { 0 };
	struct entry e = { 0 };
	size_t n;

	if (!members_read(a, text, entry_members, COUNT(entry_members), &e) ||
	    !base64url_decode(e.token, j.token, sizeof(j.token), &n) ||
	    n != sizeof(j.token) || bytes_empty(e.retry_key))
		return false;
	j.retry_key = e.retry_key;
	j.began_at = e.began_at;
	j.keyed = e.keyed;
	*out = j;
	return true;
}

struct bytes
history_write(struct arena *a, const struct lk_attempt *attempt)
{
	const struct line l = {
		.event = bytes_of(attempt->event),
		.detail = detail_clean(bytes_of(attempt->detail)),
		.at = attempt->at,
		.status = attempt->status,
		.took_ms = attempt->took_ms,
	};

	return members_write(a, VAULT_LOG_LINE_MAX, line_members, COUNT(line_members), &l);
}

bool
history_read(struct arena *a, struct bytes text, struct lk_attempt *out)
{
	struct line l = { 0 };

	if (!members_read(a, text, line_members, COUNT(line_members), &l) ||
	    l.status > LK_BUG)
		return false;
	*out = (struct lk_attempt){
		.size = sizeof(*out),
		.at = l.at,
		.event = arena_cstr(a, l.event),
		.status = (enum lk_status)l.status,
		.detail = arena_cstr(a, l.detail),
		.took_ms = l.took_ms,
	};
	return true;
}
