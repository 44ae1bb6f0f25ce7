/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tend.c - the main thread while the workers answer: signals, changes of the
 * catalogue, new certificates, a reload, the drain.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/notify.h"
#include "server/handover.h"
#include "server/server_state.h"
#include "server/tls_files.h"

#define TICK_MS 250
#define TICKS_BETWEEN_FILE_CHECKS 8

static void
say(enum event e, const char *key, const char *value)
{
	log_begin(e);
	log_str(key, value);
	log_end();
}

/* ---- snapshots ---------------------------------------------------------------- */

/* Takes over s's place; workers see it with their next request. */
static void
publish(struct server *s, struct catalogue *catalogue)
{
	struct snapshot *fresh = snapshot_new(s->config, catalogue, s->shared.keys);

	for (size_t i = 0; i < s->worker_count; i++)
		worker_send_snapshot(s->workers[i], fresh);
	snapshot_release(s->snapshot);
	s->snapshot = fresh;
}

static void
catalogue_loaded(struct store_call *c)
{
	struct server *s = c->arg;
	struct catalogue *fresh = s->load.catalogue;

	s->loading = false;
	if (c->outcome != DONE) {
		say(EVENT_fault, "what", c->fault.what);
		return;
	}
	log_begin(EVENT_catalogue);
	log_int("clients", (int64_t)fresh->client_count);
	log_int("scopes", (int64_t)fresh->scope_count);
	log_end();
	publish(s, fresh);
	catalogue_release(fresh);
}

static void
tend_catalogue(struct server *s)
{
	int64_t version = store_catalogue_version(s->port);

	if (s->loading || version < 0 || version == s->snapshot->catalogue->version)
		return;
	if (s->load_arena == NULL)
		s->load_arena = arena_new();
	arena_reset(s->load_arena);
	s->loading = true;
	s->load = (struct catalogue_load){
		.call = { .done = catalogue_loaded, .arg = s, .arena = s->load_arena },
	};
	store_catalogue_load(s->port, &s->load);
}

/* Said once; the store itself answers nothing any more. When a sync failed, only a new
 * process that reads what is there can know what is there; closing would write. */
static void
tend_store(struct server *s)
{
	struct fault f;

	if (s->store_lost || store_check(s->shared.store, &f) == DONE)
		return;
	s->store_lost = true;
	say(EVENT_fault, "what", f.what);
	if (!store_unsynced(s->shared.store))
		return;
	s->forced = true;
	loop_stop(s->loop);
}

/* ---- certificates ------------------------------------------------------------------ */

static struct file_mark
mark_of(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return (struct file_mark){ .size = -1 };
	return (struct file_mark){ st.st_mtim, st.st_size, st.st_ino };
}

static bool
marks_equal(struct file_mark a, struct file_mark b)
{
	return a.changed.tv_sec == b.changed.tv_sec &&
		a.changed.tv_nsec == b.changed.tv_nsec && a.size == b.size &&
		a.inode == b.inode;
}

static void
marks_take(struct server *s)
{
	s->cert = mark_of(s->config->tls_cert);
	s->key = mark_of(s->config->tls_key);
}

/* All workers or none: what cannot be used by one is used by nobody. */
static enum outcome
certificate_reload(struct server *s, struct fault *f)
{
	const struct config *c = s->config;

	marks_take(s);
	if (c->listen.n == 0)
		return DONE;
	TRY(tls_files_good(c, clock_now(), f));
	for (size_t i = 0; i < s->worker_count; i++) {
		struct tls_config *tls;

		TRY(tls_files_open(c, s->shared.dir, s->shared.keys->ticket_secret, &tls, f));
		worker_send_tls(s->workers[i], tls);
	}
	tls_files_warn(c, clock_now());
	return DONE;
}

static void
reload_said(enum outcome o, const char *what, const struct fault *f)
{
	say(o == DONE ? EVENT_reloaded : EVENT_reload_failed, "what",
		o == DONE ? what : f->what);
}

/* A pair half written does not fit together; the next change is looked at again. */
static void
tend_certificate(struct server *s)
{
	struct fault f = { .what = "" };

	if (marks_equal(s->cert, mark_of(s->config->tls_cert)) &&
		marks_equal(s->key, mark_of(s->config->tls_key)))
		return;
	reload_said(certificate_reload(s, &f), "certificate", &f);
}

/* ---- reload ------------------------------------------------------------------------- */

static void
say_restart_needed(const struct config *running, const struct config *fresh)
{
	struct arena *a = arena_new();
	struct bytes key = config_needs_restart(a, running, fresh);

	if (!bytes_empty(key))
		say(EVENT_restart_needed, "what", arena_cstr(a, key));
	arena_free(a);
}

