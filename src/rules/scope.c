/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scope.c - sets of scope-tokens as canonical text, so that a set operation is
 * one merge of two sorted lists and equal sets are equal bytes.
 *
 * The same text keeps sets of resource URIs (RFC 8707): no character of a URI
 * is outside the grammar of a scope-token.
 */
#include "rules/scope.h"

#include <stdlib.h>

/* RFC 6749 3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E ) */
static bool
token_valid(struct bytes token)
{
	for (size_t i = 0; i < token.n; i++)
		if (token.p[i] <= ' ' || token.p[i] > '~' || token.p[i] == '"' ||
			token.p[i] == '\\')
			return false;
	return token.n > 0;
}

static int
token_order(const void *x, const void *y)
{
	return bytes_compare(*(const struct bytes *)x, *(const struct bytes *)y);
}

bool
scope_next(struct bytes *rest, struct bytes *token)
{
	if (rest->n == 0)
		return false;
	*token = bytes_cut(rest, ' ');
	return true;
}

/* Sorted tokens become text; each once. */
static struct bytes
join(struct arena *a, const struct bytes *tokens, size_t count, size_t size)
{
	struct buf b = buf_new(a, size);

	for (size_t i = 0; i < count; i++) {
		if (i > 0 && bytes_equal(tokens[i], tokens[i - 1]))
			continue;
		if (b.n > 0)
			buf_putc(&b, ' ');
		buf_put(&b, tokens[i]);
	}
	return buf_bytes(&b);
}

bool
scope_parse(struct arena *a, struct bytes text, struct bytes *out)
{
	size_t count = 1, n = 0;
	struct bytes *tokens, rest = text;

	if (text.n > SCOPE_MAX)
		return false;
	for (size_t i = 0; i < text.n; i++)
		count += text.p[i] == ' ';
	tokens = ARENA_ARRAY(a, struct bytes, count);
	/* One token more than spaces: a space at either end leaves an empty one. */
	for (; n < count; n++) {
		tokens[n] = bytes_cut(&rest, ' ');
		if (!token_valid(tokens[n]))
			return false;
	}
	qsort(tokens, n, sizeof(*tokens), token_order);
	*out = join(a, tokens, n, text.n);
	return true;
}

static bool
name_valid(struct bytes name)
{
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' &&
			c != '_' && c != '.')
			return false;
	}
	return name.n > 0;
}

/* R4.4: one colon, lower case, so that no two scopes look alike. */
bool
scope_name_valid(struct bytes token)
{
	struct bytes permission = token;
	struct bytes resource = bytes_cut(&permission, ':');

	return token.n <= 128 && name_valid(resource) && name_valid(permission);
}

bool
scope_has(struct bytes scope, struct bytes token)
{
	struct bytes rest = scope, t;

	while (scope_next(&rest, &t))
		if (bytes_equal(t, token))
			return true;
	return false;
}

/* Walks wide once: both are sorted. */
bool
scope_within(struct bytes narrow, struct bytes wide)
{
	struct bytes asked, has;

	while (scope_next(&narrow, &asked)) {
		do {
			if (!scope_next(&wide, &has))
				return false;
		} while (!bytes_equal(asked, has));
	}
	return true;
}

static void
append(struct buf *b, struct bytes token)
{
	if (b->n > 0)
		buf_putc(b, ' ');
	buf_put(b, token);
}

/* The merge: `lone` says whether a token of only one side is kept. */
static struct bytes
merge(struct arena *a, struct bytes x, struct bytes y, bool lone)
{
	struct buf b = buf_new(a, x.n + 1 + y.n);
	struct bytes tx, ty;
	bool more_x = scope_next(&x, &tx), more_y = scope_next(&y, &ty);

	while (more_x || more_y) {
		int order = !more_x ? 1 : !more_y ? -1 : bytes_compare(tx, ty);

		if (order == 0 || lone)
			append(&b, order <= 0 ? tx : ty);
		if (order <= 0)
			more_x = scope_next(&x, &tx);
		if (order >= 0)
			more_y = scope_next(&y, &ty);
	}
	return buf_bytes(&b);
}

struct bytes
scope_union(struct arena *a, struct bytes x, struct bytes y)
{
	return merge(a, x, y, true);
}

struct bytes
scope_intersection(struct arena *a, struct bytes x, struct bytes y)
{
	return merge(a, x, y, false);
}
