/* SPDX-License-Identifier: Apache-2.0 */
/*
 * form.h - application/x-www-form-urlencoded (RFC 6749 appendix B), strictly.
 *
 * Promises: a bad escape, invalid UTF-8 or a control character is found and
 * kept as a fact about that field, never repaired; names seen twice are
 * counted; `&` separates, `;` is data, `+` is a space.
 */
#ifndef LATCHKEY_TEXT_FORM_H
#define LATCHKEY_TEXT_FORM_H

#include "base/arena.h"
#include "text/utf8.h"

enum form_source { FORM_QUERY, FORM_BODY };

struct form_field {
	struct bytes name, value; /* decoded; the half that is malformed is NONE */
	bool malformed;           /* bad escape, bad UTF-8 or a control character in it */
	enum form_source source;
};

struct form {
	struct form_field *fields;
	size_t count;
	bool too_many; /* more than FORM_MAX_FIELDS; the rest was not read */
};

#define FORM_MAX_FIELDS 100 /* RULEBOOK P-08 */

/* Adds the fields of text to f (zeroed first by the caller); text is copied. */
void form_read(struct arena *a, struct form *f, struct bytes text, enum form_source);
/* The value of the first field of that name that is not empty (P-05), or NONE. */
struct bytes form_get(const struct form *f, struct bytes name);
/* How often the name occurs, empty values included (P-01). */
size_t form_occurrences(const struct form *f, struct bytes name);
bool form_malformed(const struct form *f, struct bytes name);
/* Encodes one value: unreserved characters stay; space becomes '+' in form_put
 * (bodies) and %20 in form_put_query (AR-02: never raw, never '+'). */
void form_put(struct buf *b, struct bytes value);
void form_put_query(struct buf *b, struct bytes value);
/* Appends name=value with '&' before it unless b is empty or ends in '?' or '&';
 * space is %20, which both a query and a body may have. */
void form_pair(struct buf *b, struct bytes name, struct bytes value);
/* Decodes %XX and '+' as one half of Basic credentials; false: bad escape. */
bool form_decode(struct arena *a, struct bytes text, struct bytes *out);

#endif
