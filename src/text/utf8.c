/* SPDX-License-Identifier: Apache-2.0 */
/*
 * utf8.c - strictly: no overlong form, no surrogate, nothing above U+10FFFF.
 */
#include "text/utf8.h"

/* The table of RFC 3629 section 4. */
size_t
utf8_sequence(struct bytes b)
{
	const unsigned char *p = (const unsigned char *)b.p;
	unsigned char low = 0x80, high = 0xBF; /* what the second byte may be */
	size_t length;

	if (b.n > 0 && p[0] < 0x80)
		return 1;
	if (b.n == 0 || p[0] < 0xC2 || p[0] > 0xF4)
		return 0;
	length = p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;
	if (p[0] == 0xE0)
		low = 0xA0; /* no overlong form */
	else if (p[0] == 0xED)
		high = 0x9F; /* no surrogate */
	else if (p[0] == 0xF0)
		low = 0x90;
	else if (p[0] == 0xF4)
		high = 0x8F; /* not above U+10FFFF */
	if (b.n < length || p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < length; i++)
		if (p[i] < 0x80 || p[i] > 0xBF)
			return 0;
	return length;
}

bool
utf8_valid(struct bytes b)
{
	size_t length;

	for (size_t i = 0; i < b.n; i += length) {
		length = utf8_sequence(bytes_slice(b, i, b.n));
		if (length == 0)
			return false;
	}
	return true;
}

bool
utf8_text(struct bytes b)
{
	size_t length = 1;

	for (size_t i = 0; i < b.n; i += length) {
		unsigned char c = (unsigned char)b.p[i];

		length = c < 0x80 ? 1 : utf8_sequence(bytes_slice(b, i, b.n));
		/* U+0000..U+001F, U+007F, and U+0080..U+009F in its two bytes. */
		if (length == 0 || c < 0x20 || c == 0x7F ||
			(c == 0xC2 && (unsigned char)b.p[i + 1] < 0xA0))
			return false;
	}
	return true;
}
