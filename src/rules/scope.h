/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scope.h - RFC 6749 section 3.3. A scope is kept as canonical text: tokens
 * sorted, each once, one space between; so equal sets are equal bytes.
 */
#ifndef LATCHKEY_RULES_SCOPE_H
#define LATCHKEY_RULES_SCOPE_H

#include "base/arena.h"

#define SCOPE_MAX 2048 /* RULEBOOK P-08 */

/* Any scope-token grammar allows (P-10); sorts and collapses. */
bool scope_parse(struct arena *a, struct bytes text, struct bytes *out);
/* resource:permission, the form this platform registers (R4.4). */
bool scope_name_valid(struct bytes token);
bool scope_has(struct bytes scope, struct bytes token);
bool scope_within(struct bytes narrow, struct bytes wide);
struct bytes scope_union(struct arena *a, struct bytes x, struct bytes y);
struct bytes scope_intersection(struct arena *a, struct bytes x, struct bytes y);
/* Walks the tokens: while (scope_next(&rest, &token)) ... */
bool scope_next(struct bytes *rest, struct bytes *token);

#endif
