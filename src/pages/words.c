/* SPDX-License-Identifier: Apache-2.0 */
/*
 * words.c - initials, tints, durations.
 */
#include "pages/words.h"

#include "pages/html.h"

#define TINTS 6
#define WORD_MAX 256 /* bytes of a name that initials are looked for in */

/* Letters and digits: ASCII ones, and all that is not ASCII. */
static bool
begins_word(struct bytes letter)
{
	char c = letter.p[0];

	return letter.n > 1 || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		(c >= '0' && c <= '9');
}

static void
put_upper(struct buf *out, struct bytes letter)
{
	if (letter.n == 1 && letter.p[0] >= 'a' && letter.p[0] <= 'z')
		buf_putc(out, (char)(letter.p[0] - ('a' - 'A')));
	else
		buf_put(out, letter);
}

/* The first letters of the first and the last word of a clean text. */
static void
find_initials(struct bytes text, struct bytes *first, struct bytes *last)
{
	bool in_word = false;
	uint32_t c;
	size_t n;

	for (; (n = html_code_point(text, &c)) > 0;
		text = bytes_slice(text, n, text.n)) {
		struct bytes letter = bytes_slice(text, 0, n);
		bool starts = !in_word && begins_word(letter);

		in_word = begins_word(letter) || (in_word && c != ' ');
		if (starts && bytes_empty(*first))
			*first = letter;
		else if (starts)
			*last = letter;
	}
}

void
words_initials(struct bytes name, unsigned letters, struct buf *out)
{
	char memory[WORD_MAX * 3]; /* a bad byte becomes three */
	struct buf cleaned = buf_fixed(memory, sizeof(memory));
	struct bytes first = NONE, last = NONE;

	html_clean(&cleaned, bytes_slice(name, 0, WORD_MAX));
	find_initials(buf_bytes(&cleaned), &first, &last);
	if (bytes_empty(first))
		first = B("?");
	put_upper(out, first);
	if (letters > 1 && !bytes_empty(last))
		put_upper(out, last);
}

/* FNV-1a (32 bits): well spread, and nothing depends on it being hard to meet. */
uint32_t
words_digest(struct bytes content)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < content.n; i++)
		h = (h ^ (unsigned char)content.p[i]) * 16777619u;
	return h;
}

void
words_tint(struct bytes name, struct buf *out)
{
	buf_putu(out, words_digest(name) % TINTS);
}

void
words_duration(int64_t seconds, struct buf *out)
{
	static const struct {
		int64_t below, unit;
		const char *word;
	} units[] = {
		{ 90, 1, "second" },
		{ INT64_C(90) * 60, 60, "minute" },
		{ INT64_MAX, 3600, "hour" },
	};
	size_t i = 0;
	int64_t number;

	while (seconds >= units[i].below && units[i].below < INT64_MAX)
		i++;
	number = seconds / units[i].unit + (seconds % units[i].unit > 0);
	buf_puti(out, number);
	buf_putc(out, ' ');
	buf_put(out, bytes_of(units[i].word));
	if (number != 1)
		buf_putc(out, 's');
}
