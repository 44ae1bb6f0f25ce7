/* SPDX-License-Identifier: Apache-2.0 */
/* wording.c - one thing wrong at a time, in a sentence (wording.h). */
#include "rules/wording.h"

#include "text/utf8.h"

static size_t
characters(struct bytes text)
{
	size_t count = 0;

	for (size_t i = 0; i < text.n; i++)
		count += ((unsigned char)text.p[i] & 0xC0) != 0x80;
	return count;
}

/* U+202A..U+202E and U+2066..U+2069. */
static bool
turns_direction(struct bytes text)
{
	for (size_t i = 0; i + 3 <= text.n; i++) {
		const unsigned char *p = (const unsigned char *)text.p + i;

		if (p[0] == 0xE2 && ((p[1] == 0x80 && p[2] >= 0xAA && p[2] <= 0xAE) ||
			(p[1] == 0x81 && p[2] >= 0xA6 && p[2] <= 0xA9)))
			return true;
	}
	return false;
}

const char *
wording_fault(struct arena *a, const char *what, struct bytes text, size_t most)
{
	if (!utf8_text(text) || turns_direction(text))
		return arena_printf(a, "%s holds control characters, marks that turn the "
			"direction of reading, or bytes that are not UTF-8; write it as "
			"plain text", what);
	if (bytes_empty(text) || text.p[0] == ' ' || text.p[text.n - 1] == ' ')
		return arena_printf(a, "%s \"%.*s\" is empty, or begins or ends with a "
			"space; give it as people should read it", what, BYTES_FMT(text));
	if (characters(text) > most)
		return arena_printf(a, "%s \"%.*s...\" has more than %zu characters; "
			"shorten it", what, BYTES_FMT(bytes_slice(text, 0, 40)), most);
	return NULL;
}
