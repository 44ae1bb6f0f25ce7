/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grant_world.h - a grant and what people know of it, in so few numbers that all
 * worlds there are can be visited (test_grant_model.c).
 *
 * Why finite means all: the functions see of time only differences, which are
 * counted here in units of UNIT seconds and cut off where nothing can change any
 * more; and of generations only "none", "the first", "this", "the one before" and
 * "older", so that above TOP everything is moved down by one.
 */
#ifndef LATCHKEY_TESTS_GRANT_WORLD_H
#define LATCHKEY_TESTS_GRANT_WORLD_H

#include <string.h>

#include "rules/grant.h"

#define WORKERS_MAX 3
#define TOP 3
#define UNIT 50
#define NOW 1000000000
#define NEVER 100       /* in place of a time that is left */
#define AGE_MOST 6      /* beyond every window, the clock set back included */
#define GONE_LONGEST -2 /* gone even when the clock is set back */

struct worker {
	uint8_t have;    /* the credential it knows: 0 the code, n a refresh token */
	uint8_t pending; /* unanswered: 0 none, else 1 + KEYS * credential + key */
};
#define KEYS 4 /* 0: none; 1 and 2: the workers'; 3: the thief's */

/* A row and what people outside know; everything about time in units from now. */
struct world {
	uint8_t state, generation;
	int8_t age, access_left, refresh_left, absolute_left;
	uint8_t key;
	/* What an observer outside remembers; the kernel does not see it. */
	uint8_t said_key;       /* with the request that bought the newest pair */
	bool redeemed, access_revoked, set_back;
	bool honest;            /* so far only worker 0 acted, and as it should */
	struct worker worker[WORKERS_MAX];
};

static struct grant
row_of(const struct world *w)
{
	struct grant g = { .client = 7, .has_challenge = true, .refreshable = true,
		.redirect_uri = BI("https://x/"), .state = (enum grant_state)w->state,
		.generation = w->generation };

	g.created_at = g.issued_at = NOW - w->age * UNIT;
	g.code_expires_at = g.created_at + 60;
	g.access_expires_at = w->access_left == NEVER ? 0 : NOW + w->access_left * UNIT;
	g.refresh_expires_at = NOW + w->refresh_left * UNIT;
	g.expires_at = w->absolute_left == NEVER ? 0 : NOW + w->absolute_left * UNIT;
	g.has_retry_key = w->key != 0;
	memset(g.retry_key, w->key, sizeof(g.retry_key));
	return g;
}

static int8_t
units_left(int64_t time)
{
	int64_t units = (time - NOW) / UNIT;

	return time == 0 ? NEVER
			 : (int8_t)(units < GONE_LONGEST ? GONE_LONGEST : units);
}

/* Above TOP the world looks the same one generation lower. */
static uint8_t
lowered(uint8_t credential)
{
	return credential > 1 ? credential - 1 : credential;
}

static void
lower(struct world *w)
{
	w->generation = TOP;
	for (size_t i = 0; i < WORKERS_MAX; i++) {
		struct worker *k = &w->worker[i];

		k->have = lowered(k->have);
		if (k->pending != 0)
			k->pending = (uint8_t)(1 + KEYS * lowered((uint8_t)
				((k->pending - 1) / KEYS)) + (k->pending - 1) % KEYS);
	}
}

static void
take_row(struct world *w, const struct grant *g)
{
	int64_t age = (NOW - g->issued_at) / UNIT;

	w->state = (uint8_t)g->state;
	w->generation = (uint8_t)g->generation;
	w->age = (int8_t)(age > AGE_MOST ? AGE_MOST : age);
	w->access_left = units_left(g->access_expires_at);
	w->refresh_left = units_left(g->refresh_expires_at);
	w->absolute_left = units_left(g->expires_at);
	w->key = g->has_retry_key ? g->retry_key[0] : 0;
}

/* Workers are alike once nobody is watched for honesty: sorted, they are one world. */
static void
sort_workers(struct world *w, size_t workers)
{
	for (size_t i = 1; i < workers; i++) {
		for (size_t k = i; k > 0 && memcmp(&w->worker[k], &w->worker[k - 1],
				sizeof(struct worker)) < 0; k--) {
			struct worker swapped = w->worker[k];

			w->worker[k] = w->worker[k - 1];
			w->worker[k - 1] = swapped;
		}
	}
}

#endif
