/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token.c - tokens written and read; the layouts stand in token.h.
 *
 * The first byte is the form in its upper 2 bits (what token.h calls version)
 * and the epoch in the lower 6. The tag is HMAC-SHA-256 with the epoch's key
 * over one byte for the kind and everything before the tag, cut to 16 bytes.
 */
#include "crypto/token.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/secret.h"
#include "text/base64url.h"

#define TAG_SIZE 16
#define PREFIX_SIZE 6
#define GRANT_BODY (1 + GRANT_ID_SIZE + 4)
#define CLIENT_BODY (1 + 8 + 5 + 5 + 8) /* and 2 more a scope */
#define BODY_MAX (CLIENT_BODY + 2 * TOKEN_MAX_SCOPES)

_Static_assert(PREFIX_SIZE + BASE64URL_SIZE(BODY_MAX + TAG_SIZE) <= TOKEN_MAX,
	"the longest token fits");

struct token_keys {
	uint8_t key[TOKEN_EPOCHS][32];
	struct mac_key *_Atomic honoured[TOKEN_EPOCHS]; /* NULL: retired */
	uint8_t next; /* another node may have begun it; 0: none may */
};

static const struct bytes prefixes[] = {
	[TOKEN_ACCESS] = BI("lk_at_"),
	[TOKEN_REFRESH] = BI("lk_rt_"),
	[TOKEN_CODE] = BI("lk_ac_"),
};

/* What the tag is made of: the kind, then the body as it travels. */
struct tagged {
	uint8_t kind;
	uint8_t bytes[BODY_MAX + TAG_SIZE];
	size_t n; /* of bytes, without the tag */
};

struct token_keys *
token_keys_new(const uint8_t master[static 32])
{
	struct token_keys *k = must_calloc(1, sizeof(*k));

	for (uint32_t epoch = 0; epoch < TOKEN_EPOCHS; epoch++)
		derive_key(master, "latchkey token", epoch, k->key[epoch]);
	return k;
}

/* Any thread may; of two that allow the same epoch at once one yields. */
void
token_keys_allow(struct token_keys *k, uint8_t epoch)
{
	struct mac_key *none = NULL, *made;

	assert(epoch < TOKEN_EPOCHS);
	made = mac_key_new(k->key[epoch]);
	if (!atomic_compare_exchange_strong(&k->honoured[epoch], &none, made))
		mac_key_free(made);
}

void
token_keys_newest(struct token_keys *k, uint8_t epoch)
{
	k->next = epoch + 1 < TOKEN_EPOCHS ? (uint8_t)(epoch + 1) : 0;
}

void
token_keys_free(struct token_keys *k)
{
	if (k == NULL)
		return;
	for (size_t epoch = 0; epoch < TOKEN_EPOCHS; epoch++)
		mac_key_free(k->honoured[epoch]);
	secret_wipe(k, sizeof(*k));
	free(k);
}

static bool
epoch_honoured(const struct token_keys *k, uint8_t epoch)
{
	return k->honoured[epoch] != NULL || (epoch != 0 && epoch == k->next);
}

static void
make_tag(const struct token_keys *k, const struct tagged *t, uint8_t tag[static TAG_SIZE])
{
	uint8_t epoch = t->bytes[0] & (TOKEN_EPOCHS - 1), whole[DIGEST_SIZE];
	struct mac_key *honoured = k->honoured[epoch];
	struct mac_key *key = honoured != NULL ? honoured : mac_key_new(k->key[epoch]);

	mac(key, t, offsetof(struct tagged, bytes) + t->n, whole);
	if (honoured == NULL)
		mac_key_free(key);
	memcpy(tag, whole, TAG_SIZE);
	secret_wipe(whole, sizeof(whole));
}

static void
put_number(struct tagged *t, uint64_t number, size_t size)
{
	for (size_t i = 0; i < size; i++)
		t->bytes[t->n++] = (uint8_t)(number >> 8 * (size - 1 - i));
}

static uint64_t
take_number(const uint8_t **p, size_t size)
{
	uint64_t number = 0;

	for (size_t i = 0; i < size; i++)
		number = number << 8 | *(*p)++;
	return number;
}

static void
put_bytes(struct tagged *t, const uint8_t *p, size_t n)
{
	memcpy(t->bytes + t->n, p, n);
	t->n += n;
}

static void
begin(struct tagged *t, enum token_kind kind, enum token_form form, uint8_t epoch)
{
	assert(epoch < TOKEN_EPOCHS);
	t->kind = (uint8_t)kind;
	t->n = 0;
	put_number(t, (uint64_t)form << 6 | epoch, 1);
}

static void
finish(const struct token_keys *k, struct tagged *t, struct token_text *out)
{
	struct bytes prefix = prefixes[t->kind];

	make_tag(k, t, t->bytes + t->n);
	memcpy(out->p, prefix.p, prefix.n);
	out->n = prefix.n +
		base64url_encode(t->bytes, t->n + TAG_SIZE, out->p + prefix.n);
	secret_wipe(t, sizeof(*t));
}

void
grant_token_write(const struct token_keys *k, enum token_kind kind,
	const struct grant_token *g, struct token_text *out)
{
	struct tagged t;

	begin(&t, kind, TOKEN_OF_GRANT, g->epoch);
	put_bytes(&t, g->id, GRANT_ID_SIZE);
	put_number(&t, g->generation, 4);
	finish(k, &t, out);
}

