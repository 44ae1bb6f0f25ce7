/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_curl.c - the dynamic linker's work, done later and for one library. It
 * stays loaded: libcurl keeps what other threads may be using.
 */
#include "http/http_curl.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>

static struct curl_functions functions;
static bool loaded;

static void
load(void)
{
	static const struct { const char *name; void *place; } wanted[] = {
#define ROW(name) { "curl_" #name, &functions.name },
		CURL_FUNCTIONS(ROW)
#undef ROW
	};
	void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);

	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		void *found = library != NULL ? dlsym(library, wanted[i].name) : NULL;

		if (found == NULL)
			return;
		*(void **)wanted[i].place = found;
	}
	loaded = functions.global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

enum outcome
http_curl(const struct curl_functions **out, struct fault *f)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, load);
	if (!loaded)
		return FAULT_AT(f, "libcurl.so.4 cannot be loaded: is libcurl4 installed?");
	*out = &functions;
	return DONE;
}
