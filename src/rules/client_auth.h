/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client_auth.h - who is calling a direct endpoint, and may they be believed
 * (RFC 6749 2.3; RULEBOOK section 3). Which method arrived, is it the registered
 * one, does it match: in that order, with one answer for unknown and wrong.
 */
#ifndef LATCHKEY_RULES_CLIENT_AUTH_H
#define LATCHKEY_RULES_CLIENT_AUTH_H

#include "crypto/digest.h"
#include "rules/catalogue.h"
#include "text/form.h"

enum client_auth_method { /* RFC 7591 token_endpoint_auth_method */
	CLIENT_AUTH_NOTHING,
	CLIENT_AUTH_NONE,
	CLIENT_AUTH_BASIC,
	CLIENT_AUTH_POST, /* always refused (C-08) */
	CLIENT_AUTH_ASSERTION, /* not offered: refused (C-06) */
};

struct client_auth {
	enum client_auth_method method; /* what arrived */
	bool header_tried;        /* decides 401 or 400 (D12) */
	const struct client *client; /* set only when reason is REASON_NONE */
	struct bytes client_id;   /* what was claimed, for the log; may be anything */
	enum reason reason;
};

/* authorization: the one Authorization field or NONE; fields: how many there were. */
struct client_auth client_authenticate(struct arena *a, const struct catalogue *all,
	const struct mac_key *secret_key, struct bytes authorization, size_t fields,
	const struct form *form, int64_t now);
/* The digest a secret is stored as. */
void client_secret_digest(const struct mac_key *secret_key, struct bytes secret,
	uint8_t out[static DIGEST_SIZE]);
const char *client_auth_method_name(enum client_auth_method m);

#endif
