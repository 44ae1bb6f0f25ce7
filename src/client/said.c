/* SPDX-License-Identifier: Apache-2.0 */
/*
 * said.c - words are looked at one by one.
 *
 * A person's words are short. What is long and has a digit in it, or is very long,
 * may be a token or a code: it is left out, whatever it was.
 */
#include "client/said.h"

#include <string.h>

#include "text/utf8.h"

enum { SAID_MAX = 160, WORD_WITH_DIGIT = 20, WORD = 40 };

static bool
may_be_secret(struct bytes word)
{
	if (word.n >= WORD)
		return true;
	for (size_t i = 0; i < word.n && word.n >= WORD_WITH_DIGIT; i++)
		if (word.p[i] >= '0' && word.p[i] <= '9')
			return true;
	return false;
}

/* What ends a word: quotes and the like stand around tokens in such sentences. */
static bool
ends_word(char c)
{
	static const struct bytes marks = BI("\"'`<>()[]{},;:");

	return (unsigned char)c <= 0x20 || bytes_index(marks, c) < marks.n;
}

static void
put_word(struct buf *b, struct bytes word)
{
	buf_put(b, may_be_secret(word) ? B("[...]") : word);
}

const char *
said(struct arena *a, struct bytes text)
{
	struct buf b = buf_new(a, SAID_MAX + WORD + 8);
	size_t start = 0;

	if (!utf8_valid(text))
		return "(not text)";
	for (size_t i = 0; i <= text.n && b.n < SAID_MAX; i++) {
		if (i < text.n && !ends_word(text.p[i]))
			continue;
		put_word(&b, bytes_slice(text, start, i - start));
		if (i < text.n)
			buf_putc(&b, (unsigned char)text.p[i] < 0x20 ? '?' : text.p[i]);
		start = i + 1;
	}
	/* DEL and the C1 characters can move a terminal's cursor as well. */
	return utf8_text(buf_bytes(&b)) ? buf_cstr(&b) : "(not clean text)";
}

const char *
shown(struct arena *a, struct bytes text)
{
	struct bytes cut = bytes_slice(text, 0, SAID_MAX);

	if (!utf8_text(text))
		return "(not clean text)";
	while (!utf8_valid(cut)) /* half a character at the end */
		cut.n--;
	return arena_cstr(a, cut);
}

/* RFC 6749 5.2: %x20-21 / %x23-5B / %x5D-7E; a code has no spaces in practice. */
void
said_code(struct lk_error *e, struct bytes code)
{
	if (e == NULL || code.n == 0 || code.n >= sizeof(e->code))
		return;
	for (size_t i = 0; i < code.n; i++)
		if (code.p[i] <= 0x20 || code.p[i] > 0x7E || code.p[i] == '"' ||
			code.p[i] == '\\')
			return;
	memcpy(e->code, code.p, code.n);
	e->code[code.n] = '\0';
}
