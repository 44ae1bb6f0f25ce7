/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Three lines: flags (n native, d development), a URI to register, a URI presented.
 * What matches is the same octets, or the same but for the port of a loopback
 * literal; what may be registered matches itself and breaks no header it enters.
 */
#include "fuzz.h"
#include "rules/redirect_uri.h"
#include "text/uri.h"

static struct bytes
without_port(struct arena *a, struct bytes uri, struct bytes head)
{
	struct buf b = buf_new(a, uri.n);
	size_t at = head.n;

	if (at < uri.n && uri.p[at] == ':')
		for (at++; at < uri.n && uri.p[at] >= '0' && uri.p[at] <= '9'; at++)
			;
	buf_put(&b, head);
	buf_put(&b, bytes_slice(uri, at, uri.n));
	return buf_bytes(&b);
}

static bool
equal_but_for_port(struct arena *a, struct bytes x, struct bytes y)
{
	static const struct bytes heads[] = { BI("http://127.0.0.1"),
		BI("http://[::1]") };

	for (size_t i = 0; i < 2; i++)
		if (bytes_starts(x, heads[i]) && bytes_starts(y, heads[i]) &&
			bytes_equal(without_port(a, x, heads[i]),
				without_port(a, y, heads[i])))
			return true;
	return false;
}

/* CSP, Location and pages: no octet that ends or splits what it stands in. */
static void
harmless(struct bytes text)
{
	for (size_t i = 0; i < text.n; i++)
		holds(text.p[i] > ' ' && text.p[i] < 0x7F &&
			bytes_index(B(";,'\"<>\\"), text.p[i]) == 7);
}

static void
registered_one_is_usable(struct arena *a, const struct client *c, struct bytes uri)
{
	struct uri u;

	holds(redirect_uri_matches(c, uri));
	holds(uri_parse(uri, &u) && !u.has_fragment && !u.has_userinfo);
	harmless(redirect_uri_form_action(a, uri));
	harmless(redirect_uri_recipient(a, uri));
	holds(redirect_uri_recipient(a, uri).n > 0);
	holds(uri_parse(redirect_uri_with(a, uri, B("code=1&iss=2")), &u));
	holds(u.has_query && bytes_ends(u.query, B("code=1&iss=2")));
	holds(redirect_uri_is_native(uri) == !bytes_starts(uri, B("https:")));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new();
	struct bytes rest = { (const char *)data, size };
	struct bytes flags = bytes_cut(&rest, '\n');
	struct bytes registered = bytes_cut(&rest, '\n'), presented = rest;
	struct client c = { .redirect_uris = { &registered, 1 },
		.native = bytes_index(flags, 'n') < flags.n,
		.development = bytes_index(flags, 'd') < flags.n };
	const char *what = NULL;
	bool matches = redirect_uri_matches(&c, presented);
	bool registrable = redirect_uri_registrable(a, registered, c.native,
		c.development, &what);

	if (matches && !bytes_equal(registered, presented))
		holds(c.native && equal_but_for_port(a, registered, presented));
	if (registrable)
		registered_one_is_usable(a, &c, registered);
	if (registrable && matches)
		harmless(redirect_uri_form_action(a, presented));
	holds(registrable == (what == NULL));
	holds(redirect_uri_difference(a, registered, presented) != NULL);
	arena_free(a);
	return 0;
}
