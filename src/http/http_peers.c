/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_peers.c - a hash table of addresses that have a connection. The seed is
 * random, so nobody can choose addresses that meet in one slot.
 */
#include "http/http_peers.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/secret.h"

enum {
	SLOTS = 1024,
	KNOWN_MS = 3600 * 1000,
};

struct http_peer {
	struct http_peer *next;
	uint8_t key[16];
	size_t count;
};

struct known {
	uint8_t key[16];
	int64_t until_ms; /* 0: nobody has this place */
};

struct http_peers {
	uint64_t seed;
	struct http_peer *slots[SLOTS];
	struct known known[SLOTS];
};

struct http_peers *
http_peers_new(void)
{
	struct http_peers *p = must_calloc(1, sizeof(*p));

	secret_random(&p->seed, sizeof(p->seed));
	return p;
}

void
http_peers_free(struct http_peers *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < SLOTS; i++) {
		while (p->slots[i] != NULL) {
			struct http_peer *peer = p->slots[i];

			p->slots[i] = peer->next;
			free(peer);
		}
	}
	free(p);
}

static size_t
slot_of(const struct http_peers *p, const uint8_t key[static 16])
{
	uint64_t hash = p->seed;
	uint64_t words[2];

	memcpy(words, key, sizeof(words));
	for (size_t i = 0; i < 2; i++) {
		hash = (hash ^ words[i]) * UINT64_C(0x9E3779B97F4A7C15);
		hash ^= hash >> 29;
	}
	return hash % SLOTS;
}

static void
key_of(const struct http_address *a, uint8_t key[static 16])
{
	static const uint8_t mapped[12] = { [10] = 0xFF, [11] = 0xFF };
	bool is_v4 = memcmp(a->ip, mapped, sizeof(mapped)) == 0;

	memset(key, 0, 16);
	memcpy(key, a->ip, is_v4 ? 16 : 8);
}

struct http_peer *
http_peers_enter(struct http_peers *p, const struct http_address *a, size_t limit)
{
	uint8_t key[16];
	struct http_peer **slot;
	struct http_peer *peer;

	key_of(a, key);
	slot = &p->slots[slot_of(p, key)];
	for (peer = *slot; peer != NULL; peer = peer->next)
		if (memcmp(peer->key, key, sizeof(key)) == 0)
			break;
	if (peer == NULL) {
		peer = must_calloc(1, sizeof(*peer));
		memcpy(peer->key, key, sizeof(key));
		peer->next = *slot;
		*slot = peer;
	}
	if (peer->count >= limit)
		return NULL;
	peer->count++;
	return peer;
}

void
http_peers_leave(struct http_peers *p, struct http_peer *peer)
{
	struct http_peer **at;

	if (peer == NULL || --peer->count > 0)
		return;
	at = &p->slots[slot_of(p, peer->key)];
	while (*at != peer)
		at = &(*at)->next;
	*at = peer->next;
	free(peer);
}

void
http_peers_learn(struct http_peers *p, const struct http_address *a, int64_t now_ms)
{
	struct known k = { .until_ms = now_ms + KNOWN_MS };

	key_of(a, k.key);
	p->known[slot_of(p, k.key)] = k;
}

bool
http_peers_know(const struct http_peers *p, const struct http_address *a, int64_t now_ms)
{
	const struct known *k;
	uint8_t key[16];

	key_of(a, key);
	k = &p->known[slot_of(p, key)];
	return k->until_ms > now_ms && memcmp(k->key, key, sizeof(key)) == 0;
}
