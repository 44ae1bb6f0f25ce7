/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker.c - the life of a thread that answers requests.
 */
#include "server/worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/urgency.h"
#include "server/exchange.h"
#include "server/tls_files.h"

#define LISTEN_MAX 16 /* config.def bounds it */

/* ---- views ---------------------------------------------------------------------- */

/* Takes over the reference. */
static struct view *
view_new(struct snapshot *s)
{
	struct view *v = must_calloc(1, sizeof(*v));

	v->snapshot = s;
	v->holders = 1; /* the worker itself */
	return v;
}

struct view *
view_hold(struct worker *w)
{
	w->view->holders++;
	return w->view;
}

void
view_release(struct view *v)
{
	if (v == NULL || --v->holders > 0)
		return;
	snapshot_release(v->snapshot);
	free(v);
}

/* ---- letters from the main thread ----------------------------------------------- */

struct order {
	struct letter letter;
	struct worker *worker;
	struct snapshot *snapshot; /* or */
	struct tls_config *tls;    /* or neither: drain */
	int64_t patience_ms;
};

static void
worker_see(struct worker *w, struct snapshot *s)
{
	struct view *old = w->view;

	w->view = view_new(s);
	view_release(old);
}

static void
worker_use_tls(struct worker *w, struct tls_config *tls)
{
	if (w->https != NULL)
		http_server_set_tls(w->https, tls);
	tls_config_free(w->tls);
	w->tls = tls;
}

static void
worker_drained(void *arg)
{
	struct worker *w = arg;

	if (--w->draining == 0)
		loop_stop(w->loop);
}

static void
worker_begin_drain(struct worker *w, int64_t patience_ms)
{
	w->draining = (w->https != NULL) + (w->proxied != NULL);
	if (w->https != NULL)
		http_server_drain(w->https, patience_ms, worker_drained, w);
	if (w->proxied != NULL)
		http_server_drain(w->proxied, patience_ms, worker_drained, w);
}

static void
order_open(struct letter *l)
{
	struct order *o = (struct order *)l;

	if (o->snapshot != NULL)
		worker_see(o->worker, o->snapshot);
	else if (o->tls != NULL)
		worker_use_tls(o->worker, o->tls);
	else
		worker_begin_drain(o->worker, o->patience_ms);
	free(o);
}

static void
worker_order(struct worker *w, struct order order)
{
	struct order *o = must_calloc(1, sizeof(*o));

	*o = order;
	o->letter.open = order_open;
	o->worker = w;
	mailbox_post(loop_mailbox(w->loop), &o->letter);
}

void
worker_send_snapshot(struct worker *w, struct snapshot *s)
{
	worker_order(w, (struct order){ .snapshot = snapshot_hold(s) });
}

void
worker_send_tls(struct worker *w, struct tls_config *tls)
{
	worker_order(w, (struct order){ .tls = tls });
}

void
worker_drain(struct worker *w, int64_t patience_ms)
{
	worker_order(w, (struct order){ .patience_ms = patience_ms });
}

/* ---- making one ------------------------------------------------------------------- */

static void
worker_refused(struct bytes peer, int status, const char *why, void *arg)
{
	struct worker *w = arg;

	refused_log_add(&w->refused_log, peer, status, why);
}

static struct http_limits
limits_of(const struct config *c)
{
	struct http_limits l = http_limits_default();

	l.handshake_ms = (int)c->handshake_timeout * 1000;
	l.headers_ms = (int)c->headers_timeout * 1000;
	l.body_ms = (int)c->body_timeout * 1000;
	l.request_ms = (int)c->request_timeout * 1000;
	l.idle_ms = (int)c->idle_timeout * 1000;
	l.header_bytes = (size_t)c->header_limit;
	l.body_bytes = (size_t)c->body_limit;
	l.connections = (size_t)c->connections;
	l.per_peer = (size_t)c->connections_per_address;
	return l;
}

/* "127.0.0.1:0" lets the system choose a port; all workers share that choice. */
static const char *
address_chosen(const char *address, const struct worker *first, char *memory, size_t n)
{
	struct bytes a = bytes_of(address);

	if (first == NULL || !bytes_ends(a, B(":0")))
		return address;
	snprintf(memory, n, "%.*s:%u", (int)a.n - 2, a.p, worker_port(first));
	return memory;
}

