/* SPDX-License-Identifier: Apache-2.0 */
/*
 * throttle.h - how often something failed lately, in memory that never grows.
 *
 * A leaky bucket a key: each failure adds one, time takes them away at a steady
 * pace, and above the limit one waits. A bucket is one 64-bit word in a table of
 * fixed size, found by a keyed hash, so asking is a few loads without a lock.
 * Under attack the emptiest buckets are forgotten first.
 */
#ifndef LATCHKEY_SERVER_THROTTLE_H
#define LATCHKEY_SERVER_THROTTLE_H

#include "base/bytes.h"

struct throttle;

/* limit: failures that cost nothing; forgive: seconds after which one is forgotten. */
struct throttle *throttle_new(size_t buckets, int64_t limit, int64_t forgive);
void throttle_free(struct throttle *t);

struct throttle_key { uint64_t hash; };
/* A key of up to two parts ("client", "address"); NONE is a part like any other. */
struct throttle_key throttle_key(const struct throttle *t, struct bytes a, struct bytes b);
/* An address as throttles see it: IPv4 whole, IPv6 by its /64 (into memory of 40). */
struct bytes throttle_address(struct bytes peer, char out[static 40]);

/* The network an IPv6 address is of, by its /48: whoever is given one network has
 * 65,536 of the above. NONE for IPv4. */
struct bytes throttle_network(struct bytes peer, char out[static 40]);

/* Seconds to wait before the next try; 0: go on. now: any clock in seconds. */
int64_t throttle_wait(const struct throttle *t, struct throttle_key k, int64_t now);
/* Failures that are remembered; 0: none. */
int64_t throttle_level(const struct throttle *t, struct throttle_key k, int64_t now);
void throttle_fail(struct throttle *t, struct throttle_key k, int64_t now);
/* Takes one of them back: what was counted in advance was no failure. */
void throttle_take_back(struct throttle *t, struct throttle_key k);
void throttle_clear(struct throttle *t, struct throttle_key k); /* after a success */

/* All of a process, made from the configuration. */
struct throttles {
	struct throttle *client;          /* client_id and address (C-16) */
	struct throttle *address;         /* address */
	struct throttle *sign_in;         /* account and address, or account and known browser */
	struct throttle *account;         /* account, from unknown browsers only */
	struct throttle *sign_in_address; /* address */
	struct throttle *sign_in_network; /* IPv6 network */
};
struct config;
struct throttles *throttles_new(const struct config *c);
void throttles_free(struct throttles *t); /* NULL is fine */

#endif
