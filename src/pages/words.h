/* SPDX-License-Identifier: Apache-2.0 */
/*
 * words.h - small things said in words or letters, for people.
 */
#ifndef LATCHKEY_PAGES_WORDS_H
#define LATCHKEY_PAGES_WORDS_H

#include "base/bytes.h"

/* "Ledger Sync" -> "LS": first letters of the first and last word, at most
 * `letters` of them; "?" where there is none. */
void words_initials(struct bytes name, unsigned letters, struct buf *out);
/* A digit 0 to 5, the same for the same name: the colour behind its initials. */
void words_tint(struct bytes name, struct buf *out);
/* "1 second", "5 minutes", "2 hours": rounded up, so nobody comes too early. */
void words_duration(int64_t seconds, struct buf *out);
/* A short name for content: equal bytes, equal name. Not for secrets. */
uint32_t words_digest(struct bytes content);

#endif
