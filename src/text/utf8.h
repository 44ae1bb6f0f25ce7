/* SPDX-License-Identifier: Apache-2.0 */
/*
 * utf8.h - RFC 3629: what is UTF-8, and what is clean text.
 */
#ifndef LATCHKEY_TEXT_UTF8_H
#define LATCHKEY_TEXT_UTF8_H

#include "base/bytes.h"

/* How many bytes the character at the start of b has; 0: none that is valid. */
size_t utf8_sequence(struct bytes b);
bool utf8_valid(struct bytes b);
bool utf8_text(struct bytes b); /* valid, and no control character (C0, DEL, C1) */

#endif