static enum outcome
worker_listen_https(struct worker *w, const struct config *c, const struct worker *first,
	struct http_config *h, struct fault *f)
{
	const char *addresses[LISTEN_MAX];
	char memory[128];

	h->listen_count = c->listen.n;
	if (h->listen_count == 0)
		return DONE;
	for (size_t i = 0; i < c->listen.n; i++)
		addresses[i] = c->listen.p[i];
	addresses[0] = address_chosen(addresses[0], first, memory, sizeof(memory));
	h->listen = addresses;
	h->tls = w->tls;
	return http_server_new(w->loop, h, &w->https, f);
}

static enum outcome
worker_listen(struct worker *w, const struct config *c, const struct worker *first,
	struct fault *f)
{
	char hsts[40];
	struct http_config h = {
		.join = first != NULL,
		.inherited = w->shared->inherited,
		.nth = w->nth,
		.of = w->shared->workers,
		.hsts = hsts,
		.limits = limits_of(c),
		.handler = exchange_begin,
		.refused = worker_refused,
		.arg = w,
		.handshakes = &w->shared->handshakes,
	};

	snprintf(hsts, sizeof(hsts), "%s%s", c->hsts[0] != '\0' ? "; " : "", c->hsts);
	TRY(worker_listen_https(w, c, first, &h, f));
	h.listen = c->proxy_listen.p;
	h.listen_count = c->proxy_listen.n;
	h.tls = NULL;
	h.proxies = c->proxies.p;
	h.proxy_count = c->proxies.n;
	return h.listen_count == 0 ? DONE : http_server_new(w->loop, &h, &w->proxied, f);
}

enum outcome
worker_new(struct shared *shared, const struct config *c, size_t nth,
	const struct worker *first, struct worker **out, struct fault *f)
{
	struct worker *w = must_calloc(1, sizeof(*w));

	*out = w;
	w->shared = shared;
	w->nth = nth;
	w->loop = loop_new();
	refused_log_open(&w->refused_log, w->loop);
	if (c->listen.n > 0)
		TRY(tls_files_open(c, shared->dir, shared->keys->ticket_secret, &w->tls, f));
	return worker_listen(w, c, first, f);
}

static void
farewell_open(struct letter *l)
{
	struct worker *w = (struct worker *)((char *)l - offsetof(struct worker, farewell));

	w->ended(w);
}

static void *
worker_run(void *arg)
{
	struct worker *w = arg;

	urgency_high();
	loop_run(w->loop);
	refused_log_close(&w->refused_log);
	log_flush();
	w->farewell.open = farewell_open;
	mailbox_post(w->home, &w->farewell);
	return NULL;
}

enum outcome
worker_start(struct worker *w, struct snapshot *s, struct mailbox *home,
	void (*ended)(struct worker *), struct fault *f)
{
	int error;

	w->view = view_new(s);
	w->ended = ended;
	w->port = store_port_new(w->shared->store, loop_mailbox(w->loop), f);
	if (w->port == NULL || store_port_join(w->port, w->loop, f) != DONE)
		return FAULT;
	w->home = home;
	error = pthread_create(&w->thread, NULL, worker_run, w);
	if (error == 0)
		return DONE;
	w->home = NULL;
	return FAULT_AT(f, "cannot start a thread: %s", strerror(error));
}

void
worker_free(struct worker *w)
{
	if (w == NULL)
		return;
	if (w->home != NULL)
		pthread_join(w->thread, NULL);
	mailbox_deliver(loop_mailbox(w->loop)); /* orders that came too late */
	http_server_free(w->https);
	http_server_free(w->proxied);
	if (w->port != NULL)
		store_port_free(w->port);
	tls_config_free(w->tls);
	view_release(w->view);
	loop_free(w->loop);
	free(w);
}

uint16_t
worker_port(const struct worker *w)
{
	return http_server_port(w->https != NULL ? w->https : w->proxied);
}