void
client_token_write(const struct token_keys *k, const struct client_token *c,
	struct token_text *out)
{
	struct tagged t;

	assert(c->scope_count <= TOKEN_MAX_SCOPES);
	assert(c->issued_at >= 0 && c->issued_at >> 40 == 0);
	assert(c->expires_at >= 0 && c->expires_at >> 40 == 0);
	begin(&t, TOKEN_ACCESS, TOKEN_OF_CLIENT, c->epoch);
	put_number(&t, (uint64_t)c->client, 8);
	put_number(&t, (uint64_t)c->issued_at, 5);
	put_number(&t, (uint64_t)c->expires_at, 5);
	put_bytes(&t, c->nonce, sizeof(c->nonce));
	for (size_t i = 0; i < c->scope_count; i++)
		put_number(&t, c->scopes[i], 2);
	finish(k, &t, out);
}

static bool
kind_of(struct bytes text, uint8_t *kind)
{
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		if (bytes_starts(text, prefixes[i])) {
			*kind = (uint8_t)i;
			return true;
		}
	}
	return false;
}

/* Is the size one that a token of this form and kind can have? */
static bool
size_fits(const struct tagged *t)
{
	switch (t->bytes[0] >> 6) {
	case TOKEN_OF_GRANT:
		return t->n == GRANT_BODY;
	case TOKEN_OF_CLIENT:
		return t->kind == TOKEN_ACCESS && t->n >= CLIENT_BODY &&
			(t->n - CLIENT_BODY) % 2 == 0;
	default:
		return false;
	}
}

static void
take_grant(const struct tagged *t, struct grant_token *g)
{
	const uint8_t *p = t->bytes + 1;

	memcpy(g->id, p, GRANT_ID_SIZE);
	p += GRANT_ID_SIZE;
	g->generation = (uint32_t)take_number(&p, 4);
	g->epoch = t->bytes[0] & (TOKEN_EPOCHS - 1);
}

static void
take_client(const struct tagged *t, struct client_token *c)
{
	const uint8_t *p = t->bytes + 1;

	c->epoch = t->bytes[0] & (TOKEN_EPOCHS - 1);
	c->client = (int64_t)take_number(&p, 8);
	c->issued_at = (int64_t)take_number(&p, 5);
	c->expires_at = (int64_t)take_number(&p, 5);
	memcpy(c->nonce, p, sizeof(c->nonce));
	p += sizeof(c->nonce);
	c->scope_count = (t->n - CLIENT_BODY) / 2;
	for (size_t i = 0; i < c->scope_count; i++)
		c->scopes[i] = (uint16_t)take_number(&p, 2);
}

/* Text to bytes whose tag verifies; false: no token of ours. */
static bool
verify(const struct token_keys *k, struct bytes text, struct tagged *t)
{
	uint8_t tag[TAG_SIZE];
	bool good;
	size_t n;

	if (!kind_of(text, &t->kind) ||
		!base64url_decode(bytes_slice(text, PREFIX_SIZE, text.n), t->bytes,
			sizeof(t->bytes), &n) ||
		n < GRANT_BODY + TAG_SIZE)
		return false;
	t->n = n - TAG_SIZE;
	if (!size_fits(t))
		return false;
	make_tag(k, t, tag);
	good = secret_equal(tag, t->bytes + t->n, TAG_SIZE);
	secret_wipe(tag, sizeof(tag));
	return good;
}

enum token_read
token_read(const struct token_keys *k, struct bytes text, struct token_any *out)
{
	enum token_read result = TOKEN_NOT_OURS;
	struct tagged t;

	if (!verify(k, text, &t)) {
		result = TOKEN_NOT_OURS;
	} else if (!epoch_honoured(k, t.bytes[0] & (TOKEN_EPOCHS - 1))) {
		result = TOKEN_EPOCH_RETIRED;
	} else {
		out->kind = t.kind;
		if (t.bytes[0] >> 6 == TOKEN_OF_GRANT) {
			take_grant(&t, &out->grant);
			result = TOKEN_IS_GRANT;
		} else {
			take_client(&t, &out->client);
			result = TOKEN_IS_CLIENT;
		}
	}
	secret_wipe(&t, sizeof(t));
	return result;
}

enum token_read
token_read_kind(const struct token_keys *k, enum token_kind kind, struct bytes text,
	struct token_any *out)
{
	struct token_any any;
	enum token_read result = token_read(k, text, &any);

	if (result != TOKEN_IS_GRANT && result != TOKEN_IS_CLIENT)
		return result;
	if (any.kind != kind)
		return TOKEN_OF_OTHER_KIND;
	*out = any;
	return result;
}

void
grant_key(const uint8_t id[static GRANT_ID_SIZE], uint8_t key[static GRANT_KEY_SIZE])
{
	static const char label[] = "latchkey grant key";
	char message[sizeof(label) + GRANT_ID_SIZE];
	uint8_t whole[DIGEST_SIZE];

	memcpy(message, label, sizeof(label));
	memcpy(message + sizeof(label), id, GRANT_ID_SIZE);
	sha256((struct bytes){ message, sizeof(message) }, whole);
	memcpy(key, whole, GRANT_KEY_SIZE);
	secret_wipe(message, sizeof(message));
}
