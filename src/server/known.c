/* SPDX-License-Identifier: Apache-2.0 */
/* known.c - id 8 | account digests 4 x 8, sealed (known.h). */
#include "server/known.h"

#include <string.h>

#include "base/secret.h"
#include "server/visit.h"
#include "text/headers.h"

#define KNOWN_LIFETIME ((int64_t)365 * 24 * 3600)

struct known_cookie {
	uint8_t id[8];
	uint64_t accounts[KNOWN_ACCOUNTS];
};

struct bytes
known_account(struct exchange *x, struct bytes username)
{
	char *p = arena_alloc(x->arena, username.n + 1);

	for (size_t i = 0; i < username.n; i++) {
		char c = username.p[i];
		p[i] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
	}
	return (struct bytes){ p, username.n };
}

static uint64_t
account_digest(struct exchange *x, struct bytes username)
{
	uint8_t full[DIGEST_SIZE];
	uint64_t digest;

	sha256(known_account(x, username), full);
	memcpy(&digest, full, sizeof(digest));
	return digest;
}

void
known_read(struct exchange *x, struct bytes username, struct known *out)
{
	struct bytes text = cookie_get(http_header(x->request, B("Cookie")), B(KNOWN_COOKIE));
	uint64_t wanted = account_digest(x, username);
	struct known_cookie *c;
	struct bytes plain;

	*out = (struct known){ .here = false };
	if (!unseal(x->arena, &x->worker->shared->keys->known, text, &plain)
		|| plain.n != sizeof(*c))
		return;
	c = arena_copy(x->arena, plain.p, plain.n);
	out->id = (struct bytes){ (const char *)c->id, sizeof(c->id) };
	memcpy(out->accounts, c->accounts, sizeof(out->accounts));
	for (size_t i = 0; i < KNOWN_ACCOUNTS; i++)
		out->here |= c->accounts[i] == wanted;
}

void
known_write(struct exchange *x, const struct known *k, struct bytes username)
{
	struct known_cookie c = { .accounts = { account_digest(x, username) } };
	size_t n = 1;

	if (bytes_empty(k->id))
		secret_random(c.id, sizeof(c.id));
	else
		memcpy(c.id, k->id.p, sizeof(c.id));
	for (size_t i = 0; i < KNOWN_ACCOUNTS && n < KNOWN_ACCOUNTS; i++)
		if (k->accounts[i] != 0 && k->accounts[i] != c.accounts[0])
			c.accounts[n++] = k->accounts[i];
	visit_cookie(x, KNOWN_COOKIE,
		seal(x->arena, &x->worker->shared->keys->known,
			(struct bytes){ (const char *)&c, sizeof(c) }),
		KNOWN_LIFETIME);
}
