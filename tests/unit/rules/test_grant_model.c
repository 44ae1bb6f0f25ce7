/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A model check of rules/grant.c: every state that the processes of one client,
 * a thief, a person, lost answers, crashes and the clock can bring about, breadth
 * first, over the real functions, until there is no new state.
 *
 * grant_world.h says why that is finite and still covers any number of refreshes,
 * retries, crashes and days; the clock is set back once. WORKERS=3 looks wider.
 */
#include "grant_world.h"
#include "kernel.h"
#include "tap.h"

#define WORLDS_MAX (1u << 18)

struct setting {
	const char *name;
	struct lifetimes lifetimes;
	int64_t retry_without_key;
	bool client_is_public;
};
static const struct setting settings[] = {
	{ "public client", { 60, 100, 200, 0, 150 }, 0, true },
	{ "confidential client, recovery without key", { 60, 100, 200, 0, 150 }, 30,
		false },
	{ "an absolute limit, no retry keys", { 60, 100, 200, 300, 0 }, 0, true },
};

/* One step of a history, to be told when something broke. */
enum what { NOTHING, TICK, SET_BACK, REQUEST, THEFT, REVOKE_ACCESS, REVOKE_ALL };
enum fate { ANSWERED, LOST, CRASHED };
struct step {
	enum what what;
	uint8_t who, credential, key;
	enum fate fate;
};

static struct {
	const struct kernel *kernel;
	const struct setting *setting;
	uint8_t workers;
	struct world *worlds;
	struct step *steps;
	uint32_t *parents, *table;
	uint32_t count, next;
	size_t transitions;
	const char *violation;
	uint32_t broken_at;
	struct step broken_by;
} model;

static void
require(bool promise, const char *what)
{
	if (!promise && model.violation == NULL)
		model.violation = what;
}

/* ---- what must be true of every world -------------------------------------- */

static int
honoured(const struct grant *g, enum token_kind kind)
{
	int count = 0;

	for (uint32_t generation = 0; generation <= TOP + 2; generation++)
		count += model.kernel->honours(g, kind, generation, NOW);
	return count;
}

static void
check_world(const struct world *w, const struct grant *g)
{
	int codes = honoured(g, TOKEN_CODE), accesses = honoured(g, TOKEN_ACCESS);
	int refreshes = honoured(g, TOKEN_REFRESH);
	bool live = g->state == GRANT_LIVE && w->absolute_left > 0;

	require(accesses <= 1 && refreshes <= 1, "invariant 1: two tokens honoured");
	require(codes == 0 || (accesses == 0 && refreshes == 0),
		"invariant 4: a code is good beside its tokens");
	require(g->state != GRANT_ENDED || codes + accesses + refreshes == 0,
		"invariant 2: an ended grant honours something");
	require(accesses == (live && !w->access_revoked && w->access_left > 0 &&
			w->access_left != NEVER && w->age * UNIT >= -60),
		"an access token is not honoured just as long as promised");
	require(refreshes == (live && w->refresh_left > 0),
		"a refresh token is not honoured just as long as promised");
}

/* ---- the set of worlds ----------------------------------------------------- */

static uint64_t
hash(const struct world *w)
{
	const unsigned char *p = (const unsigned char *)w;
	uint64_t h = UINT64_C(14695981039346656037);

	for (size_t i = 0; i < sizeof(*w); i++)
		h = (h ^ p[i]) * UINT64_C(1099511628211);
	return h ^ (h >> 29);
}

static void
add_world(const struct world *w, const struct step *step)
{
	uint64_t at = hash(w);

	for (;; at++) {
		uint32_t index = model.table[at % (2 * WORLDS_MAX)];

		if (index == 0)
			break;
		if (memcmp(&model.worlds[index], w, sizeof(*w)) == 0)
			return;
	}
	if (model.count == WORLDS_MAX) {
		require(false, "the model has more worlds than there is room for");
		return;
	}
	model.table[at % (2 * WORLDS_MAX)] = model.count;
	model.worlds[model.count] = *w;
	model.steps[model.count] = *step;
	model.parents[model.count] = model.next;
	model.count++;
}

