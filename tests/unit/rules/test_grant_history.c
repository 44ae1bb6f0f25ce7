/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A property test of rules/grant.c: a million events in long random histories.
 *
 * The judge knows nothing of grants. It is a person outside the server who keeps
 * every string that was handed out, what was sent to get it and when, and knows
 * the promises: it predicts each answer and says of each string whether it must
 * be honoured now (invariants 1, 2, 4 and 5 of grant.h). SEED=n repeats a run.
 */
#include "base/secret.h"
#include "grant_server.h"
#include "tap.h"

#define EVENTS 1000000
#define EVENTS_MAX 64 /* in one history */
#define SEEN_MAX (2 * EVENTS_MAX + 1)
#define HOUR 3600
#define DAY 86400

static const struct lifetimes plain = { .code = 60, .access = 600,
	.refresh_idle = 60 * DAY, .retry_window = DAY };
static const struct lifetimes brief = { .code = 60, .access = 600,
	.refresh_idle = 2 * HOUR, .absolute = 9 * HOUR, .retry_window = 3 * HOUR };
static const struct lifetimes strict = { .code = 60, .access = 600,
	.refresh_idle = DAY };

/* ---- the judge: strings and promises --------------------------------------- */

struct pair {
	struct token_text access, refresh;
	struct token_text bought_with;
	int key, scope;
	int64_t born, access_born, access_dies, refresh_dies;
	bool access_revoked;
};

struct judge {
	const struct server *s; /* for the operator's numbers and the time only */
	struct token_text code;
	int64_t code_born;
	bool code_spent, over, has_pair;
	int64_t ends; /* absolute; 0: none */
	struct pair newest;
	struct token_text seen[SEEN_MAX];
	size_t seen_count;
	const char *violation;
	char journal[EVENTS_MAX][120]; /* of this history, to be read when it failed */
	size_t journal_count;
};

static bool
same(const struct token_text *x, const struct token_text *y)
{
	return bytes_equal(view(x), view(y));
}

static bool
was_seen(const struct judge *j, const struct token_text *t)
{
	for (size_t i = 0; i < j->seen_count; i++)
		if (same(&j->seen[i], t))
			return true;
	return false;
}

static void
violated(struct judge *j, const char *what)
{
	if (j->violation == NULL)
		j->violation = what;
}

static int64_t
soonest(int64_t time, int64_t limit)
{
	return limit != 0 && limit < time ? limit : time;
}

static bool
clock_behind(const struct judge *j, int64_t born)
{
	return j->s->now < born - 60;
}

/* The promise for one string: 1 honoured, 0 not, -1 either (a second life, and the
 * clock was put back to before it). */
static int
promised(const struct judge *j, const struct token_text *t)
{
	const struct pair *p = &j->newest;
	int64_t now = j->s->now;

	if (j->over || (j->ends != 0 && now >= j->ends))
		return 0;
	if (same(t, &j->code))
		return !j->code_spent && now < j->code_born + 60 &&
			!clock_behind(j, j->code_born);
	if (!j->has_pair)
		return 0;
	if (same(t, &p->refresh))
		return now < p->refresh_dies;
	if (!same(t, &p->access) || p->access_revoked || now >= p->access_dies ||
		clock_behind(j, p->born))
		return 0;
	return clock_behind(j, p->access_born) ? -1 : 1;
}

static void
judge_string(struct judge *j, const struct token_text *t)
{
	int promise = promised(j, t);
	bool honoured = introspect(j->s, t);

	if (promise == 0 && honoured)
		violated(j, "a string is honoured that should be dead");
	if (promise == 1 && !honoured)
		violated(j, "a string is dead that was promised");
}

