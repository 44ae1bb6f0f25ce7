/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of http/http_parse.c: RFC 9112, RULEBOOK H-11 and H-12. */
#include "http/http_parse.h"

#include "tap.h"

#define HOST "Host: a.example\r\n"
#define POST "POST /t HTTP/1.1\r\n" HOST
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"

static struct http_limits limits;

/* What reading a text gave, in a form that can be compared. */
struct result {
	enum http_parse_state state;
	struct http_parse p;
	char text[70000];
	size_t n;
	bool head_done;
};

static void
start(struct result *r)
{
	r->n = 0;
	r->state = HTTP_NEED_MORE;
	r->head_done = false;
	http_parse_start(&r->p, &limits);
}

/* Appends a piece and reads as far as it goes. */
static void
feed(struct result *r, struct bytes piece)
{
	memcpy(r->text + r->n, piece.p, piece.n);
	r->n += piece.n;
	if (r->state == HTTP_BAD || r->state == HTTP_MESSAGE_DONE)
		return;
	r->state = http_parse(&r->p, r->text, &r->n);
	if (r->state == HTTP_HEAD_DONE) {
		check(!r->head_done);
		r->head_done = true;
		r->state = http_parse(&r->p, r->text, &r->n);
	}
	if (r->state == HTTP_MESSAGE_DONE)
		check(r->p.end <= r->n);
}

static void
read_whole(struct result *r, struct bytes text)
{
	start(r);
	feed(r, text);
}

static struct bytes
part(const struct result *r, struct http_span s)
{
	return (struct bytes){ r->text + s.at, s.n };
}

static struct bytes
behind(const struct result *r)
{
	return (struct bytes){ r->text + r->p.end, r->n - r->p.end };
}

static void
check_same(const struct result *a, const struct result *b)
{
	check_int(a->state, b->state);
	check_int(a->head_done, b->head_done);
	if (a->state == HTTP_BAD) {
		check_int(a->p.status, b->p.status);
		check_str(a->p.why, b->p.why);
	}
	if (a->state != HTTP_MESSAGE_DONE || b->state != HTTP_MESSAGE_DONE)
		return;
	check_bytes(part(a, a->p.method), part(b, b->p.method));
	check_bytes(part(a, a->p.target), part(b, b->p.target));
	check_bytes(part(a, a->p.host), part(b, b->p.host));
	check_bytes(part(a, a->p.body), part(b, b->p.body));
	check_int((int64_t)a->p.field_count, (int64_t)b->p.field_count);
	check_int((int64_t)a->p.end, (int64_t)b->p.end);
	check_int(a->p.close, b->p.close);
	/* What is left behind the message is the same, too. */
	check_bytes(behind(a), behind(b));
}

static struct result whole, pieces; /* large, so not on the stack */

/* ---- what is read --------------------------------------------------------- */

TEST(a_request_is_taken_apart_without_changing_a_byte)
{
	struct http_request r = { .arena = arena_new() };

	limits = http_limits_default();
	read_whole(&whole, B("POST /oauth/token?a=%2F&b=[{}]|^ HTTP/1.1\r\nhOsT: a.example:8443\r\n"
		"X-Empty:\r\nX-Pad: \t two  words \t\r\nContent-Length: 5\r\n\r\nhelloGET"));
	if (!check_int(whole.state, HTTP_MESSAGE_DONE))
		return;
	http_parse_request(&whole.p, whole.text, &r);
	check_int(r.method, HTTP_POST);
	check_bytes(r.method_name, B("POST"));
	check_bytes(r.target, B("/oauth/token?a=%2F&b=[{}]|^"));
	check_bytes(r.path, B("/oauth/token"));
	check_bytes(r.query, B("a=%2F&b=[{}]|^"));
	check(r.has_query);
	check_bytes(r.host, B("a.example:8443"));
	check_int((int64_t)r.header_count, 4);
	check_bytes(r.headers[1].name, B("X-Empty"));
	check_bytes(http_header(&r, B("x-empty")), NONE);
	check_bytes(http_header(&r, B("x-pad")), B("two  words"));
	check_int((int64_t)http_header_occurrences(&r, B("X-PAD")), 1);
	check_int((int64_t)http_header_occurrences(&r, B("X-Other")), 0);
	check_bytes(r.body, B("hello"));
	check_bytes(behind(&whole), B("GET"));
	arena_free(r.arena);
}

