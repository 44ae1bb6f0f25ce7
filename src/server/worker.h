/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker.h - a thread that answers requests, and what all of them share.
 *
 * A worker has its own loop, listening sockets, TLS and way into the store. The
 * main thread makes it, hands it snapshots and certificates by letters, asks it to
 * drain, and is told by a letter when it has ended.
 */
#ifndef LATCHKEY_SERVER_WORKER_H
#define LATCHKEY_SERVER_WORKER_H

#include <pthread.h>

#include "base/loop.h"
#include "http/http.h"
#include "server/keys.h"
#include "server/metrics.h"
#include "server/refused_log.h"
#include "server/snapshot.h"
#include "store/store.h"

struct hasher;
struct pages;
struct people;
struct throttles;

/* What does not change for the life of the process; threads share it. */
struct shared {
	const char *dir;
	const struct http_inherited *inherited; /* while the workers are being made */
	size_t workers;
	atomic_size_t handshakes; /* under way, of all workers */
	struct store *store;
	struct keys *keys;
	struct pages *pages;
	struct hasher *hasher;
	struct throttles *throttles;
	struct people *people; /* the people's side: used forms, redeemed challenges */
};

#define SUB_CACHE 1024
#define SUB_MAX 32
struct sub_entry {
	int64_t user;
	uint8_t n;
	char sub[SUB_MAX];
};

struct worker {
	struct shared *shared;
	struct loop *loop;
	struct store_port *port;
	struct http_server *https;   /* NULL: none */
	struct http_server *proxied; /* plain HTTP behind a named proxy; NULL: none */
	struct tls_config *tls;
	struct view *view;           /* what new exchanges will see */
	struct metrics metrics;      /* written by this thread, read by any */
	struct sub_entry subs[SUB_CACHE]; /* user -> sub; a sub never changes */
	int draining;                /* listeners that have not drained yet */
	struct refused_log refused_log;
	size_t nth;
	struct mailbox *home;        /* of the main thread; NULL: there is no thread */
	void (*ended)(struct worker *); /* there, once the thread is over */
	struct letter farewell;
	pthread_t thread;
};

/* ---- for the main thread -------------------------------------------------- */

/* Binds and listens; nothing is answered before worker_start. nth: of shared->workers.
 * first: the worker whose addresses this one shares, NULL for the first itself. *out is
 * set even when this fails, to be freed. */
enum outcome worker_new(struct shared *shared, const struct config *c, size_t nth,
	const struct worker *first, struct worker **out, struct fault *f) must_check;
/* Takes over the caller's reference of the snapshot. */
enum outcome worker_start(struct worker *w, struct snapshot *s, struct mailbox *home,
	void (*ended)(struct worker *), struct fault *f) must_check;
void worker_send_snapshot(struct worker *w, struct snapshot *s); /* holds its own */
void worker_send_tls(struct worker *w, struct tls_config *tls);  /* takes it over */
void worker_drain(struct worker *w, int64_t patience_ms);
/* After `ended`: joins the thread and frees all. */
void worker_free(struct worker *w);
uint16_t worker_port(const struct worker *w);

/* ---- for exchanges, on the worker's thread -------------------------------------- */

/* A worker's own count of one snapshot: no atomics a request. */
struct view {
	struct snapshot *snapshot;
	size_t holders;
};
struct view *view_hold(struct worker *w);
void view_release(struct view *v);

#endif
