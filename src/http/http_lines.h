/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_lines.h - handles of libcurl, each with its open connections, lent to one
 * fetch at a time.
 *
 * Promises: any thread may take and give; at most a few are kept.
 */
#ifndef LATCHKEY_HTTP_HTTP_LINES_H
#define LATCHKEY_HTTP_HTTP_LINES_H

#include "http/http_curl.h"
#include "http/http_fetch.h"

/* One that was given back, or a new one; l may be NULL. NULL: out of memory. */
CURL *http_lines_take(struct http_lines *l, const struct curl_functions *lib);
/* Ends it where l is NULL or has enough. */
void http_lines_give(struct http_lines *l, const struct curl_functions *lib, CURL *curl);

#endif
