/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postgres_port.c - a thread's way to PostgreSQL: its calls as jobs on two lines,
 * and what comes of them.
 *
 * A change of a grant is read on one line, decided here by rules/grant.c, and
 * written on the other if the row still has the mark under which it was read. Who
 * comes too late reads and decides again: somebody else got further, so this ends.
 *
 * A commit that was not answered is neither success nor failure. The row is read
 * again: if it has the mark that only this call writes, the change took place, and it
 * is written once more, so that the answer to that commit vouches for both. So is a
 * row whose tokens are told again: whoever wrote it may never have learnt that it is safe.
 */
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "store/postgres.h"

#define LATE_MAX 1024
#define LATE_ALONG 32
#define LATE_MS 250
#define HOLD_MS 3 /* a read takes much less, or all is slow */
#define TOUCH_EVERY INT64_C(3600)

/* ---- jobs ---------------------------------------------------------------- */

static struct job *
job_new(struct pg_port *p, struct store_call *c)
{
	struct job *j = p->spare;

	if (j != NULL)
		p->spare = j->next;
	else
		j = must_calloc(1, sizeof(*j));
	*j = (struct job){ .call = c, .asked_ms = clock_monotonic_ms() };
	return j;
}

static void
queue(struct line *l, struct job *j)
{
	j->queued_ms = clock_monotonic_ms();
	jobs_add(&l->waiting, j);
	pg_port_wake(l->port);
}

/* ---- which line ---------------------------------------------------------- */

enum way { BY_CLERK, BY_READING, BY_CHANGING };

static enum way
way_of(enum verb verb)
{
	switch (verb) {
	case VERB_grant_find:
	case VERB_grant_change: /* it is read first */
	case VERB_grant_touch:
	case VERB_token_find_revoked:
	case VERB_user_find:
	case VERB_session_find: return BY_READING;
	case VERB_audit_add:
	case VERB_refusal_note:
	case VERB_grant_open:
	case VERB_token_revoke:
	case VERB_session_open:
	case VERB_session_end:
	case VERB_fact_put: return BY_CHANGING;
	case VERB_audit_list:
	case VERB_refusal_find:
	case VERB_grant_list:
	case VERB_grants_end:
	case VERB_user_put:
	case VERB_user_list:
	case VERB_catalogue_load:
	case VERB_client_put:
	case VERB_client_logo:
	case VERB_scope_put:
	case VERB_epoch_put:
	case VERB_fact_find:
	case VERB_COUNT: break;
	}
	return BY_CLERK;
}

static bool
is_change(enum verb verb)
{
	return verb == VERB_grant_change || way_of(verb) == BY_CHANGING;
}

static void
ask(struct pg_port *p, struct store_call *c)
{
	struct job *j = job_new(p, c);
	bool reads = way_of((enum verb)c->verb) == BY_READING;

	if (c->verb == VERB_grant_change)
		j->grant = &((struct grant_change *)(void *)c)->grant;
	queue(reads ? &p->reads : &p->changes, j);
}

void
pg_port_ask(struct store_port *port, struct store_call *c)
{
	struct pg_port *p = (struct pg_port *)(void *)port;

	if (is_change((enum verb)c->verb))
		atomic_fetch_add(&port->store->backlog, 1);
	c->unsure = false;
	c->asked_ms = clock_monotonic_ms();
	if (way_of((enum verb)c->verb) != BY_CLERK) {
		ask(p, c);
		return;
	}
	atomic_fetch_add(&p->at_clerk, 1);
	clerk_post(pg_store_of(port->store)->clerk, c);
}

/* ---- the end of a job ---------------------------------------------------- */

static void
end_call(struct pg_port *p, struct store_call *c, enum outcome outcome,
	const struct fault *f)
{
	if (is_change((enum verb)c->verb)) {
		atomic_fetch_sub(&p->port.store->backlog, 1);
		atomic_fetch_add(outcome == DONE ? &p->port.store->changes
						 : &p->port.store->faults, 1);
	}
	c->outcome = outcome;
	if (outcome != DONE)
		c->fault = *f;
	if (p->closing)
		store_answer(c); /* whoever asked may have gone */
	else
		store_finish(c);
}

void
pg_port_end_job(struct pg_port *p, struct job *j, enum outcome outcome,
	const struct fault *f)
{
	struct store_call *c = j->call;

	j->next = p->spare;
	p->spare = j;
	if (c->port != NULL) {
		end_call(p, c, outcome, f);
		return;
	}
	if (outcome != DONE)
		atomic_fetch_add(&p->port.store->dropped, 1);
	if (c->verb == VERB_grant_touch)
		arena_free(c->arena);
	free(c); /* nobody waits, and the rest is one piece of memory */
}

/* What was read is told only while this node may vouch for it. */
static void
end_read(struct pg_port *p, struct job *j)
{
	struct pg_store *s = pg_store_of(p->port.store);
	struct fault f;

	if (pg_in_doubt(s))
		queue(&p->reads, j); /* it is read again when there is none */
	else
		pg_port_end_job(p, j, pg_certain(s, &f), &f);
}

