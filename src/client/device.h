/* SPDX-License-Identifier: Apache-2.0 */
/*
 * device.h - RFC 8628 3.5: asking whether the person has typed in the code, as often as
 * the server wants to be asked and no longer than the code lives (CL-33).
 */
#ifndef LATCHKEY_CLIENT_DEVICE_H
#define LATCHKEY_CLIENT_DEVICE_H

#include "client/token_request.h"

/* Time, as the caller wants it told; NULL where device_poll takes one: the real one. */
struct device_clock {
	int64_t (*now_ms)(void *arg);
	/* Waits; non-zero: the caller has given up (LK_DENIED). */
	int (*wait_ms)(void *arg, int64_t ms);
	void *arg;
};

/* Polls until the person has decided: LK_OK, or how it ended (LK_DENIED: they said no;
 * LK_TRY_LATER: the code ran out, or the caller's patience). deadline_ms: as now_ms tells
 * it, the caller's own; -1: none. What was decided before it is learnt: the last question is
 * up to the server's interval later. */
enum lk_status device_poll(struct arena *a, const struct as *as,
	const struct credentials *me, const struct device_answer *device,
	struct bytes scope, const struct device_clock *clock, int64_t deadline_ms,
	struct token_answer *out, struct token_ending *ending, struct lk_error *e)
	must_check;

#endif
