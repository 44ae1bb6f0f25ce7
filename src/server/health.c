/* SPDX-License-Identifier: Apache-2.0 */
/*
 * health.c - /healthz and /metrics, on a loopback listener of their own.
 *
 * Healthy is: the store answers a read, what waits to be written gets written, and
 * the last write was no fault. While it was, or may have been, writes of our own find
 * out how it is, for there may be no others. Metrics are Prometheus text; metrics.def says
 * what the counters mean.
 */
#include <string.h>

#include "server/hasher.h"
#include "server/server_state.h"

#define METRICS_MAX ((size_t)65536)
#define WRITER_STUCK_MS 5000
#define HEARTBEAT_MS 1000

static void
heartbeat_done(struct store_call *c)
{
	struct server *s = c->arg;

	s->beating = false;
}

/* A row of its own; whether it was written shows in the store's counts. */
static void
heartbeat(struct server *s, int64_t now)
{
	s->beating = true;
	s->doubtful = false;
	s->beat_ms = now;
	s->heartbeat = (struct fact){
		.call = { .done = heartbeat_done, .arg = s },
		.name = B("heartbeat"),
		.value = B("written while writes failed"),
	};
	store_fact_put(s->port, &s->heartbeat);
}

void
health_watch_writer(struct server *s)
{
	struct store_counts c = store_counts(s->shared.store);
	int64_t now = loop_now_ms(s->loop);

	if (c.commits != s->commits_seen || store_backlog(s->shared.store) == 0)
		s->commits_changed_ms = now;
	if (c.faults != s->faults_seen)
		s->doubtful = true; /* of writes and faults since, which came last? */
	if (c.commits != s->commits_seen)
		s->failing = false;
	else if (c.faults != s->faults_seen)
		s->failing = true;
	s->commits_seen = c.commits;
	s->faults_seen = c.faults;
	if ((s->failing || s->doubtful) && !s->beating &&
		now - s->beat_ms >= HEARTBEAT_MS)
		heartbeat(s, now);
}

static bool
writer_stuck(const struct server *s)
{
	return store_backlog(s->shared.store) > 0 &&
		loop_now_ms(s->loop) - s->commits_changed_ms >= WRITER_STUCK_MS;
}

static void
health_text(struct http_request *r, int status, struct bytes body)
{
	static const struct http_header headers[] = {
		{ BI("Content-Type"), BI("text/plain; version=0.0.4; charset=utf-8") },
		{ BI("Cache-Control"), BI("no-store") },
	};

	http_reply(r, &(struct http_reply){ .status = status, .headers = headers,
		.header_count = 2, .body = body });
}

static void
healthz(const struct server *s, struct http_request *r)
{
	if (s->draining)
		health_text(r, 503, B("draining\n"));
	else if (s->store_lost)
		health_text(r, 503, B("the database was removed or replaced; restart\n"));
	else if (store_catalogue_version(s->port) < 0)
		health_text(r, 503, B("the database does not answer\n"));
	else if (writer_stuck(s))
		health_text(r, 503, B("changes wait and are not written\n"));
	else if (s->failing)
		health_text(r, 503, B("changes cannot be written; the log says why\n"));
	else
		health_text(r, 200, B("ok\n"));
}

/* ---- metrics ---------------------------------------------------------------- */

struct sample { const char *name, *type, *help; uint64_t value; };

static void
sample_write(struct buf *b, const struct sample *m)
{
	buf_printf(b, "# HELP latchkey_%s %s\n# TYPE latchkey_%s %s\nlatchkey_%s %llu\n",
		m->name, m->help, m->name, m->type, m->name, (unsigned long long)m->value);
}

static uint64_t
metric_sum(const struct server *s, enum metric which)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < s->worker_count; i++)
		sum += atomic_load_explicit(&s->workers[i]->metrics.count[which],
			memory_order_relaxed);
	return sum;
}

static void
metrics_of_requests(const struct server *s, struct buf *b)
{
	static const struct { const char *name, *help; } names[] = {
#define METRIC(name, help) { #name "_total", help },
#include "server/metrics.def"
#undef METRIC
	};

	for (enum metric m = 0; m < METRIC_COUNT; m++)
		sample_write(b, &(struct sample){ names[m].name, "counter", names[m].help,
			metric_sum(s, m) });
}