/* ---- after reading ------------------------------------------------------- */

static void
write_grant(struct pg_port *p, struct job *j)
{
	if (j->own == 0)
		j->own = pg_mark_new();
	queue(&p->changes, j);
}

static void
after_load(struct pg_port *p, struct job *j)
{
	struct grant_change *c = (struct grant_change *)(void *)j->call;

	j->confirms = c->found && j->unsure && j->found == j->own;
	if (c->found && !j->confirms)
		c->verdict = grant_decide(c);
	if (c->found && c->verdict.kind == VERDICT_REPEAT)
		j->confirms = true; /* its tokens go out as those of the first did */
	if (!c->found || (!j->confirms && !c->verdict.changed)) {
		end_read(p, j);
		return;
	}
	if (!j->confirms)
		c->grant.version++;
	write_grant(p, j);
}

static void
after_touch_load(struct pg_port *p, struct job *j)
{
	struct pg_touch *t = (struct pg_touch *)(void *)j->call;

	if (j->found == 0 || t->grant.state != GRANT_LIVE ||
		t->touch.now < t->grant.last_used_at + TOUCH_EVERY) {
		pg_port_end_job(p, j, DONE, NULL);
		return;
	}
	t->grant.last_used_at = t->touch.now;
	t->grant.version++;
	write_grant(p, j);
}

static void
reads_over(struct line *l, struct jobs *batch, enum outcome outcome)
{
	struct job *j;

	while ((j = jobs_take(batch)) != NULL) {
		if (outcome == REFUSED && !l->stalled)
			queue(l, j); /* nothing was changed: it is asked again */
		else if (outcome != DONE)
			pg_port_end_job(l->port, j, FAULT, &l->fault);
		else if (j->call->verb == VERB_grant_change)
			after_load(l->port, j);
		else if (j->call->verb == VERB_grant_touch)
			after_touch_load(l->port, j);
		else
			end_read(l->port, j);
	}
}

/* ---- after changing ------------------------------------------------------ */

/* Nobody knows whether it took place. For a grant that can be found out. */
static void
is_unsure(struct line *l, struct job *j)
{
	bool late = clock_monotonic_ms() - j->asked_ms >= PG_ANSWER_MS;

	if (late || j->call->verb != VERB_grant_change) {
		j->call->unsure = true;
		pg_port_end_job(l->port, j, FAULT, &l->fault);
		return;
	}
	j->unsure = true;
	queue(&l->port->reads, j);
}

static void
changes_over(struct line *l, struct jobs *batch, enum outcome outcome)
{
	struct job *j;

	if (outcome == DONE && l->inserted > 0)
		clerk_reclaim(pg_store_of(l->port->port.store)->clerk, l->inserted);
	while ((j = jobs_take(batch)) != NULL) {
		if (outcome == REFUSED)
			is_unsure(l, j);
		else if (outcome == FAULT)
			pg_port_end_job(l->port, j, FAULT, &l->fault);
		else if (j->settled || j->call->verb == VERB_grant_touch)
			pg_port_end_job(l->port, j, DONE, NULL);
		else
			queue(&l->port->reads, j); /* somebody was quicker */
	}
}

/* ---- what nobody waits for ----------------------------------------------- */

void
pg_port_ask_late(struct store_port *port, struct store_call *c)
{
	struct pg_port *p = (struct pg_port *)(void *)port;
	struct job *j;

	if (p->late.n >= LATE_MAX) {
		atomic_fetch_add(&port->store->dropped, 1);
		free(c);
		return;
	}
	if (c->verb == VERB_grant_touch) {
		struct pg_touch *t = must_calloc(1, sizeof(*t));

		memcpy(&t->touch, c, sizeof(t->touch));
		t->touch.call.arena = arena_new(); /* what is read is written later */
		free(c);
		c = &t->touch.call;
	}
	j = job_new(p, c);
	if (c->verb == VERB_grant_touch)
		j->grant = &((struct pg_touch *)(void *)c)->grant;
	if (p->late.n == 0)
		p->late_due_ms = j->asked_ms + LATE_MS;
	jobs_add(&p->late, j);
	pg_port_wake(p);
}

/* A few along with others, all when it is time. */
static void
move_late(struct pg_port *p, int64_t now_ms)
{
	size_t room = p->changes.waiting.n > 0 ? LATE_ALONG : 0;

	if (now_ms >= p->late_due_ms)
		room = BATCH_MAX;
	while (room-- > 0 && p->late.n > 0) {
		struct job *j = jobs_take(&p->late);

		j->asked_ms = now_ms;
		queue(way_of((enum verb)j->call->verb) == BY_READING ? &p->reads
								     : &p->changes, j);
	}
}

/* ---- turning ------------------------------------------------------------- */

static int
sooner(int a, int b)
{
	return a < 0 || (b >= 0 && b < a) ? b : a;
}

static bool
brings_changes(const struct line *l)
{
	for (const struct job *j = l->batch.first; j != NULL; j = j->next)
		if (j->call->verb == VERB_grant_change)
			return true;
	return false;
}

