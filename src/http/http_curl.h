/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_curl.h - libcurl, loaded by the first fetch.
 *
 * It brings some thirty libraries with it: 4 MB of memory, 10 ms of every start,
 * and their code in the address space of a server that never fetches.
 *
 * What it frees is wiped first, since requests and answers hold secrets; where the
 * program that holds us has set libcurl up before, its memory is its own business.
 */
#ifndef LATCHKEY_HTTP_HTTP_CURL_H
#define LATCHKEY_HTTP_HTTP_CURL_H

#include <curl/curl.h>

#include "base/outcome.h"

#define CURL_FUNCTIONS(X)                                               \
	X(global_init_mem) X(easy_init) X(easy_setopt) X(easy_perform)      \
	X(easy_getinfo) X(easy_strerror) X(easy_cleanup) X(slist_append) \
	X(slist_free_all) X(easy_reset)

struct curl_functions {
#define MEMBER(name) __typeof__(curl_##name) *name;
	CURL_FUNCTIONS(MEMBER)
#undef MEMBER
};

/* The functions by their names without curl_; any thread. */
enum outcome http_curl(const struct curl_functions **out, struct fault *f) must_check;

#endif
