/* SPDX-License-Identifier: Apache-2.0 */
/*
 * said.h - what a server said, made fit to stand in an error a person reads.
 *
 * Promises: one line of clean text, however hostile it was; nothing that could be a
 * token, since servers are known to repeat in their words what they refused.
 */
#ifndef LATCHKEY_CLIENT_SAID_H
#define LATCHKEY_CLIENT_SAID_H

#include "client/status.h"

/* At most 160 characters; control characters are '?', words that could be secrets
 * are "[...]". Never NULL. */
const char *said(struct arena *a, struct bytes text);
/* The same for what is no secret by its nature, as a URL: no word is left out. */
const char *shown(struct arena *a, struct bytes text);
/* The error code of RFC 6749 5.2 into e->code, where it is one; e may be NULL. */
void said_code(struct lk_error *e, struct bytes code);

#endif
