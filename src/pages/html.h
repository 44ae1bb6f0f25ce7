/* SPDX-License-Identifier: Apache-2.0 */
/*
 * html.h - a value from outside, written where it can do no harm.
 *
 * Promises: whatever the value, none of these writes < > & " ' raw, so it stays
 * what it was put into: the text of an element or a double-quoted attribute.
 * Elsewhere (tag names, scripts, styles) no value may stand; template.h sees to it.
 */
#ifndef LATCHKEY_PAGES_HTML_H
#define LATCHKEY_PAGES_HTML_H

#include "base/bytes.h"

/* What a person reads: cleaned, then escaped. */
void html_text(struct buf *b, struct bytes value);
/* What is resent as it is (hidden inputs): escaped only. */
void html_exact(struct buf *b, struct bytes value);
/* A whole href, src or action: a path of ours ("/signin") or https; anything else
 * becomes "#", so no scheme that runs code and no //host ever gets in. */
void html_url(struct buf *b, struct bytes value);
/* A part of one, behind text of ours: all but unreserved characters is %XX. */
void html_url_part(struct buf *b, struct bytes value);

/*
 * Text as a person should see it (U-08): invalid UTF-8 is U+FFFD; line breaks and
 * tabs are spaces; other controls, what changes the writing direction, and what
 * nobody can see are left out; no more than four combining marks on a letter, so
 * that a name cannot paint over the lines around it.
 */
void html_clean(struct buf *b, struct bytes value);
/* The first code point of a text and its length in bytes (0 at the end); invalid
 * UTF-8 is U+FFFD, one byte long. */
size_t html_code_point(struct bytes text, uint32_t *out);

#endif
