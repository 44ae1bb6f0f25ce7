/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bytes.c - views compared and cut, buffers built up to their maximum.
 *
 * A put that does not fit as a whole appends nothing and marks the buffer
 * failed; what follows is ignored, so a failed buffer holds a clean prefix.
 */
#include "base/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"

#define BUF_FIRST ((size_t)64)

struct bytes
bytes_of(const char *cstr)
{
	return cstr == NULL ? NONE : (struct bytes){ cstr, strlen(cstr) };
}

bool
bytes_empty(struct bytes b)
{
	return b.n == 0;
}

bool
bytes_equal(struct bytes a, struct bytes b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static char
ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool
bytes_equal_nocase(struct bytes a, struct bytes b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (ascii_lower(a.p[i]) != ascii_lower(b.p[i]))
			return false;
	return true;
}

int
bytes_compare(struct bytes a, struct bytes b)
{
	size_t common = a.n < b.n ? a.n : b.n;
	int order = common > 0 ? memcmp(a.p, b.p, common) : 0;

	return order != 0 ? order : (a.n > b.n) - (a.n < b.n);
}

bool
bytes_starts(struct bytes b, struct bytes prefix)
{
	return b.n >= prefix.n && bytes_equal(bytes_slice(b, 0, prefix.n), prefix);
}

bool
bytes_ends(struct bytes b, struct bytes suffix)
{
	return b.n >= suffix.n &&
		bytes_equal(bytes_slice(b, b.n - suffix.n, suffix.n), suffix);
}

struct bytes
bytes_slice(struct bytes b, size_t from, size_t n)
{
	if (b.p == NULL)
		return NONE;
	if (from > b.n)
		from = b.n;
	if (n > b.n - from)
		n = b.n - from;
	return (struct bytes){ b.p + from, n };
}

size_t
bytes_index(struct bytes b, char c)
{
	const char *found = b.n > 0 ? memchr(b.p, c, b.n) : NULL;

	return found != NULL ? (size_t)(found - b.p) : b.n;
}

struct bytes
bytes_cut(struct bytes *rest, char sep)
{
	size_t at = bytes_index(*rest, sep);
	struct bytes before = bytes_slice(*rest, 0, at);

	*rest = bytes_slice(*rest, at + 1 > rest->n ? rest->n : at + 1, rest->n);
	return before;
}

bool
bytes_to_u64(struct bytes b, uint64_t *out)
{
	uint64_t number = 0;

	if (b.n == 0)
		return false;
	for (size_t i = 0; i < b.n; i++) {
		if (b.p[i] < '0' || b.p[i] > '9' ||
			__builtin_mul_overflow(number, 10, &number) ||
			__builtin_add_overflow(number, (uint64_t)(b.p[i] - '0'), &number))
			return false;
	}
	*out = number;
	return true;
}

/* Arithmetic, not a table: the digits may be those of a key. */
int
hex_digit(char c)
{
	int digit = c - '0', letter = (c | 0x20) - 'a' + 10;

	if (digit >= 0 && digit <= 9)
		return digit;
	return letter >= 10 && letter <= 15 ? letter : -1;
}

static char
hex_of(unsigned digit)
{
	return (char)(digit < 10 ? '0' + digit : 'a' + digit - 10);
}

void
hex_write(const void *p, size_t n, char *out)
{
	const uint8_t *octets = p;

	for (size_t i = 0; i < n; i++) {
		out[2 * i] = hex_of(octets[i] >> 4);
		out[2 * i + 1] = hex_of(octets[i] & 15);
	}
}

bool
hex_read(struct bytes hex, void *out, size_t n)
{
	uint8_t *octets = out;

	if (hex.n != 2 * n)
		return false;
	for (size_t i = 0; i < n; i++) {
		int high = hex_digit(hex.p[2 * i]), low = hex_digit(hex.p[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		octets[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

struct buf
buf_new(struct arena *a, size_t max)
{
	return (struct buf){ .max = max, .arena = a };
}

struct buf
buf_fixed(void *memory, size_t size)
{
	return (struct buf){ .p = memory, .cap = size, .max = size };
}

/*
 * Room for `more` bytes and a `nul` behind them (0 or 1). In an arena the NUL
 * may stand behind the maximum; fixed memory is never exceeded.
 */
static bool
buf_reserve(struct buf *b, size_t more, size_t nul)
{
	size_t cap = b->cap > 0 ? b->cap : BUF_FIRST;
	char *p;

	if (b->failed || more > b->max - b->n) {
		b->failed = true;
		return false;
	}
	if (more + nul <= b->cap - b->n)
		return true;
	if (b->arena == NULL) {
		b->failed = true;
		return false;
	}
	while (cap - b->n < more + nul)
		cap *= 2;
	if (cap > b->max)
		cap = b->max + 1;
	p = arena_alloc(b->arena, cap);
	if (b->n > 0)
		memcpy(p, b->p, b->n);
	b->p = p;
	b->cap = cap;
	return true;
}

void
buf_put(struct buf *b, struct bytes bytes)
{
	if (bytes.n == 0 || !buf_reserve(b, bytes.n, 0))
		return;
	memcpy(b->p + b->n, bytes.p, bytes.n);
	b->n += bytes.n;
}

void
buf_putc(struct buf *b, char c)
{
	if (buf_reserve(b, 1, 0))
		b->p[b->n++] = c;
}

void
buf_putu(struct buf *b, uint64_t number)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	buf_put(b, (struct bytes){ digits + at, sizeof(digits) - at });
}

void
buf_puti(struct buf *b, int64_t number)
{
	char digits[21];
	struct buf whole = buf_fixed(digits, sizeof(digits));

	if (number < 0)
		buf_putc(&whole, '-');
	buf_putu(&whole, number < 0 ? 0 - (uint64_t)number : (uint64_t)number);
	buf_put(b, buf_bytes(&whole));
}

void
buf_printf(struct buf *b, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (n < 0) {
		b->failed = true;
		return;
	}
	if (!buf_reserve(b, (size_t)n, 1))
		return;
	va_start(args, format);
	vsnprintf(b->p + b->n, (size_t)n + 1, format, args);
	va_end(args);
	b->n += (size_t)n;
}

struct bytes
buf_bytes(const struct buf *b)
{
	return (struct bytes){ b->p, b->n };
}

const char *
buf_cstr(struct buf *b)
{
	if (!buf_reserve(b, 0, 1))
		return NULL;
	b->p[b->n] = '\0';
	return b->p;
}
