/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_parse.c - RFC 9112 read strictly (RULEBOOK H-11, H-12).
 *
 *	REQUEST_LINE -> FIELDS -> BODY                        -> WHOLE
 *	                      \-> CHUNK_LINE -> LAST_LINE    -> WHOLE
 *	                            |    ^
 *	                            v    |
 *	                         CHUNK -> CHUNK_END
 *
 * Reading goes line by line, and a line is judged when it is whole (or too
 * long), so the answer depends on the bytes alone and not on how they were cut.
 *
 * Where RFC 9112 leaves a choice, or lets a server be lenient, we chose:
 * - Lines end in CRLF only; a bare LF or CR is an error (section 2.2). One empty
 *   line before the request line is passed over, as section 2.2 asks.
 * - Origin-form, and absolute-form as section 3.2.2 wants: with the scheme https,
 *   which all our URLs have, and the authority that Host names, or an error; it is
 *   handed over as origin-form. Authority-form belongs to CONNECT, and nothing
 *   here answers `OPTIONS *`.
 * - HTTP/1.0 is answered, because proxies speak it to what is behind them, but
 *   one request a connection, with one Host, and never chunked (section 6.1).
 * - Transfer-Encoding is `chunked` or nothing; chunk extensions and trailers
 *   are refused: nobody sends them, and others disagree on how to read them.
 */
#include "http/http_parse.h"

#include <assert.h>
#include <string.h>

#include "http/http_class.h"

enum phase {
	REQUEST_LINE,
	FIELDS,
	BODY,
	CHUNK_LINE,
	CHUNK,
	CHUNK_END,
	LAST_LINE,
	WHOLE,
	BAD,
};

enum {
	LINE_EXTRA = 64,      /* the request line's bytes beside its target */
	CHUNK_LINE_MAX = 18,  /* 16 hexadecimal digits and CRLF */
};

static struct bytes
view(const char *text, struct http_span s)
{
	return (struct bytes){ text + s.at, s.n };
}

static struct http_span
span(size_t at, size_t n)
{
	return (struct http_span){ (uint32_t)at, (uint32_t)n };
}

/* false, which every reader returns when there is nothing more to do now. */
static bool
bad(struct http_parse *p, int status, const char *why)
{
	p->phase = BAD;
	p->status = status;
	p->why = why;
	return false;
}

/*
 * The next line, without its CRLF; at most `limit` bytes with it, otherwise
 * answered `too_long`. false: it is not there yet, or bad.
 */
static bool
take_line(struct http_parse *p, const char *text, size_t n, size_t limit,
	int too_long, struct http_span *line)
{
	const char *lf = memchr(text + p->searched, '\n', n - p->searched);
	size_t end = lf != NULL ? (size_t)(lf - text) + 1 : n;

	if (end - p->at > limit)
		return bad(p, too_long, "a line is too long");
	p->searched = end;
	if (lf == NULL)
		return false;
	/* RFC 9112 section 2.2: a bare LF. */
	if (end - p->at < 2 || text[end - 2] != '\r')
		return bad(p, 400, "a line ends without CR");
	*line = span(p->at, end - 2 - p->at);
	p->at = end;
	return true;
}

/* ---- request line: RFC 9112 section 3 ------------------------------------- */

static bool
check_version(struct http_parse *p, struct bytes version)
{
	if (bytes_equal(version, B("HTTP/1.1")))
		return true;
	p->http_1_0 = bytes_equal(version, B("HTTP/1.0"));
	p->close = true;
	if (p->http_1_0)
		return true;
	if (version.n == 8 && bytes_starts(version, B("HTTP/")) &&
	    version.p[5] >= '0' && version.p[5] <= '9' && version.p[6] == '.' &&
	    version.p[7] >= '0' && version.p[7] <= '9')
		return bad(p, 505, "HTTP version is not 1.1");
	return bad(p, 400, "the request line is not method, target, version");
}

/* RFC 9112 section 3.2.2: leaves the path and query; the authority is judged when Host
 * is known. An empty path is "/" (RFC 9110 section 4.2.3), and two stand in "https://". */
