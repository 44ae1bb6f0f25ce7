/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wording.h - may these words be shown to people: names, descriptions, brands?
 *
 * Promises: what passes is plain UTF-8 without control characters or marks that
 * turn the direction of reading (U-08), not empty, not padded, not endless.
 */
#ifndef LATCHKEY_RULES_WORDING_H
#define LATCHKEY_RULES_WORDING_H

#include "base/arena.h"

#define WORDING_NAME 80         /* characters of a name: what a phone shows */
#define WORDING_DESCRIPTION 200 /* of a sentence on the consent page */

/* NULL: they may. Otherwise a sentence for the operator; `what` begins it. */
const char *wording_fault(struct arena *a, const char *what, struct bytes text,
	size_t most);

#endif
