/* SPDX-License-Identifier: Apache-2.0 */
/*
 * challenge.h - WWW-Authenticate (RFC 9110 11.6.1): a field may hold several challenges,
 * and commas stand between challenges as well as inside them.
 *
 * Promises: the grammar and nothing else; what is malformed ends the reading, and
 * what was whole before it stands.
 */
#ifndef LATCHKEY_TEXT_CHALLENGE_H
#define LATCHKEY_TEXT_CHALLENGE_H

#include "base/arena.h"

#define CHALLENGE_PARAMETERS_MAX 16 /* RFC 6750, 9449 and 9470 together have 8 */

struct challenge {
	struct bytes scheme;
	struct bytes token68; /* or parameters, or neither */
	struct {
		struct bytes name, value; /* value without quotes and escapes */
	} parameters[CHALLENGE_PARAMETERS_MAX];
	size_t count;
};

/* Takes the next one off *rest; false: there is none, or it is malformed. */
bool challenge_next(struct arena *a, struct bytes *rest, struct challenge *out);
/* The first of that scheme, in any case, in a field's value. */
bool challenge_find(struct arena *a, struct bytes field, struct bytes scheme,
	struct challenge *out);
/* A parameter, by its name in any case; NONE: not there, or there twice. */
struct bytes challenge_get(const struct challenge *c, struct bytes name);

#endif
