/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metadata.h - RFC 8414 as one table: what this server says of itself is what it
 * does (RULEBOOK section 18, MD-03 .. MD-08, TR-18).
 */
#ifndef LATCHKEY_RULES_METADATA_H
#define LATCHKEY_RULES_METADATA_H

#include "rules/catalogue.h"

#define ISSUER_MAX 256

struct metadata {
	struct bytes issuer;      /* https, no query, no fragment, no trailing slash */
	struct bytes scopes;      /* canonical; public ones */
	struct bytes resources;   /* of RFC 9728, canonical as a scope; may be empty */
	bool retry_key;           /* refresh_retry_key_supported (TR-18) */
	struct bytes service_documentation, op_policy_uri, op_tos_uri; /* or empty */
};
void metadata_write(struct buf *b, const struct metadata *m);
/* Is it an issuer we may be (MD-03)? *what: a sentence for the operator. */
bool issuer_valid(struct arena *a, struct bytes issuer, const char **what);
/* The path RFC 8414 section 3.1 gives this issuer. */
struct bytes metadata_path(struct arena *a, struct bytes issuer);

#endif
