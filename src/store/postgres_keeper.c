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
	/* One a host, kept while it does not answer, so that none is ever left behind
	 * waiting for a standby while the next one comes. */
	struct pg hosts[PG_HOSTS_MAX];
	size_t host; /* the one that acknowledged last */
	struct fault fault; /* nobody's: what matters is whether the lease runs out */
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
renew(struct keeper *k, struct pg *db)
{
	struct pg_query q = pg_begin(db, PG_node_renew);
	struct pg_store *s = k->store;
	int64_t asked_ms = clock_monotonic_ms(), clock_ms = 0, version = -1;

	pg_put_blob(&q.in, k->node, NODE_SIZE);
	db->unsure = false;
	if (pg_next(&q)) {
		clock_ms = pg_take_int(&q.out);
		version = pg_take_int(&q.out);
	}
	TRY(pg_end(&q));
	if (db->unsure)
		return FAULT_AT(&k->fault, "no standby acknowledged");
	atomic_store(&s->acked_ms, asked_ms);
	atomic_store(&s->clock_ms, clock_ms - asked_ms);
	atomic_store(&s->version, version);
	return DONE;
}

static bool
is_up(struct keeper *k, size_t host)
{
	struct pg *db = &k->hosts[host];

	if (db->conn == NULL)
		return pg_connect(db, &k->store->target, host, &k->fault) == DONE;
	return pg_settled(db);
}

static void
forget_others(struct keeper *k)
{
	for (size_t i = 0; i < k->store->target.host_count; i++)
		if (i != k->host)
			pg_disconnect(&k->hosts[i]);
}

/* That host acknowledges commits: everybody is to connect to it. */
static void
found_primary(struct keeper *k, size_t host)
{
	k->host = host;
	forget_others(k);
	(void)!statement(&k->hosts[host], PG_listen); /* not every database can */
	atomic_store(&k->store->primary, host);
	atomic_fetch_add(&k->store->era, 1);
}

/* The host that acknowledged last, and if it does not, the others. */
static bool
keep(struct keeper *k)
{
	size_t count = k->store->target.host_count;
	bool was_up = k->hosts[k->host].conn != NULL;

	for (size_t i = 0; i < count; i++) {
		size_t host = (k->host + i) % count;

		if (!is_up(k, host) || renew(k, &k->hosts[host]) != DONE)
			continue;
		if (i > 0 || !was_up)
			found_primary(k, host);
		return true;
	}
	return false;
}

/* ---- the thread ---------------------------------------------------------- */

static bool
is_notified(struct keeper *k)
{
	struct pg *db = &k->hosts[k->host];
	bool notified = false;
	PGnotify *n;

	if (pq.consumeInput(db->conn) == 0)
		return true; /* the connection broke: to be looked at now */
	while ((n = pq.notifies(db->conn)) != NULL) {
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
	const struct pg *db = &k->hosts[k->host];
	int64_t left;

	while ((left = until_ms - clock_monotonic_ms()) > 0) {
		fds[1].fd = db->conn != NULL ? pq.socket(db->conn) : -1;
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
	struct pg *db = &k->hosts[k->host];
	struct pg_query q;

	if (!pg_settled(db))
		return;
	q = pg_begin(db, PG_node_leave);
	pg_put_blob(&q.in, k->node, NODE_SIZE);
	pg_put_int(&q.in, store_now(&k->store->store) - DAY);
	(void)!pg_do(&q, NULL);
}

static void *
keeper_main(void *arg)
{
	struct keeper *k = arg;

	do {
		int64_t looked_ms = clock_monotonic_ms();
		bool kept = keep(k);

		if (kept)
			clerk_reclaim(k->store->clerk, 0);
		rest(k, kept ? looked_ms + RENEW_MS : clock_monotonic_ms() + RETRY_MS);
	} while (!k->stopping);
	leave(k);
	return NULL;
}

/* ---- from other threads -------------------------------------------------- */

static void
keeper_free(struct keeper *k)
{
	for (size_t i = 0; i < PG_HOSTS_MAX; i++) {
		pg_disconnect(&k->hosts[i]);
		arena_free(k->hosts[i].scratch);
	}
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
	k->inbox = mailbox_new();
	k->hurry.open = hurry;
	k->stop.open = stop;
	k->host = atomic_load(&s->primary);
	secret_random(k->node, NODE_SIZE);
	for (size_t i = 0; i < PG_HOSTS_MAX; i++) {
		k->hosts[i].store = &s->store;
		k->hosts[i].patient = true;
	}
	*out = k;
	*f = (struct fault){ .what = "" };
	if (keep(k) && pthread_create(&k->thread, NULL, keeper_main, k) == 0)
		return DONE;
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
