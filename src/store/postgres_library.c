/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postgres_library.c - the dynamic linker's work, done later and for one library.
 */
#include "store/postgres_library.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>

struct pq_functions pq;

static bool loaded;

static void
load(void)
{
	static const struct {
		const char *name;
		void *place;
	} wanted[] = {
#define ROW(name) { "PQ" #name, &pq.name },
		PQ_FUNCTIONS(ROW)
#undef ROW
	};
	void *library = dlopen("libpq.so.5", RTLD_NOW | RTLD_LOCAL);

	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		void *found = library != NULL ? dlsym(library, wanted[i].name) : NULL;

		if (found == NULL)
			return;
		*(void **)wanted[i].place = found;
	}
	pq.initOpenSSL(0, 0); /* OpenSSL is ours */
	loaded = true;
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
