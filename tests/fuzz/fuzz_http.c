/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_http.c - the HTTP reader: whatever arrives, and however it is cut, the
 * answer is the same, all that was found lies within the text, and what it let
 * through keeps the promises of http.h. The first byte chooses the cuts.
 */
#include <string.h>

#include "fuzz.h"
#include "http/http_class.h"
#include "http/http_parse.h"

enum { TEXT_MAX = 1 << 17 };

struct result {
	enum http_parse_state state;
	struct http_parse parse;
	char text[TEXT_MAX];
	size_t n;
};

static const struct http_limits limits = {
	.header_bytes = 2048, .target_bytes = 512, .body_bytes = 1024, .headers = 16,
};

/* Reads `size` bytes, `step` at a time. */
static void
read_in_steps(struct result *r, const uint8_t *data, size_t size, size_t step)
{
	r->n = 0;
	r->state = HTTP_NEED_MORE;
	http_parse_start(&r->parse, &limits);
	for (size_t at = 0; at < size; at += step) {
		size_t part = step < size - at ? step : size - at;

		memcpy(r->text + r->n, data + at, part);
		r->n += part;
		if (r->state != HTTP_NEED_MORE)
			continue;
		r->state = http_parse(&r->parse, r->text, &r->n);
		if (r->state == HTTP_HEAD_DONE)
			r->state = http_parse(&r->parse, r->text, &r->n);
		holds(r->state != HTTP_HEAD_DONE);
	}
}

static void
check_within(const struct result *r, struct http_span s)
{
	holds(s.at <= r->parse.end && s.n <= r->parse.end - s.at);
}

static void
check_request(const struct result *r)
{
	struct http_request request = { .arena = arena_new() };

	holds(r->parse.end <= r->n);
	check_within(r, r->parse.method);
	check_within(r, r->parse.target);
	check_within(r, r->parse.body);
	holds(r->parse.body.n <= limits.body_bytes);
	holds(r->parse.field_count <= limits.headers);
	http_parse_request(&r->parse, r->text, &request);
	holds(request.target.n > 0 && request.target.n <= limits.target_bytes);
	holds(request.target.p[0] == '/');
	holds(http_all_are(request.path, HTTP_PATH));
	holds(http_all_are(request.method_name, HTTP_TOKEN));
	/* RFC 9112 section 3.2, section 6.3 */
	holds(http_header_occurrences(&request, B("host")) == 1);
	holds(http_header_occurrences(&request, B("content-length")) +
		http_header_occurrences(&request, B("transfer-encoding")) <= 1);
	for (size_t i = 0; i < request.header_count; i++) {
		holds(http_all_are(request.headers[i].name, HTTP_TOKEN));
		holds(http_all_are(request.headers[i].value, HTTP_VALUE));
	}
	arena_free(request.arena);
}

static void
check_same(const struct result *a, const struct result *b)
{
	holds(a->state == b->state);
	if (a->state == HTTP_BAD) {
		holds(a->parse.status == b->parse.status && a->parse.why == b->parse.why);
		return;
	}
	if (a->state != HTTP_MESSAGE_DONE)
		return;
	holds(a->parse.end == b->parse.end);
	holds(a->n == b->n && memcmp(a->text, b->text, a->n) == 0);
	holds(a->parse.close == b->parse.close);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct result whole, pieces;

	if (size < 2 || size > TEXT_MAX)
		return 0;
	read_in_steps(&whole, data + 1, size - 1, size - 1);
	read_in_steps(&pieces, data + 1, size - 1, 1 + data[0] % 64);
	check_same(&whole, &pieces);
	if (whole.state == HTTP_MESSAGE_DONE)
		check_request(&whole);
	return 0;
}