/* RFC 9112 section 3.2.2 */
TEST(absolute_form_is_read_as_origin_form)
{
	static const struct { struct bytes text, target; } rows[] = {
		{ BI("GET https://a.example/x?y=/z HTTP/1.1\r\n" HOST "\r\n"),
			BI("/x?y=/z") },
		{ BI("GET HTTPS://A.Example/ HTTP/1.1\r\n" HOST "\r\n"), BI("/") },
		{ BI("GET https://a.example HTTP/1.1\r\n" HOST "\r\n"), BI("/") },
		{ BI("GET https://a.example//b HTTP/1.1\r\n" HOST "\r\n"), BI("//b") },
	};

	limits = http_limits_default();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		read_whole(&whole, rows[i].text);
		if (check_int(whole.state, HTTP_MESSAGE_DONE))
			check_bytes(part(&whole, whole.p.target), rows[i].target);
	}
}

TEST(what_is_sound_is_read)
{
	static const struct {
		const char *name;
		struct bytes text;
		const char *body;
		bool close;
	} rows[] = {
		{ "least", BI("GET / HTTP/1.1\r\n" HOST "\r\n"), "", false },
		{ "other method", BI("BREW /pot HTTP/1.1\r\n" HOST "\r\n"), "", false },
		{ "one empty line before", BI("\r\nGET / HTTP/1.1\r\n" HOST "\r\n"), "", false },
		{ "no white space after the colon", BI("GET / HTTP/1.1\r\nHost:a\r\n\r\n"), "", false },
		{ "IPv6 host", BI("GET / HTTP/1.1\r\nHost: [::1]:8443\r\n\r\n"), "", false },
		{ "obs-text in a value", BI("GET / HTTP/1.1\r\n" HOST "X: D\xFCsseldorf\r\n\r\n"), "", false },
		{ "query with ?", BI("GET /a?b?c HTTP/1.1\r\n" HOST "\r\n"), "", false },
		{ "length 0", BI(POST "Content-Length: 0\r\n\r\n"), "", false },
		{ "length 003", BI(POST "Content-Length: 003\r\n\r\nabc"), "abc", false },
		{ "NUL in the body", BI(POST "Content-Length: 3\r\n\r\na\0c"), NULL, false },
		{ "chunked", BI(CHUNKED "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"), "abcde", false },
		{ "chunked, hexadecimal", BI(CHUNKED "00A\r\n0123456789\r\n000\r\n\r\n"), "0123456789", false },
		{ "CHUNKED", BI(POST "Transfer-Encoding: CHUNKED\r\n\r\n0\r\n\r\n"), "", false },
		{ "close", BI("GET / HTTP/1.1\r\n" HOST "Connection: a, Close ,b\r\n\r\n"), "", true },
		{ "not close", BI("GET / HTTP/1.1\r\n" HOST "Connection: closed\r\n\r\n"), "", false },
		{ "HTTP/1.0", BI("POST / HTTP/1.0\r\n" HOST "Content-Length: 1\r\n\r\nx"), "x", true },
		{ "HTTP/1.0 keep-alive", BI("GET / HTTP/1.0\r\n" HOST "Connection: keep-alive\r\n\r\n"), "", true },
		{ "HTTP/1.0 has no expectations", BI("GET / HTTP/1.0\r\n" HOST "Expect: x\r\n\r\n"), "", true },
	};

	limits = http_limits_default();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].name);
		read_whole(&whole, rows[i].text);
		if (!check_int(whole.state, HTTP_MESSAGE_DONE))
			continue;
		check_bytes(behind(&whole), NONE);
		check_int(whole.p.close, rows[i].close);
		if (rows[i].body != NULL)
			check_bytes(part(&whole, whole.p.body), bytes_of(rows[i].body));
	}
}

