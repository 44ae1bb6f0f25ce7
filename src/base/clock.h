/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock.h - the clocks. Rules never read one: they are given `now`.
 */
#ifndef LATCHKEY_BASE_CLOCK_H
#define LATCHKEY_BASE_CLOCK_H

#include <stdint.h>

#include "base/bytes.h"

int64_t clock_now(void);       /* Unix seconds */
int64_t clock_now_ms(void);    /* Unix milliseconds */
int64_t clock_monotonic_ms(void); /* for deadlines; never steps */
int64_t clock_boot_ms(void); /* the same, and runs on while the machine sleeps */
/* "2026-11-23T14:05:09Z" into out (at least 21 bytes); returns out. */
const char *clock_rfc3339(int64_t unix_seconds, char out[static 21]);
/* "90", "15m", "24h", "60d" to seconds; false leaves *out alone. */
bool clock_duration(struct bytes text, int64_t *out);

#endif