static enum outcome
config_reload(struct server *s, struct fault *f)
{
	const struct server_options *o = s->options;
	struct config *fresh, *old = s->config;
	enum outcome settled;

	TRY(config_open(o->dir, o->settings, o->setting_count, &fresh, f));
	settled = server_settle(s, fresh, f);
	if (settled != DONE) {
		config_release(fresh);
		return settled;
	}
	say_restart_needed(old, fresh);
	s->config = fresh;
	config_release(old);
	log_open(STDERR_FILENO, config_log_level(fresh));
	publish(s, s->snapshot->catalogue);
	return DONE;
}

static void
reload(struct server *s)
{
	struct fault f = { .what = "" };

	notify("RELOADING=1");
	reload_said(config_reload(s, &f), "configuration", &f);
	reload_said(certificate_reload(s, &f), "certificate", &f);
	notify("READY=1");
}

/* ---- the drain ------------------------------------------------------------------------ */

static struct server *
server_of_timer(struct timer *t, size_t offset)
{
	return (struct server *)((char *)t - offset);
}

static void
drain_limit(struct timer *t)
{
	struct server *s = server_of_timer(t, offsetof(struct server, drain_limit));

	s->forced = true;
	loop_stop(s->loop);
}

static void
drain_workers(struct server *s, int64_t patience_ms)
{
	s->draining = true;
	for (size_t i = 0; i < s->worker_count; i++)
		worker_drain(s->workers[i], patience_ms);
	s->drain_limit.due = drain_limit;
	loop_timer(s->loop, &s->drain_limit,
		patience_ms + s->config->drain_timeout * 1000);
}

/* After a handover too: then nobody waits any longer for what idles. */
static void
drain(struct server *s, const char *why)
{
	if (s->draining && !s->handed_over)
		return;
	s->handed_over = false;
	say(EVENT_stopping, "signal", why);
	notify("STOPPING=1");
	drain_workers(s, HTTP_PATIENCE_MS);
}

static void
health_drained(void *arg)
{
	(void)arg;
}

/*
 * Connections that idle may still ask for one thing, or leave when they would have had
 * to anyway, so none is reset; /healthz and /metrics are the successor's at once. From
 * here on systemd looks after that one.
 */
void
tend_handed_over(struct server *s, int64_t successor)
{
	char state[48];

	s->handed_over = true;
	snprintf(state, sizeof(state), "MAINPID=%lld", (long long)successor);
	notify(state);
	if (s->health != NULL)
		http_server_drain(s->health, HTTP_PATIENCE_MS, health_drained, NULL);
	drain_workers(s, s->config->idle_timeout * 1000);
}

static struct server *tended; /* one server a process; set by tend */

void
tend_worker_ended(struct worker *w)
{
	(void)w;
	if (--tended->running == 0)
		loop_stop(tended->loop);
}

static void
stop_open(struct letter *l)
{
	drain((struct server *)((char *)l - offsetof(struct server, stop)), "server_stop");
}

static void
start_successor(const struct server *s)
{
	struct fault f;

	if (!s->draining && handover_start_successor(&f) != DONE)
		say(EVENT_fault, "what", f.what);
}

/* ---- the loop ------------------------------------------------------------------------- */

/* All that have come, then each once: the kernel hands SIGHUP over before SIGTERM, and
 * whoever sends it faster than we reload must not keep the others waiting. */
static void
signal_came(struct watch *w, uint32_t events)
{
	struct server *s = (struct server *)((char *)w - offsetof(struct server, signals));
	struct signalfd_siginfo info;
	bool hup = false, usr2 = false;
	int end = 0;

	(void)events;
	while (read(w->fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		if (info.ssi_signo == SIGHUP)
			hup = true;
		else if (info.ssi_signo == SIGUSR2)
			usr2 = true;
		else
			end = (int)info.ssi_signo;
	if (end != 0)
		drain(s, sigabbrev_np(end));
	if (hup && !s->draining) /* no more than what there is, to its end */
		reload(s);
	if (usr2 && end == 0)
		start_successor(s);
}

static void
tick(struct timer *t)
{
	struct server *s = server_of_timer(t, offsetof(struct server, tick));

	health_watch_writer(s);
	tend_store(s);
	tend_catalogue(s);
	if (++s->ticks % TICKS_BETWEEN_FILE_CHECKS == 0)
		tend_certificate(s);
	loop_timer(s->loop, &s->tick, TICK_MS);
}

void
tend(struct server *s)
{
	tended = s;
	marks_take(s);
	s->stop.open = stop_open;
	s->signals.ready = signal_came;
	if (s->signals.fd >= 0)
		loop_watch(s->loop, &s->signals, 1); /* EPOLLIN */
	s->tick.due = tick;
	loop_timer(s->loop, &s->tick, TICK_MS);
	loop_run(s->loop);
	loop_timer_stop(s->loop, &s->tick);
	loop_timer_stop(s->loop, &s->drain_limit);
}
