/* SPDX-License-Identifier: Apache-2.0 */
/*
 * throttle.c - leaky buckets of 8 bytes, eight to a cache line.
 *
 * A word is  tag 24 | level 16 | time 24 : which key it is (of those that hash to
 * the line), how full it was, and when that was (seconds, modulo 194 days). Level
 * counts failures. All words of a line are read for one question; a change is one
 * compare-and-swap, and one that loses a race is tried again.
 */
#include "server/throttle.h"

#include <arpa/inet.h>
#include <assert.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/secret.h"

#define LINE 8 /* words of a cache line */
#define LEVEL_MAX 0xFFFF
#define TIME_MASK 0xFFFFFF
#define RETRIES 8

struct throttle {
	int64_t limit, forgive;
	size_t lines; /* a power of two */
	uint8_t secret[crypto_shorthash_KEYBYTES];
	_Atomic uint64_t (*line)[LINE];
};

struct bucket {
	uint32_t tag, level, time;
};

static struct bucket
bucket_of(uint64_t word)
{
	return (struct bucket){ (uint32_t)(word >> 40), (uint32_t)(word >> 24 & LEVEL_MAX),
		(uint32_t)(word & TIME_MASK) };
}

static uint64_t
bucket_word(struct bucket b)
{
	return (uint64_t)b.tag << 40 | (uint64_t)b.level << 24 | b.time;
}

/* A tag is never 0, so a word of 0 is an empty place. */
static uint32_t
key_tag(struct throttle_key k)
{
	uint32_t tag = (uint32_t)(k.hash >> 40);

	return tag == 0 ? 1 : tag;
}

struct throttle *
throttle_new(size_t buckets, int64_t limit, int64_t forgive)
{
	struct throttle *t = must_calloc(1, sizeof(*t));

	assert(limit > 0 && forgive > 0);
	t->limit = limit < LEVEL_MAX / 2 ? limit : LEVEL_MAX / 2;
	t->forgive = forgive;
	t->lines = 1;
	while (t->lines * LINE < buckets)
		t->lines *= 2;
	t->line = must_calloc(t->lines, sizeof(*t->line));
	secret_random(t->secret, sizeof(t->secret));
	return t;
}

void
throttle_free(struct throttle *t)
{
	if (t == NULL)
		return;
	free(t->line);
	free(t);
}

/* Keyed, so that nobody can choose names that share a line with another's. */
struct throttle_key
throttle_key(const struct throttle *t, struct bytes a, struct bytes b)
{
	uint8_t text[512];
	uint8_t hash[crypto_shorthash_BYTES];
	struct throttle_key k;
	size_t n = a.n < 256 ? a.n : 256, m = b.n < 254 ? b.n : 254;

	text[0] = (uint8_t)n; /* where one part ends; 256 and 0 cannot collide in use */
	if (n > 0)
		memcpy(text + 1, a.p, n);
	if (m > 0)
		memcpy(text + 1 + n, b.p, m);
	crypto_shorthash(hash, text, 1 + n + m, t->secret);
	memcpy(&k.hash, hash, sizeof(k.hash));
	return k;
}

static bool
is_ipv6(struct bytes peer, uint8_t out[static 16])
{
	char text[64];

	if (bytes_index(peer, ':') == peer.n || peer.n >= sizeof(text))
		return false; /* IPv4, or the name of a Unix socket */
	memcpy(text, peer.p, peer.n);
	text[peer.n] = '\0';
	return inet_pton(AF_INET6, text, out) == 1;
}

struct bytes
throttle_address(struct bytes peer, char out[static 40])
{
	uint8_t v6[16];

	if (!is_ipv6(peer, v6))
		return peer;
	/* Who has one address of a /64 has all of them. */
	return (struct bytes){ out, (size_t)snprintf(out, 40,
		"%02x%02x:%02x%02x:%02x%02x:%02x%02x/64", v6[0], v6[1], v6[2], v6[3],
		v6[4], v6[5], v6[6], v6[7]) };
}

struct bytes
throttle_network(struct bytes peer, char out[static 40])
{
	uint8_t v6[16];

	if (!is_ipv6(peer, v6))
		return NONE;
	return (struct bytes){ out, (size_t)snprintf(out, 40, "%02x%02x:%02x%02x:%02x%02x/48",
		v6[0], v6[1], v6[2], v6[3], v6[4], v6[5]) };
}

/* What is left of a bucket at `now`; time that ran backwards takes nothing away. */
static uint32_t
bucket_level(const struct throttle *t, struct bucket b, int64_t now)
{
	uint32_t passed = ((uint32_t)now - b.time) & TIME_MASK;
	uint64_t forgiven = passed > TIME_MASK / 2 ? 0 : passed / (uint64_t)t->forgive;

	return forgiven >= b.level ? 0 : b.level - (uint32_t)forgiven;
}

