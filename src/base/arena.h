/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arena.h - memory with one life: a request, a command, a snapshot.
 *
 * Promises: everything in it is wiped when it is reset or freed, because some
 * of it was a secret; out of memory ends the process with a message, so no
 * caller tests for NULL (arena_reserve is for who may not end that way). Not shared
 * between threads without a lock.
 */
#ifndef LATCHKEY_BASE_ARENA_H
#define LATCHKEY_BASE_ARENA_H

#include <stddef.h>

#include "base/bytes.h"

struct arena;

struct arena *arena_new(void);
/* One with room for size bytes, all of it had now: NULL where there is no memory. For
 * a library, which may not end its host: what is kept within size cannot fail later.
 * Room that is never used is never touched. */
struct arena *arena_reserve(size_t size);
void arena_free(struct arena *a);  /* NULL is fine */
void arena_reset(struct arena *a); /* wiped; the first chunk is kept for reuse */
void *arena_alloc(struct arena *a, size_t size); /* zeroed, aligned for any type */
void *arena_copy(struct arena *a, const void *p, size_t n);
struct bytes arena_bytes(struct arena *a, struct bytes b); /* a copy, NUL behind it */
const char *arena_cstr(struct arena *a, struct bytes b);
const char *arena_printf(struct arena *a, const char *format, ...)
	__attribute__((format(printf, 2, 3), nonnull(2)));
/* Hexadecimal, in lower case. Not for secrets: it looks digits up by their value. */
const char *arena_hex(struct arena *a, const void *p, size_t n);
size_t arena_size(const struct arena *a); /* bytes held from the system */

/* An array of n things of a type; the caller has bounded count. */
#define ARENA_ARRAY(a, type, count) \
	((type *)arena_alloc((a), sizeof(type) * (count)))
#define ARENA_NEW(a, type) ARENA_ARRAY(a, type, 1)

/* For what outlives any arena: calloc that never gives NULL; free() ends it. */
void *must_calloc(size_t count, size_t size);
/* Says so and ends the process. */
__attribute__((noreturn)) void out_of_memory(size_t size);

#endif
