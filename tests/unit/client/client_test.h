/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client_test.h - what the tests of the client room share: an arena of the run, and the
 * start of the crypto room. Brings tap.h along.
 */
#ifndef LATCHKEY_TESTS_CLIENT_TEST_H
#define LATCHKEY_TESTS_CLIENT_TEST_H

#include "base/arena.h"
#include "crypto/digest.h"
#include "tap.h"

static struct arena *test_arena_of_run;

/* Everything of a run is in it; freed at its end, so that leaks are seen. */
static inline struct arena *
test_arena(void)
{
	return test_arena_of_run;
}

__attribute__((constructor)) static void
test_begin(void)
{
	if (crypto_start(NULL) != DONE)
		abort();
	test_arena_of_run = arena_new();
}

__attribute__((destructor)) static void
test_end(void)
{
	arena_free(test_arena_of_run);
}

#endif
