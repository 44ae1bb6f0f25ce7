/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz.h - what a fuzz target defines, and how it says that a promise broke.
 */
#ifndef LATCHKEY_TESTS_FUZZ_H
#define LATCHKEY_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Like assert, but never compiled out. */
#define holds(promise)                                                     \
	do {                                                               \
		if (!(promise)) {                                          \
			fprintf(stderr, "%s:%d: broken: %s\n", __FILE__,   \
				__LINE__, #promise);                       \
			abort();                                           \
		}                                                          \
	} while (0)

#endif
