/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grant_server.h - the least server there can be: one row, true tokens, and a
 * kernel that decides; and the dice of the tests that ask it things.
 */
#ifndef LATCHKEY_TESTS_GRANT_SERVER_H
#define LATCHKEY_TESTS_GRANT_SERVER_H

#include <stdlib.h>

#include "kernel.h"

/* ---- chance ---------------------------------------------------------------- */

static uint64_t chance_state;

static uint64_t
chance(uint64_t below)
{
	uint64_t z = (chance_state += UINT64_C(0x9E3779B97F4A7C15));

	z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
	return (z ^ (z >> 31)) % below;
}

/* ---- the server: a row, and a kernel that decides -------------------------- */

struct server {
	const struct kernel *kernel;
	struct token_keys *keys;
	struct grant row;
	uint8_t id[GRANT_ID_SIZE];
	uint8_t epoch;
	const struct lifetimes *lifetimes;
	bool client_is_public;
	int64_t retry_without_key;
	int64_t now;
};

enum said { SAID_YES, SAID_NO, SAID_LATER };
struct answer {
	enum said said;
	struct token_text access, refresh;
};

/* What a client sends, code or refresh token. */
struct request {
	const struct token_text *credential;
	bool ours;       /* the bound client, or another one */
	int key;         /* 0: none */
	int scope;       /* 0: not named, 1: less, 2: too much */
	bool right_uri, right_verifier;
	bool lost_before_commit;
};

static struct bytes
view(const struct token_text *t)
{
	return (struct bytes){ t->p, t->n };
}

static void
write_token(const struct server *s, enum token_kind kind, uint8_t epoch,
	uint32_t generation, struct token_text *out)
{
	struct grant_token t = { .epoch = epoch, .generation = generation };

	memcpy(t.id, s->id, sizeof(t.id));
	grant_token_write(s->keys, kind, &t, out);
}

static struct retry
retry_of(int key)
{
	struct retry r = { .present = key != 0 };

	memset(r.key, key, sizeof(r.key));
	return r;
}

static const struct bytes uris[] = { BI("https://x.example/") };
static const struct client registration = { .redirect_uris = { uris, 1 } };

static struct verdict
decide(struct server *s, struct grant *g, const struct token_any *t,
	const struct request *q)
{
	static const struct bytes scopes[] = { BI_NONE, BI("a:read"),
		BI("a:read z:all") };
	struct redemption redemption = { .client = q->ours ? 7 : 8,
		.client_is_public = s->client_is_public,
		.redirect_uri =
			q->right_uri ? B("https://x.example/") : B("https://y/"),
		.registration = &registration,
		.has_verifier = true,
		.retry = retry_of(q->key),
		.epoch = s->epoch,
		.lifetimes = s->lifetimes };
	struct refresh refresh = { .client = q->ours ? 7 : 8,
		.generation = t->grant.generation, .scope = scopes[q->scope],
		.retry = retry_of(q->key), .retry_without_key = s->retry_without_key,
		.epoch = s->epoch, .lifetimes = s->lifetimes };

	redemption.verifier_challenge[0] = q->right_verifier;
	return t->kind == TOKEN_CODE ? s->kernel->redeem(g, &redemption, s->now) :
				       s->kernel->refresh(g, &refresh, s->now);
}

static struct answer
ask(struct server *s, const struct request *q)
{
	struct answer answer = { .said = SAID_NO };
	struct grant g = s->row;
	struct token_any t;
	struct verdict v;

	if (token_read(s->keys, view(q->credential), &t) != TOKEN_IS_GRANT)
		abort();
	v = decide(s, &g, &t, q);
	if (q->lost_before_commit)
		return answer;
	if (v.changed)
		s->row = g;
	if (v.kind == VERDICT_REFUSE) {
		if (v.reason == REASON_clock_behind)
			answer.said = SAID_LATER;
		return answer;
	}
	answer.said = SAID_YES;
	write_token(s, TOKEN_ACCESS, s->row.epoch, s->row.generation, &answer.access);
	write_token(s, TOKEN_REFRESH, s->row.epoch, s->row.generation, &answer.refresh);
	return answer;
}

static bool
introspect(const struct server *s, const struct token_text *text)
{
	struct token_any t;

	if (token_read(s->keys, view(text), &t) != TOKEN_IS_GRANT)
		abort();
	return s->kernel->honours(&s->row, t.kind, t.grant.generation, s->now);
}

#endif
