/* SPDX-License-Identifier: Apache-2.0 */
/* user.h - a person, and the resource contexts they belong to (R4.6). */
#ifndef LATCHKEY_RULES_USER_H
#define LATCHKEY_RULES_USER_H

#include "rules/client.h"

/* A company, or one entity of a multi-entity organisation. */
struct context {
	struct bytes urn;         /* urn:...; comes back with the tokens */
	struct bytes name;        /* what the person reads */
	enum subject_type type;   /* SUBJECT_COMPANY or SUBJECT_ENTITY */
};

struct user {
	int64_t id;
	struct bytes sub;         /* stable, never reassigned: "lku_" and 22 of ours */
	struct bytes username;    /* compared after lower-casing ASCII */
	struct bytes name;
	struct bytes password_hash;
	bool disabled;
	const struct context *contexts;
	size_t context_count;
	int64_t created_at;
};

#define USERNAME_MAX 128

/* May it be what a person types to sign in: letters, digits and . _ - + @ only, so
 * that no two look alike and every keyboard has them? */
bool username_valid(struct bytes username);
/* Is this record one we may keep? On refusal *what is a sentence for the operator. */
bool user_check(struct arena *a, const struct user *u, const char **what);
const struct context *user_context(const struct user *u, struct bytes urn);

#endif
