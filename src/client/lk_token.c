/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lk_token.c - lk_token: the token in memory if it is good (no system call, no waiting:
 * under 100 ns), else one thread goes to fetch it and the others get what it brought.
 *
 * A struct lk_token never changes and is counted; its text is wiped when the last
 * reference goes.
 */
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/secret.h"
#include "client/refresh.h"

#define EARLY_MS 30000 /* RULEBOOK CL-20: 30 s or a tenth of its life, */
#define EARLY_PART 10  /* whichever is less */
#define MIN_TTL_MAX INT64_C(315360000) /* ten years: no server gives more */
#define ALIVE_MS 2000  /* the way to an API takes that long at most, one hopes */

/* ---- a token -------------------------------------------------------------------- */

struct lk_token *
token_new(struct bytes text, const struct record *r, int64_t length_ms,
	int64_t expires_at_ms, bool life_unsaid)
{
	size_t held = sizeof(struct lk_token) + text.n + 1 + r->ca_file.n + 1;
	struct lk_token *t = secret_pages_new(held);

	if (t == NULL)
		return NULL;
	t->held = held;
	t->references = 1;
	t->life_unsaid = life_unsaid;
	t->development = (r->flags & LK_DEVELOPMENT) != 0;
	t->length_ms = length_ms;
	t->expires_at_ms = expires_at_ms;
	t->size = text.n;
	memcpy(t->text, text.p, text.n);
	if (r->ca_file.n > 0)
		t->ca_file = memcpy(t->text + text.n + 1, r->ca_file.p, r->ca_file.n);
	return t;
}

struct lk_token *
token_hold(struct lk_token *t)
{
	atomic_fetch_add_explicit(&t->references, 1, memory_order_relaxed);
	return t;
}

LK_API void
lk_token_free(struct lk_token *t)
{
	if (t == NULL ||
	    atomic_fetch_sub_explicit(&t->references, 1, memory_order_acq_rel) > 1)
		return;
	secret_pages_free(t, t->held);
}

LK_API const char *
lk_token_text(const struct lk_token *t)
{
	return t->text;
}

LK_API int64_t
lk_token_expires_in(const struct lk_token *t)
{
	int64_t left = t->expires_at_ms - clock_boot_ms();

	if (t->life_unsaid)
		return -1;
	return left > 0 ? left / 1000 : 0;
}

/* ---- is it good enough? ------------------------------------------------------------ */

static bool
refused(const struct lk_token *t, const struct wish *wish)
{
	return wish->refused.n > 0 &&
		secret_equal_bytes(wish->refused, (struct bytes){ t->text, t->size });
}

bool
token_fresh(const struct lk_token *t, const struct wish *wish, int64_t now_ms)
{
	int64_t early = t->length_ms / EARLY_PART < EARLY_MS ? t->length_ms / EARLY_PART
							     : EARLY_MS;
	int64_t needed = early + wish->min_ttl_ms;

	/* Who wants more than the server ever gives gets what was just given. */
	if (needed > t->length_ms - early)
		needed = t->length_ms - early;
	return t->expires_at_ms - needed > now_ms && !refused(t, wish);
}

bool
token_alive(const struct lk_token *t, const struct wish *wish, int64_t now_ms)
{
	int64_t needed = wish->min_ttl_ms > ALIVE_MS ? wish->min_ttl_ms : ALIVE_MS;

	return t->expires_at_ms - needed > now_ms && !refused(t, wish);
}

/* ---- the hot path -------------------------------------------------------------------- */

/* The newest token, if it is good and the vault has not changed since it was read. */
static struct lk_token *
newest(struct lk_connection *c, const struct wish *wish)
{
	uint32_t generation =
		atomic_load_explicit(c->generation, memory_order_acquire);
	int64_t now = clock_boot_ms();
	struct lk_token *t = NULL;

	pthread_rwlock_rdlock(&c->token_lock);
	if (c->token != NULL && c->token->generation == generation &&
	    now - c->token->read_ms < c->lk->look_again_ms &&
	    token_fresh(c->token, wish, now))
		t = token_hold(c->token);
	pthread_rwlock_unlock(&c->token_lock);
	return t;
}

enum lk_status
connection_adopt(struct lk_connection *c, const struct record *r, uint32_t generation,
	struct lk_token **out, struct lk_error *e)
{
	struct moment now = moment_now(c->lk->boot);
	int64_t expires = now.boot_ms + span_left_ms(&r->life, &now);
	struct lk_token *t, *old;

	/* A server that says nothing and gives nothing to refresh with: until a 401. */
	if (r->life_unsaid && bytes_empty(r->refresh_token))
		expires = UNTIL_REFUSED;
	t = token_new(r->access_token, r, r->life.length_ms, expires, r->life_unsaid != 0);
	if (t == NULL)
		return lk_fail(e, LK_MEMORY, "out of memory");
	t->generation = generation;
	t->read_ms = now.boot_ms;
	pthread_rwlock_wrlock(&c->token_lock);
	old = c->token;
	c->token = token_hold(t);
	pthread_rwlock_unlock(&c->token_lock);
	lk_token_free(old);
	*out = t;
	return LK_OK;
}

