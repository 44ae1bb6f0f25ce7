/* SPDX-License-Identifier: Apache-2.0 */
/*
 * connection.c - the connections that a struct lk has open: one object a name, however
 * often it is asked for, so that all its users in a process share one token and one
 * refresh.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/secret.h"
#include "client/lk.h"

struct bytes
connection_name(const struct lk_connection *c)
{
	return bytes_of(c->name);
}

/* ---- life ------------------------------------------------------------------------ */

/* Threads that wait for a flight do it by the clock that never steps; and whoever has a
 * new token is not kept waiting by those who keep asking for the old one. */
static bool
locks_init(struct lk_connection *c)
{
	pthread_rwlockattr_t writers_first;
	pthread_condattr_t by_monotonic;
	bool made;

	pthread_rwlockattr_init(&writers_first);
	pthread_rwlockattr_setkind_np(&writers_first,
		PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_condattr_init(&by_monotonic);
	made = pthread_condattr_setclock(&by_monotonic, CLOCK_MONOTONIC) == 0 &&
		pthread_rwlock_init(&c->token_lock, &writers_first) == 0 &&
		pthread_cond_init(&c->flight.landed, &by_monotonic) == 0 &&
		pthread_mutex_init(&c->flight.mutex, NULL) == 0;
	pthread_condattr_destroy(&by_monotonic);
	pthread_rwlockattr_destroy(&writers_first);
	return made;
}

static void
connection_free(struct lk_connection *c)
{
	lk_token_free(c->token);
	lk_token_free(c->flight.token);
	connection_unsaved_drop(c);
	pthread_rwlock_destroy(&c->token_lock);
	pthread_cond_destroy(&c->flight.landed);
	pthread_mutex_destroy(&c->flight.mutex);
	free(c);
}

/* Under the mutex of lk; *out is the first of its connections. */
static enum lk_status
connection_new(struct lk *lk, struct bytes name, struct lk_connection **out,
	struct lk_error *e)
{
	struct fault f = { 0 };
	const _Atomic uint32_t *generation = vault_generation(lk->vault, name, &f);
	struct lk_connection *c;

	if (generation == NULL)
		return lk_fail(e, LK_STORAGE, "%s", f.what);
	c = calloc(1, sizeof(*c));
	if (c == NULL || !locks_init(c)) {
		free(c);
		return lk_fail(e, LK_MEMORY, "out of memory");
	}
	c->lk = lk;
	c->generation = generation;
	memcpy(c->name, name.p, name.n);
	c->next = lk->connections;
	lk->connections = c;
	*out = c;
	return LK_OK;
}

void
connections_free(struct lk *lk)
{
	for (struct lk_connection *c = lk->connections, *next; c != NULL; c = next) {
		next = c->next;
		connection_free(c);
	}
}

/* ---- opening ------------------------------------------------------------------------ */

static struct lk_connection *
find_open(struct lk *lk, struct bytes name)
{
	for (struct lk_connection *c = lk->connections; c != NULL; c = c->next)
		if (bytes_equal(bytes_of(c->name), name))
			return c;
	return NULL;
}

enum lk_status
connection_hold(struct lk *lk, struct bytes name, struct lk_connection **out,
	struct lk_error *e)
{
	struct lk_connection *c;
	enum lk_status status = LK_OK;

	pthread_mutex_lock(&lk->mutex);
	c = find_open(lk, name);
	if (c == NULL)
		status = connection_new(lk, name, &c, e);
	if (c != NULL) {
		c->opened++;
		*out = c;
	}
	pthread_mutex_unlock(&lk->mutex);
	return status;
}

enum lk_status
name_check(struct bytes name, struct lk_error *e)
{
	if (vault_name_valid(name))
		return LK_OK;
	return lk_fail(e, LK_BUG, "a connection's name has 1 to %d characters of"
		" A-Z a-z 0-9 . _ - @ and does not begin with a dot", VAULT_NAME_MAX);
}

enum lk_status
record_load(struct lk *lk, struct bytes name, struct arena *a, struct record *out,
	struct lk_error *e)
{
	struct fault f = { 0 };
	struct bytes text;
	enum vault_result r = vault_read(lk->vault, name, a, &text, &f);

	if (r == VAULT_ABSENT)
		return lk_fail(e, LK_NOT_FOUND, "there is no connection \"%.*s\" in the %s",
			BYTES_FMT(name), vault_place(lk->vault));
	LK_TRY(lk_vault_failed(e, r, &f));
	if (!record_read(a, text, out))
		return lk_fail(e, LK_STORAGE, "what the vault keeps of \"%.*s\" is of a"
			" newer version of latchkey, or damaged", BYTES_FMT(name));
	return LK_OK;
}

LK_API enum lk_status
lk_connection_open(struct lk *lk, const char *name, struct lk_connection **out,
	struct lk_error *error)
{
	struct record record;
	enum lk_status status;
	struct arena *a;

	LK_TRY(lk_begin(lk, error));
	if (out == NULL)
		return lk_fail(error, LK_BUG, "lk_connection_open: nowhere to put it");
	LK_TRY(name_check(bytes_of(name), error));
	a = lk_arena(error);
	if (a == NULL)
		return LK_MEMORY;
	status = record_load(lk, bytes_of(name), a, &record, error);
	arena_free(a);
	return status == LK_OK ? connection_hold(lk, bytes_of(name), out, error) : status;
}

LK_API void
lk_connection_close(struct lk_connection *c)
{
	struct lk_connection **at;
	bool last;

	if (c == NULL || c->lk->pid != getpid()) /* as lk_close */
		return;
	pthread_mutex_lock(&c->lk->mutex);
	/* A pair that is nowhere else stays until lk_close. */
	last = --c->opened == 0 && c->unsaved == NULL;
	for (at = &c->lk->connections; last && *at != c; at = &(*at)->next)
		;
	if (last)
		*at = c->next;
	pthread_mutex_unlock(&c->lk->mutex);
	if (last)
		connection_free(c);
}
