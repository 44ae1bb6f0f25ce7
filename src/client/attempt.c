/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attempt.c - an attempt as bytes: a version, the texts in the order of the table,
 * each behind its length, then what has a fixed size. Not JSON: the verifier and the
 * client secret are in it, and a reader of JSON leaves copies behind.
 */
#include <string.h>

#include "client/authorization.h"

enum { VERSION = 3, FIXED = 32 + 8 + 4, ATTEMPT_MAX = 65536 };

/* The order is the format: append, and raise VERSION. */
static const size_t texts[] = {
	offsetof(struct attempt, name),
	offsetof(struct attempt, issuer),
	offsetof(struct attempt, client_id),
	offsetof(struct attempt, redirect_uri),
	offsetof(struct attempt, scope),
	offsetof(struct attempt, resource),
	offsetof(struct attempt, ca_file),
	offsetof(struct attempt, authorization_endpoint),
	offsetof(struct attempt, token_endpoint),
	offsetof(struct attempt, revocation_endpoint),
	offsetof(struct attempt, client_secret),
	offsetof(struct attempt, state),
	offsetof(struct attempt, verifier),
	offsetof(struct attempt, nonce),
	offsetof(struct attempt, max_age),
	offsetof(struct attempt, acr_values),
	offsetof(struct attempt, parameters),
};
#define TEXTS (sizeof(texts) / sizeof(texts[0]))

static void
put_number(struct buf *b, uint64_t number, size_t octets)
{
	while (octets-- > 0)
		buf_putc(b, (char)(number >> (8 * octets) & 0xFF));
}

static bool
take_number(struct bytes *rest, size_t octets, uint64_t *out)
{
	uint64_t number = 0;

	if (rest->n < octets)
		return false;
	for (size_t i = 0; i < octets; i++)
		number = number << 8 | (unsigned char)rest->p[i];
	*rest = bytes_slice(*rest, octets, rest->n);
	*out = number;
	return true;
}

struct bytes
attempt_write(struct arena *a, const struct attempt *attempt)
{
	struct buf b = buf_new(a, ATTEMPT_MAX);

	buf_putc(&b, VERSION);
	for (size_t i = 0; i < TEXTS; i++) {
		const struct bytes *text =
			(const void *)((const char *)attempt + texts[i]);

		put_number(&b, text->n, 4);
		buf_put(&b, *text);
	}
	buf_put(&b, (struct bytes){ (const char *)attempt->browser, 32 });
	put_number(&b, (uint64_t)attempt->began_at, 8);
	put_number(&b, attempt->flags, 4);
	return b.failed ? NONE : buf_bytes(&b);
}

static bool
take_text(struct arena *a, struct bytes *rest, struct bytes *out)
{
	uint64_t n;

	if (!take_number(rest, 4, &n) || n > rest->n)
		return false;
	*out = n > 0 ? arena_bytes(a, bytes_slice(*rest, 0, n)) : NONE;
	*rest = bytes_slice(*rest, n, rest->n);
	return true;
}

bool
attempt_read(struct arena *a, struct bytes text, struct attempt *out)
{
	struct attempt attempt = { 0 };
	struct bytes rest = text;
	uint64_t version, began_at, flags;

	if (!take_number(&rest, 1, &version) || version != VERSION)
		return false;
	for (size_t i = 0; i < TEXTS; i++)
		if (!take_text(a, &rest, (void *)((char *)&attempt + texts[i])))
			return false;
	if (rest.n != FIXED)
		return false;
	memcpy(attempt.browser, rest.p, 32);
	rest = bytes_slice(rest, 32, rest.n);
	if (!take_number(&rest, 8, &began_at) || !take_number(&rest, 4, &flags))
		return false;
	attempt.began_at = (int64_t)began_at;
	attempt.flags = (unsigned)flags;
	*out = attempt;
	return true;
}
