/* SPDX-License-Identifier: Apache-2.0 */
/*
 * brand.c - names folded to what a hurried eye sees.
 *
 * A character becomes one ASCII letter, or nothing, or stays as it is; then
 * pairs that look like one letter become that letter. What is looked for is the
 * brand inside the name, both folded.
 */
#include "rules/brand.h"

#include "text/utf8.h"

#define BRAND_SHORT 4 /* a shorter brand is inside too many honest words */

/* Each character of `looks` is read as `letter`; sorted by letter. */
static const struct {
	char letter;
	struct bytes looks;
} twins[] = {
	{ 'a', BI("4@ÀÁÂÃÄÅàáâãäåĀāĂăĄąАаΑα") },
	{ 'b', BI("8ВвΒЬь") },
	{ 'c', BI("(ÇçĆćČčСсϲ") },
	{ 'd', BI("ĎďĐđԁ") },
	{ 'e', BI("3ÈÉÊËèéêëĒēĖėĘęĚěЕеЁёΕε") },
	{ 'g', BI("9ĞğĢģɡ") },
	{ 'h', BI("НһΗ") },
	{ 'j', BI("Јј") },
	{ 'k', BI("КкΚκ") },
	{ 'l', BI("1|!iIÌÍÎÏìíîïĪīĮįİıŁłІіΙι") },
	{ 'm', BI("МмΜ") },
	{ 'n', BI("ÑñŃńŇňΝ") },
	{ 'o', BI("0ÒÓÔÕÖØòóôõöøŌōŐőОоΟο") },
	{ 'p', BI("РрΡρ") },
	{ 'r', BI("ŘřŔŕг") },
	{ 's', BI("5$ŚśŠšŞşЅѕ") },
	{ 't', BI("7+ŤťŢţТтΤτ") },
	{ 'u', BI("ÙÚÛÜùúûüŪūŮůŰűυ") },
	{ 'v', BI("Ѵѵν") },
	{ 'w', BI("ŴŵԜԝω") },
	{ 'x', BI("ХхΧχ") },
	{ 'y', BI("ÝýÿŸУуΥγ") },
	{ 'z', BI("2ŹźŻżŽžΖ") },
};

/* Two letters that look like one. */
static const struct {
	struct bytes pair;
	char letter;
} pairs[] = { { BI("rn"), 'm' }, { BI("vv"), 'w' } };

static bool
contains(struct bytes text, struct bytes part)
{
	for (size_t i = 0; i + part.n <= text.n; i++)
		if (bytes_equal(bytes_slice(text, i, part.n), part))
			return true;
	return false;
}

/* UTF-8 keeps characters apart: one is never found inside another. */
static char
twin_of(struct bytes character)
{
	for (size_t i = 0; i < sizeof(twins) / sizeof(twins[0]); i++)
		if (contains(twins[i].looks, character))
			return twins[i].letter;
	return '\0';
}

/* U+FF01..U+FF5E are ASCII in full width. */
static char
narrow(struct bytes character)
{
	const unsigned char *p = (const unsigned char *)character.p;

	if (character.n != 3 || p[0] != 0xEF || (p[1] != 0xBC && p[1] != 0xBD))
		return character.n == 1 ? character.p[0] : '\0';
	return (char)((p[1] - 0xBC) * 64 + p[2] - 0x80 + 0x20);
}

/* Letters and digits that have no twin; everything else of ASCII is dropped. */
static void
fold_ascii(struct buf *b, char c)
{
	char twin = twin_of((struct bytes){ &c, 1 });

	if (twin != '\0')
		buf_putc(b, twin);
	else if (c >= 'A' && c <= 'Z')
		buf_putc(b, (char)(c + ('a' - 'A')));
	else if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
		buf_putc(b, c);
}

/* Spaces, joiners, selectors and accents that stand for themselves. */
static bool
unseen(struct bytes character)
{
	static const struct bytes beginnings[] = {
		BI("\xC2\xA0"), BI("\xC2\xAD"),     /* no-break space, soft hyphen */
		BI("\xCC"), BI("\xCD\x80"),         /* combining marks */
		BI("\xCD\x8F"),                     /* grapheme joiner */
		BI("\xE1\xA0\x8E"),                 /* Mongolian vowel separator */
		BI("\xE2\x80"), BI("\xE2\x81"),     /* General Punctuation */
		BI("\xE3\x80\x80"),                 /* ideographic space */
		BI("\xEF\xB8"), BI("\xEF\xBB\xBF"), /* selectors, byte order mark */
	};

	for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++)
		if (bytes_starts(character, beginnings[i]))
			return true;
	return false;
}

static void
fold_character(struct buf *b, struct bytes character)
{
	char plain = narrow(character), twin;

	if (plain != '\0') {
		fold_ascii(b, plain);
		return;
	}
	if (unseen(character))
		return;
	twin = twin_of(character);
	if (twin != '\0')
		buf_putc(b, twin);
	else
		buf_put(b, character);
}

static struct bytes
fold_pairs(struct arena *a, struct bytes text)
{
	struct buf b = buf_new(a, text.n);

	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];

		for (size_t p = 0; p < sizeof(pairs) / sizeof(pairs[0]); p++) {
			if (!bytes_equal(bytes_slice(text, i, 2), pairs[p].pair))
				continue;
			c = pairs[p].letter;
			i++;
			break;
		}
		buf_putc(&b, c);
	}
	return buf_bytes(&b);
}

struct bytes
brand_fold(struct arena *a, struct bytes text)
{
	struct buf b = buf_new(a, text.n);
	size_t length;

	for (size_t i = 0; i < text.n; i += length) {
		struct bytes rest = bytes_slice(text, i, text.n);

		length = utf8_sequence(rest);
		if (length == 0)
			length = 1;
		fold_character(&b, bytes_slice(rest, 0, length));
	}
	return fold_pairs(a, buf_bytes(&b));
}

bool
brand_imitated(struct arena *a, struct bytes brand, struct bytes name)
{
	struct bytes wanted = brand_fold(a, brand), seen = brand_fold(a, name);

	if (wanted.n < BRAND_SHORT)
		return wanted.n > 0 && bytes_equal(seen, wanted);
	return contains(seen, wanted);
}
