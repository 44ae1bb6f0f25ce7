/* SPDX-License-Identifier: Apache-2.0 */
/*
 * urgency.h - which threads go before which, where a processor is short.
 *
 * A thread that answers wants a processor the moment it wakes, and not for long; one that
 * works for seconds wants much of it, and can wait. Linux (6.12) is told by the length of
 * the slices that a thread has: who has short ones goes before who has long ones, and
 * the shares of both stay what they were. (Slices of a whole process count towards other
 * processes as well, and towards the kernel's threads: with short slices, a thread that
 * works for seconds keeps even the disk's answers waiting.)
 */
#ifndef LATCHKEY_BASE_URGENCY_H
#define LATCHKEY_BASE_URGENCY_H

/* This thread is waited for. */
void urgency_high(void);
/* This thread works long; others of all processes go first. */
void urgency_low(void);

#endif