/* A success that is no repeat: two strings nobody has seen, and all others die. */
static void
note_new_pair(struct judge *j, const struct request *q, const struct answer *answer)
{
	const struct lifetimes *l = j->s->lifetimes;
	int64_t now = j->s->now;

	if (answer->said != SAID_YES) {
		violated(j, "a good request was refused");
		return;
	}
	if (was_seen(j, &answer->access) || was_seen(j, &answer->refresh))
		violated(j, "a string was handed out twice");
	j->newest = (struct pair){ .access = answer->access, .refresh = answer->refresh,
		.bought_with = *q->credential, .key = q->key, .scope = q->scope,
		.born = now, .access_born = now,
		.access_dies = soonest(now + l->access, j->ends),
		.refresh_dies = soonest(now + l->refresh_idle, j->ends) };
	j->has_pair = true;
	j->seen[j->seen_count++] = answer->access;
	j->seen[j->seen_count++] = answer->refresh;
}

static void
expect_no(struct judge *j, const struct answer *answer)
{
	if (answer->said != SAID_NO)
		violated(j, "a request was granted that should be refused");
}

static void
expect_end(struct judge *j, const struct answer *answer)
{
	j->over = true;
	expect_no(j, answer);
}

/* Invariant 5: the request that bought the newest pair, said again. */
static void
expect_repeat(struct judge *j, const struct request *q, const struct answer *answer)
{
	struct pair *p = &j->newest;
	int64_t now = j->s->now;

	if (clock_behind(j, p->born)) {
		if (answer->said != SAID_LATER)
			violated(j, "a retry while the clock is behind was judged");
		return;
	}
	if (q->scope != p->scope) {
		expect_no(j, answer);
		return;
	}
	if (answer->said != SAID_YES)
		violated(j, "an honest retry was refused");
	else if (!same(&answer->access, &p->access) ||
		!same(&answer->refresh, &p->refresh))
		violated(j, "a retry was answered with other strings");
	if (!p->access_revoked && now >= p->access_dies) {
		p->access_born = now;
		p->access_dies = soonest(now + j->s->lifetimes->access, j->ends);
	}
}

/* Was the newest pair bought with just this credential and key, and lately? */
static bool
is_retry(const struct judge *j, const struct request *q, int64_t longest)
{
	const struct pair *p = &j->newest;
	bool keyless = q->key == 0 && p->key == 0 && longest == 0;
	int64_t window = keyless ? j->s->retry_without_key :
				   j->s->lifetimes->retry_window;

	if (longest != 0 && longest < window)
		window = longest;
	return j->has_pair && same(q->credential, &p->bought_with) && window > 0 &&
		j->s->now < p->born + window &&
		(keyless || (q->key != 0 && q->key == p->key));
}

static void
judge_redemption(struct judge *j, const struct request *q, const struct answer *answer)
{
	bool fits = q->right_uri && q->right_verifier;
	int64_t now = j->s->now;

	if (!q->ours || j->over) {
		expect_no(j, answer);
	} else if (!j->code_spent) {
		j->code_spent = true;
		if (now >= j->code_born + 60 || clock_behind(j, j->code_born) ||
			!fits) {
			expect_end(j, answer);
			return;
		}
		if (j->s->lifetimes->absolute != 0)
			j->ends = now + j->s->lifetimes->absolute;
		note_new_pair(j, q, answer);
	} else if (j->ends != 0 && now >= j->ends) {
		expect_end(j, answer);
	} else if (fits && is_retry(j, q, 60)) {
		expect_repeat(j, q, answer);
	} else if (j->s->client_is_public && !q->right_verifier) {
		expect_no(j, answer); /* D4 */
	} else {
		expect_end(j, answer);
	}
}

static void
judge_refresh(struct judge *j, const struct request *q, const struct answer *answer)
{
	int64_t now = j->s->now;

	if (!q->ours || j->over)
		expect_no(j, answer);
	else if ((j->ends != 0 && now >= j->ends) ||
		(same(q->credential, &j->newest.refresh) ?
			now >= j->newest.refresh_dies : !is_retry(j, q, 0)))
		expect_end(j, answer);
	else if (!same(q->credential, &j->newest.refresh) &&
		now >= j->newest.refresh_dies)
		expect_end(j, answer);
	else if (!same(q->credential, &j->newest.refresh))
		expect_repeat(j, q, answer);
	else if (q->scope == 2)
		expect_no(j, answer);
	else
		note_new_pair(j, q, answer);
}

