/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arena.c - chunks of memory, handed out from front to back.
 *
 * Invariant: what is not handed out in a chunk is zero. calloc starts it so and
 * wiping keeps it so; therefore arena_alloc need not clear anything. Only a reserved
 * chunk is raw, and cleared as it is handed out: most of it never is.
 */
#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/asan.h"
#include "base/secret.h"

#define CHUNK_FIRST ((size_t)8192) /* most requests need no second */
#define CHUNK_LARGEST ((size_t)65536)
#define ALIGNMENT alignof(max_align_t)
#define RED_ZONE (UNDER_ASAN ? ALIGNMENT : 0) /* forbidden ground between things */

struct chunk {
	struct chunk *older;
	size_t size, used;
	bool raw; /* not zero to begin with */
	alignas(max_align_t) char memory[];
};

struct arena {
	struct chunk *newest; /* allocated from; the oldest is kept by a reset */
	size_t held;
};

void
out_of_memory(size_t size)
{
	fprintf(stderr, "latchkey: out of memory (%zu bytes asked for)\n", size);
	abort();
}

void *
must_calloc(size_t count, size_t size)
{
	void *p = calloc(count, size);

	if (p == NULL)
		out_of_memory(size);
	return p;
}

static void
chunk_put(struct arena *a, struct chunk *c, size_t size)
{
	c->older = a->newest;
	c->size = size - sizeof(*c);
	c->used = 0;
	asan_forbid(c->memory, c->size);
	a->newest = c;
	a->held += size;
}

static void
chunk_add(struct arena *a, size_t size)
{
	chunk_put(a, must_calloc(1, size), size);
}

static void
chunk_wipe(struct chunk *c)
{
	asan_allow(c->memory, c->size);
	secret_wipe(c->memory, c->used);
	c->used = 0;
}

struct arena *
arena_new(void)
{
	struct arena *a = must_calloc(1, sizeof(*a));

	a->held = sizeof(*a);
	chunk_add(a, CHUNK_FIRST);
	return a;
}

/* What size bytes take when they are asked for in things of 48 bytes and more. */
static size_t
reserved_size(size_t size)
{
	return sizeof(struct chunk) + size + ALIGNMENT + RED_ZONE * (size / 48 + 1);
}

struct arena *
arena_reserve(size_t size)
{
	struct arena *a = calloc(1, sizeof(*a));
	struct chunk *c = size < SIZE_MAX / 4 ? malloc(reserved_size(size)) : NULL;

	if (a == NULL || c == NULL) {
		free(a);
		free(c);
		return NULL;
	}
	c->raw = true;
	a->held = sizeof(*a);
	chunk_put(a, c, reserved_size(size));
	return a;
}

/* Frees all chunks but the oldest, which is wiped. */
void
arena_reset(struct arena *a)
{
	struct chunk *c = a->newest;

	while (c->older != NULL) {
		struct chunk *older = c->older;

		chunk_wipe(c);
		a->held -= sizeof(*c) + c->size;
		free(c);
		c = older;
	}
	chunk_wipe(c);
	asan_forbid(c->memory, c->size);
	a->newest = c;
}

void
arena_free(struct arena *a)
{
	if (a == NULL)
		return;
	arena_reset(a);
	asan_allow(a->newest->memory, a->newest->size);
	free(a->newest);
	free(a);
}

/* A new chunk is twice the last one, or larger where one thing needs it. */
static void
arena_grow(struct arena *a, size_t need)
{
	size_t size = (a->newest->size + sizeof(struct chunk)) * 2;

	if (size > CHUNK_LARGEST)
		size = CHUNK_LARGEST;
	if (size < need + sizeof(struct chunk))
		size = need + sizeof(struct chunk);
	chunk_add(a, size);
}

void *
arena_alloc(struct arena *a, size_t size)
{
	size_t need;
	char *p;

	if (size > SIZE_MAX / 2)
		out_of_memory(size);
	need = (size + RED_ZONE + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	if (need > a->newest->size - a->newest->used)
		arena_grow(a, need);
	p = a->newest->memory + a->newest->used;
	a->newest->used += need;
	asan_allow(p, size);
	if (a->newest->raw)
		memset(p, 0, size);
	return p;
}

void *
arena_copy(struct arena *a, const void *p, size_t n)
{
	void *copy = arena_alloc(a, n);

	if (n > 0)
		memcpy(copy, p, n);
	return copy;
}

const char *
arena_cstr(struct arena *a, struct bytes b)
{
	char *copy = arena_alloc(a, b.n + 1);

	if (b.n > 0)
		memcpy(copy, b.p, b.n);
	return copy;
}

struct bytes
arena_bytes(struct arena *a, struct bytes b)
{
	return (struct bytes){ arena_cstr(a, b), b.n };
}

const char *
arena_printf(struct arena *a, const char *format, ...)
{
	va_list args;
	char *text;
	int n;

	va_start(args, format);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (n < 0)
		return "";
	text = arena_alloc(a, (size_t)n + 1);
	va_start(args, format);
	vsnprintf(text, (size_t)n + 1, format, args);
	va_end(args);
	return text;
}

const char *
arena_hex(struct arena *a, const void *p, size_t n)
{
	char *text = arena_alloc(a, 2 * n + 1);

	hex_write(p, n, text);
	return text;
}

size_t
arena_size(const struct arena *a)
{
	return a->held;
}
