/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postgres_port.c - a thread's way to PostgreSQL: its calls as jobs on two lines,
 * and what comes of them.
 *
 * A change of a grant is read on one line, decided here by rules/grant.c, and
 * written on another if the row still has the mark under which it was read. Who
 * comes too late reads and decides again: somebody else got further, so this ends.
 * A refresh of what this process wrote last needs no reading (postgres_recent.c).
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
#define LATE_MS 250
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

/* Changes wait for the first of their lines, and go by any of them (postgres_turn.c). */
static void
queue(struct line *l, struct job *j)
{
	j->queued_ms = clock_monotonic_ms();
	jobs_add(&l->waiting, j);
	l->port->changed += l->changes;
	pg_port_wake(l->port);
}

void
pg_port_queue(struct pg_port *p, struct job *j)
{
	queue(way_of((enum verb)j->call->verb) == BY_READING ? &p->reads : p->changes, j);
}

static bool
is_change(enum verb verb)
{
	return verb == VERB_grant_change || way_of(verb) == BY_CHANGING;
}

static void
write_grant(struct pg_port *p, struct job *j)
{
	if (j->own == 0)
		j->own = pg_mark_new();
	queue(p->changes, j);
}

static size_t
under_way(const struct pg_port *p)
{
	size_t n = p->reads.waiting.n + p->reads.batch.n;

	for (size_t i = 0; i < CHANGERS; i++)
		n += p->changes[i].waiting.n + p->changes[i].batch.n;
	return n;
}

/* With a few others under way a read costs no time: it is that in which they all come
 * together for one commit (postgres_turn.c), and without it each commits for itself. */
static bool
reading_gathers(const struct pg_port *p)
{
	size_t n = under_way(p);

	return n > 0 && n < PG_MANY;
}

/*
 * A refresh of a grant whose row is remembered is decided on that, unless a refusal, an end
 * or a repetition would come of it: those are decided on what is read. That the row is
 * still the same is for the write to find out, by its mark.
 */
static bool
renew_recent(struct pg_port *p, struct job *j)
{
	struct grant_change *c = (struct grant_change *)(void *)j->call;
	struct recent *recent = pg_store_of(p->port.store)->recent;

	if (c->event != GRANT_REFRESH || reading_gathers(p) ||
		!recent_take(recent, c->key, c->call.arena, &c->grant, &j->found))
		return false;
	c->verdict = grant_decide(c);
	if (c->verdict.kind != VERDICT_ISSUE)
		return false;
	atomic_fetch_add(&p->port.store->recalled, 1);
	c->found = true;
	c->grant.version++;
	write_grant(p, j);
	return true;
}

static void
ask(struct pg_port *p, struct store_call *c)
{
	struct job *j = job_new(p, c);

	if (c->verb == VERB_grant_change) {
		j->grant = &((struct grant_change *)(void *)c)->grant;
		if (renew_recent(p, j))
			return;
	}
	pg_port_queue(p, j);
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

/* It took place, or nobody waits for it. */
static void
changed(struct pg_port *p, struct job *j)
{
	struct pg_store *s = pg_store_of(p->port.store);

	if (j->call->verb == VERB_grant_touch)
		recent_forget(s->recent, j->grant->key);
	if (j->call->verb == VERB_grant_change && j->grant->state == GRANT_LIVE)
		recent_put(s->recent, j->grant, j->own, (size_t)atomic_load(&s->store.cache) *
				atomic_load(&s->ports));
	pg_port_end_job(p, j, DONE, NULL);
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
			changed(l->port, j);
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

/* ---- turning ------------------------------------------------------------- */

static void
timer_due(struct timer *t)
{
	struct pg_port *p =
		(struct pg_port *)(void *)((char *)t - offsetof(struct pg_port, timer));
	int wants;

	p->woken = false;
	wants = pg_port_tend(p);
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
	struct line *lines[CHANGERS + 1] = { &p->reads };
	int mail = p->closing ? -1 : mailbox_fd(p->port.mailbox);
	struct pollfd fds[CHANGERS + 2] = { { .fd = mail, .events = POLLIN } };

	for (size_t i = 0; i < CHANGERS; i++)
		lines[i + 1] = &p->changes[i];
	for (size_t i = 0; i < CHANGERS + 1; i++) {
		fds[i + 1].fd = lines[i]->conn != NULL ? lines[i]->watch.fd : -1;
		fds[i + 1].events = (short)lines[i]->watch.events; /* EPOLLIN is POLLIN */
	}
	(void)poll(fds, CHANGERS + 2, timeout_ms);
	for (size_t i = 0; i < CHANGERS + 1; i++)
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
	wants = pg_port_tend(p);
	poll_lines(p, p->woken ? 0 : timeout_ms < 0 || (wants >= 0 && wants < timeout_ms)
			? wants : timeout_ms);
}

/* ---- life ---------------------------------------------------------------- */

struct store_port *
pg_port_new(struct store *s, struct mailbox *m, struct fault *f)
{
	struct pg_port *p = must_calloc(1, sizeof(*p));

	atomic_fetch_add(&pg_store_of(s)->ports, 1);
	(void)f; /* it dials when it is first asked */
	p->port.store = s;
	p->port.mailbox = m;
	p->timer.due = timer_due;
	line_open(&p->reads, p);
	p->reads.load = pg_load_reads;
	p->reads.unload = reads_over;
	for (size_t i = 0; i < CHANGERS; i++) {
		struct line *l = &p->changes[i];

		line_open(l, p);
		l->changes = true;
		l->load = pg_load_changes;
		l->unload = changes_over;
	}
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

void
pg_port_free(struct store_port *port)
{
	struct pg_port *p = (struct pg_port *)(void *)port;

	p->closing = true;
	p->late_due_ms = 0;
	while (p->late.n + under_way(p) > 0)
		pg_port_turn(port, PG_ANSWER_MS);
	while (atomic_load(&p->at_clerk) > 0)
		clerk_drain(pg_store_of(port->store)->clerk);
	line_close(&p->reads);
	for (size_t i = 0; i < CHANGERS; i++)
		line_close(&p->changes[i]);
	if (p->loop != NULL)
		loop_timer_stop(p->loop, &p->timer);
	atomic_fetch_sub(&pg_store_of(port->store)->ports, 1);
	while (p->spare != NULL) {
		struct job *next = p->spare->next;

		free(p->spare);
		p->spare = next;
	}
	free(p);
}
