/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault_point.h - places where a test may make the world fail: a crash, a stop, a full
 * or failing disk, at a step that has a name.
 *
 * Promises: without -DFAULT_POINTS there is nothing of it in the program. With it, and
 * with fault_point.c beside it, the environment says what happens where:
 *
 *	LATCHKEY_FAULT=record-rename=kill       at the first passing
 *	LATCHKEY_FAULT=record-fsync:3=enospc    at the third
 *	LATCHKEY_FAULT=trace                    nothing: each passing is told on stderr
 *
 * kill: SIGKILL to itself; stop: SIGSTOP; enospc, eio: the system call there fails so
 * (nothing at a FAULT_POINT, where there is none); sleep:MS: goes on after MS.
 */
#ifndef LATCHKEY_BASE_FAULT_POINT_H
#define LATCHKEY_BASE_FAULT_POINT_H

#ifdef FAULT_POINTS

#include <errno.h>

/* What the call at this place is to fail with, or 0; may not return at all. */
int fault_errno(const char *name);

#define FAULT_ERRNO(name) fault_errno(name)
#define FAULT_POINT(name) ((void)fault_errno(name))
/* The system call, or -1 and errno in its stead. */
#define FAULT_CALL(name, call) \
	((errno = fault_errno(name)) != 0 ? -1 : (call))

#else

#define FAULT_ERRNO(name) ((void)(name), 0)
#define FAULT_POINT(name) ((void)(name))
#define FAULT_CALL(name, call) ((void)(name), (call))

#endif
#endif
