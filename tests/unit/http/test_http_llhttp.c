/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of http/http_parse.c by the cases of another strict reader, llhttp;
 * tests/vectors/README.md says where they are from. */
#include "http/http_parse.h"

#include <jansson.h>

#include "tap.h"

static struct http_limits limits;
static struct http_parse parse;

static enum http_parse_state
read_whole(struct bytes text, const char *then)
{
	static char copy[20000];
	size_t n = text.n + strlen(then);
	enum http_parse_state state;

	memcpy(copy, text.p, text.n);
	memcpy(copy + text.n, then, strlen(then));
	http_parse_start(&parse, &limits);
	state = http_parse(&parse, copy, &n);
	return state == HTTP_HEAD_DONE ? http_parse(&parse, copy, &n) : state;
}

/*
 * llhttp takes all of these; we do not, on purpose. Most cases lack Host, which
 * llhttp leaves to its caller: they are refused, and then read again with one
 * added; listed here are those that are refused even so.
 */
static const struct {
	const char *name, *why;
} stricter[] = {
	{ "CONNECT request", "authority-form: we are no proxy" },
	{ "CONNECT request with CAPS", "authority-form: we are no proxy" },
	{ "CONNECT with body", "authority-form: we are no proxy" },
	{ "Underscore in hostname", "authority-form: we are no proxy" },
	{ "M-SEARCH request", "asterisk-form" },
	{ "PRI request HTTP2", "asterisk-form" },
	{ "SOURCE request with ICE", "not HTTP" },
	{ "OPTIONS request with RTSP", "not HTTP" },
	{ "ANNOUNCE request with RTSP", "not HTTP" },
	{ "No HTTP version", "HTTP/0.9" },
	{ "on_chunk_extension_name", "chunk extensions" },
	{ "on_chunk_extension_value", "chunk extensions" },
	{ "Chunk extensions", "chunk extensions" },
	{ "Chunk extensions quoting", "chunk extensions" },
	{ "Trailing headers", "trailers" },
	{ "POST with `chunked` as last transfer-encoding", "a coding beside chunked" },
	{ "POST with `chunked` as last transfer-encoding (multiple headers)",
	  "a coding beside chunked" },
	{ "Host terminated by a query string", "absolute-form: none but https is ours" },
	{ "`host:port` terminated by a query string", "absolute-form: none but https is ours" },
	{ "`host:port` terminated by a space", "absolute-form: none but https is ours" },
	{ "`host:port` and basic auth", "absolute-form: none but https is ours" },
	{ "Fragment in URI", "a fragment is never sent (RFC 9110 section 7.1)" },
	{ "Quotes in URI", "not a character of a URI" },
};

static bool
is_stricter(const char *name)
{
	for (size_t i = 0; i < sizeof(stricter) / sizeof(stricter[0]); i++)
		if (strcmp(stricter[i].name, name) == 0)
			return true;
	return false;
}

/* The vectors keep bytes as Latin-1 characters, which JSON writes as UTF-8. */
static struct bytes
latin1(const char *utf8, char *out, bool with_host)
{
	size_t n = 0;
	const char *end_of_line = strstr(utf8, "\r\n");

	if (strncmp(utf8, "\r\n", 2) == 0)
		end_of_line = strstr(utf8 + 2, "\r\n");
	for (const char *c = utf8; *c != '\0'; c++) {
		unsigned char byte = (unsigned char)*c;

		if (byte >= 0xC2)
			byte = (unsigned char)((byte & 3) << 6 | (*++c & 0x3F));
		out[n++] = (char)byte;
		if (with_host && end_of_line != NULL && c == end_of_line + 1) {
			memcpy(out + n, "Host: a\r\n", 9);
			n += 9;
		}
	}
	return (struct bytes){ out, n };
}

static void
check_foreign(const json_t *test)
{
	static char text[16384];
	const char *input = json_string_value(json_object_get(test, "input"));
	const char *name = json_string_value(json_object_get(test, "name"));
	bool ok = strcmp(json_string_value(json_object_get(test, "result")), "ok") == 0;
	enum http_parse_state state;
	bool has_host = strstr(input, "\nHost:") != NULL || strstr(input, "\nHOST:") != NULL;

	row("%s", name);
	state = read_whole(latin1(input, text, false), "");
	if (ok && !has_host) {
		check_int(state, HTTP_BAD);
		state = read_whole(latin1(input, text, true), "");
	}
	/* A case may end within the bad line, and we judge whole lines. */
	if (!ok && state == HTTP_NEED_MORE)
		state = read_whole(latin1(input, text, false), "\r\n\r\n");
	if (!ok && state == HTTP_MESSAGE_DONE)
		check(parse.close); /* what follows is never read */
	else if (!ok)
		check_int(state, HTTP_BAD);
	else if (is_stricter(name))
		check_int(state, HTTP_BAD);
	else
		check(state == HTTP_MESSAGE_DONE || state == HTTP_NEED_MORE);
}

TEST(the_cases_of_llhttp)
{
	char path[4096];
	json_t *file;

	limits = http_limits_default();
	snprintf(path, sizeof(path), "%s/http/llhttp-request-cases.json",
		getenv("VECTORS") != NULL ? getenv("VECTORS") : "tests/vectors");
	file = json_load_file(path, JSON_ALLOW_NUL, NULL);
	if (!check(file != NULL))
		return;
	check_int((int64_t)json_array_size(json_object_get(file, "tests")), 131);
	for (size_t i = 0; i < json_array_size(json_object_get(file, "tests")); i++)
		check_foreign(json_array_get(json_object_get(file, "tests"), i));
	json_decref(file);
}
