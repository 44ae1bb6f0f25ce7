/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shared_pulse.c - what changes while a grant lives, packed into one blob that is
 * always as long as at first, so that a row is overwritten in place:
 *
 *	version 4 | generation 4 | epoch 1 | state 1 | issued 5 | access expires 5 |
 *	refresh expires 5 | expires 5 | last used 5 | has retry key 1 | retry key 16
 *
 * Numbers are big-endian. An ended grant leaves the last two out, which makes
 * room for the columns that say how it ended.
 */
#include <assert.h>
#include <string.h>

#include "store/shared.h"

#define DAY INT64_C(86400)
#define DAYS_MAX INT64_C(65536) /* a grant that no rule ends is looked at again then */

static void
pack(struct pulse *pulse, uint64_t number, size_t size)
{
	assert(number >> (8 * size) == 0);
	for (size_t i = size; i-- > 0;)
		pulse->p[pulse->n++] = (uint8_t)(number >> (8 * i));
}

static uint64_t
unpack(const uint8_t **p, size_t size)
{
	uint64_t number = 0;

	while (size-- > 0)
		number = number << 8 | *(*p)++;
	return number;
}

struct pulse
pulse_of(const struct grant *g)
{
	struct pulse pulse = { .n = 0 };

	pack(&pulse, (uint64_t)g->version & UINT32_MAX, 4);
	pack(&pulse, g->generation, 4);
	pack(&pulse, g->epoch, 1);
	pack(&pulse, g->state, 1);
	pack(&pulse, (uint64_t)g->issued_at, 5);
	pack(&pulse, (uint64_t)g->access_expires_at, 5);
	pack(&pulse, (uint64_t)g->refresh_expires_at, 5);
	pack(&pulse, (uint64_t)g->expires_at, 5);
	pack(&pulse, (uint64_t)g->last_used_at, 5);
	if (g->state != GRANT_ENDED) {
		pack(&pulse, g->has_retry_key, 1);
		memcpy(pulse.p + pulse.n, g->retry_key, RETRY_DIGEST_SIZE);
		pulse.n += RETRY_DIGEST_SIZE;
	}
	return pulse;
}

void
pulse_read(const struct pulse *pulse, struct grant *g)
{
	const uint8_t *p = pulse->p;

	g->version = (int64_t)unpack(&p, 4);
	g->generation = (uint32_t)unpack(&p, 4);
	g->epoch = (uint8_t)unpack(&p, 1);
	g->state = (enum grant_state)unpack(&p, 1);
	g->issued_at = (int64_t)unpack(&p, 5);
	g->access_expires_at = (int64_t)unpack(&p, 5);
	g->refresh_expires_at = (int64_t)unpack(&p, 5);
	g->expires_at = (int64_t)unpack(&p, 5);
	g->last_used_at = (int64_t)unpack(&p, 5);
	g->has_retry_key = unpack(&p, 1) != 0;
	memcpy(g->retry_key, p, RETRY_DIGEST_SIZE);
}

/* ---- when the row may go ------------------------------------------------- */

bool
grant_may_go(const struct store *s, const struct grant *g, int64_t now)
{
	return grant_reclaimable(g, atomic_load(&s->keep_grants), now);
}

int64_t
grant_due_day(const struct store *s, const struct grant *g, int64_t from)
{
	int64_t first = from / DAY + 1, step = 1;

	/* Once it may go it may always go: double the step, then halve the gap. */
	while (step < DAYS_MAX && !grant_may_go(s, g, (first + step - 1) * DAY))
		step *= 2;
	for (int64_t low = 0; low < step;) {
		int64_t middle = (low + step) / 2;

		if (grant_may_go(s, g, (first + middle) * DAY))
			step = middle;
		else
			low = middle + 1;
	}
	return first + step;
}
