/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_fetch.h - outgoing requests (libcurl), blocking, for commands, the demo
 * and later the integrator's side.
 *
 * Promises: https only (http on loopback only when asked by allow_loopback),
 * certificates always verified, no redirect followed, bounded in time and size,
 * no switch to skip any of it. A private CA is added, not trusted blindly.
 */
#ifndef LATCHKEY_HTTP_FETCH_H
#define LATCHKEY_HTTP_FETCH_H

#include "http/http.h"

struct http_fetch {
	const char *method;   /* "GET", "POST" */
	const char *url;
	const struct http_header *headers;
	size_t header_count;
	struct bytes body;    /* sent as it is when method is POST */
	const char *ca_file;  /* NULL: the system's */
	const char *unix_socket; /* NULL: TCP */
	bool allow_loopback;  /* plain http to 127.0.0.1, [::1], localhost */
	int timeout_ms;       /* whole call; 0: 10000 */
	size_t max_body;      /* 0: 1 MiB */
};

struct http_answer {
	int status;
	struct http_header *headers;
	size_t header_count;
	struct bytes body;
	int64_t ms;
};

/* FAULT: no whole answer; f says why in words for a person (refused, name not
 * found, certificate not trusted and what to do, timed out, too large). */
enum outcome http_fetch(struct arena *a, const struct http_fetch *request,
	struct http_answer *out, struct fault *f) must_check;
struct bytes http_answer_header(const struct http_answer *a, struct bytes name);

#endif
