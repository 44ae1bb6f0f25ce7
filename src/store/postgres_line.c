/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postgres_line.c - a connection on a port's event loop: dialled, given batches in
 * pipeline mode, and given up when it does not answer in time.
 *
 *	DOWN -> CONNECTING -> BUSY (settings) -> IDLE <-> BUSY (a batch)
 *	  ^___________________________|____________________|
 *
 * One batch is under way at a time; what is asked meanwhile makes up the next one.
 * A batch of changes is one transaction: it is DONE only when COMMIT was answered
 * without a warning. When its fate is not known, it is unloaded as REFUSED: the port
 * finds out. When the server does not answer in time its calls are given up, and the
 * line waits on: a commit that waits for a standby would outlive a connection that is
 * dropped, and hundreds of them would use the server up. What passes (serialization,
 * deadlock) is tried again after a pause, for as long as its callers may wait; what
 * failed together is tried one by one, so that one bad call does not fail the others.
 */
#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/arena.h"
#include "base/clock.h"
#include "store/postgres.h"

#define RETRY_MS 200 /* between attempts to connect */
#define TEND_MS 100

static struct pg_store *
store_of(const struct line *l)
{
	return pg_store_of(l->port->port.store);
}

/* ---- watching ------------------------------------------------------------ */

static void
watch_ready(struct watch *w, uint32_t events)
{
	line_ready((struct line *)(void *)((char *)w - offsetof(struct line, watch)),
		events);
}

static void
unwatch(struct line *l)
{
	if (l->port->loop != NULL)
		loop_unwatch(l->port->loop, &l->watch);
}

static void
watch(struct line *l, uint32_t events)
{
	l->watch.fd = pq.socket(l->conn);
	if (l->port->loop != NULL)
		loop_watch(l->port->loop, &l->watch, events);
	else
		l->watch.events = events;
}

/* ---- lost ---------------------------------------------------------------- */

static void
hang_up(struct line *l)
{
	if (l->conn != NULL) {
		unwatch(l);
		pq.finish(l->conn);
	}
	l->conn = NULL;
	l->state = LINE_DOWN;
	l->stalled = false;
	memset(l->prepared, 0, sizeof(l->prepared));
	l->watch.fd = -1;
}

/* A call's outcome that is not known is REFUSED here (see the top). */
static void
unload(struct line *l, enum outcome outcome)
{
	struct jobs batch = { 0 };

	jobs_move(&batch, &l->batch);
	l->shot_count = 0;
	arena_reset(l->arena);
	l->unload(l, &batch, outcome);
	pg_port_wake(l->port);
}

/* The batch may still happen; nobody waits for it any more. */
static void
stall(struct line *l)
{
	struct jobs batch = { 0 };

	l->stalled = true;
	l->down_ms = clock_monotonic_ms();
	(void)FAULT_AT(&l->fault, "PostgreSQL did not answer in time");
	jobs_move(&batch, &l->batch);
	l->unload(l, &batch, REFUSED);
}

static void
lost(struct line *l, const char *why)
{
	int64_t now = clock_monotonic_ms();
	bool busy = l->state == LINE_BUSY;
	char copy[160];

	if (l->state == LINE_IDLE || busy)
		l->down_ms = now;
	snprintf(copy, sizeof(copy), "%s", why); /* which may be of the fault itself */
	(void)FAULT_AT(&l->fault, "PostgreSQL cannot be reached: %s", copy);
	hang_up(l);
	l->retry_ms = now + (busy ? 0 : RETRY_MS);
	l->host = (l->host + 1) % store_of(l)->target.host_count;
	if (busy)
		unload(l, REFUSED);
	pg_port_wake(l->port);
}

static void
lost_by_itself(struct line *l)
{
	struct bytes rest = bytes_of(pq.errorMessage(l->conn));
	struct bytes first = bytes_cut(&rest, '\n');
	char why[160];

	snprintf(why, sizeof(why), "%.*s", BYTES_FMT(first));
	lost(l, first.n > 0 ? why : "the connection broke");
}

/* Where all is answered but the sync, libpq had no memory to tell of that: it never will. */
static void
overdue(struct line *l)
{
	if (l->shot_at + l->answered >= l->shot_count)
		lost(l, "the end of an answer is missing");
	else
		stall(l);
}

/* ---- sending ------------------------------------------------------------- */

static void
add_shot(struct line *l, struct shot shot)
{
	assert(l->shot_count < sizeof(l->shots) / sizeof(*l->shots));
	l->shots[l->shot_count++] = shot;
}

void
line_shoot(struct line *l, enum pg_statement which, const struct pg_params *p,
	shot_taker *take, struct job **jobs, size_t n)
{
	const struct pg_text *text = &pg_statements[which];

	if (!l->prepared[which]) {
		l->confused |= pq.sendPrepare(l->conn, text->name, text->sql, 0, NULL) != 1;
		add_shot(l, (struct shot){ .which = which, .prepares = true });
		l->prepared[which] = true;
	}
	l->confused |= pq.sendQueryPrepared(l->conn, text->name, p->n, p->values, p->lengths,
			     p->formats, 1) != 1;
	add_shot(l, (struct shot){ which, false, take, jobs, n });
}

