/* SPDX-License-Identifier: Apache-2.0 */
/*
 * urgency.c - sched_setattr(2), for which glibc has no name. A kernel before 6.12 takes
 * the nice value and overlooks the rest; one that refuses is not needed.
 */
#include "base/urgency.h"

#include <stdint.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SHORT_NS 100000   /* the least the kernel takes; a request needs no more */
#define LONG_NS  10000000 /* seven times and more what other threads have */
#define NICE 10
#define KEEP_POLICY 0x08 /* linux/sched.h: SCHED_FLAG_KEEP_POLICY */

/* Of this thread alone. */
static void
have(int nice, uint64_t slice_ns)
{
	struct {
		uint32_t size, policy;
		uint64_t flags;
		int32_t nice;
		uint32_t priority;
		uint64_t runtime, deadline, period;
	} a = { .size = sizeof(a), .flags = KEEP_POLICY, .nice = nice,
		.runtime = slice_ns };

	if (syscall(SYS_sched_setattr, 0, &a, 0) != 0)
		(void)setpriority(PRIO_PROCESS, (id_t)gettid(), nice);
}

void
urgency_high(void)
{
	have(getpriority(PRIO_PROCESS, (id_t)gettid()), SHORT_NS);
}

void
urgency_low(void)
{
	have(NICE, LONG_NS);
}
