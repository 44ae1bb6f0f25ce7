/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_reply.c - a reply put together as one piece of memory and sent by one
 * call, so that it travels in one TLS record and one packet where it fits.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/secret.h"
#include "http/http_class.h"
#include "http/http_conn.h"

/* RFC 9110 section 15; a status that is not here has no reason, which is fine. */
static const struct {
	int status;
	struct bytes line;
} status_lines[] = {
	{ 200, BI("HTTP/1.1 200 OK\r\n") },
	{ 201, BI("HTTP/1.1 201 Created\r\n") },
	{ 204, BI("HTTP/1.1 204 No Content\r\n") },
	{ 302, BI("HTTP/1.1 302 Found\r\n") },
	{ 303, BI("HTTP/1.1 303 See Other\r\n") },
	{ 304, BI("HTTP/1.1 304 Not Modified\r\n") },
	{ 400, BI("HTTP/1.1 400 Bad Request\r\n") },
	{ 401, BI("HTTP/1.1 401 Unauthorized\r\n") },
	{ 403, BI("HTTP/1.1 403 Forbidden\r\n") },
	{ 404, BI("HTTP/1.1 404 Not Found\r\n") },
	{ 405, BI("HTTP/1.1 405 Method Not Allowed\r\n") },
	{ 408, BI("HTTP/1.1 408 Request Timeout\r\n") },
	{ 413, BI("HTTP/1.1 413 Content Too Large\r\n") },
	{ 414, BI("HTTP/1.1 414 URI Too Long\r\n") },
	{ 415, BI("HTTP/1.1 415 Unsupported Media Type\r\n") },
	{ 417, BI("HTTP/1.1 417 Expectation Failed\r\n") },
	{ 421, BI("HTTP/1.1 421 Misdirected Request\r\n") },
	{ 429, BI("HTTP/1.1 429 Too Many Requests\r\n") },
	{ 431, BI("HTTP/1.1 431 Request Header Fields Too Large\r\n") },
	{ 500, BI("HTTP/1.1 500 Internal Server Error\r\n") },
	{ 503, BI("HTTP/1.1 503 Service Unavailable\r\n") },
	{ 505, BI("HTTP/1.1 505 HTTP Version Not Supported\r\n") },
};

/* What this room's own fields need at most, whatever the status. */
enum { OWN_FIELDS_MAX = 512 };

/* RFC 9110 section 5.6.7: "Date: Mon, 23 Nov 2026 14:05:09 GMT" */
static void
put_date(struct http_server *s, struct buf *b)
{
	static const char days[] = "ThuFriSatSunMonTueWed"; /* 1 January 1970 */
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	int64_t now = clock_now();
	char iso[21]; /* YYYY-MM-DDThh:mm:ssZ */
	size_t month;

	if (now != s->date_of) {
		clock_rfc3339(now, iso);
		month = (size_t)((iso[5] - '0') * 10 + (iso[6] - '0') - 1);
		snprintf(s->date, sizeof(s->date), "Date: %.3s, %.2s %.3s %.4s %.8s GMT\r\n",
			days + now / 86400 % 7 * 3, iso + 8, months + month * 3, iso,
			iso + 11);
		s->date_of = now;
	}
	buf_put(b, bytes_of(s->date));
}

static void
put_status(struct buf *b, int status)
{
	for (size_t i = 0; i < sizeof(status_lines) / sizeof(status_lines[0]); i++) {
		if (status_lines[i].status == status) {
			buf_put(b, status_lines[i].line);
			return;
		}
	}
	buf_printf(b, "HTTP/1.1 %d \r\n", status);
}

/* A name or value that could end the line, and so begin another field. */
static bool
is_unsafe(const struct http_reply *reply)
{
	for (size_t i = 0; i < reply->header_count; i++)
		if (!http_all_are(reply->headers[i].name, HTTP_TOKEN) ||
		    !http_all_are(reply->headers[i].value, HTTP_VALUE))
			return true;
	return false;
}

static size_t
size_of(const struct http_reply *reply)
{
	size_t size = OWN_FIELDS_MAX + reply->body.n;

	for (size_t i = 0; i < reply->header_count; i++)
		size += reply->headers[i].name.n + reply->headers[i].value.n + 4;
	return size;
}

static struct buf
scratch(struct http_server *s, size_t size)
{
	if (size > s->scratch_size) {
		free(s->scratch);
		s->scratch = must_calloc(1, size);
		s->scratch_size = size;
	}
	return buf_fixed(s->scratch, s->scratch_size);
}

