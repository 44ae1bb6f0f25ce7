/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_stream.c - the memory of a request: its text, its arena, its views.
 *
 * Streams are pooled, so a request on a warm server allocates nothing; text and
 * arena are wiped after each, because credentials pass through them.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "http/http_class.h"
#include "http/http_conn.h"

enum {
	TEXT_FIRST = 4096,  /* most requests */
	TEXT_KEPT = 16384,  /* a larger buffer is not kept in the pool */
	SPARE_MAX = 64,
};

struct http_stream *
http_stream_take(struct http_server *s, struct http_conn *c)
{
	struct http_stream *stream = s->spare;

	if (stream != NULL) {
		s->spare = stream->next;
		s->spare_count--;
	} else {
		stream = must_calloc(1, sizeof(*stream));
		stream->request.arena = arena_new();
	}
	if (stream->in == NULL) {
		stream->in = must_calloc(1, TEXT_FIRST);
		stream->size = TEXT_FIRST;
	}
	stream->conn = c;
	stream->next = NULL;
	stream->replied = false; /* a connection that closed after its reply left it set */
	http_parse_start(&stream->parse, &s->limits);
	s->streams++;
	return stream;
}

static void
wipe(struct http_stream *stream)
{
	if (stream->dirty < stream->n)
		stream->dirty = stream->n;
	secret_wipe(stream->in, stream->dirty);
	arena_reset(stream->request.arena);
	stream->n = 0;
	stream->dirty = 0;
}

static void
stream_free(struct http_stream *stream)
{
	arena_free(stream->request.arena);
	free(stream->in);
	free(stream);
}

void
http_stream_give(struct http_server *s, struct http_stream *stream)
{
	wipe(stream);
	stream->conn = NULL;
	s->streams--;
	if (s->spare_count == SPARE_MAX) {
		stream_free(stream);
		return;
	}
	if (stream->size > TEXT_KEPT) {
		free(stream->in);
		stream->in = NULL;
		stream->size = 0;
	}
	stream->next = s->spare;
	s->spare = stream;
	s->spare_count++;
}

void
http_streams_free(struct http_server *s)
{
	while (s->spare != NULL) {
		struct http_stream *stream = s->spare;

		s->spare = stream->next;
		stream_free(stream);
	}
	s->spare_count = 0;
}

void
http_stream_room(struct http_stream *stream)
{
	size_t size = stream->size + stream->size / 2; /* a crowd of bodies has little to spare */
	char *in;

	if (stream->n > stream->dirty)
		stream->dirty = stream->n;
	if (stream->n < stream->size)
		return;
	in = must_calloc(1, size);
	memcpy(in, stream->in, stream->n);
	secret_wipe(stream->in, stream->dirty);
	free(stream->in);
	stream->in = in;
	stream->size = size;
}

void
http_stream_next(struct http_stream *stream, const struct http_limits *limits)
{
	size_t rest = stream->n - stream->parse.end;
	size_t used = stream->n;

	memmove(stream->in, stream->in + stream->parse.end, rest);
	secret_wipe(stream->in + rest, used - rest);
	stream->n = rest;
	stream->replied = false;
	http_parse_start(&stream->parse, limits);
}

/* ---- who asks ------------------------------------------------------------- */

/*
 * H-06: only of a named proxy. Each proxy appends the address it saw, so the
 * last one that is not itself a named proxy is the one to believe; anything
 * that is not an address ends the search.
 */
static bool
forwarded_for(const struct http_server *s, struct bytes list, struct http_address *out)
{
	while (list.n > 0) {
		size_t start = list.n;
		struct http_address a;

		while (start > 0 && list.p[start - 1] != ',')
			start--;
		if (!http_address_parse(http_trim(bytes_slice(list, start, list.n)), &a) ||
		    a.is_unix)
			return false;
		*out = a;
		if (!http_server_is_proxy(s, &a))
			return true;
		list.n = start > 0 ? start - 1 : 0;
	}
	return false;
}

static struct bytes
last_header(const struct http_request *r, struct bytes name)
{
	for (size_t i = r->header_count; i > 0; i--)
		if (bytes_equal_nocase(r->headers[i - 1].name, name))
			return r->headers[i - 1].value;
	return NONE;
}

static void
name_peer(struct http_stream *stream)
{
	struct http_request *r = &stream->request;
	const struct http_conn *c = stream->conn;
	struct http_address person = c->address;

	r->through_proxy = http_server_is_proxy(c->server, &c->address);
	if (r->through_proxy) {
		(void)forwarded_for(c->server, last_header(r, B("X-Forwarded-For")),
			&person);
		http_address_text(&person, stream->peer);
	} else {
		memcpy(stream->peer, c->address_text, sizeof(stream->peer));
	}
	r->peer = bytes_of(stream->peer);
}

void
http_stream_request(struct http_stream *stream)
{
	struct http_request *r = &stream->request;
	struct arena *arena = r->arena;

	assert(stream->conn != NULL);
	*r = (struct http_request){
		.arena = arena,
		.server = stream->conn->server,
		.started_ms = stream->conn->begun_ms,
	};
	http_parse_request(&stream->parse, stream->in, r);
	name_peer(stream);
}

struct bytes
http_header(const struct http_request *r, struct bytes name)
{
	for (size_t i = 0; i < r->header_count; i++)
		if (bytes_equal_nocase(r->headers[i].name, name))
			return r->headers[i].value;
	return NONE;
}

size_t
http_header_occurrences(const struct http_request *r, struct bytes name)
{
	size_t count = 0;

	for (size_t i = 0; i < r->header_count; i++)
		count += bytes_equal_nocase(r->headers[i].name, name);
	return count;
}