/* The world after a step: judged, brought to its one form, and kept if it is new. */
static void
arrive(struct world *w, const struct grant *g, const struct step *step)
{
	model.transitions++;
	take_row(w, g);
	check_world(w, g);
	if (w->generation > TOP)
		lower(w);
	/* All ends are one: check_ended has tried every event on it. */
	if (w->state == GRANT_ENDED)
		*w = (struct world){ .state = GRANT_ENDED };
	else if (!w->honest)
		sort_workers(w, model.workers);
	if (model.violation != NULL && model.broken_by.what == NOTHING) {
		model.broken_at = model.next;
		model.broken_by = *step;
	}
	add_world(w, step);
}

/* ---- requests -------------------------------------------------------------- */

static const struct bytes uris[] = { BI("https://x/") };
static const struct client registration = { .redirect_uris = { uris, 1 } };

static struct verdict
decide(struct grant *g, uint8_t credential, uint8_t key, bool right_verifier, bool ours)
{
	struct redemption redemption = { .client = ours ? 7 : 8,
		.client_is_public = model.setting->client_is_public,
		.redirect_uri = BI("https://x/"), .registration = &registration,
		.has_verifier = true, .epoch = 1, .retry.present = key != 0,
		.lifetimes = &model.setting->lifetimes };
	struct refresh refresh = { .client = ours ? 7 : 8, .epoch = 1,
		.generation = credential,
		.retry.present = key != 0,
		.retry_without_key = model.setting->retry_without_key,
		.lifetimes = &model.setting->lifetimes };

	redemption.verifier_challenge[0] = !right_verifier;
	memset(redemption.retry.key, key, sizeof(redemption.retry.key));
	memset(refresh.retry.key, key, sizeof(refresh.retry.key));
	return credential == 0 ? model.kernel->redeem(g, &redemption, NOW) :
				 model.kernel->refresh(g, &refresh, NOW);
}

/* Invariant 2, on the row itself: whatever is presented, nothing changes. */
static void
check_ended(const struct grant *ended)
{
	for (uint8_t credential = 0; credential <= TOP + 1; credential++) {
		for (uint8_t key = 0; key < KEYS; key++) {
			struct grant g = *ended;
			struct verdict v = decide(&g, credential, key, true, true);

			require(v.kind == VERDICT_REFUSE && !v.changed &&
				memcmp(&g, ended, sizeof(g)) == 0,
				"invariant 2: an ended grant changed");
		}
	}
}

/* Is it the request that bought the newest pair, said again in time? */
static bool
is_retry(const struct world *w, uint8_t credential, uint8_t key)
{
	int64_t window = model.setting->lifetimes.retry_window;
	bool keyless = key == 0 && w->said_key == 0 && credential != 0;

	if (keyless)
		window = model.setting->retry_without_key;
	else if (credential == 0 && window > 60)
		window = 60;
	return w->redeemed && credential + 1 == w->generation && window > 0 &&
		w->age * UNIT < window && (keyless || (key != 0 && key == w->said_key));
}

static bool
run_out(const struct world *w)
{
	if (w->state == GRANT_OPEN)
		return w->age * UNIT >= 60 || w->age * UNIT < -60;
	return w->absolute_left <= 0 || w->refresh_left <= 0;
}

/* What an observer outside may say of the answer to the bound client. */
static void
check_answer(const struct world *w, const struct grant *g, struct verdict v,
	uint8_t credential, uint8_t key)
{
	bool newest = credential == 0 ? !w->redeemed : credential == w->generation;
	bool retry = is_retry(w, credential, key), late = run_out(w);
	bool behind = w->age * UNIT < -60;

	require(g->generation >= w->generation, "invariant 2: a generation fell");
	require(v.kind != VERDICT_ISSUE ||
			(newest && g->generation == w->generation + 1u),
		"invariant 4: one credential bought two pairs");
	require(v.kind != VERDICT_REPEAT || (retry && g->generation == w->generation),
		"invariant 5: not the same request, but the same answer");
	require(!newest || late || v.kind == VERDICT_ISSUE,
		"a good request was refused");
	require(!retry || late || behind || v.kind == VERDICT_REPEAT,
		"invariant 5: an honest retry was refused");
	require(!retry || late || !behind || v.kind == VERDICT_REFUSE,
		"a retry was judged by a clock that is behind");
	require(v.kind != VERDICT_ISSUE || (g->issued_at == NOW && g->epoch == 1),
		"a new generation is not of this moment and epoch");
	require(newest || (retry && !late) || g->state == GRANT_ENDED,
		"invariant 4: a replay did not end the grant");
}

