/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan.c - arithmetic on seconds.
 */
#include "agent/plan.h"

#include <string.h>

#include "base/bytes.h"

enum {
	EARLIEST = 70,      /* per cent of a token's life */
	SPREAD = 15,        /* more, at random */
	FIRST_PAUSE = 30,   /* s after a failure, doubled by each more */
	LONGEST_PAUSE = 900,
	SAME = 2,           /* s by which two readings of one clock may differ */
};

struct seen
seen_of(const struct lk_info *info, int64_t wall_now, int64_t now)
{
	bool refreshed = bytes_equal(bytes_of(info->outcome), B("ok")) &&
		info->refreshed_at > info->connected_at;
	int64_t age =
		wall_now - (refreshed ? info->refreshed_at : info->connected_at);

	return (struct seen){
		.connected = bytes_equal(bytes_of(info->state), B("connected")),
		.connected_at = info->connected_at,
		/* In the future: the clock was set back since. */
		.issued_at = age > 0 ? now - age : now,
		.expires_at = info->expires_at == 0 ? 0
			: now + info->expires_at - wall_now,
	};
}

static bool
near(int64_t a, int64_t b)
{
	return a - b <= SAME && b - a <= SAME;
}

static int64_t
ahead_of_expiry(const struct seen *s, int64_t now, uint32_t random)
{
	int64_t life = s->expires_at - s->issued_at;
	int64_t due;

	if (!s->connected || s->expires_at == 0)
		return PLAN_NEVER;
	if (life < 0)
		life = 0;
	due = s->issued_at + life * (EARLIEST + (int64_t)(random % (SPREAD + 1))) / 100;
	/* Late already, as after a night switched off: soon, but not all at once. */
	return due > now ? due : now + (int64_t)(random % 4);
}

void
plan_look(struct plan *p, const struct seen *seen, int64_t now, uint32_t random)
{
	const struct seen *was = &p->seen;

	if (was->connected == seen->connected && near(was->expires_at, seen->expires_at)
		&& near(was->connected_at, seen->connected_at))
		return;
	*p = (struct plan){ .due = ahead_of_expiry(seen, now, random), .seen = *seen };
}

static int64_t
pause_after(int failures, uint32_t random)
{
	int64_t most = FIRST_PAUSE;

	for (int i = 1; i < failures && most < LONGEST_PAUSE; i++)
		most *= 2;
	if (most > LONGEST_PAUSE)
		most = LONGEST_PAUSE;
	return most / 2 + (int64_t)(random % (uint32_t)(most / 2 + 1));
}

static bool
may_pass(enum lk_status status)
{
	switch (status) {
	case LK_OK:
	case LK_TRY_LATER:
	case LK_LOCKED:
	case LK_STORAGE:
	case LK_MEMORY:
		return true;
	case LK_RECONNECT:
	case LK_DENIED:
	case LK_CONFIGURATION:
	case LK_NOT_FOUND:
	case LK_REJECTED:
	case LK_BUG:
		return false;
	}
	return false;
}

void
plan_tried(struct plan *p, const struct seen *seen, const struct lk_error *e,
	int64_t now, uint32_t random)
{
	bool fresh = e->status == LK_OK && seen->expires_at > p->seen.expires_at + SAME;
	int64_t pause;

	if (fresh) {
		*p = (struct plan){ ahead_of_expiry(seen, now, random), 0, *seen };
		return;
	}
	/* A token that does not change (nothing to refresh it with) is no reason to ask
	 * for it all the time: it counts as a failure. */
	p->seen = *seen;
	p->failures++;
	pause = pause_after(p->failures, random);
	if (e->retry_after > pause)
		pause = e->retry_after;
	p->due = may_pass(e->status) && seen->connected ? now + pause : PLAN_NEVER;
}
