/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postgres_library.c - which functions of libpq are used, loaded (base/library.h) and
 * told that OpenSSL is ours.
 */
#include "store/postgres_library.h"

#include <pthread.h>
#include <stdbool.h>

#include "base/library.h"

struct pq_functions pq;

static bool loaded;

static void
load(void)
{
	static const struct library_symbol wanted[] = {
#define ROW(name) { "PQ" #name, &pq.name },
		PQ_FUNCTIONS(ROW)
#undef ROW
	};

	loaded = library_load("libpq.so.5", wanted, sizeof(wanted) / sizeof(wanted[0]));
	if (loaded)
		pq.initOpenSSL(0, 0);
}

enum outcome
pq_load(struct fault *f)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, load);
	if (!loaded)
		return FAULT_AT(f, "libpq.so.5 (14 or later) cannot be loaded: "
			"is libpq5 installed?");
	return DONE;
}
