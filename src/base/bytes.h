/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bytes.h - a view of bytes somebody else owns, and a way to build new ones.
 *
 * Promises: a view never owns; a struct buf cannot grow past the maximum it
 * was made with, and remembers failure, so it is tested once, at the end.
 * NUL-terminated strings exist only at the edges (libc, SQLite, OpenSSL).
 */
#ifndef LATCHKEY_BASE_BYTES_H
#define LATCHKEY_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

struct bytes {
	const char *p;
	size_t n;
};

/*
 * B("literal") is a view of a string literal; NONE is the empty view. A static
 * table takes only constants, and by the standard that is BI and BI_NONE.
 */
#define B(literal) ((struct bytes){ "" literal, sizeof(literal) - 1 })
#define NONE ((struct bytes){ NULL, 0 })
#define BI(literal) { "" literal, sizeof(literal) - 1 }
#define BI_NONE { NULL, 0 }

/* For printf: printf("%.*s", BYTES_FMT(b)). Never for secrets. */
#define BYTES_FMT(b) (int)(b).n, (b).n > 0 ? (b).p : ""

struct bytes bytes_of(const char *cstr); /* NULL gives NONE */
bool bytes_empty(struct bytes b);
bool bytes_equal(struct bytes a, struct bytes b);      /* not for secrets */
bool bytes_equal_nocase(struct bytes a, struct bytes b); /* ASCII only */
int bytes_compare(struct bytes a, struct bytes b);      /* the order of octets */
bool bytes_starts(struct bytes b, struct bytes prefix);
bool bytes_ends(struct bytes b, struct bytes suffix);
/* The part from `from` (clamped), at most n long. */
struct bytes bytes_slice(struct bytes b, size_t from, size_t n);
/* Index of the first c, or b.n. */
size_t bytes_index(struct bytes b, char c);
/* Cuts *rest at the first sep: returns what is before it, leaves what is after. */
struct bytes bytes_cut(struct bytes *rest, char sep);
/* Decimal digits only, no sign, no overflow; false leaves *out alone. */
bool bytes_to_u64(struct bytes b, uint64_t *out);

/* A hexadecimal digit of either case; -1: none. */
int hex_digit(char c);
/* 2 n digits, in lower case, and no NUL. */
void hex_write(const void *p, size_t n, char *out);
/* Exactly the 2 n digits of n octets; false: not, and out is anything. */
bool hex_read(struct bytes hex, void *out, size_t n);

/* A growing buffer in an arena, or in memory given by the caller. */
struct buf {
	char *p;
	size_t n, cap, max;
	struct arena *arena; /* NULL: fixed memory, cap == max */
	bool failed;         /* something did not fit; what is there is incomplete */
};

struct buf buf_new(struct arena *a, size_t max);
struct buf buf_fixed(void *memory, size_t size);
void buf_put(struct buf *b, struct bytes bytes);
void buf_putc(struct buf *b, char c);
void buf_putu(struct buf *b, uint64_t number);
void buf_puti(struct buf *b, int64_t number);
void buf_printf(struct buf *b, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
struct bytes buf_bytes(const struct buf *b);
/* Appends a NUL that is not counted and returns the string; NULL once failed. */
const char *buf_cstr(struct buf *b);

#endif
