/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kernel.h - grant.c as a row of function pointers, and broken copies of it.
 *
 * A checker that never failed proves nothing. Each broken kernel wraps the real
 * functions and undoes one promise; a checker is shown each, and must find it.
 */
#ifndef LATCHKEY_TESTS_KERNEL_H
#define LATCHKEY_TESTS_KERNEL_H

#include <string.h>

#include "rules/grant.h"

struct kernel {
	const char *name;
	struct verdict (*redeem)(struct grant *, const struct redemption *, int64_t);
	struct verdict (*refresh)(struct grant *, const struct refresh *, int64_t);
	struct verdict (*end_access)(struct grant *, uint32_t, int64_t);
	bool (*honours)(const struct grant *, enum token_kind, uint32_t, int64_t);
};

static const struct kernel real_kernel = { "grant.c", grant_redeem, grant_refresh,
	grant_end_access, grant_honours };

static bool
honours_previous(const struct grant *g, enum token_kind kind, uint32_t generation,
	int64_t now)
{
	return grant_honours(g, kind, generation, now) ||
		(generation + 1 == g->generation && kind != TOKEN_CODE &&
			grant_honours(g, kind, g->generation, now));
}

static bool
honours_when_clock_is_behind(const struct grant *g, enum token_kind kind,
	uint32_t generation, int64_t now)
{
	return grant_honours(g, kind, generation,
		now < g->issued_at ? g->issued_at : now);
}

static struct verdict
refresh_forgives(struct grant *g, const struct refresh *r, int64_t now)
{
	struct grant before = *g;
	struct verdict v = grant_refresh(g, r, now);

	if (v.reason == REASON_refresh_replayed && v.changed) {
		*g = before;
		v.changed = false;
	}
	return v;
}

static struct verdict
refresh_takes_any_generation(struct grant *g, const struct refresh *r, int64_t now)
{
	struct refresh newest = *r;

	if (newest.generation < g->generation)
		newest.generation = g->generation;
	return grant_refresh(g, &newest, now);
}

static struct verdict
refresh_revives(struct grant *g, const struct refresh *r, int64_t now)
{
	if (g->state == GRANT_ENDED && g->generation > 0)
		g->state = GRANT_LIVE;
	return grant_refresh(g, r, now);
}

static struct verdict
refresh_takes_any_key(struct grant *g, const struct refresh *r, int64_t now)
{
	struct refresh right = *r;

	if (right.generation < g->generation) {
		right.retry.present = g->has_retry_key;
		memcpy(right.retry.key, g->retry_key, sizeof(g->retry_key));
	}
	return grant_refresh(g, &right, now);
}

static struct verdict
refresh_knows_no_retry(struct grant *g, const struct refresh *r, int64_t now)
{
	struct refresh keyless = *r;

	keyless.retry.present = false;
	return grant_refresh(g, &keyless, now);
}

static struct verdict
refresh_slips_back(struct grant *g, const struct refresh *r, int64_t now)
{
	struct verdict v = grant_refresh(g, r, now);

	if (v.kind == VERDICT_REPEAT) {
		g->generation--;
		v.changed = true;
	}
	return v;
}

static struct verdict
refresh_unrevokes(struct grant *g, const struct refresh *r, int64_t now)
{
	struct verdict v = grant_refresh(g, r, now);

	if (v.kind == VERDICT_REPEAT && g->access_expires_at == 0) {
		g->access_expires_at = now + r->lifetimes->access;
		v.changed = true;
	}
	return v;
}

static struct verdict
redeem_twice(struct grant *g, const struct redemption *r, int64_t now)
{
	if (g->state == GRANT_LIVE && g->generation == 1) {
		g->state = GRANT_OPEN;
		g->generation = 0;
	}
	return grant_redeem(g, r, now);
}

static struct verdict
redeem_never_burns(struct grant *g, const struct redemption *r, int64_t now)
{
	struct grant before = *g;
	struct verdict v = grant_redeem(g, r, now);

	if (g->end_reason == END_CODE_BURNED)
		*g = before;
	return v;
}

static const struct kernel broken_kernels[] = {
	{ "the generation before is honoured too", grant_redeem, grant_refresh,
		grant_end_access, honours_previous },
	{ "a clock set back prolongs an access token", grant_redeem, grant_refresh,
		grant_end_access, honours_when_clock_is_behind },
	{ "a replayed refresh token ends nothing", grant_redeem, refresh_forgives,
		grant_end_access, grant_honours },
	{ "a replaced refresh token buys a new one", grant_redeem,
		refresh_takes_any_generation, grant_end_access, grant_honours },
	{ "an ended grant lives again", grant_redeem, refresh_revives,
		grant_end_access, grant_honours },
	{ "any retry key will do", grant_redeem, refresh_takes_any_key,
		grant_end_access, grant_honours },
	{ "a retry is not known", grant_redeem, refresh_knows_no_retry,
		grant_end_access, grant_honours },
	{ "a repeat slips back a generation", grant_redeem, refresh_slips_back,
		grant_end_access, grant_honours },
	{ "a revoked access token comes back", grant_redeem, refresh_unrevokes,
		grant_end_access, grant_honours },
	{ "a code buys twice", redeem_twice, grant_refresh, grant_end_access,
		grant_honours },
	{ "a code is not burned", redeem_never_burns, grant_refresh, grant_end_access,
		grant_honours },
};
#define BROKEN_KERNELS (sizeof(broken_kernels) / sizeof(broken_kernels[0]))

#endif
