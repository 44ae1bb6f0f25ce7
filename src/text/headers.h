/* SPDX-License-Identifier: Apache-2.0 */
/*
 * headers.h - the header fields this program reads (RFC 9110, 7617, 6265).
 */
#ifndef LATCHKEY_TEXT_HEADERS_H
#define LATCHKEY_TEXT_HEADERS_H

#include "base/arena.h"

/* "Basic xyz" -> scheme "Basic", rest "xyz"; false: not scheme SP rest. */
bool authorization_split(struct bytes value, struct bytes *scheme, struct bytes *rest);
/* token68 of RFC 9110 section 11.2, not empty. */
bool token68_valid(struct bytes b);
/* RFC 7617, RFC 6749 2.3.1: base64, first ':', each half form-decoded (C-04). */
bool basic_credentials(struct arena *a, struct bytes rest, struct bytes *id,
	struct bytes *secret);
/* One cookie of a Cookie field; twice the same name: NONE (never guess). */
struct bytes cookie_get(struct bytes field, struct bytes name);
/* "application/x-www-form-urlencoded", optionally "; charset=utf-8" (H-08). */
bool media_type_is_form(struct bytes value);
bool media_type_is(struct bytes value, struct bytes type); /* ignoring parameters */

#endif