static void
request(const struct world *w, uint8_t who, uint8_t credential, uint8_t key)
{
	struct worker *me;
	bool first = who == 0 && w->worker[0].pending == 0;
	bool again = who == 0 &&
		w->worker[0].pending == 1 + KEYS * credential + key;
	bool honest = w->honest && key != 0 && (first || again);

	for (enum fate fate = ANSWERED; fate <= CRASHED; fate++) {
		struct step step = { REQUEST, who, credential, key, fate };
		struct world after = *w;
		struct grant g = row_of(w), before = g;
		struct verdict v = decide(&g, credential, key, true, true);

		check_answer(w, &g, v, credential, key);
		if (g.state == GRANT_ENDED)
			check_ended(&g);
		if (fate == CRASHED)
			g = before;
		me = &after.worker[who];
		after.honest = honest;
		me->pending = (uint8_t)(1 + KEYS * credential + key);
		if (fate == ANSWERED)
			me->pending = 0;
		if (fate == ANSWERED && v.kind != VERDICT_REFUSE)
			me->have = (uint8_t)g.generation;
		if (fate != CRASHED && v.kind == VERDICT_ISSUE) {
			after.redeemed = true;
			after.said_key = key;
			after.access_revoked = false;
		}
		require(!honest || run_out(w) || v.kind != VERDICT_REFUSE ||
			(again && !is_retry(w, credential, key)),
			"a lost answer cost an honest client its connection");
		arrive(&after, &g, &step);
	}
}

/* The thief has every string there ever was, but no key, and no verifier. */
static void
theft(const struct world *w, uint8_t credential, uint8_t key)
{
	struct step step = { THEFT, 0, credential, key, ANSWERED };
	struct world after = *w;
	struct grant g = row_of(w), before = g;
	struct verdict v = decide(&g, credential, key, credential != 0, false);

	require(v.kind == VERDICT_REFUSE && !v.changed &&
		memcmp(&g, &before, sizeof(g)) == 0, "another client changed a grant");
	v = decide(&g, credential, key, credential != 0, true);
	if (credential != 0)
		check_answer(w, &g, v, credential, key);
	else
		require(v.kind == VERDICT_REFUSE && (g.state == GRANT_ENDED) ==
			(!w->redeemed || !model.setting->client_is_public ||
				w->absolute_left <= 0),
			"TC-05, D4: a code without its verifier");
	after.honest = false;
	if (v.kind == VERDICT_ISSUE) {
		after.said_key = key;
		after.access_revoked = false;
	}
	arrive(&after, &g, &step);
}

/* ---- everything else that happens ------------------------------------------ */

static void
pass_time(const struct world *w, int units)
{
	struct step step = { .what = units > 0 ? TICK : SET_BACK,
		.credential = (uint8_t)abs(units) };
	struct world after = *w;
	struct grant g;

	after.age = (int8_t)(w->age + units);
	if (w->access_left != NEVER)
		after.access_left = (int8_t)(w->access_left - units);
	after.refresh_left = (int8_t)(w->refresh_left - units);
	if (w->absolute_left != NEVER)
		after.absolute_left = (int8_t)(w->absolute_left - units);
	if (units < 0) {
		after.set_back = true;
		after.honest = false;
	}
	g = row_of(&after);
	arrive(&after, &g, &step);
}

static void
revoke_access(const struct world *w, uint8_t generation)
{
	struct step step = { REVOKE_ACCESS, 0, generation, 0, ANSWERED };
	struct world after = *w;
	struct grant g = row_of(w);

	model.kernel->end_access(&g, generation, NOW);
	require(generation == w->generation || g.access_expires_at ==
		row_of(w).access_expires_at, "an old access token ended a newer one");
	after.honest = false;
	if (generation == w->generation)
		after.access_revoked = true;
	arrive(&after, &g, &step);
}

static void
revoke_all(const struct world *w)
{
	struct step step = { .what = REVOKE_ALL };
	struct world after = *w;
	struct grant g = row_of(w);

	grant_end(&g, END_PERSON, w->generation, NONE, NOW);
	check_ended(&g);
	arrive(&after, &g, &step);
}

