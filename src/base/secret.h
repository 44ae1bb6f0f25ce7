/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secret.h - random bytes, comparison that takes the same time whatever it
 * compares, and wiping that the compiler may not leave out.
 */
#ifndef LATCHKEY_BASE_SECRET_H
#define LATCHKEY_BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"

/* Fills p from the kernel (getrandom, buffered a thread); never fails, never
 * blocks once the system has booted; survives fork by refilling. */
void secret_random(void *p, size_t n);
/* Equal, in time that depends on n only. */
bool secret_equal(const void *a, const void *b, size_t n);
/* The same for views; different lengths are unequal at once (length is public). */
bool secret_equal_bytes(struct bytes a, struct bytes b);
void secret_wipe(void *p, size_t n);
/* free() that wipes first all that malloc gave: for libraries that let us say how they
 * free. NULL is fine. */
void secret_free(void *p);
/* Memory for a secret that is kept, in whole pages: zero at first, never in a core dump,
 * and not in the swap where we may lock it. NULL: no memory. */
void *secret_pages_new(size_t size);
void secret_pages_free(void *p, size_t size); /* wipes; NULL is fine */
/* No core dumps, no ptrace of this process; call first in main. */
void secret_process(void);

#endif