static void
shoot_plain(struct line *l, enum pg_statement which)
{
	const struct pg_params none = { .n = 0 };

	line_shoot(l, which, &none, NULL, NULL, 0);
}

static void
push(struct line *l)
{
	int left = pq.flush(l->conn);

	if (left < 0)
		lost_by_itself(l);
	else
		watch(l, left > 0 ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static void
begin(struct line *l)
{
	l->state = LINE_BUSY;
	l->deadline_ms = clock_monotonic_ms() + PG_ANSWER_MS;
	l->shot_count = l->shot_at = 0;
	l->answered = l->unsure = l->confused = false;
	l->state_code[0] = '\0';
	l->sent_us = pg_now_us();
}

/* A batch of which something could not be put into words may lack its COMMIT. */
static void
send_sync(struct line *l)
{
	if (pq.pipelineSync(l->conn) != 1 || l->confused)
		lost_by_itself(l);
	else
		push(l);
}

static void
send_alone(struct line *l, enum pg_statement which)
{
	begin(l);
	shoot_plain(l, which);
	send_sync(l);
}

static void
send_batch(struct line *l)
{
	size_t most = l->alone > 0 ? 1 : BATCH_MAX;

	l->alone -= l->alone > 0;
	while (l->batch.n < most && l->waiting.n > 0)
		jobs_add(&l->batch, jobs_take(&l->waiting));
	l->batches++;
	begin(l);
	if (l->changes)
		shoot_plain(l, PG_begin);
	l->load(l, &l->batch);
	if (l->changes)
		shoot_plain(l, PG_commit);
	send_sync(l);
}

/* ---- connecting ---------------------------------------------------------- */

/* The server may have been another, or have started again, since its last commit. */
static void
settle_in(struct line *l)
{
	if (!l->changes)
		pg_doubt(store_of(l));
	pq.setnonblocking(l->conn, 1);
	pq.setNoticeReceiver(l->conn, pg_hear, &l->unsure);
	if (pq.enterPipelineMode(l->conn) != 1) {
		lost_by_itself(l);
		return;
	}
	begin(l);
	shoot_plain(l, PG_settings);
	shoot_plain(l, PG_plan_once);
	send_sync(l);
}

static void
go_on_connecting(struct line *l, PostgresPollingStatusType wants)
{
	switch (wants) {
	case PGRES_POLLING_READING: watch(l, EPOLLIN); return;
	case PGRES_POLLING_WRITING: watch(l, EPOLLOUT); return;
	case PGRES_POLLING_OK: settle_in(l); return;
	case PGRES_POLLING_FAILED:
	case PGRES_POLLING_ACTIVE: break;
	}
	lost_by_itself(l);
}

static void
dial(struct line *l, int64_t now_ms)
{
	struct pg_store *s = store_of(l);

	l->era = atomic_load(&s->era);
	if (atomic_load(&s->kept))
		l->host = atomic_load(&s->primary); /* the keeper knows best */
	l->conn = pg_target_dial(&s->target, l->host);
	if (l->conn == NULL)
		out_of_memory(0);
	l->state = LINE_CONNECTING;
	l->deadline_ms = now_ms + PG_CONNECT_MS;
	if (pq.status(l->conn) == CONNECTION_BAD)
		lost_by_itself(l);
	else
		watch(l, EPOLLOUT);
}

/* ---- receiving ----------------------------------------------------------- */

static void
note_failure(struct line *l, const struct shot *shot, const PGresult *r)
{
	const char *state = pq.resultErrorField(r, PG_DIAG_SQLSTATE);

	if (l->state_code[0] != '\0')
		return;
	(void)pg_fault(l->conn, r, pg_statements[shot->which].name, &l->fault);
	l->confused = state == NULL; /* the server always names one */
	snprintf(l->state_code, sizeof(l->state_code), "%s",
		state != NULL ? state : "XX000");
	if (shot->which == PG_commit && !pg_state_passes(l->state_code))
		l->unsure = true;
}

static void
take_result(struct line *l, const PGresult *r)
{
	const struct shot *shot = &l->shots[l->shot_at];
	ExecStatusType status = pq.resultStatus(r);
	bool good = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;

	if (good && shot->take != NULL && !l->stalled)
		shot->take(l, shot->jobs, shot->n, r);
	if (!good && shot->prepares)
		l->prepared[shot->which] = false;
	/* What made the rest of the batch stop was told before. */
	if (!good && status != PGRES_PIPELINE_ABORTED)
		note_failure(l, shot, r);
	/* COMMIT of what cannot be committed is answered as a success. */
	if (good && shot->which == PG_commit && !shot->prepares &&
		!pg_same(pq.cmdStatus((PGresult *)(uintptr_t)r), "COMMIT"))
		snprintf(l->state_code, sizeof(l->state_code), "25P02");
}

static void
batch_failed(struct line *l)
{
	bool passes = pg_state_passes(l->state_code);

	if (passes)
		l->rest_ms = clock_monotonic_ms() + pg_pause_ms(++l->conflicts);
	else if (l->batch.n > 1)
		l->alone = l->batch.n;
	if (l->batch.n > 1 || passes)
		line_again(l);
	else
		unload(l, FAULT);
}

static void
batch_over(struct line *l)
{
	struct store *s = l->port->port.store;
	bool failed = l->state_code[0] != '\0';

	l->state = LINE_IDLE;
	l->down_ms = 0;
	pg_port_wake(l->port);
	if (l->stalled || l->batch.n == 0) {
		bool undo = failed && l->stalled && l->changes;

		l->stalled = false;
		arena_reset(l->arena);
		if (undo)
			send_alone(l, PG_rollback);
		else if (failed)
			lost(l, l->fault.what);
		return;
	}
	if (failed && !(l->changes && l->unsure)) {
		batch_failed(l);
		if (l->changes)
			send_alone(l, PG_rollback);
		return;
	}
	l->conflicts = 0;
	if (l->changes) {
		atomic_fetch_add(&s->commits, 1);
		atomic_fetch_add(&s->commit_us, pg_now_us() - l->sent_us);
	}
	if (l->unsure && l->changes)
		pg_doubt(store_of(l));
	if (l->unsure && l->changes)
		(void)FAULT_AT(&l->fault, "PostgreSQL did not say for certain that the "
			"change was saved");
	unload(l, l->unsure && l->changes ? REFUSED : DONE);
}

/* The end of a shot's results; false: without one, so libpq has lost count. */
static bool
next_shot(struct line *l)
{
	bool counts = l->answered || l->shot_at >= l->shot_count;

	l->answered = false;
	l->shot_at++;
	return counts && pq.status(l->conn) != CONNECTION_BAD;
}

static void
take_all(struct line *l)
{
	while (l->state == LINE_BUSY && pq.isBusy(l->conn) == 0) {
		PGresult *r = pq.getResult(l->conn);
		bool over = r != NULL && pq.resultStatus(r) == PGRES_PIPELINE_SYNC;

		if (r != NULL && !over && l->shot_at < l->shot_count) {
			take_result(l, r);
			l->answered = true;
		}
		if ((r == NULL && !next_shot(l)) ||
			(over && (l->confused || l->shot_at < l->shot_count))) {
			pq.clear(r);
			lost_by_itself(l);
			return;
		}
		if (r == NULL && l->shot_at > l->shot_count)
			return; /* a sync is still to come */
		pq.clear(r);
		if (over)
			batch_over(l);
	}
}

void
line_ready(struct line *l, uint32_t events)
{
	if (l->state == LINE_DOWN)
		return;
	if (l->state == LINE_CONNECTING) {
		unwatch(l); /* libpq may go on with another socket */
		go_on_connecting(l, pq.connectPoll(l->conn));
		return;
	}
	if ((events & EPOLLOUT) != 0)
		push(l);
	if (l->conn == NULL)
		return;
	if (pq.consumeInput(l->conn) == 0 || pq.status(l->conn) == CONNECTION_BAD)
		lost_by_itself(l);
	else
		take_all(l);
}

/* ---- life ---------------------------------------------------------------- */

/* A port on a loop keeps its lines up; another dials when it is asked something. */
static void
tend_down(struct line *l, int64_t now_ms)
{
	if (l->waiting.n == 0 && l->port->loop == NULL)
		return;
	if (l->down_ms == 0)
		l->down_ms = now_ms;
	if (now_ms >= l->retry_ms)
		dial(l, now_ms);
}

int
line_tend(struct line *l, int64_t now_ms)
{
	if (l->state == LINE_CONNECTING && now_ms >= l->deadline_ms)
		lost(l, "no answer in time");
	if (l->state == LINE_BUSY && !l->stalled && now_ms >= l->deadline_ms)
		overdue(l);
	if ((l->state == LINE_IDLE || l->stalled) && l->era != atomic_load(&store_of(l)->era))
		hang_up(l); /* the primary may be another */
	if (l->state == LINE_IDLE && l->waiting.n > 0 && !l->held && now_ms >= l->rest_ms &&
		(l->changes || !pg_in_doubt(store_of(l))))
		send_batch(l);
	if (l->state == LINE_DOWN)
		tend_down(l, now_ms);
	line_give_up(l, now_ms);
	if (l->state == LINE_DOWN && l->port->loop == NULL && l->waiting.n == 0)
		return -1;
	if (l->state != LINE_IDLE)
		return TEND_MS;
	return l->waiting.n == 0 ? -1 : now_ms < l->rest_ms ? (int)(l->rest_ms - now_ms)
							    : TEND_MS;
}

void
line_open(struct line *l, struct pg_port *p)
{
	l->port = p;
	l->arena = arena_new();
	l->watch = (struct watch){ .fd = -1, .ready = watch_ready };
	l->host = atomic_load(&store_of(l)->primary);
	(void)FAULT_AT(&l->fault, "PostgreSQL did not answer in time");
}

void
line_close(struct line *l)
{
	hang_up(l);
	arena_free(l->arena);
}
