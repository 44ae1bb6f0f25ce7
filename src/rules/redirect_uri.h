/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redirect_uri.h - registration and matching (RULEBOOK section 4, RFC 9700 4.1,
 * RFC 8252 7 and 8). Matching is octet equality, save for the port of a native
 * client's loopback literal.
 */
#ifndef LATCHKEY_RULES_REDIRECT_URI_H
#define LATCHKEY_RULES_REDIRECT_URI_H

#include "rules/client.h"

/* May it be registered for such a client? *what: a sentence for the operator. */
bool redirect_uri_registrable(struct arena *a, struct bytes uri, bool native,
	bool development, const char **what);
/* Is the presented one registered by this client? */
bool redirect_uri_matches(const struct client *c, struct bytes presented);
/* The registered one most like it, for explain; NONE if there is none. */
struct bytes redirect_uri_nearest(const struct client *c, struct bytes presented);
/* "differs at character 23: expected '/', got 'x'" (explain). */
const char *redirect_uri_difference(struct arena *a, struct bytes registered,
	struct bytes presented);
/* What CSP form-action must list for this URI: its origin, or "scheme:" (U-02). */
struct bytes redirect_uri_form_action(struct arena *a, struct bytes uri);
/* The host a person is told will receive the answer (R5.2). */
struct bytes redirect_uri_recipient(struct arena *a, struct bytes uri);
/* Loopback or private-use: consent is never skipped (U-09). */
bool redirect_uri_is_native(struct bytes uri);
/* uri with response parameters appended: pairs already encoded. */
struct bytes redirect_uri_with(struct arena *a, struct bytes uri, struct bytes pairs);

#endif