static void
put_reply(struct http_conn *c, struct buf *b, const struct http_reply *reply, bool is_head)
{
	bool no_content = reply->status == 204 || reply->status == 304;

	put_status(b, reply->status);
	put_date(c->server, b);
	if (!no_content) {
		buf_put(b, B("Content-Length: "));
		buf_putu(b, reply->body.n);
		buf_put(b, B("\r\n"));
	}
	if (c->close)
		buf_put(b, B("Connection: close\r\n"));
	/* H-04; RFC 6797 section 7.2: never in clear. */
	if (c->wire.ssl != NULL) {
		buf_put(b, B("Strict-Transport-Security: max-age=63072000"));
		buf_put(b, bytes_of(c->server->hsts));
		buf_put(b, B("\r\n"));
	}
	for (size_t i = 0; i < reply->header_count; i++) {
		buf_put(b, reply->headers[i].name);
		buf_put(b, B(": "));
		buf_put(b, reply->headers[i].value);
		buf_put(b, B("\r\n"));
	}
	buf_put(b, B("\r\n"));
	if (!is_head && !no_content)
		buf_put(b, reply->body);
}

static void
send_reply(struct http_conn *c, const struct http_reply *reply, bool is_head)
{
	static const struct http_reply fault = { .status = 500, .close = true };
	struct buf b;

	if (is_unsafe(reply))
		reply = &fault;
	c->close = c->close || reply->close;
	b = scratch(c->server, size_of(reply));
	put_reply(c, &b, reply, is_head);
	http_wire_send(&c->wire, buf_bytes(&b));
	secret_wipe(b.p, b.n);
}

static void
learn(struct http_conn *c)
{
	struct http_server *s = c->server;

	c->known = true;
	http_peers_learn(s->peers, &c->address, loop_now_ms(s->loop));
}

void
http_reply(struct http_request *r, const struct http_reply *reply)
{
	struct http_stream *stream = (struct http_stream *)r;
	struct http_conn *c = stream->conn;
	struct http_server *s = r->server;

	http_count(&s->counts.requests);
	if (c == NULL) {
		http_stream_give(s, stream);
		http_server_check_drained(s);
		return;
	}
	c->close = c->close || stream->parse.close || s->draining ||
		(s->limits.requests > 0 && c->requests >= s->limits.requests);
	if (reply->known)
		learn(c);
	send_reply(c, reply, r->method == HTTP_HEAD);
	stream->replied = true;
	arena_reset(r->arena);
	if (!c->handling)
		http_conn_replied(c);
}

/* ---- refusals of this room ------------------------------------------------ */

static void
tell(struct http_conn *c, int status, const char *why)
{
	struct http_server *s = c->server;

	http_count(&s->counts.refused);
	if (s->refused != NULL)
		s->refused(bytes_of(c->address_text), status, why, s->arg);
}

/* H-11, H-13, H-15: in the words of RFC 6749 section 5.2. */
void
http_refuse(struct http_conn *c, int status, const char *why)
{
	static const struct http_header headers[] = {
		{ BI("Content-Type"), BI("application/json") },
		{ BI("Cache-Control"), BI("no-store") },
		{ BI("Pragma"), BI("no-cache") },
		{ BI("X-Content-Type-Options"), BI("nosniff") },
		{ BI("Retry-After"), BI("5") },
	};
	size_t count = sizeof(headers) / sizeof(headers[0]);
	char body[256];
	struct buf b = buf_fixed(body, sizeof(body));

	buf_printf(&b, "{\"error\":\"%s\",\"error_description\":\"%s\"}",
		status == 503 ? "temporarily_unavailable" : "invalid_request", why);
	tell(c, status, why);
	send_reply(c, &(struct http_reply){ .status = status, .headers = headers,
		.header_count = status == 503 ? count : count - 1,
		.body = buf_bytes(&b), .close = true }, false);
	http_conn_replied(c);
}

void
http_refuse_plain(struct http_conn *c)
{
	static const struct http_header type = {
		BI("Content-Type"), BI("text/plain; charset=utf-8")
	};

	tell(c, 400, "plain HTTP on a TLS port");
	send_reply(c, &(struct http_reply){ .status = 400, .headers = &type,
		.header_count = 1, .close = true,
		.body = B("This port speaks HTTPS only; the request was not read.\n") },
		false);
	http_conn_replied(c);
}