static void
counts_add(struct http_counts *sum, const struct http_server *server)
{
	struct http_counts c;

	if (server == NULL)
		return;
	c = http_server_counts(server);
	sum->accepted += c.accepted;
	sum->handshakes_failed += c.handshakes_failed;
	sum->requests += c.requests;
	sum->refused += c.refused;
	sum->timed_out += c.timed_out;
	sum->evicted += c.evicted;
	sum->open_now += c.open_now;
}

static void
metrics_of_transport(const struct server *s, struct buf *b)
{
	struct http_counts sum = { 0 };

	for (size_t i = 0; i < s->worker_count; i++) {
		counts_add(&sum, s->workers[i]->https);
		counts_add(&sum, s->workers[i]->proxied);
	}
	const struct sample samples[] = {
		{ "connections_total", "counter", "connections accepted", sum.accepted },
		{ "connections_open", "gauge", "connections open now", sum.open_now },
		{ "connections_evicted_total", "counter",
			"idle connections closed to make room", sum.evicted },
		{ "handshakes_failed_total", "counter", "TLS handshakes that failed",
			sum.handshakes_failed },
		{ "requests_total", "counter", "whole requests read", sum.requests },
		{ "requests_refused_total", "counter",
			"requests refused before a handler saw them", sum.refused },
		{ "requests_timed_out_total", "counter", "deadlines passed", sum.timed_out },
	};
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++)
		sample_write(b, &samples[i]);
}

static void
metrics_of_store(const struct server *s, struct buf *b)
{
	struct store_counts c = store_counts(s->shared.store);
	const struct sample samples[] = {
		{ "store_commits_total", "counter", "transactions committed", c.commits },
		{ "store_changes_total", "counter", "changes written by them", c.changes },
		{ "store_commit_microseconds_total", "counter", "time spent in commits",
			c.commit_us },
		{ "store_faults_total", "counter", "changes or reads that failed", c.faults },
		{ "store_reclaimed_total", "counter", "dead rows reclaimed", c.reclaimed },
		{ "store_recalled_total", "counter",
			"refreshes whose grant need not be read first (PostgreSQL)", c.recalled },
		{ "store_backlog", "gauge", "changes that wait to be written",
			store_backlog(s->shared.store) },
		{ "password_checks_waiting", "gauge", "sign-ins that wait for a password check",
			hasher_waiting(s->shared.hasher) },
		{ "clients", "gauge", "clients and resources registered",
			s->snapshot->catalogue->client_count },
		{ "start_time_seconds", "gauge", "when this process started, Unix time",
			(uint64_t)s->started_at },
	};

	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++)
		sample_write(b, &samples[i]);
}

static void
health_request(struct http_request *r, void *arg)
{
	const struct server *s = arg;
	struct buf b = buf_new(r->arena, METRICS_MAX);

	if (r->method != HTTP_GET && r->method != HTTP_HEAD) {
		health_text(r, 405, B("GET only\n"));
	} else if (bytes_equal(r->path, B("/healthz"))) {
		healthz(s, r);
	} else if (bytes_equal(r->path, B("/metrics"))) {
		metrics_of_requests(s, &b);
		metrics_of_transport(s, &b);
		metrics_of_store(s, &b);
		health_text(r, 200, buf_bytes(&b));
	} else {
		health_text(r, 404, B("/healthz or /metrics\n"));
	}
}

enum outcome
health_listen(struct server *s, struct fault *f)
{
	struct http_config h = {
		.listen = &s->config->health_listen,
		.listen_count = 1,
		.local = true,
		.inherited = s->shared.inherited,
		.of = 1,
		.limits = http_limits_default(),
		.handler = health_request,
		.arg = s,
	};
	struct fault why;

	if (strcmp(s->config->health_listen, "off") == 0)
		return DONE;
	if (http_server_new(s->loop, &h, &s->health, &why) == DONE)
		return DONE;
	return FAULT_AT(f, "%s (health_listen; or set health_listen = off)", why.what);
}
