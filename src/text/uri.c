/* SPDX-License-Identifier: Apache-2.0 */
/*
 * uri.c - RFC 3986 appendix A, from left to right.
 *
 * One departure: IPvFuture is not taken, since no such address exists.
 */
#include "text/uri.h"

#include <arpa/inet.h>
#include <string.h>

#define UNRESERVED_MARKS "-._~"
#define SUB_DELIMS "!$&'()*+,;="

static bool
alpha(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool
digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Only letters, digits, characters of `marks` and, if escapes, %XX. */
static bool
only(struct bytes b, struct bytes marks, bool escapes)
{
	for (size_t i = 0; i < b.n; i++) {
		if (escapes && b.p[i] == '%') {
			if (b.n - i < 3 || hex_digit(b.p[i + 1]) < 0 ||
				hex_digit(b.p[i + 2]) < 0)
				return false;
			i += 2;
		} else if (!alpha(b.p[i]) && !digit(b.p[i]) &&
			bytes_index(marks, b.p[i]) == marks.n) {
			return false;
		}
	}
	return true;
}

/* Section 3.1. */
static bool
parse_scheme(struct bytes *rest, struct uri *u)
{
	if (bytes_index(*rest, ':') == rest->n)
		return false;
	u->scheme = bytes_cut(rest, ':');
	return u->scheme.n > 0 && alpha(u->scheme.p[0]) &&
		only(u->scheme, B("+-."), false);
}

/* What follows the first `mark` moves from *rest to *part; true if it is there. */
static bool
take_after(struct bytes *rest, char mark, struct bytes *part)
{
	size_t at = bytes_index(*rest, mark);

	if (at == rest->n)
		return false;
	*part = bytes_slice(*rest, at + 1, rest->n);
	*rest = bytes_slice(*rest, 0, at);
	return true;
}

/* Section 3.2.2: "[" IPv6address "]"; inet_pton knows just that grammar. */
static bool
ipv6_valid(struct bytes host)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr address;

	if (host.n < 4 || host.n - 2 >= sizeof(text))
		return false;
	memcpy(text, host.p + 1, host.n - 2);
	text[host.n - 2] = '\0';
	return strlen(text) == host.n - 2 && inet_pton(AF_INET6, text, &address) == 1;
}

/* The host, from *rest up to its port; section 3.2.2. */
static bool
parse_host(struct bytes *rest, struct uri *u)
{
	size_t end;

	u->host_is_ipv6 = bytes_starts(*rest, B("["));
	end = bytes_index(*rest, u->host_is_ipv6 ? ']' : ':');
	if (u->host_is_ipv6) {
		if (end == rest->n)
			return false;
		end++;
	}
	u->host = bytes_slice(*rest, 0, end);
	*rest = bytes_slice(*rest, end, rest->n);
	return u->host_is_ipv6 ? ipv6_valid(u->host) :
				 only(u->host, B(UNRESERVED_MARKS SUB_DELIMS), true);
}

/* Section 3.2. */
static bool
parse_authority(struct bytes text, struct uri *u)
{
	u->has_authority = true;
	u->has_userinfo = bytes_index(text, '@') < text.n;
	if (u->has_userinfo)
		u->userinfo = bytes_cut(&text, '@');
	if (!only(u->userinfo, B(UNRESERVED_MARKS SUB_DELIMS ":"), true) ||
		!parse_host(&text, u))
		return false;
	u->has_port = text.n > 0;
	if (u->has_port && text.p[0] != ':')
		return false;
	u->port = bytes_slice(text, 1, text.n);
	for (size_t i = 0; i < u->port.n; i++)
		if (!digit(u->port.p[i]))
			return false;
	return true;
}

bool
uri_parse(struct bytes text, struct uri *out)
{
	struct uri u = { 0 };

	if (!parse_scheme(&text, &u))
		return false;
	u.has_fragment = take_after(&text, '#', &u.fragment);
	u.has_query = take_after(&text, '?', &u.query);
	if (bytes_starts(text, B("//"))) {
		struct bytes rest = bytes_slice(text, 2, text.n);
		size_t end = bytes_index(rest, '/');

		if (!parse_authority(bytes_slice(rest, 0, end), &u))
			return false;
		text = bytes_slice(rest, end, rest.n);
	}
	u.path = text;
	/* Sections 3.3 to 3.5: pchar and '/', and '?' in the last two. */
	if (!only(u.path, B(UNRESERVED_MARKS SUB_DELIMS ":@/"), true) ||
		!only(u.query, B(UNRESERVED_MARKS SUB_DELIMS ":@/?"), true) ||
		!only(u.fragment, B(UNRESERVED_MARKS SUB_DELIMS ":@/?"), true))
		return false;
	*out = u;
	return true;
}

bool
uri_port(const struct uri *u, uint16_t *out)
{
	uint64_t port;

	if (!u->has_port || bytes_starts(u->port, B("0")) ||
		!bytes_to_u64(u->port, &port) || port > UINT16_MAX)
		return false;
	*out = (uint16_t)port;
	return true;
}

/* Takes one character off *path; an escaped '.', '/' or '\' counts as itself. */
static char
next_character(struct bytes *path)
{
	static const struct {
		struct bytes escape;
		char character;
	} escapes[] = { { BI("%2E"), '.' }, { BI("%2F"), '/' }, { BI("%5C"), '/' } };
	struct bytes head = bytes_slice(*path, 0, 3);
	char c = path->p[0];

	for (size_t i = 0; i < sizeof(escapes) / sizeof(escapes[0]); i++) {
		if (bytes_equal_nocase(head, escapes[i].escape)) {
			*path = bytes_slice(*path, 3, path->n);
			return escapes[i].character;
		}
	}
	*path = bytes_slice(*path, 1, path->n);
	return c;
}

bool
uri_has_dot_segments(struct bytes path)
{
	size_t length = 0, dots = 0;

	while (path.n > 0) {
		char c = next_character(&path);

		if (c == '/') {
			if (length == dots && (dots == 1 || dots == 2))
				return true;
			length = dots = 0;
			continue;
		}
		length++;
		dots += c == '.';
	}
	return length == dots && (dots == 1 || dots == 2);
}

static void
put_lower(struct buf *b, struct bytes text)
{
	for (size_t i = 0; i < text.n; i++)
		buf_putc(b, text.p[i] >= 'A' && text.p[i] <= 'Z' ?
				(char)(text.p[i] + ('a' - 'A')) : text.p[i]);
}

/* RFC 6454 section 6.2, as browsers write it: lower case, no default port. */
void
uri_origin(const struct uri *u, struct buf *b)
{
	bool plain = bytes_equal_nocase(u->scheme, B("http"));
	bool tls = bytes_equal_nocase(u->scheme, B("https"));

	put_lower(b, u->scheme);
	buf_put(b, B("://"));
	put_lower(b, u->host);
	if (u->port.n == 0 || (plain && bytes_equal(u->port, B("80"))) ||
		(tls && bytes_equal(u->port, B("443"))))
		return;
	buf_putc(b, ':');
	buf_put(b, u->port);
}
