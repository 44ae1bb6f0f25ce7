/* SPDX-License-Identifier: Apache-2.0 */
/*
 * html.c - escaping by context, and the cleaning of what people read.
 */
#include "pages/html.h"

#include <string.h>

#define REPLACEMENT 0xFFFDu
#define MARKS_MAX 4

struct range {
	uint32_t from, to;
};

/* Drawn on the letter before them. */
static const struct range marks[] = {
	{ 0x0300, 0x036F }, { 0x0483, 0x0489 }, { 0x1AB0, 0x1AFF }, { 0x1DC0, 0x1DFF },
	{ 0x20D0, 0x20FF }, { 0xFE20, 0xFE2F },
};

/* They become a space: the words on both sides stay apart. */
static const struct range breaks[] = {
	{ 0x09, 0x0D }, { 0x85, 0x85 }, { 0x2028, 0x2029 },
};

/*
 * Left out: C0, DEL and C1; soft hyphen; bidi marks, embeddings, overrides and
 * isolates (UAX 9); zero-width space, word joiner and invisible operators; byte
 * order mark; interlinear annotation; tags. The joiners U+200C and U+200D stay:
 * Persian and emoji need them.
 */
static const struct range unseen[] = {
	{ 0x00, 0x1F }, { 0x7F, 0x9F }, { 0xAD, 0xAD }, { 0x034F, 0x034F },
	{ 0x061C, 0x061C }, { 0x115F, 0x1160 }, { 0x17B4, 0x17B5 }, { 0x180B, 0x180F },
	{ 0x200B, 0x200B }, { 0x200E, 0x200F }, { 0x202A, 0x202E }, { 0x2060, 0x206F },
	{ 0x3164, 0x3164 }, { 0xFEFF, 0xFEFF }, { 0xFFA0, 0xFFA0 }, { 0xFFF0, 0xFFFB },
	{ 0xFFFE, 0xFFFF }, { 0xE0000, 0xE0FFF },
};

#define IN(ranges, c) in_ranges(ranges, sizeof(ranges) / sizeof((ranges)[0]), c)

static bool
in_ranges(const struct range *ranges, size_t count, uint32_t c)
{
	for (size_t i = 0; i < count; i++)
		if (c >= ranges[i].from && c <= ranges[i].to)
			return true;
	return false;
}

/* The length a first byte announces, its bits in *bits; 0: no first byte. */
static size_t
announced(unsigned char first, uint32_t *bits)
{
	if (first < 0x80) {
		*bits = first;
		return 1;
	}
	if (first >= 0xC2 && first <= 0xDF) {
		*bits = first & 0x1Fu;
		return 2;
	}
	if (first >= 0xE0 && first <= 0xEF) {
		*bits = first & 0x0Fu;
		return 3;
	}
	*bits = first & 0x07u;
	return first >= 0xF0 && first <= 0xF4 ? 4 : 0;
}

/* RFC 3629: shortest form only, no surrogates, nothing above U+10FFFF. */
size_t
html_code_point(struct bytes text, uint32_t *out)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint32_t c;
	size_t n;

	if (text.n == 0)
		return 0;
	*out = REPLACEMENT;
	n = announced((unsigned char)text.p[0], &c);
	if (n == 0 || n > text.n)
		return 1;
	for (size_t i = 1; i < n; i++) {
		unsigned char next = (unsigned char)text.p[i];

		if ((next & 0xC0) != 0x80)
			return 1;
		c = c << 6 | (next & 0x3Fu);
	}
	if (c < least[n] || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
		return 1;
	*out = c;
	return n;
}

/* The five characters that mean something to HTML, by numbers every parser knows. */
static void
put_escaped(struct buf *b, struct bytes text)
{
	for (size_t i = 0; i < text.n; i++) {
		switch (text.p[i]) {
		case '&': buf_put(b, B("&amp;")); break;
		case '<': buf_put(b, B("&lt;")); break;
		case '>': buf_put(b, B("&gt;")); break;
		case '"': buf_put(b, B("&#34;")); break;
		case '\'': buf_put(b, B("&#39;")); break;
		case '\r': buf_put(b, B("&#13;")); break; /* raw, it were read as LF */
		default: buf_putc(b, text.p[i]);
		}
	}
}

static void
clean(struct buf *b, struct bytes value, void (*put)(struct buf *, struct bytes))
{
	unsigned on_letter = 0;
	uint32_t c;
	size_t n;

	for (struct bytes rest = value; (n = html_code_point(rest, &c)) > 0;
		rest = bytes_slice(rest, n, rest.n)) {
		on_letter = IN(marks, c) ? on_letter + 1 : 0;
		if (IN(breaks, c))
			buf_putc(b, ' ');
		else if (c == REPLACEMENT)
			buf_put(b, B("\xEF\xBF\xBD"));
		else if (!IN(unseen, c) && on_letter <= MARKS_MAX)
			put(b, bytes_slice(rest, 0, n));
	}
}

void
html_clean(struct buf *b, struct bytes value)
{
	clean(b, value, buf_put);
}

void
html_text(struct buf *b, struct bytes value)
{
	clean(b, value, put_escaped);
}

void
html_exact(struct buf *b, struct bytes value)
{
	put_escaped(b, value);
}

/* Visible ASCII only, so that no parser strips a byte and finds another URL. */
static bool
url_is_safe(struct bytes url)
{
	for (size_t i = 0; i < url.n; i++)
		if (url.p[i] <= ' ' || url.p[i] > '~' || url.p[i] == '\\')
			return false;
	if (bytes_starts(url, B("/")))
		return !bytes_starts(url, B("//"));
	return bytes_equal_nocase(bytes_slice(url, 0, 8), B("https://"));
}

void
html_url(struct buf *b, struct bytes value)
{
	put_escaped(b, url_is_safe(value) ? value : B("#"));
}

void
html_url_part(struct buf *b, struct bytes value)
{
	static const char hex[] = "0123456789ABCDEF";

	for (size_t i = 0; i < value.n; i++) {
		unsigned char c = (unsigned char)value.p[i];

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			(c >= '0' && c <= '9') ||
			(c > 0 && strchr("-._~", c) != NULL)) {
			buf_putc(b, (char)c);
			continue;
		}
		buf_putc(b, '%');
		buf_putc(b, hex[c >> 4]);
		buf_putc(b, hex[c & 15]);
	}
}
