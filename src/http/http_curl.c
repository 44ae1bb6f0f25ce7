/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_curl.c - which functions of libcurl are used, loaded (base/library.h) and told
 * to wipe what they free.
 */
#include "http/http_curl.h"

#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/library.h"
#include "base/secret.h"

static struct curl_functions functions;
static bool loaded;

/* realloc may move, and would leave what it moved behind. */
static void *
wiping_realloc(void *p, size_t size)
{
	size_t had = p != NULL ? malloc_usable_size(p) : 0;
	void *moved;

	if (p != NULL && size > 0 && size <= had)
		return p;
	moved = malloc(size > 0 ? size : 1);
	if (moved == NULL)
		return NULL;
	if (p != NULL)
		memcpy(moved, p, had < size ? had : size);
	secret_free(p);
	return moved;
}

static bool
load(void)
{
	static const struct library_symbol wanted[] = {
#define ROW(name) { "curl_" #name, &functions.name },
		CURL_FUNCTIONS(ROW)
#undef ROW
	};

	return library_load("libcurl.so.4", wanted, sizeof(wanted) / sizeof(wanted[0])) &&
		functions.global_init_mem(CURL_GLOBAL_DEFAULT, malloc, secret_free,
			wiping_realloc, strdup, calloc) == CURLE_OK;
}

/* A want of memory passes, so what could not be loaded is tried again. */
enum outcome
http_curl(const struct curl_functions **out, struct fault *f)
{
	static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	bool there;

	pthread_mutex_lock(&mutex);
	there = loaded = loaded || load();
	pthread_mutex_unlock(&mutex);
	if (!there)
		return FAULT_AT(f, "libcurl.so.4 cannot be loaded: is libcurl4 installed?");
	*out = &functions;
	return DONE;
}
