/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of text/uri.c by the cases of web-platform-tests (tests/vectors/url).
 *
 * They say how browsers read and repair URLs; RFC 3986 has no repair. So the
 * oracles here are three, and each is independent of the parser under test:
 *
 *  1. An input with a byte outside %x21-7E, or one of "<>\^`{|}, or without a
 *     scheme before its first '/', '?' or '#', must be refused.
 *  2. What is accepted and has an authority must have, put together from its
 *     parts again, the very bytes of the input: nothing was changed.
 *  3. Where we accept an http or https URI that a browser accepts too, both
 *     see the same host and port (save for letter case, the default port, and
 *     forms of IPv4 which only browsers know): no confusion of hosts.
 */
#include <jansson.h>

#include "base/arena.h"
#include "text/uri.h"
#include "tap.h"

static json_t *
load(void)
{
	char path[4096];
	const char *vectors = getenv("VECTORS");

	snprintf(path, sizeof(path), "%s/url/urltestdata.json",
		vectors != NULL ? vectors : "tests/vectors");
	return json_load_file(path, JSON_ALLOW_NUL, NULL);
}

static struct bytes
member(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return (struct bytes){ json_string_value(value), json_string_length(value) };
}

static bool
certainly_no_uri(struct bytes text)
{
	bool scheme = false, before_scheme = true;

	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];

		if (c <= 0x20 || c > 0x7E || strchr("\"<>\\^`{|}", c) != NULL)
			return true;
		if (before_scheme && strchr("/?#:", c) != NULL) {
			scheme = c == ':' && i > 0;
			before_scheme = false;
		}
	}
	return !scheme;
}

static void
put_together(const struct uri *u, struct buf *b)
{
	buf_put(b, u->scheme);
	buf_put(b, B(":"));
	if (u->has_authority)
		buf_put(b, B("//"));
	buf_put(b, u->userinfo);
	if (u->has_userinfo)
		buf_putc(b, '@');
	buf_put(b, u->host);
	if (u->has_port)
		buf_putc(b, ':');
	buf_put(b, u->port);
	buf_put(b, u->path);
	if (u->has_query)
		buf_putc(b, '?');
	buf_put(b, u->query);
	if (u->has_fragment)
		buf_putc(b, '#');
	buf_put(b, u->fragment);
}

/* WHATWG "ends in a number": browsers read 0x7f.1 as IPv4, RFC 3986 as a name. */
static bool
browser_rewrites_host(struct bytes host)
{
	struct bytes last = host;

	if (bytes_ends(host, B(".")))
		last.n--;
	while (bytes_index(last, '.') < last.n)
		bytes_cut(&last, '.');
	return bytes_index(host, '%') < host.n || bytes_starts(host, B("[")) ||
		(last.n > 0 && last.p[0] >= '0' && last.p[0] <= '9');
}

static bool
browser_scheme(struct bytes scheme)
{
	return bytes_equal_nocase(scheme, B("http")) ||
		bytes_equal_nocase(scheme, B("https"));
}

/* A browser's origin is there to compare, and it need not have rewritten it. */
static bool
comparable(const struct uri *u, const json_t *theirs)
{
	return member(theirs, "origin").n > 0 && u->host.n > 0 &&
		browser_scheme(u->scheme) && !browser_rewrites_host(u->host) &&
		!bytes_starts(u->port, B("0"));
}

TEST(nothing_is_accepted_that_rfc_3986_does_not_allow)
{
	json_t *rows = load();
	int64_t accepted = 0, refused = 0, compared = 0;
	struct arena *a = arena_new();
	const json_t *r;
	size_t i;

	check(json_array_size(rows) > 800);
	json_array_foreach(rows, i, r) {
		struct bytes input = member(r, "input");
		struct buf whole = buf_new(a, 100000);
		struct uri u;

		if (!json_is_object(r))
			continue;
		row("%zu: %.*s", i, BYTES_FMT(input));
		if (!uri_parse(input, &u)) {
			refused++;
			continue;
		}
		accepted++;
		check(!certainly_no_uri(input));
		put_together(&u, &whole);
		check_bytes(buf_bytes(&whole), input);
		if (comparable(&u, r)) {
			struct buf origin = buf_new(a, 10000);

			uri_origin(&u, &origin);
			check_bytes(buf_bytes(&origin), member(r, "origin"));
			compared++;
		}
	}
	/* The file has this many; fewer would mean that nothing was compared. */
	printf("# %" PRId64 " accepted, %" PRId64 " refused, %" PRId64 " compared\n",
		accepted, refused, compared);
	check(accepted >= 200 && refused >= 400 && compared >= 40);
	arena_free(a);
	json_decref(rows);
}
