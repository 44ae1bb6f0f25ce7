/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postgres_keeper.c - one thread of a server that finds out what is certain.
 *
 * Once a second it renews this node's row by a commit. A primary that was demoted
 * without knowing it gets no commit acknowledged by a standby any more, so there the
 * lease runs out, and what is read there is not told: a revoked token is never called
 * active for longer than that. The same answer brings the database's clock and the
 * catalogue's version, so a notification is only a hint to ask at once.
 *
 * What may be visible without having reached a standby (after a connection broke, or
 * a wait for one was cancelled) is doubted: the next acknowledged commit vouches for
 * all before it, and is asked for at once.
 *
 * The host that acknowledged is the primary: the ports' lines and the clerk connect
 * to it and to no other, and all of them do so anew when the keeper had to.
 */
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/secret.h"
#include "store/postgres.h"

#define RENEW_MS 1000
#define RETRY_MS 200
#define NODE_SIZE 16
#define DAY INT64_C(86400)

struct keeper {
	pthread_t thread;
	struct pg_store *store;
	struct mailbox *inbox;
	struct letter stop, hurry;
	atomic_bool hurrying; /* its letter is on its way */
	bool stopping;
	struct pg db;
	struct fault fault; /* nobody's: what matters is whether the lease runs out */
	size_t host;
	uint8_t node[NODE_SIZE];
};

static enum outcome
statement(struct pg *db, enum pg_statement which)
{
	struct pg_query q = pg_begin(db, which);

	return pg_do(&q, NULL);
}

/* ---- renewing ------------------------------------------------------------ */

static enum outcome
renew(struct keeper *k)
{
	struct pg_query q = pg_begin(&k->db, PG_node_renew);
	struct pg_store *s = k->store;
	int64_t asked_ms = clock_monotonic_ms(), clock_ms = 0, version = -1;

	pg_put_blob(&q.in, k->node, NODE_SIZE);
	k->db.unsure = false;
	if (pg_next(&q)) {
		clock_ms = pg_take_int(&q.out);
		version = pg_take_int(&q.out);
	}
	TRY(pg_end(&q));
	if (k->db.unsure)
		return FAULT_AT(&k->fault, "no standby acknowledged");
	atomic_store(&s->acked_ms, asked_ms);
	atomic_store(&s->clock_ms, clock_ms - asked_ms);
	atomic_store(&s->version, version);
	return DONE;
}

/* The next host that acknowledges a commit is the primary. */
static enum outcome
find_primary(struct keeper *k)
{
	struct pg_store *s = k->store;

	if (pg_connect(&k->db, &s->target, k->host, &k->fault) != DONE || renew(k) != DONE) {
		pg_disconnect(&k->db);
		k->host = (k->host + 1) % s->target.host_count;
		return FAULT;
	}
	(void)!statement(&k->db, PG_listen); /* not every distributed database can */
	atomic_store(&s->primary, k->host);
	atomic_fetch_add(&s->era, 1);
	return k->db.conn != NULL ? DONE : FAULT;
}

static bool
keep(struct keeper *k)
{
	if (k->db.conn == NULL)
		return find_primary(k) == DONE;
	if (renew(k) == DONE)
		return true;
	pg_disconnect(&k->db);
	return false;
}

/* ---- the thread ---------------------------------------------------------- */

static bool
is_notified(struct keeper *k)
{
	bool notified = false;
	PGnotify *n;

	if (k->db.conn == NULL || pq.consumeInput(k->db.conn) == 0)
		return true; /* the connection broke: to be looked at now */
	while ((n = pq.notifies(k->db.conn)) != NULL) {
		pq.freemem(n);
		notified = true;
	}
	return notified;
}

/* Until it is time, something was notified, somebody is in a hurry or the end has come. */
static void
rest(struct keeper *k, int64_t until_ms)
{
	struct pollfd fds[2] = { { .fd = mailbox_fd(k->inbox), .events = POLLIN },
		{ .fd = -1, .events = POLLIN } };
	int64_t left;

	while ((left = until_ms - clock_monotonic_ms()) > 0) {
		fds[1].fd = k->db.conn != NULL ? pq.socket(k->db.conn) : -1;
		(void)poll(fds, 2, (int)left);
		if (mailbox_deliver(k->inbox) > 0)
			return;
		if (fds[1].revents != 0 && is_notified(k))
			return;
	}
}

static void
leave(struct keeper *k)
{
	struct pg_query q;

	if (k->db.conn == NULL)
		return;
	q = pg_begin(&k->db, PG_node_leave);
	pg_put_blob(&q.in, k->node, NODE_SIZE);
	pg_put_int(&q.in, store_now(&k->store->store) - DAY);
	(void)!pg_do(&q, NULL);
}

static void *
keeper_main(void *arg)
{
	struct keeper *k = arg;
	int64_t looked_ms;

	do {
		looked_ms = clock_monotonic_ms();
		if (keep(k))
			clerk_reclaim(k->store->clerk, 0);
		rest(k, looked_ms + (k->db.conn != NULL ? RENEW_MS : RETRY_MS));
	} while (!k->stopping);
	leave(k);
	return NULL;
}

/* ---- from other threads -------------------------------------------------- */

static void
keeper_free(struct keeper *k)
{
	pg_disconnect(&k->db);
	arena_free(k->db.scratch);
	mailbox_free(k->inbox);
	free(k);
}

static void
hurry(struct letter *l)
{
	struct keeper *k =
		(struct keeper *)(void *)((char *)l - offsetof(struct keeper, hurry));

	atomic_store(&k->hurrying, false);
}

static void
stop(struct letter *l)
{
	struct keeper *k =
		(struct keeper *)(void *)((char *)l - offsetof(struct keeper, stop));

	k->stopping = true;
}

enum outcome
keeper_start(struct pg_store *s, struct keeper **out, struct fault *f)
{
	struct keeper *k = must_calloc(1, sizeof(*k));

	k->store = s;
	k->db.store = &s->store;
	k->db.fault = &k->fault;
	k->inbox = mailbox_new();
	k->hurry.open = hurry;
	k->stop.open = stop;
	k->host = atomic_load(&s->primary);
	secret_random(k->node, NODE_SIZE);
	*out = k;
	for (size_t i = 0; i < s->target.host_count; i++) {
		if (find_primary(k) != DONE)
			continue;
		if (pthread_create(&k->thread, NULL, keeper_main, k) == 0)
			return DONE;
		keeper_free(k);
		return FAULT_AT(f, "no thread can be started");
	}
	*f = k->fault;
	keeper_free(k);
	return FAULT;
}

void
keeper_hurry(struct keeper *k)
{
	if (!atomic_exchange(&k->hurrying, true))
		mailbox_post(k->inbox, &k->hurry);
}

void
keeper_stop(struct keeper *k)
{
	mailbox_post(k->inbox, &k->stop);
	pthread_join(k->thread, NULL);
	keeper_free(k);
}
