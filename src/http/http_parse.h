/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_parse.h - the strict HTTP/1.1 reader: bytes in, one message out. Pure.
 *
 * Promises: never reads past what it was given; gives the same answer however
 * the bytes were cut; every ambiguity of RFC 9112 is an error, not a guess.
 *
 * The caller owns the text: all bytes from the message's first on, contiguous.
 * It appends what arrives and calls again; it may move the text in between, so
 * what was found is kept by place, not by pointer. The framing of a chunked
 * body is taken out of the text in passing, so `*n` may shrink and a body never
 * needs more memory than its limit.
 */
#ifndef LATCHKEY_HTTP_PARSE_H
#define LATCHKEY_HTTP_PARSE_H

#include "http/http.h"

enum http_parse_state {
	HTTP_NEED_MORE,
	HTTP_HEAD_DONE,    /* once a message, before its body; call again */
	HTTP_MESSAGE_DONE, /* what follows begins at .end */
	HTTP_BAD,          /* for good: answer .status, say .why, close */
};

enum { HTTP_HEADERS_MAX = 128 }; /* limits.headers may be less, not more */

struct http_span {
	uint32_t at, n;
};

struct http_field {
	struct http_span name, value;
};

struct http_parse {
	struct http_span method, target, host, body;
	struct http_span authority; /* of a target in absolute-form; at 0: none */
	struct http_field fields[HTTP_HEADERS_MAX];
	size_t field_count;
	bool head_done;
	bool http_1_0;          /* no keep-alive, no chunked, no 100 */
	bool close;             /* no further request will come (or may) */
	bool expects_continue;
	size_t end;
	int status;
	const char *why;

	/* The reader's own. */
	const struct http_limits *limits;
	int phase;
	size_t at;              /* what is before has been read */
	size_t searched;        /* no line feed from at to here */
	size_t host_count;
	bool blank_line, chunked, has_length, expects_other;
	uint64_t length;        /* Content-Length, or what is left of a chunk */
};

void http_parse_start(struct http_parse *p, const struct http_limits *limits);
enum http_parse_state http_parse(struct http_parse *p, char *text, size_t *n);
/* After HTTP_MESSAGE_DONE: the views of *out, into text and out->arena. */
void http_parse_request(const struct http_parse *p, const char *text,
	struct http_request *out);

#endif
