/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redirect_uri.c - what a client may register, and what matches it.
 *
 * Registration is where judgement happens; matching has none. It compares
 * octets, and leaves out the port of a native client's loopback literal, which
 * is cut away by position, never by parsing what a stranger sent.
 */
#include "rules/redirect_uri.h"

#include "text/form.h"
#include "text/uri.h"

#define URI_MAX 2048 /* P-08 */

/* ---- registration ----------------------------------------------------------- */

static bool
lower_case(struct bytes b)
{
	for (size_t i = 0; i < b.n; i++)
		if (b.p[i] >= 'A' && b.p[i] <= 'Z')
			return false;
	return true;
}

/* An ASCII domain name or an address: what may stand in a CSP as it is (U-02). */
static bool
host_plain(const struct uri *u)
{
	for (size_t i = 0; i < u->host.n && !u->host_is_ipv6; i++) {
		char c = u->host.p[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' &&
			c != '.' && c != '_')
			return false;
	}
	return true;
}

/* an answer's own parameters must not be in the query already. */
static struct bytes
reserved_name(struct arena *a, struct bytes query)
{
	static const struct bytes reserved[] = { BI("code"), BI("state"), BI("iss"),
		BI("error"), BI("error_description"), BI("error_uri"), BI("response") };
	struct form form = { 0 };

	form_read(a, &form, query, FORM_QUERY);
	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (form_occurrences(&form, reserved[i]) > 0)
			return reserved[i];
	return NONE;
}

/* R-06, before any scheme is looked at; NULL: nothing wrong. */
static const char *
flaw_of_syntax(struct arena *a, struct bytes text, struct uri *u)
{
	struct bytes name;

	if (text.n == 0 || text.n > URI_MAX)
		return "has no characters or more than 2048";
	if (bytes_index(text, '#') < text.n)
		return "has a fragment; leave out '#' and what follows";
	if (bytes_index(text, '*') < text.n)
		return "has a '*'; register every URI in full, there are no wildcards";
	if (!uri_parse(text, u))
		return "is not an absolute URI of RFC 3986; write it in ASCII, with "
			"its scheme, and escape what must be escaped";
	if (u->has_userinfo)
		return "has a user name before '@'; leave it out";
	if (uri_has_dot_segments(u->path))
		return "has '.' or '..' in its path; write the path it stands for";
	if (!lower_case(u->scheme) || !lower_case(u->host))
		return "has capital letters in scheme or host; write them small";
	if (!host_plain(u))
		return "has a host that is no domain name; write an international name "
			"in its xn-- form";
	name = reserved_name(a, u->query);
	return name.n == 0 ? NULL :
		arena_printf(a, "has '%.*s' in its query, where the answer will put "
			"its own", BYTES_FMT(name));
}

/* three spellings of loopback, and no other. */
static const char *
flaw_of_http(const struct uri *u, bool native, bool development)
{
	bool literal = bytes_equal(u->host, B("127.0.0.1")) ||
		bytes_equal(u->host, B("[::1]"));
	bool local = literal || bytes_equal(u->host, B("localhost"));

	if (!local)
		return "is http; use https (http is only for 127.0.0.1, [::1] and "
			"localhost)";
	if (development || (literal && native))
		return NULL;
	return literal ? "is http on loopback, which only native apps (--native) and "
			 "development clients (--development) may use"
		       : "is http://localhost, which only development clients "
			 "(--development) may use; native apps use 127.0.0.1";
}

/* RFC 8252 7.1: labels of a domain name in reverse order. */
static bool
reverse_dns(struct bytes scheme)
{
	size_t labels = 0;

	while (scheme.n > 0) {
		struct bytes label = bytes_cut(&scheme, '.');

		if (label.n == 0 || bytes_index(label, '+') < label.n)
			return false;
		labels++;
	}
	return labels >= 2;
}

/* R-05, D13 */
static const char *
flaw_of_private_use(const struct uri *u, bool native)
{
	if (!reverse_dns(u->scheme) || bytes_ends(u->scheme, B(".")))
		return "has a scheme other than https; an app's own scheme is a domain "
			"name in reverse, such as com.example.app:/callback";
	if (!native)
		return "has an app's own scheme, which only native apps (--native) "
			"may use";
	if (u->has_authority)
		return "has '//' after an app's own scheme; write one slash, "
			"com.example.app:/path";
	return bytes_starts(u->path, B("/")) ? NULL :
		"has no path after its scheme; write com.example.app:/path";
}

static const char *
flaw_of(struct arena *a, struct bytes text, bool native, bool development)
{
	struct uri u = { 0 };
	const char *flaw = flaw_of_syntax(a, text, &u);
	bool https = bytes_equal(u.scheme, B("https"));
	uint16_t port;

	if (flaw != NULL)
		return flaw;
	if (!https && !bytes_equal(u.scheme, B("http")))
		return flaw_of_private_use(&u, native);
	if (u.host.n == 0)
		return "has no host";
	if (u.has_port && !uri_port(&u, &port))
		return "has a port that is not 1 to 65535 in plain digits";
	return https ? NULL : flaw_of_http(&u, native, development);
}

bool
redirect_uri_registrable(struct arena *a, struct bytes uri, bool native,
	bool development, const char **what)
{
	const char *flaw = flaw_of(a, uri, native, development);

	if (flaw != NULL)
		*what = arena_printf(a, "redirect URI \"%.*s\" %s", BYTES_FMT(uri),
			flaw);
	return flaw == NULL;
}

/* ---- matching ----------------------------------------------------------------- */

