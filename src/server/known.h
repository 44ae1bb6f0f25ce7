/* SPDX-License-Identifier: Apache-2.0 */
/*
 * known.h - which accounts signed in with this browser before, in a sealed
 * cookie. It gives no access; it only lets the owner of an account try again
 * while somebody else's failures make strangers wait.
 */
#ifndef LATCHKEY_SERVER_KNOWN_H
#define LATCHKEY_SERVER_KNOWN_H

#include "server/exchange.h"

#define KNOWN_ACCOUNTS 4

struct known {
	bool here;        /* this account signed in with this browser before */
	struct bytes id;  /* of this browser, random; for the throttle */
	uint64_t accounts[KNOWN_ACCOUNTS]; /* digests, newest first */
};

/* A username as throttles know it: as the store compares it (lower case). */
struct bytes known_account(struct exchange *x, struct bytes username);
void known_read(struct exchange *x, struct bytes username, struct known *out);
/* Sets the cookie with this account in front. */
void known_write(struct exchange *x, const struct known *k, struct bytes username);

#endif
