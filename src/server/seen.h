/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seen.h - has this been seen lately? A bounded memory of digests.
 *
 * Promises: never grows; asking and adding are a few loads under one lock; the
 * oldest of a bucket gives way to a new one, so under a flood it forgets, and
 * nothing durable may depend on it.
 */
#ifndef LATCHKEY_SERVER_SEEN_H
#define LATCHKEY_SERVER_SEEN_H

#include "base/bytes.h"

struct seen;

struct seen *seen_new(size_t buckets); /* a power of two; eight digests each */
void seen_free(struct seen *s);        /* NULL is fine */
bool seen_has(struct seen *s, struct bytes what);
/* Adds it; false: it was there before. */
bool seen_add(struct seen *s, struct bytes what);

/* What the people's side remembers between requests. */
struct people {
	struct seen *forms;      /* one-time form values that were used (U-04) */
	struct seen *challenges; /* PKCE challenges redeemed, with their client */
};
struct people *people_new(void);
void people_free(struct people *p); /* NULL is fine */
/* a challenge is good for one code. */
bool people_challenge_used(struct people *p, int64_t client, const uint8_t *challenge);
void people_challenge_redeemed(struct people *p, int64_t client, const uint8_t *challenge);

#endif
