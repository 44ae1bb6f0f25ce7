/* SPDX-License-Identifier: Apache-2.0 */
/*
 * span.h - a span of time that has to outlive a process, a suspended laptop, a
 * stepped clock and a reboot: when a token expires, when a server may be asked again.
 *
 * Promises: during one boot CLOCK_BOOTTIME alone decides, which counts a suspend and
 * never steps; after another boot the wall clock does, and is not believed when it
 * says that more is left than there ever was.
 */
#ifndef LATCHKEY_CLIENT_SPAN_H
#define LATCHKEY_CLIENT_SPAN_H

#include "base/bytes.h"

#define BOOT_ID_SIZE 37 /* /proc/sys/kernel/random/boot_id, with a NUL */

/* The same instant on both clocks. */
struct moment {
	const char *boot; /* which boot; "": it cannot be told */
	int64_t boot_ms, wall_ms;
};
struct moment moment_now(const char *boot);
/* This boot's id; "" where there is no /proc. */
void boot_id_read(char out[static BOOT_ID_SIZE]);

struct span {
	int64_t length_ms;             /* 0: there is none */
	struct bytes boot;             /* the boot in which it began */
	int64_t end_boot_ms, end_wall_ms;
};
/* Begins at began_boot_ms, which is not after now; boot points to now->boot. */
struct span span_from(const struct moment *now, int64_t began_boot_ms, int64_t length_ms);
/* What is left of it at that moment; 0 when it is over, absurd, or none. */
int64_t span_left_ms(const struct span *s, const struct moment *now);

#endif
