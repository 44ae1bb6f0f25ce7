/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server.c - opens everything in the one order that is safe, and closes it again.
 *
 * As root we read nothing but the configuration; ports are bound with the one
 * capability that is left; the database is opened, and threads are made, with none.
 */
#include "server/server.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/notify.h"
#include "pages/pages.h"
#include "server/handover.h"
#include "server/hasher.h"
#include "server/lean.h"
#include "server/privileges.h"
#include "server/seen.h"
#include "server/server_state.h"
#include "server/throttle.h"
#include "server/tls_files.h"
#include "text/uri.h"

#define CACHE_LEAST (512 * INT64_C(1024)) /* bytes a thread: the upper pages of its trees */

static pthread_mutex_t the_server_lock = PTHREAD_MUTEX_INITIALIZER;
static struct server *the_server;

static void
server_log(enum event e, const char *what)
{
	log_begin(e);
	log_str("what", what);
	log_end();
}

static const char *
server_path(const struct server *s, const char *name)
{
	return arena_printf(s->config->arena, "%s/%s", s->options->dir, name);
}

/* ---- opening -------------------------------------------------------------------- */

static void
server_configure(struct server *s, struct wrongs *w)
{
	const struct server_options *o = s->options;

	config_examine(o->dir, o->settings, o->setting_count, &s->config, w);
	config_agree(s->config, w);
}

static enum outcome
server_become(struct server *s, struct fault *f)
{
	const char *warning;

	privileges_descriptors();
	TRY(privileges_become(s->options->dir, s->config->user, &warning, f));
	if (warning != NULL)
		server_log(EVENT_unsafe, warning);
	return DONE;
}

static enum outcome
server_keys(struct server *s, struct fault *f)
{
	const char *path = server_path(s, DIR_MASTER_KEY);

	/* A systemd credential takes the place of a missing file. */
	if (access(path, F_OK) != 0 && getenv("CREDENTIALS_DIRECTORY") != NULL)
		path = NULL;
	return keys_open(path, &s->shared.keys, f);
}

static size_t
server_worker_count(const struct config *c)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (c->workers > 0)
		return (size_t)c->workers;
	return cpus > 0 ? (size_t)cpus : 1;
}

static enum outcome
server_listen(struct server *s, struct fault *f)
{
	size_t n = server_worker_count(s->config);

	s->loop = loop_new();
	s->workers = must_calloc(n, sizeof(*s->workers));
	s->shared.inherited = &s->inherited;
	s->shared.workers = n;
	for (size_t i = 0; i < n; i++) {
		s->worker_count++;
		TRY(worker_new(&s->shared, s->config, i, i == 0 ? NULL : s->workers[0],
			&s->workers[i], f));
	}
	TRY(health_listen(s, f));
	s->shared.inherited = NULL;
	http_inherit_close(&s->inherited); /* everybody has copies */
	return DONE;
}

/* From systemd, or from the server we replace. */
static enum outcome
server_inherit(struct server *s, struct fault *f)
{
	http_inherit_systemd(&s->inherited);
	if (!s->options->replace)
		return DONE;
	return handover_ask(s->options->dir, &s->inherited, &s->predecessor, f);
}

static enum outcome
server_fact(struct server *s, struct bytes name, struct bytes *value, struct fault *f)
{
	struct fact *fact = ARENA_NEW(s->config->arena, struct fact);

	fact->name = name;
	fact->call.arena = s->config->arena;
	store_fact_find(s->port, fact);
	if (store_wait(s->port, &fact->call) != DONE) {
		*f = fact->call.fault;
		return FAULT;
	}
	*value = fact->found ? fact->value : NONE;
	return DONE;
}

static enum outcome
server_name(struct server *s, struct fault *f)
{
	struct bytes issuer, brand;

	TRY(server_fact(s, B("issuer"), &issuer, f));
	TRY(server_fact(s, B("brand"), &brand, f));
	return config_name(s->config, issuer, brand, f);
}

enum outcome
server_settle(struct server *s, struct config *c, struct fault *f)
{
	struct bytes issuer, brand;

	TRY(server_fact(s, B("issuer"), &issuer, f));
	TRY(server_fact(s, B("brand"), &brand, f));
	return config_settle(c, issuer, brand, f);
}

/* The share of one thread: each worker reads by its own connection, and one writes. */
static int64_t
server_cache(const struct server *s)
{
	int64_t all = s->config->database_cache, share;

	if (all == 0)
		all = sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE) / 64;
	share = all / (int64_t)(s->worker_count + 1);
	return share > CACHE_LEAST ? share : CACHE_LEAST;
}

static enum outcome
server_open_store(struct server *s, struct fault *f)
{
	struct bytes check;

	TRY(store_open(config_database(s->config, s->options->dir), &s->shared.store, f));
	s->port = store_port_new(s->shared.store, loop_mailbox(s->loop), f);
	if (s->port == NULL)
		return FAULT;
	TRY(server_fact(s, B("key_check"), &check, f));
	TRY(keys_belong(s->shared.keys, check, f));
	store_keep(s->shared.store, s->config->ended_keep, s->config->audit_keep);
	store_cache(s->shared.store, server_cache(s));
	store_expect(s->shared.store, &s->shared.handshakes);
	return server_name(s, f);
}

