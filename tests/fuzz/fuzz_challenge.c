/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WWW-Authenticate (CL-35): reading ends, moves forward, and a challenge written out as
 * the grammar has it is read again as the same one.
 */
#include "fuzz.h"
#include "text/challenge.h"

static void
put_quoted(struct buf *b, struct bytes value)
{
	buf_putc(b, '"');
	for (size_t i = 0; i < value.n; i++) {
		if (value.p[i] == '"' || value.p[i] == '\\')
			buf_putc(b, '\\');
		buf_putc(b, value.p[i]);
	}
	buf_putc(b, '"');
}

static struct bytes
written(struct arena *a, const struct challenge *c)
{
	struct buf b = buf_new(a, 1 << 24);

	buf_put(&b, c->scheme);
	if (c->token68.n > 0 || c->count > 0)
		buf_putc(&b, ' ');
	buf_put(&b, c->token68);
	for (size_t i = 0; i < c->count; i++) {
		buf_put(&b, i > 0 ? B(", ") : NONE);
		buf_put(&b, c->parameters[i].name);
		buf_putc(&b, '=');
		put_quoted(&b, c->parameters[i].value);
	}
	return buf_bytes(&b);
}

static void
reads_the_same_again(struct arena *a, const struct challenge *c)
{
	struct bytes text = written(a, c);
	struct challenge again;

	holds(challenge_next(a, &text, &again));
	holds(bytes_equal(again.scheme, c->scheme) && bytes_equal(again.token68, c->token68));
	holds(again.count == c->count);
	for (size_t i = 0; i < c->count; i++) {
		holds(bytes_equal(again.parameters[i].name, c->parameters[i].name));
		holds(bytes_equal(again.parameters[i].value, c->parameters[i].value));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes field = { (const char *)data, size }, rest = field;
	struct arena *a = arena_new();
	struct challenge c, found;
	size_t before = rest.n + 1;

	while (challenge_next(a, &rest, &c)) {
		holds(rest.n < before && c.scheme.n > 0);
		holds(c.token68.n == 0 || c.count == 0);
		before = rest.n;
		reads_the_same_again(a, &c);
		holds(challenge_find(a, field, c.scheme, &found));
	}
	holds(rest.n == 0);
	arena_free(a);
	return 0;
}
