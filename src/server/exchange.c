/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exchange.c - the runner: takes one step after the other until one answers.
 *
 * The exchange lives in the request's arena, which http_reply ends: after
 * ANSWERED nothing here may look at it again.
 */
#include "server/exchange.h"

#include <assert.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/endpoints.h"

/* What stands behind a path that leads nowhere: a program is told in JSON. */
static const struct endpoint nowhere_direct = { .name = "nowhere", .kind = DOOR_DIRECT };
static const struct endpoint nowhere_page = { .name = "nowhere", .kind = DOOR_PAGE };

static const struct endpoint *
exchange_endpoint(const struct snapshot *s, struct bytes path)
{
	const struct endpoint *e = endpoint_find(s, path);
	struct bytes below = path;

	if (e != NULL)
		return e;
	if (bytes_starts(path, s->issuer_path))
		below = bytes_slice(path, s->issuer_path.n, path.n);
	return bytes_starts(below, B("/oauth/")) || bytes_starts(path, B("/.well-known/")) ?
		&nowhere_direct : &nowhere_page;
}

static void
exchange_fault(struct exchange *x)
{
	step_fn *answer = x->on_fault;

	log_begin(EVENT_fault);
	log_str("what", x->fault.what);
	log_str("file", x->fault.file);
	log_int("line", x->fault.line);
	log_end();
	metric_add(&x->worker->metrics, METRIC_faults);
	x->faulted = false;
	x->on_fault = NULL;
	/* H-15: never invalid_grant, invalid_client or active:false. */
	if (answer == NULL || answer(x) != ANSWERED)
		refuse_for_now(x, 503, REASON_storage_fault, 1);
}

static enum step
exchange_step(struct exchange *x)
{
	if (x->faulted)
		return FAULTED;
	assert(*x->steps != NULL); /* the last step of a row answers */
	return (*x->steps++)(x);
}

/* Was WAIT answered before the step came back? Then there is nothing to wait for. */
static bool
exchange_waits(struct exchange *x)
{
	bool waits = !x->resumed;

	x->resumed = false;
	x->running = !waits;
	return waits;
}

static void
exchange_run(struct exchange *x)
{
	x->running = true;
	for (;;) {
		switch (exchange_step(x)) {
		case NEXT:
			break;
		case WAIT:
			if (exchange_waits(x))
				return;
			break;
		case ANSWERED:
			return;
		case FAULTED:
			exchange_fault(x);
			return;
		}
	}
}

void
exchange_begin(struct http_request *r, void *arg)
{
	struct worker *w = arg;
	struct exchange *x = ARENA_NEW(r->arena, struct exchange);

	r->user = x;
	x->arena = r->arena;
	x->request = r;
	x->worker = w;
	x->view = view_hold(w);
	x->snapshot = x->view->snapshot;
	x->config = x->snapshot->config;
	x->catalogue = x->snapshot->catalogue;
	x->now = store_now(w->shared->store);
	x->endpoint = exchange_endpoint(x->snapshot, r->path);
	x->steps = front_door_steps;
	exchange_run(x);
}

void
exchange_resume(struct exchange *x)
{
	if (x->running)
		x->resumed = true;
	else
		exchange_run(x);
}

enum step
exchange_into(struct exchange *x, step_fn *const *steps)
{
	x->steps = steps;
	return NEXT;
}

static void
exchange_told(struct store_call *c)
{
	struct exchange *x = c->arg;

	if (c->outcome == FAULT) {
		x->fault = c->fault;
		x->faulted = true;
	}
	exchange_resume(x);
}

void
exchange_ask(struct exchange *x, struct store_call *c)
{
	c->done = exchange_told;
	c->arg = x;
	c->arena = x->arena;
}

bool
exchange_overloaded(struct exchange *x)
{
	if (store_backlog(x->worker->shared->store) < (size_t)x->config->store_queue)
		return false;
	metric_add(&x->worker->metrics, METRIC_overloaded);
	return true;
}

enum step
exchange_not_overloaded(struct exchange *x)
{
	return exchange_overloaded(x) ? refuse_for_now(x, 503, REASON_overloaded, 1) : NEXT;
}

void
exchange_about_grant(struct exchange *x, const uint8_t key[static GRANT_KEY_SIZE])
{
	x->has_grant = true;
	for (size_t i = 0; i < GRANT_KEY_SIZE; i++)
		x->grant[i] = key[i];
}

const char *
grant_digest(struct arena *a, const uint8_t key[static GRANT_KEY_SIZE])
{
	return arena_hex(a, key, 4);
}

static struct bytes
exchange_client_id(const struct exchange *x)
{
	return x->client != NULL ? x->client->client_id : x->auth.client_id;
}

/* H-18: the path alone; a query may hold what a log must not. */
static void
exchange_log(struct exchange *x, int status, size_t bytes)
{
	const struct http_request *r = x->request;

	if (!log_begin(EVENT_request))
		return;
	log_bytes("method", r->method_name);
	log_bytes("path", r->path);
	log_int("status", status);
	log_int("ms", clock_monotonic_ms() - r->started_ms);
	log_int("bytes", (int64_t)bytes);
	log_bytes("peer", r->peer);
	log_bytes("client", exchange_client_id(x));
	if (x->reason != REASON_NONE)
		log_str("error", reason_name(x->reason));
	log_str("error_id", x->error_id[0] != '\0' ? x->error_id : NULL);
	if (x->has_grant)
		log_str("grant", grant_digest(x->arena, x->grant));
	log_end();
}

static enum metric
metric_of_status(int status)
{
	if (status < 300)
		return METRIC_answered_2xx;
	if (status < 400)
		return METRIC_answered_3xx;
	return status < 500 ? METRIC_answered_4xx : METRIC_answered_5xx;
}

void
exchange_end(struct exchange *x, int status, size_t bytes)
{
	metric_add(&x->worker->metrics, metric_of_status(status));
	if (status == 429)
		metric_add(&x->worker->metrics, METRIC_throttled);
	exchange_log(x, status, bytes);
}