/* ---- a history ------------------------------------------------------------- */

static void
begin(struct server *s, struct judge *j)
{
	static const struct lifetimes *const choices[] = { &plain, &brief, &strict };

	s->now = 1000000000;
	s->epoch = (uint8_t)chance(4);
	s->lifetimes = choices[chance(3)];
	s->client_is_public = chance(2) == 0;
	s->retry_without_key = s->client_is_public || chance(2) == 0 ? 0 : 30;
	for (size_t i = 0; i < sizeof(s->id); i++)
		s->id[i] = (uint8_t)chance(256);
	s->row = (struct grant){ .client = 7, .scope = BI("a:read b:read"),
		.redirect_uri = BI("https://x.example/"), .has_challenge = true,
		.refreshable = true, .created_at = s->now,
		.code_expires_at = s->now + 60 };
	s->row.challenge[0] = true;
	*j = (struct judge){ .s = s, .code_born = s->now };
	write_token(s, TOKEN_CODE, s->epoch, 0, &j->code);
	j->seen[j->seen_count++] = j->code;
}

static void
let_time_pass(struct server *s)
{
	static const int64_t steps[] = { 1, 5, 20, 29, 31, 59, 61, 100, 650, 2 * HOUR,
		5 * HOUR, DAY + 1, 61 * DAY, -20, -59, -100, -2 * HOUR };

	if (chance(3) > 0)
		return;
	if (chance(3) > 0)
		s->now += steps[chance(6)];
	else
		s->now += steps[chance(sizeof(steps) / sizeof(steps[0]))];
	if (chance(40) == 0)
		s->epoch = (uint8_t)chance(4);
}

static bool
is_refresh(const struct token_text *t)
{
	return bytes_starts(view(t), B("lk_rt_"));
}

/* Mostly what a client would send; sometimes anything that was ever handed out. */
static struct request
think_of_request(const struct judge *j)
{
	struct request q = { .ours = chance(12) > 0, .key = (int)chance(4),
		.scope = chance(4) == 0 ? (int)chance(3) : 0,
		.right_uri = chance(10) > 0, .right_verifier = chance(10) > 0,
		.lost_before_commit = chance(10) == 0 };
	uint64_t whim = chance(20);

	q.credential = j->has_pair ? &j->newest.refresh : &j->code;
	if (j->has_pair && whim < 6) {
		q.credential = &j->newest.bought_with;
		q.scope = chance(10) > 0 ? j->newest.scope : q.scope;
		q.key = chance(8) > 0 ? j->newest.key : q.key;
	} else if (whim == 7) {
		const struct token_text *any = &j->seen[chance(j->seen_count)];

		q.credential = is_refresh(any) ? any : &j->code;
	}
	return q;
}

static size_t
index_of(const struct judge *j, const struct token_text *t)
{
	size_t i = 0;

	while (i < j->seen_count && !same(&j->seen[i], t))
		i++;
	return i;
}

static void
note_request(struct judge *j, const struct request *q, const struct answer *answer)
{
	static const char *const said[] = { "yes", "no", "later" };

	snprintf(j->journal[j->journal_count++], sizeof(j->journal[0]),
		"%+" PRId64 " s: string %zu, %s, key %d, scope %d%s%s%s: %s",
		j->s->now - j->code_born, index_of(j, q->credential),
		q->ours ? "ours" : "stranger", q->key, q->scope,
		q->right_uri ? "" : ", wrong uri",
		q->right_verifier ? "" : ", wrong verifier",
		q->lost_before_commit ? ", crash" : "", said[answer->said]);
}