static void
explore(const struct world *w)
{
	pass_time(w, 1);
	for (int back = 1; back <= 2 && !w->set_back; back++)
		pass_time(w, -back);
	for (uint8_t who = 0; who < model.workers; who++) {
		const struct worker *k = &w->worker[who];

		for (uint8_t key = 0; key < 3; key++) {
			request(w, who, k->have, key);
			if (k->pending != 0 && (k->pending - 1) / KEYS != k->have)
				request(w, who, (uint8_t)((k->pending - 1) / KEYS),
					key);
		}
	}
	for (uint8_t credential = 0; credential <= w->generation; credential++) {
		theft(w, credential, 0);
		theft(w, credential, 3);
	}
	for (uint8_t generation = 1; generation <= w->generation; generation++)
		revoke_access(w, generation);
	revoke_all(w);
}

static void
tell(struct step s)
{
	static const char *const whats[] = { "begin", "time passes", "clock set back",
		"worker", "thief", "access token revoked", "grant ended" };
	static const char *const fates[] = { "answered", "answer lost", "crash" };

	printf("#   %s", whats[s.what]);
	if (s.what == REQUEST)
		printf(" %u: credential %u, key %u: %s", s.who, s.credential, s.key,
			fates[s.fate]);
	else if (s.what != NOTHING)
		printf(" (%u, key %u)", s.credential, s.key);
	putchar('\n');
}

static void
tell_history(uint32_t index)
{
	if (index == 0)
		return;
	tell_history(model.parents[index]);
	tell(model.steps[index]);
}

static const char *
explore_all(const struct kernel *kernel, const struct setting *setting)
{
	const struct world first = { .state = GRANT_OPEN, .access_left = NEVER,
		.absolute_left = NEVER, .honest = true };
	const struct step begin = { .what = NOTHING };

	memset(model.table, 0, 2 * WORLDS_MAX * sizeof(*model.table));
	model.kernel = kernel;
	model.setting = setting;
	model.count = 1; /* 0 means none in the table */
	model.next = 0;
	model.transitions = 0;
	model.violation = NULL;
	model.broken_by = begin;
	add_world(&first, &begin);
	for (model.next = 1; model.next < model.count && model.violation == NULL;
		model.next++)
		if (model.worlds[model.next].state != GRANT_ENDED)
			explore(&model.worlds[model.next]);
	return model.violation;
}

static void
make_room(void)
{
	const char *workers = getenv("WORKERS");
	struct fault f;

	if (model.worlds != NULL)
		return;
	model.workers = workers != NULL && workers[0] == '3' ? WORKERS_MAX : 2;
	if (crypto_start(&f) != DONE)
		abort();
	model.worlds = calloc(WORLDS_MAX, sizeof(*model.worlds));
	model.steps = calloc(WORLDS_MAX, sizeof(*model.steps));
	model.parents = calloc(WORLDS_MAX, sizeof(*model.parents));
	model.table = calloc(2 * WORLDS_MAX, sizeof(*model.table));
	if (!model.worlds || !model.steps || !model.parents || !model.table)
		abort();
}

TEST(no_reachable_state_breaks_an_invariant)
{
	make_room();
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		const char *violation = explore_all(&real_kernel, &settings[i]);

		row("%s", settings[i].name);
		if (!check_str(violation, NULL)) {
			tell_history(model.broken_at);
			tell(model.broken_by);
		}
		/* All of it: nothing is left to be explored. */
		check(model.next == model.count);
		printf("# %s, %u workers: %u worlds, %zu transitions, all explored\n",
			settings[i].name, model.workers, model.count - 1,
			model.transitions);
	}
}

TEST(each_broken_kernel_is_found_out)
{
	make_room();
	for (size_t i = 0; i < BROKEN_KERNELS; i++) {
		const char *violation = NULL;

		for (size_t k = 0; violation == NULL && k < sizeof(settings) /
			sizeof(settings[0]); k++)
			violation = explore_all(&broken_kernels[i], &settings[k]);
		row("%s", broken_kernels[i].name);
		if (!check(violation != NULL))
			continue;
		printf("# %s: %s\n", broken_kernels[i].name, violation);
		tell_history(model.broken_at);
		tell(model.broken_by);
	}
}
