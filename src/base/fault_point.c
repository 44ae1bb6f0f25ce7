/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault_point.c - reads LATCHKEY_FAULT at every passing, so that a test may set it in
 * a child after fork. Only compiled into tests (with -DFAULT_POINTS).
 */
#include "base/fault_point.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/bytes.h"

static atomic_uint passed; /* how often the place that was named was come by */

static void
pause_ms(uint64_t ms)
{
	struct timespec t = { (time_t)(ms / 1000), (long)(ms % 1000) * 1000000 };

	nanosleep(&t, NULL);
}

static int
act(struct bytes action)
{
	struct bytes word = bytes_cut(&action, ':');
	uint64_t ms = 0;

	if (bytes_equal(word, B("kill")))
		raise(SIGKILL);
	else if (bytes_equal(word, B("stop")))
		raise(SIGSTOP);
	else if (bytes_equal(word, B("enospc")))
		return ENOSPC;
	else if (bytes_equal(word, B("eio")))
		return EIO;
	else if (bytes_equal(word, B("sleep")) && bytes_to_u64(action, &ms))
		pause_ms(ms);
	else
		abort(); /* a test that names no action tests nothing */
	return 0;
}

int
fault_errno(const char *name)
{
	struct bytes action = bytes_of(getenv("LATCHKEY_FAULT"));
	struct bytes place = bytes_cut(&action, '=');
	struct bytes wanted = bytes_cut(&place, ':');
	uint64_t nth = 1;

	if (bytes_equal(wanted, B("trace")))
		fprintf(stderr, "fault point %s\n", name);
	if (!bytes_equal(wanted, bytes_of(name)))
		return 0;
	if (!bytes_empty(place) && !bytes_to_u64(place, &nth))
		abort();
	return atomic_fetch_add(&passed, 1) + 1 == nth ? act(action) : 0;
}
