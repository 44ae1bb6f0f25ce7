/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metrics.h - counters of one worker; /metrics adds them up.
 *
 * Each is written by its own thread only and read by any, so counting is a
 * plain load and store that cannot tear.
 */
#ifndef LATCHKEY_SERVER_METRICS_H
#define LATCHKEY_SERVER_METRICS_H

#include <stdatomic.h>
#include <stdint.h>

enum metric {
#define METRIC(name, help) METRIC_##name,
#include "server/metrics.def"
#undef METRIC
	METRIC_COUNT
};

struct metrics { _Atomic uint64_t count[METRIC_COUNT]; };

static inline void
metric_add(struct metrics *m, enum metric which)
{
	uint64_t n = atomic_load_explicit(&m->count[which], memory_order_relaxed);

	atomic_store_explicit(&m->count[which], n + 1, memory_order_relaxed);
}

#endif
