/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postgres_store.c - the PostgreSQL back end as store.c sees it: a clerk for the
 * whole process, a port for each thread, and in a server a keeper.
 */
#include <pthread.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "store/postgres.h"

struct pg_store *
pg_store_of(const struct store *s)
{
	return (struct pg_store *)(uintptr_t)(const void *)s;
}

static enum outcome
url_good(const char *url, struct fault *f)
{
	struct pg_target t;

	TRY(pg_target_read(url, &t, f));
	pg_target_free(&t);
	return DONE;
}

static enum outcome
open_store(const char *url, struct store **out, struct fault *f)
{
	struct pg_store *s = must_calloc(1, sizeof(*s));

	if (pg_target_read(url, &s->target, f) != DONE) {
		free(s);
		return FAULT;
	}
	s->store.backend = &postgres_backend;
	s->recent = recent_new();
	if (clerk_start(s, &s->clerk, f) != DONE) {
		recent_free(s->recent);
		pg_target_free(&s->target);
		free(s);
		return FAULT;
	}
	*out = &s->store;
	return DONE;
}

static void
close_store(struct store *store)
{
	struct pg_store *s = pg_store_of(store);

	if (s->keeper != NULL)
		keeper_stop(s->keeper);
	clerk_stop(s->clerk);
	recent_free(s->recent);
	pg_target_free(&s->target);
	free(s);
}

/* Ports join from the threads that start them, before those run. */
enum outcome
pg_store_keep(struct pg_store *s, struct fault *f)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	enum outcome kept = DONE;

	pthread_mutex_lock(&lock);
	if (s->keeper == NULL)
		kept = keeper_start(s, &s->keeper, f);
	if (kept != DONE)
		s->keeper = NULL;
	else
		atomic_store(&s->kept, true);
	pthread_mutex_unlock(&lock);
	return kept;
}

void
pg_doubt(struct pg_store *s)
{
	if (!atomic_load(&s->kept))
		return;
	atomic_store(&s->doubt_ms, clock_monotonic_ms());
	keeper_hurry(s->keeper);
}

bool
pg_in_doubt(const struct pg_store *s)
{
	return atomic_load(&s->kept) &&
		atomic_load(&s->acked_ms) < atomic_load(&s->doubt_ms);
}

enum outcome
pg_certain(struct pg_store *s, struct fault *f)
{
	int64_t lease_ms = atomic_load(&s->acked_ms) + PG_LEASE_MS;

	if (!atomic_load(&s->kept) ||
		(clock_monotonic_ms() < lease_ms && !pg_in_doubt(s)))
		return DONE;
	return FAULT_AT(f, "this node's lease ran out: nobody confirms that its database "
		"is still the primary");
}

static int64_t
port_catalogue_version(struct store_port *p)
{
	struct pg_store *s = pg_store_of(p->store);
	struct fault ignored;

	if (!atomic_load(&s->kept))
		return clerk_version(s->clerk);
	return pg_certain(s, &ignored) == DONE ? atomic_load(&s->version) : -1;
}

static int64_t
now(const struct store *store)
{
	const struct pg_store *s = pg_store_of(store);

	if (!atomic_load(&s->kept))
		return clock_now();
	return (clock_monotonic_ms() + atomic_load(&s->clock_ms)) / 1000;
}

/* What is lost here comes back. */
static enum outcome
check_store(struct store *s, struct fault *f)
{
	(void)s;
	(void)f;
	return DONE;
}

const struct backend postgres_backend = {
	.url_good = url_good,
	.create = pg_create,
	.upgrade = pg_upgrade,
	.open = open_store,
	.close = close_store,
	.port_new = pg_port_new,
	.port_free = pg_port_free,
	.port_join = pg_port_join,
	.turn = pg_port_turn,
	.ask = pg_port_ask,
	.ask_late = pg_port_ask_late,
	.catalogue_version = port_catalogue_version,
	.now = now,
	.check = check_store,
};
