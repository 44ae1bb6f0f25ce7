/* SPDX-License-Identifier: Apache-2.0 */
/*
 * uri.h - RFC 3986 taken apart, without changing a byte.
 *
 * Promises: parts are views of the text; what the grammar does not allow is
 * not parsed (no repair, no WHATWG leniency).
 */
#ifndef LATCHKEY_TEXT_URI_H
#define LATCHKEY_TEXT_URI_H

#include "base/bytes.h"

struct uri {
	struct bytes scheme, userinfo, host, port, path, query, fragment;
	bool has_authority, has_userinfo, has_port, has_query, has_fragment;
	bool host_is_ipv6; /* host is then with its brackets */
};

/* An absolute URI with optional fragment; ASCII only; false: not one. */
bool uri_parse(struct bytes text, struct uri *out);
bool uri_port(const struct uri *u, uint16_t *out); /* digits, 1..65535, no leading zero */
bool uri_has_dot_segments(struct bytes path); /* ".", "..", and their escaped forms */
/* scheme://host[:port] into b: what CORS and CSP call an origin. */
void uri_origin(const struct uri *u, struct buf *b);

#endif