static struct bytes
take_authority(struct http_parse *p, const char *text, struct bytes target)
{
	struct bytes scheme = B("https://"), rest;
	size_t n;

	if (!bytes_equal_nocase(bytes_slice(target, 0, scheme.n), scheme))
		return target;
	rest = bytes_slice(target, scheme.n, target.n);
	n = bytes_index(rest, '/');
	p->authority = span((size_t)(rest.p - text), n);
	return n < rest.n ? bytes_slice(rest, n, rest.n) :
		bytes_slice(target, scheme.n - 1, 1);
}

static bool
check_target(struct http_parse *p, struct bytes target)
{
	size_t query = bytes_index(target, '?');

	if (target.n == 0 || target.p[0] != '/')
		return bad(p, 400, "the target is neither a path nor an https URL");
	if (!http_all_are(bytes_slice(target, 0, query), HTTP_PATH) ||
	    !http_all_are(bytes_slice(target, query, target.n), HTTP_QUERY))
		return bad(p, 400, "the target has a character that no URI has");
	return true;
}

static bool
read_request_line(struct http_parse *p, char *text, size_t n)
{
	size_t most = p->limits->target_bytes + LINE_EXTRA;
	size_t room = p->limits->header_bytes - p->at;
	struct http_span line;
	struct bytes rest, method, target;

	if (!take_line(p, text, n, most < room ? most : room, 414, &line))
		return false;
	if (line.n == 0 && !p->blank_line) {
		p->blank_line = true;
		return true;
	}
	rest = view(text, line);
	method = bytes_cut(&rest, ' ');
	target = bytes_cut(&rest, ' ');
	if (method.n == 0 || !http_all_are(method, HTTP_TOKEN))
		return bad(p, 400, "the method is not a token");
	if (target.n > p->limits->target_bytes)
		return bad(p, 414, "the target is too long");
	target = take_authority(p, text, target);
	if (!check_version(p, rest) || !check_target(p, target))
		return false;
	p->method = span((size_t)(method.p - text), method.n);
	p->target = span((size_t)(target.p - text), target.n);
	p->phase = FIELDS;
	return true;
}

/* ---- fields: RFC 9112 sections 5 and 6 ------------------------------------ */

static bool
note_host(struct http_parse *p, struct bytes value)
{
	/* RFC 9112 section 3.2: one, and a valid one. */
	if (++p->host_count > 1)
		return bad(p, 400, "two Host fields");
	if (value.n == 0 || !http_all_are(value, HTTP_HOST))
		return bad(p, 400, "Host is not host and port");
	p->host = p->fields[p->field_count - 1].value;
	return true;
}

static bool
note_length(struct http_parse *p, struct bytes value)
{
	/* RFC 9112 section 6.3: stricter, equal ones are refused too. */
	if (p->has_length)
		return bad(p, 400, "two Content-Length fields");
	if (!bytes_to_u64(value, &p->length))
		return bad(p, 400, "Content-Length is not a number");
	p->has_length = true;
	return true;
}

static bool
note_coding(struct http_parse *p, struct bytes value)
{
	if (p->chunked || !bytes_equal_nocase(value, B("chunked")))
		return bad(p, 400, "Transfer-Encoding is not chunked");
	p->chunked = true;
	return true;
}

static bool
note_connection(struct http_parse *p, struct bytes value)
{
	while (value.n > 0)
		if (bytes_equal_nocase(http_trim(bytes_cut(&value, ',')), B("close")))
			p->close = true;
	return true;
}

static bool
note_expect(struct http_parse *p, struct bytes value)
{
	if (bytes_equal_nocase(value, B("100-continue")))
		p->expects_continue = true;
	else
		p->expects_other = true;
	return true;
}

/* The fields that decide about framing and connection. */
static bool
note_field(struct http_parse *p, struct bytes name, struct bytes value)
{
	static const struct {
		struct bytes name;
		bool (*note)(struct http_parse *, struct bytes value);
	} noted[] = {
		{ BI("Host"), note_host },
		{ BI("Content-Length"), note_length },
		{ BI("Transfer-Encoding"), note_coding },
		{ BI("Connection"), note_connection },
		{ BI("Expect"), note_expect },
	};

	for (size_t i = 0; i < sizeof(noted) / sizeof(noted[0]); i++)
		if (bytes_equal_nocase(name, noted[i].name))
			return noted[i].note(p, value);
	return true;
}