static _Atomic uint64_t *
key_line(const struct throttle *t, struct throttle_key k)
{
	return t->line[k.hash & (t->lines - 1)];
}

/* The key's word, or NULL when nothing is known of it. */
static _Atomic uint64_t *
key_find(const struct throttle *t, struct throttle_key k)
{
	_Atomic uint64_t *line = key_line(t, k);

	for (size_t i = 0; i < LINE; i++) {
		uint64_t word = atomic_load_explicit(&line[i], memory_order_relaxed);

		if (bucket_of(word).tag == key_tag(k))
			return &line[i];
	}
	return NULL;
}

/* The place for a new key: of the line's buckets the emptiest goes. */
static _Atomic uint64_t *
key_place(const struct throttle *t, struct throttle_key k, int64_t now)
{
	_Atomic uint64_t *line = key_line(t, k), *emptiest = &line[0];
	uint32_t least = UINT32_MAX;

	for (size_t i = 0; i < LINE; i++) {
		uint64_t word = atomic_load_explicit(&line[i], memory_order_relaxed);
		uint32_t level = bucket_level(t, bucket_of(word), now);

		if (level < least) {
			least = level;
			emptiest = &line[i];
		}
	}
	return emptiest;
}

int64_t
throttle_level(const struct throttle *t, struct throttle_key k, int64_t now)
{
	_Atomic uint64_t *place = key_find(t, k);
	struct bucket b;

	if (place == NULL)
		return 0;
	b = bucket_of(atomic_load_explicit(place, memory_order_relaxed));
	return b.tag == key_tag(k) ? bucket_level(t, b, now) : 0;
}

/* Above the limit one waits until time has taken the excess away. */
int64_t
throttle_wait(const struct throttle *t, struct throttle_key k, int64_t now)
{
	_Atomic uint64_t *place = key_find(t, k);
	struct bucket b;
	uint32_t level;
	int64_t since;

	if (place == NULL)
		return 0;
	b = bucket_of(atomic_load_explicit(place, memory_order_relaxed));
	level = b.tag == key_tag(k) ? bucket_level(t, b, now) : 0;
	if (level < t->limit)
		return 0;
	since = (((uint32_t)now - b.time) & TIME_MASK) % (uint32_t)t->forgive;
	return ((int64_t)level - t->limit + 1) * t->forgive - since;
}

/*
 * One more. The time kept is the last moment at which something was forgiven, so
 * that failures in between do not stop the clock. The level rises to just above
 * the limit and no further: whoever keeps failing waits one turn, not for ever.
 */
static struct bucket
bucket_more(const struct throttle *t, struct bucket b, uint32_t tag, int64_t now)
{
	uint32_t level = b.tag == tag ? bucket_level(t, b, now) : 0;
	uint32_t passed = ((uint32_t)now - b.time) & TIME_MASK;

	if (level == 0 || passed > TIME_MASK / 2)
		b.time = (uint32_t)now & TIME_MASK;
	else
		b.time = ((uint32_t)now - passed % (uint32_t)t->forgive) & TIME_MASK;
	b.tag = tag;
	b.level = level < (uint32_t)t->limit ? level + 1 : level;
	return b;
}

void
throttle_fail(struct throttle *t, struct throttle_key k, int64_t now)
{
	for (int i = 0; i < RETRIES; i++) {
		_Atomic uint64_t *place = key_find(t, k);
		uint64_t word;

		if (place == NULL)
			place = key_place(t, k, now);
		word = atomic_load_explicit(place, memory_order_relaxed);
		if (atomic_compare_exchange_strong_explicit(place, &word,
			bucket_word(bucket_more(t, bucket_of(word), key_tag(k), now)),
			memory_order_relaxed, memory_order_relaxed))
			return;
	}
}

void
throttle_take_back(struct throttle *t, struct throttle_key k)
{
	for (int i = 0; i < RETRIES; i++) {
		_Atomic uint64_t *place = key_find(t, k);
		struct bucket b;
		uint64_t word;

		if (place == NULL)
			return;
		word = atomic_load_explicit(place, memory_order_relaxed);
		b = bucket_of(word);
		if (b.tag != key_tag(k) || b.level == 0)
			return;
		b.level--;
		if (atomic_compare_exchange_strong_explicit(place, &word, bucket_word(b),
			memory_order_relaxed, memory_order_relaxed))
			return;
	}
}

void
throttle_clear(struct throttle *t, struct throttle_key k)
{
	_Atomic uint64_t *place = key_find(t, k);
	uint64_t word;

	if (place == NULL)
		return;
	word = atomic_load_explicit(place, memory_order_relaxed);
	if (bucket_of(word).tag == key_tag(k))
		atomic_compare_exchange_strong_explicit(place, &word, 0,
			memory_order_relaxed, memory_order_relaxed);
}
