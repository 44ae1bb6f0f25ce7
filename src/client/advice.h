/* SPDX-License-Identifier: Apache-2.0 */
/*
 * advice.h - what somebody can do about an error code that only they can cure.
 */
#ifndef LATCHKEY_CLIENT_ADVICE_H
#define LATCHKEY_CLIENT_ADVICE_H

#include "client/token_request.h"

/* Behind the server's words, where the code (RFC 6749 4.1.2.1 and 5.2, RFC 8707 2) is
 * one that comes of how the client is registered: what was sent, where the mistake may
 * be, and the next step. scope: what was asked for. Anything else stays as it is; e may
 * be NULL. */
void advise(struct arena *a, const struct as *as, const struct credentials *me,
	struct bytes scope, struct lk_error *e);

#endif