/* ---- the flight ---------------------------------------------------------------------- */

enum boarding {
	BOARDING_LEADS,    /* nobody is under way: go yourself */
	BOARDING_HAS,      /* the one that landed brought what is wanted, or its error */
	BOARDING_AGAIN,    /* it brought something else */
	BOARDING_LATE,
};

static bool
flight_wait(struct flight *f, int64_t deadline_ms)
{
	const struct timespec until = { deadline_ms / 1000, deadline_ms % 1000 * 1000000 };
	uint64_t before = f->count;
	int failed = 0;

	while (f->count == before && failed == 0)
		failed = pthread_cond_timedwait(&f->landed, &f->mutex, &until);
	return f->count != before;
}

static enum boarding
flight_board(struct flight *f, const struct wish *wish, int64_t deadline_ms,
	struct lk_token **out, struct lk_error *e)
{
	enum boarding how = BOARDING_LEADS;

	pthread_mutex_lock(&f->mutex);
	if (!f->flying)
		f->flying = true;
	else if (!flight_wait(f, deadline_ms))
		how = BOARDING_LATE;
	else if (f->status != LK_OK)
		how = BOARDING_HAS;
	else
		how = token_alive(f->token, wish, clock_boot_ms()) ? BOARDING_HAS
								       : BOARDING_AGAIN;
	*e = f->error;
	if (how == BOARDING_HAS && f->status == LK_OK)
		*out = token_hold(f->token);
	pthread_mutex_unlock(&f->mutex);
	return how;
}

static void
flight_land(struct flight *f, enum lk_status status, struct lk_token *t,
	const struct lk_error *e)
{
	struct lk_token *old;

	pthread_mutex_lock(&f->mutex);
	old = f->token;
	f->token = status == LK_OK ? token_hold(t) : NULL;
	f->status = status;
	f->error = *e;
	f->error.status = status;
	f->count++;
	f->flying = false;
	pthread_cond_broadcast(&f->landed);
	pthread_mutex_unlock(&f->mutex);
	lk_token_free(old);
}

static enum lk_status
fly(struct lk_connection *c, const struct wish *wish, struct lk_token **out,
	struct lk_error *e)
{
	int64_t deadline_ms = clock_monotonic_ms() + c->lk->lock_wait_ms;
	enum boarding how;
	enum lk_status status;
	struct arena *a;

	do
		how = flight_board(&c->flight, wish, deadline_ms, out, e);
	while (how == BOARDING_AGAIN);
	if (how == BOARDING_HAS)
		return e->status;
	if (how == BOARDING_LATE)
		return lk_later(e, 1, "another thread's refresh of \"%s\" takes longer than"
				      " lock_wait_ms", c->name);
	a = lk_arena(e);
	*e = a != NULL ? (struct lk_error){ .status = LK_OK } : *e;
	status = a != NULL ? refresh_find(c, a, wish, deadline_ms, out, e) : LK_MEMORY;
	flight_land(&c->flight, status, status == LK_OK ? *out : NULL, e);
	arena_free(a);
	return status;
}

/* ---- latchkey.h ------------------------------------------------------------------------ */

static enum lk_status
fetch(struct lk_connection *c, const struct wish *wish, struct lk_token **out,
	struct lk_error *error)
{
	struct lk_error e = { .status = LK_OK };
	enum lk_status status;

	LK_TRY(lk_begin(c->lk, error));
	status = fly(c, wish, out, &e);
	if (status != LK_OK && error != NULL)
		*error = e;
	return status;
}

static enum lk_status
get(struct lk_connection *c, const struct wish *wish, struct lk_token **out,
	struct lk_error *error)
{
	struct lk_token *t = newest(c, wish);

	if (t == NULL)
		LK_TRY(fetch(c, wish, &t, error));
	*out = t;
	return LK_OK;
}

LK_API enum lk_status
lk_token_for(struct lk_connection *c, int64_t min_ttl, struct lk_token **out,
	struct lk_error *error)
{
	const struct wish wish = {
		.min_ttl_ms = (min_ttl < MIN_TTL_MAX ? min_ttl : MIN_TTL_MAX) * 1000,
	};

	if (c == NULL || out == NULL || min_ttl < 0)
		return lk_fail(error, LK_BUG, "lk_token: no connection, nowhere to put"
					      " the token, or a negative min_ttl");
	return get(c, &wish, out, error);
}

LK_API enum lk_status
lk_token(struct lk_connection *c, struct lk_token **out, struct lk_error *error)
{
	return lk_token_for(c, 0, out, error);
}

LK_API enum lk_status
lk_token_after(struct lk_connection *c, const struct lk_token *refused,
	struct lk_token **out, struct lk_error *error)
{
	struct wish wish = { 0 };

	if (c == NULL || out == NULL || refused == NULL)
		return lk_fail(error, LK_BUG, "lk_token_after: no connection, no refused"
					      " token, or nowhere to put the new one");
	wish.refused = (struct bytes){ refused->text, refused->size };
	return get(c, &wish, out, error);
}
