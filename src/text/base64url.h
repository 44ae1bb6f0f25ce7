/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base64url.h - RFC 4648 section 5 without padding, and section 4 with it.
 *
 * Promises: no table look-ups by secret, so time depends on length only;
 * decoding accepts the one canonical form and nothing else.
 */
#ifndef LATCHKEY_TEXT_BASE64URL_H
#define LATCHKEY_TEXT_BASE64URL_H

#include "base/arena.h"

#define BASE64URL_SIZE(n) (((n)*4 + 2) / 3)

/* Writes BASE64URL_SIZE(n) characters, no NUL; returns how many. */
size_t base64url_encode(const void *p, size_t n, char *out);
/* Canonical only: alphabet, length, unused bits zero. false leaves out undefined. */
bool base64url_decode(struct bytes text, void *out, size_t max, size_t *n);
/* Standard alphabet with padding, for Basic credentials; same strictness. */
bool base64_decode(struct bytes text, void *out, size_t max, size_t *n);
struct bytes base64_encode(struct arena *a, struct bytes b);

#endif
