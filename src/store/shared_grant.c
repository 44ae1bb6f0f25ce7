/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shared_grant.c - a change of a grant between loading and saving, and what the
 * trail says of its end: the same for every back end.
 */
#include "store/shared.h"

#include <string.h>

#include "base/arena.h"
#include "base/clock.h"

/* ---- changes ------------------------------------------------------------- */

static struct verdict
end_if_own(struct grant_change *c)
{
	if (c->end.client != 0 && c->end.client != c->grant.client)
		return (struct verdict){ VERDICT_REFUSE, REASON_token_of_other_client,
			false };
	if (c->event == GRANT_END_ACCESS)
		return grant_end_access(&c->grant, c->end.generation, c->now);
	return grant_end(&c->grant, c->end.why, c->end.generation, c->end.from, c->now);
}

struct verdict
grant_decide(struct grant_change *c)
{
	switch (c->event) {
	case GRANT_REDEEM: return grant_redeem(&c->grant, &c->redemption, c->now);
	case GRANT_REFRESH: return grant_refresh(&c->grant, &c->refresh, c->now);
	case GRANT_END:
	case GRANT_END_ACCESS: break;
	}
	return end_if_own(c);
}

/* ---- how a grant ended, for the trail ------------------------------------ */

enum end_actor
grant_end_actor(const struct grant *g)
{
	switch (g->end_reason) {
	case END_DENIED:
	case END_PERSON: return END_BY_PERSON;
	case END_OPERATOR:
	case END_CLIENT_REMOVED:
	case END_ACCOUNT: return END_BY_OPERATOR;
	case END_NONE:
	case END_CODE_EXPIRED:
	case END_CODE_BURNED:
	case END_CODE_REPLAYED:
	case END_REFRESH_REPLAYED:
	case END_REFRESH_EXPIRED:
	case END_LIFETIME:
	case END_ROLLED_BACK:
	case END_CLIENT:
	case END_REASON_COUNT: break;
	}
	return END_BY_CLIENT;
}

struct audit
grant_end_audit(struct arena *a, const struct grant *g)
{
	struct audit audit = {
		.at = g->ended_at, .event = B("grant_ended"), .from = g->ended_from
	};

	audit.object = bytes_of(arena_printf(a, "grant:%s", arena_hex(a, g->key, 4)));
	audit.detail = bytes_of(arena_printf(a, "%s: %s (generation %u)",
		end_reason_name(g->end_reason), end_reason_sentence(g->end_reason),
		(unsigned)g->ended_generation));
	if (grant_end_actor(g) == END_BY_OPERATOR)
		audit.actor = bytes_of(
			arena_printf(a, "operator:%.*s", BYTES_FMT(g->ended_from)));
	return audit;
}

/* ---- keys by their first digits ------------------------------------------ */

bool
grant_key_range(struct bytes prefix, uint8_t low[static GRANT_KEY_SIZE],
	uint8_t high[static GRANT_KEY_SIZE])
{
	memset(low, 0x00, GRANT_KEY_SIZE);
	memset(high, 0xFF, GRANT_KEY_SIZE);
	if (prefix.n > 2 * (size_t)GRANT_KEY_SIZE)
		return false;
	for (size_t i = 0; i < prefix.n; i++) {
		int digit = hex_digit(prefix.p[i]), shift = i % 2 == 0 ? 4 : 0;

		if (digit < 0)
			return false;
		low[i / 2] = (uint8_t)(low[i / 2] | digit << shift);
		high[i / 2] = (uint8_t)(high[i / 2] & ~((15 - digit) << shift));
	}
	return true;
}

/* ---- people -------------------------------------------------------------- */

bool
user_same(const struct user *a, const struct user *b)
{
	return bytes_equal(a->username, b->username) && bytes_equal(a->name, b->name) &&
		bytes_equal(a->password_hash, b->password_hash) &&
		a->disabled == b->disabled;
}

/* ---- small things -------------------------------------------------------- */

struct bytes
audit_who(const struct audit *a)
{
	struct bytes name = a->actor, kind = bytes_cut(&name, ':');

	return bytes_empty(name) ? kind : name;
}

/* A change that is not audited has no time of its own. */
int64_t
audit_time(const struct audit *a)
{
	return a->at != 0 ? a->at : clock_now();
}

void *
list_room(struct arena *a, void *list, size_t n, size_t size)
{
	void *larger;

	/* Full at 0 and at every power of two from 8 on. */
	if (n > 0 && (n < 8 || (n & (n - 1)) != 0))
		return list;
	larger = arena_alloc(a, (n < 8 ? 8 : 2 * n) * size);
	if (n > 0)
		memcpy(larger, list, n * size);
	return larger;
}