static enum outcome
server_first_snapshot(struct server *s, struct fault *f)
{
	struct catalogue_load load = { .call.arena = s->config->arena };

	store_catalogue_load(s->port, &load);
	if (store_wait(s->port, &load.call) != DONE) {
		*f = load.call.fault;
		return FAULT;
	}
	s->snapshot = snapshot_new(s->config, load.catalogue, s->shared.keys);
	catalogue_release(load.catalogue);
	return DONE;
}

static enum outcome
server_pages(struct server *s, struct fault *f)
{
	const struct config *c = s->config;
	struct uri issuer;

	TRY(pages_open(c->pages_dir[0] != '\0' ? c->pages_dir : NULL,
		bytes_of(c->brand), &s->shared.pages, f));
	if (uri_parse(bytes_of(c->issuer), &issuer) &&
		!bytes_equal(issuer.path, B("/")))
		pages_under(s->shared.pages, issuer.path);
	return DONE;
}

/* Everything but listening: this is also what `serve --check` does. */
static enum outcome
server_open(struct server *s, struct fault *f)
{
	TRY(server_open_store(s, f));
	TRY(server_pages(s, f));
	return server_first_snapshot(s, f);
}

/* R1.3, TR-13: what an operator allowed is said at every start. */
static void
server_log_weaknesses(const struct server *s)
{
	const struct catalogue *all = s->snapshot->catalogue;
	const char *weak[8];
	size_t n = config_unsafe(s->config, weak);

	for (size_t i = 0; i < n; i++)
		server_log(EVENT_unsafe, weak[i]);
	for (size_t i = 0; i < all->client_count; i++) {
		n = client_warnings(&all->clients[i], weak);
		for (size_t k = 0; k < n; k++) {
			log_begin(EVENT_unsafe);
			log_bytes("client", all->clients[i].client_id);
			log_str("what", weak[k]);
			log_end();
		}
	}
}

/* ---- running ------------------------------------------------------------------------ */

/* Blocked in every thread made from now on, and read by the main loop. */
static void
server_take_signals(struct server *s)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a file at its limit is a fault to answer, not an end */
	if (s->options->keep_signals)
		return;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR2);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	s->signals.fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

static enum outcome
server_start(struct server *s, struct fault *f)
{
	s->shared.hasher = hasher_new((size_t)s->config->hash_queue);
	s->shared.throttles = throttles_new(s->config);
	s->shared.people = people_new();
	TRY(store_port_join(s->port, s->loop, f));
	for (size_t i = 0; i < s->worker_count; i++) {
		TRY(worker_start(s->workers[i], snapshot_hold(s->snapshot),
			loop_mailbox(s->loop), tend_worker_ended, f));
		s->running++;
	}
	return DONE;
}

static void
server_say_started(const struct server *s)
{
	uint16_t port = worker_port(s->workers[0]);

	log_begin(EVENT_started);
	log_str("version", LATCHKEY_VERSION);
	log_str("issuer", s->config->issuer);
	log_str("listen", s->config->listen.n > 0 ?
		s->config->listen.p[0] : s->config->proxy_listen.p[0]);
	log_int("port", port);
	if (s->health != NULL)
		log_int("health_port", http_server_port(s->health));
	log_int("workers", (int64_t)s->worker_count);
	log_str("dir", s->options->dir);
	log_end();
	log_flush();
	notify("READY=1");
	if (s->options->ready != NULL)
		s->options->ready(port, s->options->arg);
}

static void
server_free(struct server *s)
{
	handover_end(s);
	if (s->predecessor >= 0)
		close(s->predecessor);
	http_inherit_close(&s->inherited);
	http_server_free(s->health);
	/* A start that failed half way: who runs already must be told to end. */
	for (size_t i = 0; i < s->running; i++)
		worker_drain(s->workers[i], 0);
	for (size_t i = 0; i < s->worker_count; i++)
		worker_free(s->workers[i]);
	free(s->workers);
	hasher_free(s->shared.hasher);
	throttles_free(s->shared.throttles);
	people_free(s->shared.people);
	if (s->port != NULL)
		store_port_free(s->port);
	store_close(s->shared.store);
	pages_free(s->shared.pages);
	keys_free(s->shared.keys);
	snapshot_release(s->snapshot);
	if (s->signals.fd >= 0)
		close(s->signals.fd);
	loop_free(s->loop);
	arena_free(s->load_arena);
	config_release(s->config);
}

static void
server_publish(struct server *s)
{
	pthread_mutex_lock(&the_server_lock);
	the_server = s;
	pthread_mutex_unlock(&the_server_lock);
}

