/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seen.c - a hash table of eight-slot buckets that evicts in turn.
 */
#include "server/seen.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "crypto/digest.h"
#include "rules/pkce.h"

#define SLOTS 8

struct bucket {
	uint64_t digest[SLOTS]; /* 0: empty */
};

struct seen {
	pthread_mutex_t lock;
	size_t buckets;
	uint32_t turn; /* which slot of a full bucket gives way next */
	struct bucket *bucket;
};

struct seen *
seen_new(size_t buckets)
{
	struct seen *s = must_calloc(1, sizeof(*s));

	assert(buckets > 0 && (buckets & (buckets - 1)) == 0);
	pthread_mutex_init(&s->lock, NULL);
	s->buckets = buckets;
	s->bucket = must_calloc(buckets, sizeof(*s->bucket));
	return s;
}

void
seen_free(struct seen *s)
{
	if (s == NULL)
		return;
	pthread_mutex_destroy(&s->lock);
	free(s->bucket);
	free(s);
}

static uint64_t
digest_of(struct bytes what, size_t *bucket, size_t buckets)
{
	uint8_t full[DIGEST_SIZE];
	uint64_t digest, place;

	sha256(what, full);
	memcpy(&digest, full, sizeof(digest));
	memcpy(&place, full + sizeof(digest), sizeof(place));
	*bucket = (size_t)(place & (buckets - 1));
	return digest | 1; /* never 0 */
}

static bool
in_bucket(const struct bucket *b, uint64_t digest)
{
	for (size_t i = 0; i < SLOTS; i++)
		if (b->digest[i] == digest)
			return true;
	return false;
}

static size_t
free_slot(struct seen *s, const struct bucket *b)
{
	for (size_t i = 0; i < SLOTS; i++)
		if (b->digest[i] == 0)
			return i;
	return s->turn++ % SLOTS;
}

bool
seen_has(struct seen *s, struct bytes what)
{
	size_t place;
	uint64_t digest = digest_of(what, &place, s->buckets);
	bool found;

	pthread_mutex_lock(&s->lock);
	found = in_bucket(&s->bucket[place], digest);
	pthread_mutex_unlock(&s->lock);
	return found;
}

bool
seen_add(struct seen *s, struct bytes what)
{
	size_t place;
	uint64_t digest = digest_of(what, &place, s->buckets);
	struct bucket *b = &s->bucket[place];
	bool is_new;

	pthread_mutex_lock(&s->lock);
	is_new = !in_bucket(b, digest);
	if (is_new)
		b->digest[free_slot(s, b)] = digest;
	pthread_mutex_unlock(&s->lock);
	return is_new;
}

#define FORMS_BUCKETS 8192
#define CHALLENGE_BUCKETS 8192

struct people *
people_new(void)
{
	struct people *p = must_calloc(1, sizeof(*p));

	p->forms = seen_new(FORMS_BUCKETS);
	p->challenges = seen_new(CHALLENGE_BUCKETS);
	return p;
}

void
people_free(struct people *p)
{
	if (p == NULL)
		return;
	seen_free(p->forms);
	seen_free(p->challenges);
	free(p);
}

struct client_challenge {
	int64_t client;
	uint8_t challenge[PKCE_CHALLENGE_SIZE];
};

static struct client_challenge
client_challenge(int64_t client, const uint8_t *challenge)
{
	struct client_challenge c = { .client = client };

	memcpy(c.challenge, challenge, sizeof(c.challenge));
	return c;
}

bool
people_challenge_used(struct people *p, int64_t client, const uint8_t *challenge)
{
	struct client_challenge c = client_challenge(client, challenge);

	return seen_has(p->challenges, (struct bytes){ (const char *)&c, sizeof(c) });
}

void
people_challenge_redeemed(struct people *p, int64_t client, const uint8_t *challenge)
{
	struct client_challenge c = client_challenge(client, challenge);

	(void)seen_add(p->challenges, (struct bytes){ (const char *)&c, sizeof(c) });
}
