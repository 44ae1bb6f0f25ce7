/* SPDX-License-Identifier: Apache-2.0 */
/*
 * refused_log.c - one line a second and reason, with a count.
 */
#include "server/refused_log.h"

#include "base/log.h"

#define SECOND_MS 1000

static void
kind_tell(struct refused_kind *k)
{
	log_begin(EVENT_connection_refused);
	log_str("peer", k->peer);
	log_int("status", k->status);
	log_str("why", k->why);
	log_int("count", k->count);
	log_end();
	k->count = 0;
}

/* Kinds that were quiet for a second leave: their next one is told at once. */
static void
second_over(struct timer *t)
{
	struct refused_log *r =
		(struct refused_log *)((char *)t - offsetof(struct refused_log, timer));
	size_t kept = 0;

	for (size_t i = 0; i < r->n; i++) {
		if (r->kinds[i].count == 0)
			continue;
		kind_tell(&r->kinds[i]);
		r->kinds[kept++] = r->kinds[i];
	}
	r->n = kept;
	if (kept > 0)
		loop_timer(r->loop, &r->timer, SECOND_MS);
}

void
refused_log_open(struct refused_log *r, struct loop *loop)
{
	r->loop = loop;
	r->timer.due = second_over;
}

/* The last place is for whatever comes when all others are taken. */
static struct refused_kind *
kind_of(struct refused_log *r, const char *why, int status)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->kinds[i].status == status &&
			bytes_equal(bytes_of(r->kinds[i].why), bytes_of(why)))
			return &r->kinds[i];
	if (r->n == REFUSED_KINDS)
		return &r->kinds[REFUSED_KINDS - 1];
	r->kinds[r->n] = (struct refused_kind){ .why = why, .status = status };
	return &r->kinds[r->n++];
}

void
refused_log_add(struct refused_log *r, struct bytes peer, int status, const char *why)
{
	size_t known = r->n;
	struct refused_kind *k = kind_of(r, why, status);
	struct buf b = buf_fixed(k->peer, sizeof(k->peer));

	buf_put(&b, bytes_slice(peer, 0, sizeof(k->peer) - 1));
	buf_cstr(&b);
	k->count++;
	if (r->n == known)
		return;
	kind_tell(k);
	if (known == 0)
		loop_timer(r->loop, &r->timer, SECOND_MS);
}

void
refused_log_close(struct refused_log *r)
{
	if (r->loop == NULL)
		return;
	loop_timer_stop(r->loop, &r->timer);
	for (size_t i = 0; i < r->n; i++)
		if (r->kinds[i].count > 0)
			kind_tell(&r->kinds[i]);
	r->n = 0;
}