/* All fields are there: how long is the body (RFC 9112 section 6.3)? */
static bool
end_of_head(struct http_parse *p, const char *text)
{
	if (p->host_count == 0)
		return bad(p, 400, "no Host field");
	if (p->authority.at > 0 && !bytes_equal_nocase(view(text, p->authority),
		view(text, p->host)))
		return bad(p, 400, "the target names another host than Host");
	/* Section 6.1: both, or chunked in HTTP/1.0, is how smuggling begins. */
	if (p->chunked && p->has_length)
		return bad(p, 400, "Transfer-Encoding beside Content-Length");
	if (p->chunked && p->http_1_0)
		return bad(p, 400, "Transfer-Encoding in HTTP/1.0");
	if (p->length > p->limits->body_bytes)
		return bad(p, 413, "the body is too long");
	/* RFC 9110 section 10.1.1: HTTP/1.0 has no expectations. */
	if (p->expects_other && !p->http_1_0)
		return bad(p, 417, "Expect is not 100-continue");
	p->expects_continue = p->expects_continue && !p->http_1_0;
	p->body = span(p->at, 0);
	p->phase = p->chunked ? CHUNK_LINE : BODY;
	return false; /* HTTP_HEAD_DONE */
}

static bool
read_field(struct http_parse *p, char *text, size_t n)
{
	struct http_span line;
	struct bytes rest, name, value;

	if (!take_line(p, text, n, p->limits->header_bytes - p->at, 431, &line))
		return false;
	if (line.n == 0)
		return end_of_head(p, text);
	rest = view(text, line);
	name = bytes_slice(rest, 0, bytes_index(rest, ':'));
	/* Section 5.2: obs-fold, which would continue the field before. */
	if (rest.p[0] == ' ' || rest.p[0] == '\t')
		return bad(p, 400, "a field line begins with white space");
	/* Section 5.1: and no white space before the colon. */
	if (name.n == 0 || name.n == rest.n || !http_all_are(name, HTTP_TOKEN))
		return bad(p, 400, "a field name is not a token and a colon");
	value = http_trim(bytes_slice(rest, name.n + 1, rest.n));
	if (!http_all_are(value, HTTP_VALUE))
		return bad(p, 400, "a field value has a control character");
	if (p->field_count == p->limits->headers || p->field_count == HTTP_HEADERS_MAX)
		return bad(p, 431, "too many fields");
	p->fields[p->field_count++] = (struct http_field){
		.name = span((size_t)(name.p - text), name.n),
		.value = span((size_t)(value.p - text), value.n),
	};
	return note_field(p, name, value);
}

/* ---- body: RFC 9112 sections 6 and 7.1 ------------------------------------ */

static bool
read_body(struct http_parse *p, char *text, size_t n)
{
	(void)text;
	if (n - p->at < p->length)
		return false;
	p->body.n = (uint32_t)p->length;
	p->at += p->length;
	p->phase = WHOLE;
	return false;
}

static bool
read_chunk_line(struct http_parse *p, char *text, size_t n)
{
	struct http_span line;
	uint64_t size = 0;

	if (!take_line(p, text, n, CHUNK_LINE_MAX, 400, &line))
		return false;
	for (size_t i = 0; i < line.n; i++) {
		int digit = hex_digit(text[line.at + i]);

		if (digit < 0)
			return bad(p, 400, "a chunk size is not hexadecimal digits");
		size = size << 4 | (uint64_t)digit;
	}
	if (line.n == 0)
		return bad(p, 400, "a chunk has no size");
	if (size > p->limits->body_bytes - p->body.n)
		return bad(p, 413, "the body is too long");
	p->length = size;
	p->phase = size > 0 ? CHUNK : LAST_LINE;
	return true;
}

