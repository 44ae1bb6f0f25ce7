/* SPDX-License-Identifier: Apache-2.0 */
/*
 * brand.h - does a client's name imitate the platform's (R4.1)?
 *
 * Promises: spaces, punctuation, capitals, accents and the usual look-alikes
 * (0 and o, 1 and l and I, rn and m, Cyrillic and Greek twins) do not hide a
 * brand. It is no judge of similar meaning.
 */
#ifndef LATCHKEY_RULES_BRAND_H
#define LATCHKEY_RULES_BRAND_H

#include "base/arena.h"

bool brand_imitated(struct arena *a, struct bytes brand, struct bytes name);
/* The letters a person sees, in one spelling; for tests and messages. */
struct bytes brand_fold(struct arena *a, struct bytes text);

#endif
