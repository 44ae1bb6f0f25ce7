/* SPDX-License-Identifier: Apache-2.0 */
/*
 * device.c - wait, ask, and be slower when told to.
 */
#include "client/device.h"

#include <time.h>

#include "base/clock.h"

#define SLOW_DOWN_MS 5000 /* 3.5: added for good */
#define QUESTION_MEMORY ((size_t)1024 * 1024) /* ask.h bounds an answer far below */

struct polling {
	const struct as *as;
	const struct credentials *me;
	const struct device_answer *device;
	struct bytes scope;
	const struct device_clock *clock;
	int64_t interval_ms;
	int64_t code_ends_ms, last_ms; /* last: when to ask the last time, for the caller */
};

/* ---- the real clock ------------------------------------------------------------ */

static int64_t
real_now_ms(void *arg)
{
	(void)arg;
	return clock_monotonic_ms();
}

static int
real_wait_ms(void *arg, int64_t ms)
{
	struct timespec left = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	(void)arg;
	while (nanosleep(&left, &left) != 0)
		; /* a signal of the host's: the rest is left */
	return 0;
}

static const struct device_clock real_clock = { real_now_ms, real_wait_ms, NULL };

/* ---- polling -------------------------------------------------------------------- */

static struct token_answer
keep(struct arena *a, const struct token_answer *got)
{
	return (struct token_answer){
		.access_token = arena_bytes(a, got->access_token),
		.refresh_token = arena_bytes(a, got->refresh_token),
		.scope = arena_bytes(a, got->scope),
		.subject = arena_bytes(a, got->subject),
		.expires_in = got->expires_in,
	};
}

/* One question, in an arena of its own: there may be hundreds. */
static enum lk_status
ask_once(struct arena *a, const struct polling *p, struct token_answer *out,
	struct token_ending *ending, struct lk_error *e)
{
	struct arena *own = arena_reserve(QUESTION_MEMORY);
	struct token_answer got;
	enum lk_status status;

	if (own == NULL)
		return lk_fail(e, LK_MEMORY, "out of memory");
	status = token_device_request(own, p->as, p->me, p->device->device_code, p->scope,
		&got, ending, e);
	if (status == LK_OK)
		*out = keep(a, &got);
	arena_free(own);
	return status;
}

/* CL-33: pending goes on as before; slow_down adds 5 s for good; a time-out, or an
 * answer that is none, doubles; Retry-After is heeded this once. */
static int64_t
next_wait_ms(struct polling *p, const struct token_ending *ending, const struct lk_error *e)
{
	int64_t asked_ms = e->retry_after * 1000;

	if (ending->slow_down)
		p->interval_ms += SLOW_DOWN_MS;
	else if (!ending->authorization_pending)
		p->interval_ms *= 2;
	return asked_ms > p->interval_ms ? asked_ms : p->interval_ms;
}

static bool
worth_asking(const struct polling *p, int64_t wait_ms)
{
	int64_t then = p->clock->now_ms(p->clock->arg) + wait_ms;

	return then < p->code_ends_ms && then < p->last_ms;
}

static enum lk_status
ran_out(struct lk_error *e)
{
	return lk_later(e, 0, "the code ran out before anybody decided: connect again for a "
		"new one");
}

static enum lk_status
poll_until_decided(struct arena *a, struct polling *p, struct token_answer *out,
	struct token_ending *ending, struct lk_error *e)
{
	const struct device_clock *clock = p->clock;
	int64_t wait_ms = p->interval_ms;
	struct lk_error last;

	while (worth_asking(p, wait_ms)) {
		enum lk_status status;

		if (clock->wait_ms(clock->arg, wait_ms) != 0)
			return lk_fail(e, LK_DENIED, "connecting was given up");
		last = (struct lk_error){ 0 };
		status = ask_once(a, p, out, ending, &last);
		if (ending->expired_token)
			return ran_out(e);
		if (status != LK_TRY_LATER) {
			if (e != NULL)
				*e = last;
			return status;
		}
		wait_ms = next_wait_ms(p, ending, &last);
	}
	if (clock->now_ms(clock->arg) + wait_ms >= p->code_ends_ms)
		return ran_out(e);
	return lk_later(e, 0, "nobody decided in time (timeout_s): connect again for a new "
		"code");
}

enum lk_status
device_poll(struct arena *a, const struct as *as, const struct credentials *me,
	const struct device_answer *device, struct bytes scope,
	const struct device_clock *clock, int64_t deadline_ms, struct token_answer *out,
	struct token_ending *ending, struct lk_error *e)
{
	struct polling p = {
		.as = as,
		.me = me,
		.device = device,
		.scope = scope,
		.clock = clock != NULL ? clock : &real_clock,
		.interval_ms = device->interval * 1000,
	};

	p.code_ends_ms = p.clock->now_ms(p.clock->arg) + device->expires_in * 1000;
	/* Whoever decides while the caller still waits is heard at the next question. */
	p.last_ms = deadline_ms >= 0 ? deadline_ms + p.interval_ms : INT64_MAX;
	return poll_until_decided(a, &p, out, ending, e);
}