static bool
read_chunk(struct http_parse *p, char *text, size_t n)
{
	size_t here = n - p->at;
	size_t part = here < p->length ? here : (size_t)p->length;

	memmove(text + p->body.at + p->body.n, text + p->at, part);
	p->body.n += (uint32_t)part;
	p->length -= part;
	p->at += part;
	p->searched = p->at;
	if (p->length > 0)
		return false;
	p->phase = CHUNK_END;
	return true;
}

static bool
read_chunk_end(struct http_parse *p, char *text, size_t n)
{
	struct http_span line;

	if (!take_line(p, text, n, 2, 400, &line))
		return false;
	p->phase = CHUNK_LINE;
	return true;
}

static bool
read_last_line(struct http_parse *p, char *text, size_t n)
{
	struct http_span line;

	/* Anything but the empty line would be a trailer. */
	if (take_line(p, text, n, 2, 400, &line))
		p->phase = WHOLE;
	return false;
}

/* Lets what was not read yet follow the body, in place of the chunks' framing. */
static void
close_gap(struct http_parse *p, char *text, size_t *n)
{
	size_t body_end = p->body.at + p->body.n;
	size_t gap = p->at - body_end;

	memmove(text + body_end, text + p->at, *n - p->at);
	*n -= gap;
	p->at -= gap;
	p->searched -= gap;
}

/* ---- the reader ----------------------------------------------------------- */

void
http_parse_start(struct http_parse *p, const struct http_limits *limits)
{
	/* All but the fields, which are written before they are counted. */
	size_t field_count = offsetof(struct http_parse, field_count);

	assert(limits->header_bytes + limits->body_bytes < UINT32_MAX / 2);
	memset(p, 0, offsetof(struct http_parse, fields));
	memset((char *)p + field_count, 0, sizeof(*p) - field_count);
	p->limits = limits;
}

enum http_parse_state
http_parse(struct http_parse *p, char *text, size_t *n)
{
	static bool (*const readers[])(struct http_parse *, char *, size_t) = {
		[REQUEST_LINE] = read_request_line,
		[FIELDS] = read_field,
		[BODY] = read_body,
		[CHUNK_LINE] = read_chunk_line,
		[CHUNK] = read_chunk,
		[CHUNK_END] = read_chunk_end,
		[LAST_LINE] = read_last_line,
	};
	while (p->phase < WHOLE && readers[p->phase](p, text, *n))
		;
	if (p->phase == BAD)
		return HTTP_BAD;
	if (!p->head_done) {
		p->head_done = p->phase > FIELDS;
		return p->head_done ? HTTP_HEAD_DONE : HTTP_NEED_MORE;
	}
	if (p->chunked)
		close_gap(p, text, n);
	p->end = p->at;
	return p->phase == WHOLE ? HTTP_MESSAGE_DONE : HTTP_NEED_MORE;
}

static enum http_method
method_of(struct bytes name)
{
	static const struct {
		struct bytes name;
		enum http_method method;
	} known[] = {
		{ BI("GET"), HTTP_GET },
		{ BI("POST"), HTTP_POST },
		{ BI("HEAD"), HTTP_HEAD },
		{ BI("PUT"), HTTP_PUT },
		{ BI("DELETE"), HTTP_DELETE },
		{ BI("OPTIONS"), HTTP_OPTIONS },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (bytes_equal(name, known[i].name))
			return known[i].method;
	return HTTP_OTHER;
}

void
http_parse_request(const struct http_parse *p, const char *text,
	struct http_request *out)
{
	struct http_header *headers =
		ARENA_ARRAY(out->arena, struct http_header, p->field_count);
	struct bytes target = view(text, p->target);
	size_t query = bytes_index(target, '?');

	for (size_t i = 0; i < p->field_count; i++) {
		headers[i].name = view(text, p->fields[i].name);
		headers[i].value = view(text, p->fields[i].value);
	}
	out->method_name = view(text, p->method);
	out->method = method_of(out->method_name);
	out->target = target;
	out->path = bytes_slice(target, 0, query);
	out->has_query = query < target.n;
	out->query = out->has_query ? bytes_slice(target, query + 1, target.n) : NONE;
	out->host = view(text, p->host);
	out->headers = headers;
	out->header_count = p->field_count;
	out->body = p->body.n > 0 ? view(text, p->body) : NONE;
}
