/* SPDX-License-Identifier: Apache-2.0 */
/*
 * throttles.c - which failures are counted by what, and how fast they are forgiven.
 *
 * A table of 64k buckets takes 512 KiB and never more.
 */
#include <stdlib.h>

#include "base/arena.h"
#include "server/config.h"
#include "server/throttle.h"

#define BUCKETS ((size_t)65536)

struct throttles *
throttles_new(const struct config *c)
{
	struct throttles *t = must_calloc(1, sizeof(*t));

	t->client = throttle_new(BUCKETS, c->client_failures, 5);
	t->address = throttle_new(BUCKETS, c->address_failures, 1);
	t->sign_in = throttle_new(BUCKETS, c->sign_in_failures, 30);
	t->account = throttle_new(BUCKETS, c->account_failures, 30);
	t->sign_in_address = throttle_new(BUCKETS, c->sign_in_address_failures, 10);
	/* Neighbours share it: as much as eight of them, and forgiven as quickly. */
	t->sign_in_network = throttle_new(BUCKETS, c->sign_in_address_failures * 8, 1);
	return t;
}

void
throttles_free(struct throttles *t)
{
	if (t == NULL)
		return;
	throttle_free(t->client);
	throttle_free(t->address);
	throttle_free(t->sign_in);
	throttle_free(t->account);
	throttle_free(t->sign_in_address);
	throttle_free(t->sign_in_network);
	free(t);
}
