/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent.c - from the vault's opening to the last answer.
 */
#include "agent/agent.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "agent/minder.h"
#include "agent/peers.h"
#include "agent/place.h"
#include "base/log.h"
#include "base/notify.h"
#include "client/agent_ask.h"
#include "client/open.h"

/* What is under way may take that long before it is left to the journal: one request of
 * the library's default. */
#define DRAIN_MS 10000

#define DETAIL_SIZE 1024

struct agent {
	const struct agent_options *options;
	bool asked; /* the passphrase: programs need the key from us */
	struct lk *lk;
	struct place place;
	struct loop *loop;
	struct pool *pool;
	struct minder *minder;
	struct peers *peers;
	struct watch signals;
	struct timer drain;
	bool stopping;
};

/* ---- the vault ------------------------------------------------------------------ */

static bool
ask_passphrase(void *arg, bool twice, char *text, size_t *n)
{
	struct agent *a = arg;

	a->asked = true;
	return a->options->passphrase(a->options->arg, twice, text, n);
}

/* Called by any thread of the library, which has no log of its own. */
static void
told(void *arg, const struct lk_event *event)
{
	const struct agent *a = arg;
	char detail[DETAIL_SIZE];

	a->options->words(event->detail, detail, sizeof(detail));
	log_begin(event->status == LK_OK ? EVENT_agent_done : EVENT_agent_failed);
	log_str("connection", event->connection);
	log_str("what", event->event);
	log_str("outcome", lk_status_name(event->status));
	log_str("detail", detail);
	log_int("ms", event->took_ms);
	log_end();
}

/* Is there an agent? It is seen before a passphrase is asked for in vain. */
static enum lk_status
nobody_else(const struct lk_options *options, struct lk_error *e)
{
	struct lk_options o = *options;
	const char *other;
	struct lk *lk;
	bool taken;

	o.flags &= ~LK_NO_AGENT;
	if (lk_open(&o, &lk, NULL) != LK_OK)
		return LK_OK; /* the real opening says what is wrong */
	other = lk_agent_place(lk);
	taken = other[0] != '\0';
	if (taken)
		(void)lk_fail(e, LK_CONFIGURATION, "this vault has an agent: %s",
			other);
	lk_close(lk);
	return taken ? LK_CONFIGURATION : LK_OK;
}

static enum lk_status
open_vault(struct agent *a, struct lk_error *e)
{
	struct lk_options o = a->options->lk;
	const struct vault_ask ask = { .passphrase = ask_passphrase, .arg = a };

	LK_TRY(nobody_else(&o, e));
	o.flags |= LK_NO_AGENT;
	o.event = told;
	o.arg = a;
	return lk_open_asking(&o, &ask, &a->lk, e);
}

static enum lk_status
take_place(struct agent *a, struct lk_error *e)
{
	struct fault f = { 0 };

	switch (place_take(lk_vault_where(a->lk), &a->place, &f)) {
	case DONE:
		return LK_OK;
	case REFUSED:
		return lk_fail(e, LK_CONFIGURATION, "this vault has an agent already");
	case FAULT:
		break;
	}
	return lk_fail(e, LK_CONFIGURATION, "%s", f.what);
}

/* ---- the end -------------------------------------------------------------------- */

/* Whatever waits now has waited long enough: a refresh that is cut off is found in the
 * journal by whoever comes next. */
static void
leave_at_once(struct timer *t)
{
	struct agent *a = (struct agent *)((char *)t - offsetof(struct agent, drain));

	place_leave(&a->place);
	log_begin(EVENT_agent_stopped);
	log_int("under_way", (int64_t)pool_busy(a->pool));
	log_end();
	log_flush();
	_exit(0);
}

static void
stop(struct watch *w, uint32_t events)
{
	struct agent *a = (struct agent *)((char *)w - offsetof(struct agent, signals));
	struct signalfd_siginfo got;

	(void)events;
	if (read(w->fd, &got, sizeof got) != sizeof got || a->stopping)
		return;
	a->stopping = true;
	notify("STOPPING=1");
	peers_stop(a->peers);
	minder_stop(a->minder);
	loop_timer(a->loop, &a->drain, DRAIN_MS);
}

static void
after_turn(void *arg)
{
	struct agent *a = arg;

	if (a->stopping && pool_busy(a->pool) == 0 && peers_gone(a->peers))
		loop_stop(a->loop);
}

/* ---- the life ------------------------------------------------------------------- */

/* All that this process holds may be a token: it is kept out of swap, where we may. A
 * limit that is too low for everything would make allocations fail later. */
static const char *
lock_memory(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0)
		return "may be swapped";
	limit.rlim_cur = limit.rlim_max;
	if (limit.rlim_max != RLIM_INFINITY && geteuid() != 0)
		return "may be swapped: RLIMIT_MEMLOCK is set";
	(void)setrlimit(RLIMIT_MEMLOCK, &limit);
	return mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0 ? "locked"
								     : "may be swapped";
}

/* SIGTERM and SIGINT come to the loop, and to no thread of any library. */
static int
block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void
say_started(const struct agent *a, const char *memory)
{
	log_begin(EVENT_agent_started);
	log_str("version", lk_version());
	log_str("vault", lk_vault_place(a->lk));
	log_str("key", lk_vault_key_place(a->lk));
	log_str("socket", a->place.socket);
	log_str("memory", memory);
	log_end();
	log_flush();
	notify("READY=1");
}

static void
serve(struct agent *a)
{
	const char *memory = lock_memory();

	a->loop = loop_new();
	a->pool = pool_new(loop_mailbox(a->loop));
	a->minder = minder_new(a->loop, a->pool, a->lk, lk_vault_where(a->lk));
	a->peers = peers_new(a->loop, a->place.listener, a->minder,
		a->asked ? vault_data_key(lk_vault(a->lk)) : NULL);
	a->drain.due = leave_at_once;
	a->signals.ready = stop;
	loop_watch(a->loop, &a->signals, EPOLLIN);
	loop_after_turn(a->loop, after_turn, a);
	say_started(a, memory);
	loop_run(a->loop);
	pool_free(a->pool);
	peers_free(a->peers);
	minder_free(a->minder);
	loop_free(a->loop);
	place_leave(&a->place);
	log_begin(EVENT_agent_stopped);
	log_end();
	log_flush();
}

enum lk_status
agent_run(const struct agent_options *options, struct lk_error *e)
{
	struct agent a = { .options = options };
	enum lk_status status;

	a.signals.fd = block_signals();
	if (a.signals.fd < 0)
		return lk_fail(e, LK_MEMORY, "no descriptor is left for signals");
	status = open_vault(&a, e);
	if (status == LK_OK)
		status = take_place(&a, e);
	if (status == LK_OK)
		serve(&a);
	lk_close(a.lk);
	close(a.signals.fd);
	return status;
}
