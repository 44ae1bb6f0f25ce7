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
	const char *method;   /* any token, as "GET"; a HEAD's answer has no body */
	const char *url;
	const struct http_header *headers;
	size_t header_count;
	struct bytes body;    /* sent as it is; none with HEAD */
	const char *ca_file;  /* NULL: the system's */
	const char *unix_socket; /* NULL: TCP */
	bool allow_loopback;  /* plain http to 127.0.0.1, [::1], localhost */
	int timeout_ms;       /* whole call; 0: 10000 */
	size_t max_body;      /* 0: 1 MiB; not for a body that goes to the sink */
	/* Takes the body as it comes where streams (NULL: always) says so of the status;
	 * non-zero: give up. NULL: the body is kept for the answer. */
	int (*sink)(void *arg, const void *p, size_t n);
	bool (*streams)(void *arg, int status);
	void *arg;
	struct http_lines *lines; /* NULL: a connection of its own */
};

/* How far a request came: may it be sent again, and did anybody see it? */
enum http_failure {
	HTTP_ANSWERED,
	HTTP_NOT_ASKED,   /* refused here: the URL, a field, the CA file, no libcurl */
	HTTP_NO_MEMORY,   /* and not a byte of the request has left */
	HTTP_NOT_REACHED, /* no such name, no connection: not a byte of the request has
	                     left */
	HTTP_UNTRUSTED,   /* the same, for want of a certificate that is trusted */
	HTTP_UNANSWERED,  /* sent, at least in part, and no whole answer came */
	HTTP_TOO_LARGE,   /* there was an answer, larger than allowed */
	HTTP_GIVEN_UP,    /* by the sink */
};

struct http_answer {
	int status;
	struct http_header *headers;
	size_t header_count;
	struct bytes body; /* NONE when the sink had it */
	int64_t ms;
	enum http_failure failure; /* set in a FAULT as well; then all else but the
	                              status of an answer that was too large is not */
};

/* FAULT: no whole answer; f says why in words for a person (refused, name not
 * found, certificate not trusted and what to do, timed out, too large), and
 * out->failure how far it came. */
enum outcome http_fetch(struct arena *a, const struct http_fetch *request,
	struct http_answer *out, struct fault *f) must_check;
struct bytes http_answer_header(const struct http_answer *a, struct bytes name);
/* 127.0.0.1, [::1] or localhost, which libcurl never asks a name server for. */
bool http_is_loopback(struct bytes host);

/* Connections that are kept open between fetches, for any thread. Only GET and HEAD
 * go over one that was used before: it may have died unseen, and libcurl then sends
 * the request once more, which nothing else may be (RFC 9110 9.2.2). */
struct http_lines *http_lines_new(void); /* NULL: out of memory */
void http_lines_free(struct http_lines *l); /* NULL is fine; no fetch is under way */

#endif
