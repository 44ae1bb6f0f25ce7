/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker.h - what a thread that answers requests has, and what all of them share.
 *
 * A snapshot is everything that can change while the server runs, as of one
 * moment. The main thread makes a new one when the catalogue or the configuration
 * changed and sends it to each worker; a worker's view counts (without atomics)
 * the exchanges that still look at it.
 */
#ifndef LATCHKEY_SERVER_WORKER_H
#define LATCHKEY_SERVER_WORKER_H

#include <pthread.h>

#include "base/loop.h"
#include "crypto/seal.h"
#include "crypto/token.h"
#include "http/http.h"
#include "pages/pages.h"
#include "rules/catalogue.h"
#include "rules/grant.h"
#include "server/config.h"
#include "server/keys.h"
#include "server/metrics.h"
#include "store/store.h"

struct hasher;
struct people;
struct throttles;

struct snapshot {
	struct arena *arena;
	int references;            /* atomic; by snapshot_hold and _release only */
	struct config *config;     /* counted: snapshots of one configuration share it */
	struct catalogue *catalogue;
	struct token_keys *tokens; /* the epochs honoured; catalogue->epoch signs */
	struct lifetimes lifetimes;
	struct bytes issuer;
	struct bytes issuer_path;  /* of the issuer's URL: "" or "/t1" */
	struct bytes authority;    /* host[:port] that Host must be (H-05) */
	struct bytes metadata_path, metadata, metadata_etag;
	struct bytes hsts;         /* "max-age=31536000" and the operator's suffix */
};
struct snapshot *snapshot_hold(struct snapshot *s);
void snapshot_release(struct snapshot *s); /* NULL is fine */

/* A worker's own count of one snapshot. */
struct view {
	struct snapshot *snapshot;
	size_t exchanges;
	bool replaced;
};

/* What does not change for the life of the process; threads share it. */
struct shared {
	const char *dir;
	struct store *store;
	struct keys *keys;
	struct pages *pages;
	struct hasher *hasher;
	struct throttles *throttles;
	struct people *people;     /* the people's side: used forms, redeemed challenges */
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
	struct http_server *http;
	struct tls_config *tls;
	struct view *view;         /* what new exchanges will see */
	struct metrics metrics;    /* written by this thread, read by any */
	struct sub_entry subs[SUB_CACHE]; /* user -> sub; a sub never changes */
	pthread_t thread;
	int number;
};

/* Takes over the caller's reference; on the worker's thread. */
void worker_see(struct worker *w, struct snapshot *s);
struct view *view_hold(struct worker *w);
void view_release(struct view *v);

#endif