/* ---- what is refused ------------------------------------------------------ */

#define GET_WITH(fields) "GET / HTTP/1.1\r\n" HOST fields "\r\n"

static const struct refused {
	int status;
	const char *name;
	struct bytes text;
} refused[] = {
	/* H-12: framing. */
	{ 400, "two lengths", BI(POST "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab") },
	{ 400, "two equal lengths", BI(POST "Content-Length: 1\r\ncontent-length: 1\r\n\r\na") },
	{ 400, "a list of lengths", BI(POST "Content-Length: 1, 1\r\n\r\na") },
	{ 400, "length +16", BI(POST "Content-Length: +16\r\n\r\n") },
	{ 400, "length -1", BI(POST "Content-Length: -1\r\n\r\n") },
	{ 400, "length 16abc", BI(POST "Content-Length: 16abc\r\n\r\n") },
	{ 400, "length 0x10", BI(POST "Content-Length: 0x10\r\n\r\n") },
	{ 400, "length 1 6", BI(POST "Content-Length: 1 6\r\n\r\n") },
	{ 400, "length empty", BI(POST "Content-Length:\r\n\r\n") },
	{ 400, "length over 64 bits", BI(POST "Content-Length: 18446744073709551616\r\n\r\n") },
	{ 413, "length 2^64-1", BI(POST "Content-Length: 18446744073709551615\r\n\r\n") },
	{ 413, "length over the limit", BI(POST "Content-Length: 65537\r\n\r\n") },
	{ 400, "length, then chunked", BI(POST "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n") },
	{ 400, "chunked, then length", BI(POST "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n") },
	{ 400, "identity", BI(POST "Transfer-Encoding: identity\r\n\r\n") },
	{ 400, "gzip, chunked", BI(POST "Transfer-Encoding: gzip, chunked\r\n\r\n") },
	{ 400, "chunked twice", BI(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n") },
	{ 400, "xchunked", BI(POST "Transfer-Encoding: xchunked\r\n\r\n") },
	{ 400, "chunked;q=1", BI(POST "Transfer-Encoding: chunked;q=1\r\n\r\n") },
	{ 400, "empty coding", BI(POST "Transfer-Encoding:\r\n\r\n") },
	{ 400, "chunked with vertical tab", BI(POST "Transfer-Encoding: \vchunked\r\n\r\n") },
	{ 400, "chunked in HTTP/1.0", BI("POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n") },
	{ 400, "obs-fold", BI(GET_WITH("X: a\r\n b\r\n")) },
	{ 400, "obs-fold with tab", BI(GET_WITH("X: a\r\n\tb\r\n")) },
	{ 400, "white space before the first field", BI("GET / HTTP/1.1\r\n " HOST "\r\n") },
	{ 400, "space before the colon", BI("GET / HTTP/1.1\r\nHost : a\r\n\r\n") },
	{ 400, "tab before the colon", BI(GET_WITH("Content-Length\t: 3\r\n")) },
	{ 400, "bare LF after the request line", BI("GET / HTTP/1.1\n" HOST "\r\n") },
	{ 400, "bare LF after a field", BI("GET / HTTP/1.1\r\nHost: a\n\r\n") },
	{ 400, "bare LF at the end", BI("GET / HTTP/1.1\r\n" HOST "\n") },
	{ 400, "bare CR in a value", BI(GET_WITH("X: a\rb\r\n")) },
	{ 400, "bare CR before CRLF", BI(GET_WITH("X: a\r\r\n")) },
	{ 400, "bare CR in the target", BI("GET /a\rb HTTP/1.1\r\n" HOST "\r\n") },
	{ 400, "NUL in a value", BI(GET_WITH("X: a\0b\r\n")) },
	{ 400, "NUL in a name", BI(GET_WITH("X\0: a\r\n")) },
	{ 400, "DEL in a value", BI(GET_WITH("X: a\x7F\r\n")) },
	{ 400, "control in a value", BI(GET_WITH("X: \x01\r\n")) },
	{ 400, "empty name", BI(GET_WITH(": a\r\n")) },
	{ 400, "no colon", BI(GET_WITH("nonsense\r\n")) },
	{ 400, "obs-text in a name", BI(GET_WITH("X\xFC: a\r\n")) },
	/* Host: RFC 9112 section 3.2. */
	{ 400, "no Host", BI("GET / HTTP/1.1\r\n\r\n") },
	{ 400, "no Host in HTTP/1.0", BI("GET / HTTP/1.0\r\n\r\n") },
	{ 400, "two Hosts", BI(GET_WITH("Host: b\r\n")) },
	{ 400, "two equal Hosts", BI(GET_WITH("host: a.example\r\n")) },
	{ 400, "empty Host", BI("GET / HTTP/1.1\r\nHost:\r\n\r\n") },
	{ 400, "Host with userinfo", BI("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n") },
	{ 400, "Host with a path", BI("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n") },
	{ 400, "Host with a space", BI("GET / HTTP/1.1\r\nHost: a b\r\n\r\n") },
	/* The request line. */
	{ 400, "absolute-form, another host",
		BI("GET https://b.example/ HTTP/1.1\r\n" HOST "\r\n") },
	{ 400, "absolute-form, another port",
		BI("GET https://a.example:8443/ HTTP/1.1\r\n" HOST "\r\n") },
	{ 400, "absolute-form, userinfo",
		BI("GET https://u@a.example/ HTTP/1.1\r\n" HOST "\r\n") },
	{ 400, "absolute-form, no authority",
		BI("GET https:///a HTTP/1.1\r\n" HOST "\r\n") },
	{ 400, "absolute-form, query without path",
		BI("GET https://a.example?b HTTP/1.1\r\n" HOST "\r\n") },
	{ 400, "absolute-form, another scheme",
		BI("GET http://a.example/ HTTP/1.1\r\n" HOST "\r\n") },
	{ 400, "authority-form", BI("CONNECT a.example:443 HTTP/1.1\r\n" HOST "\r\n") },
	{ 400, "asterisk-form", BI("OPTIONS * HTTP/1.1\r\n" HOST "\r\n") },
	{ 400, "no target", BI("GET  HTTP/1.1\r\n" HOST "\r\n") },
	{ 400, "two spaces", BI("GET  / HTTP/1.1\r\n" HOST "\r\n") },
	{ 400, "tab", BI("GET\t/ HTTP/1.1\r\n" HOST "\r\n") },
	{ 400, "space in the target", BI("GET /a b HTTP/1.1\r\n" HOST "\r\n") },
	{ 400, "space behind the version", BI("GET / HTTP/1.1 \r\n" HOST "\r\n") },
	{ 400, "fragment", BI("GET /a#b HTTP/1.1\r\n" HOST "\r\n") },
	{ 400, "backslash in the path", BI("GET /a\\b HTTP/1.1\r\n" HOST "\r\n") },
	{ 400, "quote in the query", BI("GET /?\"a\" HTTP/1.1\r\n" HOST "\r\n") },
	{ 400, "beyond ASCII", BI("GET /\xCE\xB4 HTTP/1.1\r\n" HOST "\r\n") },
	{ 400, "HTTP/0.9", BI("GET /\r\n\r\n") },
	{ 400, "http/1.1", BI("GET / http/1.1\r\n" HOST "\r\n") },
	{ 400, "HTTP/1.1x", BI("GET / HTTP/1.1x\r\n" HOST "\r\n") },
	{ 400, "HTTP/11", BI("GET / HTTP/11\r\n" HOST "\r\n") },
	{ 505, "HTTP/1.2", BI("GET / HTTP/1.2\r\n" HOST "\r\n") },
	{ 505, "HTTP/2.0", BI("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") },
	{ 400, "method is no token", BI("G(T / HTTP/1.1\r\n" HOST "\r\n") },
	{ 400, "no method", BI(" / HTTP/1.1\r\n" HOST "\r\n") },
	{ 400, "two empty lines before", BI("\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n") },
	/* Expectations. */
	{ 417, "unknown expectation", BI(POST "Expect: tea\r\nContent-Length: 1\r\n\r\na") },
	/* Chunks: RFC 9112 section 7.1. */
	{ 400, "chunk extension", BI(CHUNKED "3;a=b\r\nabc\r\n0\r\n\r\n") },
	{ 400, "space behind the size", BI(CHUNKED "3 \r\nabc\r\n0\r\n\r\n") },
	{ 400, "no size", BI(CHUNKED "\r\nabc\r\n0\r\n\r\n") },
	{ 400, "0x size", BI(CHUNKED "0x3\r\nabc\r\n0\r\n\r\n") },
	{ 400, "signed size", BI(CHUNKED "+3\r\nabc\r\n0\r\n\r\n") },
	{ 400, "17 digits", BI(CHUNKED "00000000000000003\r\nabc\r\n0\r\n\r\n") },
	{ 413, "huge size", BI(CHUNKED "FFFFFFFFFFFFFFFF\r\nabc") },
	{ 413, "one chunk too many", BI(CHUNKED "1\r\na\r\n10000\r\n") },
	{ 400, "bare LF behind the size", BI(CHUNKED "3\nabc\r\n0\r\n\r\n") },
	{ 400, "chunk longer than its size", BI(CHUNKED "3\r\nabcd\r\n0\r\n\r\n") },
	{ 400, "no CRLF behind a chunk", BI(CHUNKED "3\r\nabc0\r\n\r\n") },
	{ 400, "trailer", BI(CHUNKED "0\r\nX: a\r\n\r\n") },
};

static const size_t refused_count = sizeof(refused) / sizeof(refused[0]);

TEST(every_ambiguity_is_refused)
{
	limits = http_limits_default();
	for (size_t i = 0; i < refused_count; i++) {
		row("%s", refused[i].name);
		read_whole(&whole, refused[i].text);
		check_int(whole.state, HTTP_BAD);
		check_int(whole.p.status, refused[i].status);
	}
}

/* ---- limits: H-11 --------------------------------------------------------- */

/* before, then `count` times 'a', then after. */
static struct bytes
padded(const char *before, size_t count, const char *after)
{
	static char text[70000];
	struct buf b = buf_fixed(text, sizeof(text));

	buf_put(&b, bytes_of(before));
	for (size_t i = 0; i < count; i++)
		buf_putc(&b, 'a');
	buf_put(&b, bytes_of(after));
	check(!b.failed);
	return buf_bytes(&b);
}

TEST(limits_are_exact)
{
	static const char after[] = " HTTP/1.1\r\nHost: a\r\n\r\n";
	static const char field[] = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
	size_t head = sizeof(field) - 1 + 4;

	limits = http_limits_default();
	row("target of the limit");
	read_whole(&whole, padded("GET /", limits.target_bytes - 1, after));
	check_int(whole.state, HTTP_MESSAGE_DONE);
	row("target one over");
	read_whole(&whole, padded("GET /", limits.target_bytes, after));
	check_int(whole.p.status, 414);
	row("a request line without end");
	read_whole(&whole, padded("GET /", 20000, ""));
	check_int(whole.p.status, 414);
	row("head of the limit");
	read_whole(&whole, padded(field, limits.header_bytes - head, "\r\n\r\n"));
	check_int(whole.state, HTTP_MESSAGE_DONE);
	row("head one over");
	read_whole(&whole, padded(field, limits.header_bytes - head + 1, "\r\n\r\n"));
	check_int(whole.p.status, 431);
	row("a field without end");
	read_whole(&whole, padded(field, 33000, ""));
	check_int(whole.p.status, 431);
	row("body of the limit");
	read_whole(&whole, padded(POST "Content-Length: 65536\r\n\r\n", 65536, ""));
	check_int(whole.state, HTTP_MESSAGE_DONE);
}

TEST(the_number_of_fields_is_limited)
{
	struct buf b;
	static char text[4000];

	limits = http_limits_default();
	for (size_t count = 99; count <= 100; count++) {
		b = buf_fixed(text, sizeof(text));
		buf_put(&b, B("GET / HTTP/1.1\r\n" HOST));
		for (size_t i = 0; i < count; i++)
			buf_put(&b, B("X: a\r\n"));
		buf_put(&b, B("\r\n"));
		read_whole(&whole, buf_bytes(&b));
		if (count == 99)
			check_int(whole.state, HTTP_MESSAGE_DONE);
		else
			check_int(whole.p.status, 431);
	}
}

/* A million chunks of one byte must not need more memory than their body. */
TEST(the_framing_of_chunks_takes_no_room)
{
	size_t most = 0;

	limits = http_limits_default();
	start(&whole);
	feed(&whole, B(CHUNKED));
	for (int i = 0; i < 60000; i++) {
		feed(&whole, B("1\r\nx\r\n"));
		if (whole.n > most)
			most = whole.n;
	}
	feed(&whole, B("0\r\n\r\nGET"));
	check_int(whole.state, HTTP_MESSAGE_DONE);
	check_int(whole.p.body.n, 60000);
	check(most < 60000 + 200);
	check_bytes(behind(&whole), B("GET"));
}

/* ---- however it was cut --------------------------------------------------- */

static const struct bytes cut_up[] = {
	BI("\r\nGET /a?b HTTP/1.1\r\nHost: a\r\nX: 1\r\n\r\nGET /next"),
	BI(POST "Content-Length: 7\r\n\r\na=b&c=dPOST"),
	BI(CHUNKED "3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\nGET / HTTP"),
	BI(POST "Expect: 100-continue\r\nContent-Length: 2\r\n\r\nok"),
};

/* All ways to cut a text in two and many in three, and byte by byte. */
static void
check_cuts(struct bytes text)
{
	read_whole(&whole, text);
	start(&pieces);
	for (size_t i = 0; i < text.n; i++)
		feed(&pieces, bytes_slice(text, i, 1));
	check_same(&pieces, &whole);
	for (size_t i = 0; i <= text.n; i++) {
		for (size_t j = i; j <= text.n; j += 1 + j % 7) {
			start(&pieces);
			feed(&pieces, bytes_slice(text, 0, i));
			feed(&pieces, bytes_slice(text, i, j - i));
			feed(&pieces, bytes_slice(text, j, text.n));
			check_same(&pieces, &whole);
		}
	}
}

TEST(the_answer_is_the_same_however_the_bytes_were_cut)
{
	limits = http_limits_default();
	for (size_t i = 0; i < sizeof(cut_up) / sizeof(cut_up[0]); i++) {
		row("sound %zu", i);
		check_cuts(cut_up[i]);
		check_int(whole.state, HTTP_MESSAGE_DONE);
	}
	for (size_t i = 0; i < refused_count; i++) {
		row("%s", refused[i].name);
		check_cuts(refused[i].text);
	}
}

/* Limits small enough to be met in the middle of everything. */
TEST(limits_do_not_depend_on_the_cut_either)
{
	for (size_t header_bytes = 20; header_bytes < 70; header_bytes += 3) {
		limits = http_limits_default();
		limits.header_bytes = header_bytes;
		limits.target_bytes = header_bytes % 16;
		limits.body_bytes = header_bytes % 12;
		for (size_t i = 0; i < sizeof(cut_up) / sizeof(cut_up[0]); i++) {
			row("%zu bytes, text %zu", header_bytes, i);
			check_cuts(cut_up[i]);
		}
	}
}