static void
one_request(struct server *s, struct judge *j)
{
	struct request q = think_of_request(j);
	struct token_text credential = *q.credential;
	struct answer answer;

	q.credential = &credential;
	if (!is_refresh(&credential))
		q.scope = 0; /* a redemption names none */
	answer = ask(s, &q);
	note_request(j, &q, &answer);
	if (q.lost_before_commit)
		return;
	if (is_refresh(&credential))
		judge_refresh(j, &q, &answer);
	else
		judge_redemption(j, &q, &answer);
}

/* RFC 7009, or the person. */
static void
one_revocation(struct server *s, struct judge *j)
{
	const struct token_text *t = &j->seen[chance(j->seen_count)];
	struct token_any any;

	if (token_read(s->keys, view(t), &any) != TOKEN_IS_GRANT)
		abort();
	snprintf(j->journal[j->journal_count++], sizeof(j->journal[0]),
		"%+" PRId64 " s: string %zu revoked", s->now - j->code_born,
		index_of(j, t));
	if (any.kind == TOKEN_ACCESS) {
		s->kernel->end_access(&s->row, any.grant.generation, s->now);
		if (j->has_pair && same(t, &j->newest.access))
			j->newest.access_revoked = true;
	} else {
		grant_end(&s->row, END_CLIENT, any.grant.generation, NONE, s->now);
		j->over = true;
	}
}

static size_t
one_history(struct server *s, struct judge *j)
{
	size_t events = 4 + chance(EVENTS_MAX - 4), done = 0;

	begin(s, j);
	while (done < events && j->violation == NULL) {
		let_time_pass(s);
		if (chance(25) == 0)
			one_revocation(s, j);
		else
			one_request(s, j);
		done++;
		/* The newest three each time, and every string at the end. */
		for (size_t i = 0; i < j->seen_count; i++)
			if (i + 3 >= j->seen_count || done == events)
				judge_string(j, &j->seen[i]);
	}
	return done;
}

static void
show_history(const struct judge *j)
{
	printf("# public %d, retry without key %" PRId64 " s, window %" PRId64 " s\n",
		j->s->client_is_public, j->s->retry_without_key,
		j->s->lifetimes->retry_window);
	for (size_t i = 0; i < j->journal_count; i++)
		printf("#   %s\n", j->journal[i]);
}

static const char *
histories(const struct kernel *kernel, size_t events, size_t *done)
{
	static const uint8_t master[32] = { 1 };
	struct server s = { .kernel = kernel, .keys = token_keys_new(master) };
	struct judge j = { 0 };

	for (uint8_t epoch = 0; epoch < 4; epoch++)
		token_keys_allow(s.keys, epoch);
	for (*done = 0; *done < events && j.violation == NULL;)
		*done += one_history(&s, &j);
	if (j.violation != NULL && kernel == &real_kernel)
		show_history(&j);
	token_keys_free(s.keys);
	return j.violation;
}

static void
start(void)
{
	const char *given = getenv("SEED");
	struct fault f;

	if (crypto_start(&f) != DONE)
		abort();

	if (given != NULL)
		chance_state = strtoull(given, NULL, 0);
	else
		secret_random(&chance_state, sizeof(chance_state));
	printf("# SEED=0x%016" PRIX64 "\n", chance_state);
}

TEST(a_million_random_events_break_no_invariant)
{
	const char *violation;
	size_t done;

	start();
	violation = histories(&real_kernel, EVENTS, &done);
	printf("# %zu events\n", done);
	check_str(violation, NULL);
	check(done >= EVENTS);
}

TEST(each_broken_kernel_is_found_out)
{
	start();
	for (size_t i = 0; i < BROKEN_KERNELS; i++) {
		size_t done;
		const char *violation = histories(&broken_kernels[i], EVENTS, &done);

		row("%s", broken_kernels[i].name);
		check(violation != NULL);
		printf("# %s: %s, after %zu events\n", broken_kernels[i].name,
			violation != NULL ? violation : "NOT FOUND", done);
	}
}
