/* SPDX-License-Identifier: Apache-2.0 */
/*
 * refused_log.h - connections refused, told to the log at a bounded rate.
 *
 * Promises: the first of a kind is told at once, those that follow it in one line a
 * second with their count; none is left out. So a flood cannot fill the disk.
 */
#ifndef LATCHKEY_SERVER_REFUSED_LOG_H
#define LATCHKEY_SERVER_REFUSED_LOG_H

#include "base/bytes.h"
#include "base/loop.h"

#define REFUSED_KINDS 32

struct refused_log {
	struct timer timer; /* runs while a kind is in the list */
	struct loop *loop;
	size_t n;
	struct refused_kind {
		const char *why; /* static: a sentence of the room http */
		int status;
		char peer[64]; /* the last one */
		int64_t count; /* since the last line */
	} kinds[REFUSED_KINDS];
};

void refused_log_open(struct refused_log *r, struct loop *loop);
void refused_log_add(struct refused_log *r, struct bytes peer, int status,
	const char *why);
/* Tells what was only counted so far. */
void refused_log_close(struct refused_log *r);

#endif