/* Where http://127.0.0.1 or http://[::1] ends in this text; 0: it is neither. */
static size_t
loopback_literal(struct bytes uri)
{
	static const struct bytes heads[] = { BI("http://127.0.0.1"),
		BI("http://[::1]") };

	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		if (bytes_starts(uri, heads[i]))
			return heads[i].n;
	return 0;
}

/* What follows an optional port; false: a port that is none. */
static bool
skip_port(struct bytes *rest)
{
	struct bytes digits;
	uint64_t port;
	size_t n = 1;

	if (!bytes_starts(*rest, B(":")))
		return true;
	while (n < rest->n && rest->p[n] >= '0' && rest->p[n] <= '9')
		n++;
	digits = bytes_slice(*rest, 1, n - 1);
	*rest = bytes_slice(*rest, n, rest->n);
	return bytes_to_u64(digits, &port) && port <= UINT16_MAX && digits.p[0] != '0';
}

/* RFC 8252 7.3: the port is the only free part. */
static bool
matches_but_for_port(struct bytes registered, struct bytes presented)
{
	size_t head = loopback_literal(registered);
	struct bytes kept = bytes_slice(registered, head, registered.n);
	struct bytes shown = bytes_slice(presented, head, presented.n);

	return head > 0 && head == loopback_literal(presented) &&
		bytes_equal(bytes_slice(registered, 0, head),
			bytes_slice(presented, 0, head)) &&
		skip_port(&kept) && skip_port(&shown) && bytes_equal(kept, shown);
}

/* a flag removed after registration counts from that moment. */
static bool
still_allowed(const struct client *c, struct bytes registered)
{
	if (bytes_starts(registered, B("https:")))
		return true;
	if (!bytes_starts(registered, B("http:")))
		return c->native;
	return c->development || (c->native && loopback_literal(registered) > 0);
}

bool
redirect_uri_matches(const struct client *c, struct bytes presented)
{
	for (size_t i = 0; i < c->redirect_uris.n; i++) {
		struct bytes registered = c->redirect_uris.p[i];

		/* RFC 9700 4.1.3: exact string matching, RFC 8252 aside. */
		if (!bytes_equal(registered, presented) &&
			!(c->native && matches_but_for_port(registered, presented)))
			continue;
		if (still_allowed(c, registered))
			return true;
	}
	return false;
}

/* ---- for explain --------------------------------------------------------------- */

static size_t
common_prefix(struct bytes x, struct bytes y)
{
	size_t n = 0;

	while (n < x.n && n < y.n && x.p[n] == y.p[n])
		n++;
	return n;
}

struct bytes
redirect_uri_nearest(const struct client *c, struct bytes presented)
{
	struct bytes nearest = NONE;
	size_t longest = 0;

	for (size_t i = 0; i < c->redirect_uris.n; i++) {
		size_t n = common_prefix(c->redirect_uris.p[i], presented);

		if (nearest.p == NULL || n > longest) {
			nearest = c->redirect_uris.p[i];
			longest = n;
		}
	}
	return nearest;
}

static const char *
show_character(struct arena *a, struct bytes b, size_t at)
{
	if (at >= b.n)
		return "the end";
	if (b.p[at] > ' ' && b.p[at] <= '~')
		return arena_printf(a, "'%c'", b.p[at]);
	return arena_printf(a, "the octet 0x%02X", (unsigned)(unsigned char)b.p[at]);
}

const char *
redirect_uri_difference(struct arena *a, struct bytes registered,
	struct bytes presented)
{
	size_t at = common_prefix(registered, presented);

	if (bytes_equal(registered, presented))
		return "the two are equal";
	return arena_printf(a, "differs at character %zu: expected %s, got %s", at + 1,
		show_character(a, registered, at), show_character(a, presented, at));
}

/* ---- for pages and answers ------------------------------------------------------ */

/* The scheme of a URI that was registered, "com.example.app". */
static struct bytes
scheme_of(struct bytes uri)
{
	return bytes_slice(uri, 0, bytes_index(uri, ':'));
}

static bool
is_web(struct bytes uri)
{
	return bytes_starts(uri, B("https:")) || bytes_starts(uri, B("http:"));
}

struct bytes
redirect_uri_form_action(struct arena *a, struct bytes uri)
{
	struct buf b = buf_new(a, uri.n + 1);
	struct uri u;

	if (!is_web(uri) || !uri_parse(uri, &u)) {
		buf_put(&b, scheme_of(uri));
		buf_putc(&b, ':');
	} else {
		uri_origin(&u, &b);
	}
	return buf_bytes(&b);
}

struct bytes
redirect_uri_recipient(struct arena *a, struct bytes uri)
{
	struct bytes origin;

	if (!is_web(uri))
		return arena_bytes(a, scheme_of(uri));
	origin = redirect_uri_form_action(a, uri);
	return bytes_slice(origin, bytes_index(origin, '/') + 2, origin.n);
}

bool
redirect_uri_is_native(struct bytes uri)
{
	return !bytes_starts(uri, B("https:"));
}

/* RFC 6749 3.1.2: the query that is there is kept. */
struct bytes
redirect_uri_with(struct arena *a, struct bytes uri, struct bytes pairs)
{
	struct buf b = buf_new(a, uri.n + 1 + pairs.n);
	bool has_query = bytes_index(uri, '?') < uri.n;

	buf_put(&b, uri);
	if (!has_query)
		buf_putc(&b, '?');
	else if (!bytes_ends(uri, B("?")) && !bytes_ends(uri, B("&")))
		buf_putc(&b, '&');
	buf_put(&b, pairs);
	return buf_bytes(&b);
}