static int
server_fail(struct server *s, const struct wrongs *w)
{
	struct bytes text = { w->text, w->used };

	while (text.n > 0) {
		struct bytes sentence = bytes_cut(&text, '\n');

		fprintf(stderr, "latchkey: %.*s\n", BYTES_FMT(sentence));
	}
	server_free(s);
	return EXIT_FAILURE;
}

static enum outcome
server_prepare(struct server *s, struct fault *f)
{
	log_open(STDERR_FILENO, config_log_level(s->config));
	TRY(server_become(s, f));
	TRY(server_keys(s, f));
	TRY(server_inherit(s, f));
	TRY(server_listen(s, f));
	TRY(privileges_drop(f));
	server_take_signals(s);
	TRY(server_open(s, f));
	return server_start(s, f);
}

/* The one we replace may go, and the next may ask us; if it cannot, we still serve. But
 * not beside one that stays. */
static bool
server_take_over(struct server *s)
{
	struct fault f;
	bool wanted = handover_take(&s->predecessor, &f) == DONE;

	if (!wanted || handover_offer(s, &f) != DONE)
		server_log(EVENT_fault, f.what);
	return wanted;
}

int
server_run(const struct server_options *o)
{
	struct server s = { .options = o, .shared.dir = o->dir, .signals.fd = -1,
		.control.fd = -1, .successor_wait_ms = SUCCESSOR_WAIT_MS, .predecessor = -1,
		.stop_asked = ATOMIC_FLAG_INIT, .started_at = clock_now() };
	struct wrongs w = { .n = 0 };
	struct fault f;
	bool wanted;

	server_configure(&s, &w);
	if (w.n == 0 && server_prepare(&s, &f) != DONE)
		wrongs_add(&w, &f);
	if (w.n > 0)
		return server_fail(&s, &w);
	server_log_weaknesses(&s);
	tls_files_warn(s.config, clock_now());
	server_publish(&s);
	lean_after_start();
	wanted = server_take_over(&s);
	if (wanted)
		server_say_started(&s);
	else
		server_stop();
	tend(&s);
	server_publish(NULL);
	log_flush();
	/* Workers still run, and a request holds what would be freed: so nothing is, and
	 * exit's handlers (OpenSSL's among them) must not pull it away under them. */
	if (s.forced)
		_exit(EXIT_FAILURE);
	server_free(&s);
	log_begin(EVENT_stopped);
	log_end();
	log_flush();
	return wanted ? EXIT_SUCCESS : EXIT_FAILURE;
}

void
server_stop(void)
{
	pthread_mutex_lock(&the_server_lock);
	if (the_server != NULL && !atomic_flag_test_and_set(&the_server->stop_asked))
		mailbox_post(loop_mailbox(the_server->loop), &the_server->stop);
	pthread_mutex_unlock(&the_server_lock);
}

/* ---- serve --check ------------------------------------------------------------------ */

static enum outcome
server_check_tls(const struct server *s, struct fault *f)
{
	struct tls_config *tls;

	if (s->config->listen.n == 0)
		return DONE;
	TRY(tls_files_open(s->config, s->options->dir, s->shared.keys->ticket_secret, &tls,
		f));
	tls_config_free(tls);
	return DONE;
}

/* false: noted. */
static bool
good(enum outcome o, struct wrongs *w, const struct fault *f)
{
	if (o != DONE)
		wrongs_add(w, f);
	return o == DONE;
}

/* Goes on after what is wrong, as far as the rest does not need it. */
static void
server_examine(struct server *s, struct wrongs *w)
{
	struct tls_judgement j;
	struct fault f;

	server_configure(s, w);
	s->loop = loop_new();
	/* As somebody else we would leave files behind that the server cannot write. */
	if (good(server_become(s, &f), w, &f) && good(server_keys(s, &f), w, &f)) {
		good(server_check_tls(s, &f), w, &f);
		good(server_open_store(s, &f), w, &f);
	}
	good(server_pages(s, &f), w, &f);
	tls_files_judge(s->config, clock_now(), &j);
	if (j.time[0] != '\0')
		good(FAULT_AT(&f, "%s", j.time), w, &f);
	if (j.host[0] != '\0')
		good(FAULT_AT(&f, "%s", j.host), w, &f);
	if (w->n == 0)
		good(server_first_snapshot(s, &f), w, &f);
}

int
server_check(const struct server_options *o)
{
	struct server s = { .options = o, .shared.dir = o->dir, .signals.fd = -1,
		.control.fd = -1, .successor_wait_ms = SUCCESSOR_WAIT_MS, .predecessor = -1,
		.stop_asked = ATOMIC_FLAG_INIT };
	struct wrongs w = { .n = 0 };

	server_examine(&s, &w);
	if (w.n > 0)
		return server_fail(&s, &w);
	server_log_weaknesses(&s);
	tls_files_warn(s.config, clock_now());
	log_flush();
	printf("%s: configuration, keys, certificate, database and pages are good.\n",
		o->dir);
	server_free(&s);
	return EXIT_SUCCESS;
}