/*
 * A commit waits for disks, and a read does not: changes that are about to be read go
 * along, where otherwise half of the clients would wait for the commit of the others.
 * It is waited for one batch of reads only, so that changes are never kept waiting.
 */
static bool
is_held(struct pg_port *p, int64_t now_ms)
{
	const struct line *r = &p->reads, *c = &p->changes;

	if (c->state != LINE_IDLE || c->waiting.n == 0 || c->waiting.n >= BATCH_MAX ||
		r->state != LINE_BUSY || r->stalled || !brings_changes(r)) {
		p->held_for = 0;
		return false;
	}
	if (p->held_for == 0) {
		p->held_for = r->batches;
		p->held_ms = now_ms;
	}
	return p->held_for == r->batches && now_ms - p->held_ms < HOLD_MS;
}

/* Returns in how many ms it wants to be tended again; -1: when something comes. */
static int
tend(struct pg_port *p)
{
	int64_t now_ms = clock_monotonic_ms();
	int wants;

	move_late(p, now_ms);
	wants = line_tend(&p->reads, now_ms);
	p->changes.held = is_held(p, now_ms);
	wants = sooner(wants, line_tend(&p->changes, now_ms));
	if (p->changes.held)
		wants = sooner(wants, HOLD_MS);
	if (p->late.n > 0)
		wants = sooner(wants, p->late_due_ms > now_ms
				? (int)(p->late_due_ms - now_ms) : 0);
	return wants;
}

static void
timer_due(struct timer *t)
{
	struct pg_port *p =
		(struct pg_port *)(void *)((char *)t - offsetof(struct pg_port, timer));
	int wants;

	p->woken = false;
	wants = tend(p);
	if (!p->woken && wants >= 0)
		loop_timer(p->loop, t, wants);
}

void
pg_port_wake(struct pg_port *p)
{
	p->woken = true;
	if (p->loop != NULL && !p->closing)
		loop_timer(p->loop, &p->timer, 0);
}

static void
poll_lines(struct pg_port *p, int timeout_ms)
{
	struct line *lines[] = { &p->reads, &p->changes };
	int mail = p->closing ? -1 : mailbox_fd(p->port.mailbox);
	struct pollfd fds[3] = { { .fd = mail, .events = POLLIN } };

	for (size_t i = 0; i < 2; i++) {
		fds[i + 1].fd = lines[i]->conn != NULL ? lines[i]->watch.fd : -1;
		fds[i + 1].events = (short)lines[i]->watch.events; /* EPOLLIN is POLLIN */
	}
	(void)poll(fds, 3, timeout_ms);
	for (size_t i = 0; i < 2; i++)
		if (fds[i + 1].revents != 0 && lines[i]->conn != NULL)
			line_ready(lines[i], (uint32_t)fds[i + 1].revents);
	if (!p->closing)
		(void)mailbox_deliver(p->port.mailbox);
}

void
pg_port_turn(struct store_port *port, int timeout_ms)
{
	struct pg_port *p = (struct pg_port *)(void *)port;
	int wants;

	p->woken = false;
	wants = tend(p);
	poll_lines(p, p->woken ? 0 : sooner(timeout_ms, wants));
}

/* ---- life ---------------------------------------------------------------- */

struct store_port *
pg_port_new(struct store *s, struct mailbox *m, struct fault *f)
{
	struct pg_port *p = must_calloc(1, sizeof(*p));

	(void)f; /* it dials when it is first asked */
	p->port.store = s;
	p->port.mailbox = m;
	p->timer.due = timer_due;
	line_open(&p->reads, p);
	line_open(&p->changes, p);
	p->changes.changes = true;
	p->reads.load = pg_load_reads;
	p->changes.load = pg_load_changes;
	p->reads.unload = reads_over;
	p->changes.unload = changes_over;
	return &p->port;
}

enum outcome
pg_port_join(struct store_port *port, struct loop *l, struct fault *f)
{
	struct pg_port *p = (struct pg_port *)(void *)port;
	struct pg_store *s = pg_store_of(port->store);

	p->loop = l;
	pg_port_wake(p);
	return pg_store_keep(s, f);
}

static bool
is_busy(const struct pg_port *p)
{
	return p->late.n + p->reads.waiting.n + p->reads.batch.n + p->changes.waiting.n +
		p->changes.batch.n > 0;
}

void
pg_port_free(struct store_port *port)
{
	struct pg_port *p = (struct pg_port *)(void *)port;

	p->closing = true;
	p->late_due_ms = 0;
	while (is_busy(p))
		pg_port_turn(port, PG_ANSWER_MS);
	while (atomic_load(&p->at_clerk) > 0)
		clerk_drain(pg_store_of(port->store)->clerk);
	line_close(&p->reads);
	line_close(&p->changes);
	if (p->loop != NULL)
		loop_timer_stop(p->loop, &p->timer);
	while (p->spare != NULL) {
		struct job *next = p->spare->next;

		free(p->spare);
		p->spare = next;
	}
	free(p);
}
