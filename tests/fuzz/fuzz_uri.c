/* SPDX-License-Identifier: Apache-2.0 */
/* What is taken apart is ASCII, and put together it is the same bytes again. */
#include "base/arena.h"
#include "fuzz.h"
#include "text/uri.h"

static void
only_allowed_characters(struct bytes text)
{
	for (size_t i = 0; i < text.n; i++)
		holds(text.p[i] > 0x20 && text.p[i] < 0x7F &&
			bytes_index(B("\"<>\\^`{|}"), text.p[i]) == 9);
}

static void
parts_are_the_whole(struct arena *a, const struct uri *u, struct bytes text)
{
	struct buf b = buf_new(a, text.n);

	buf_put(&b, u->scheme);
	buf_putc(&b, ':');
	buf_put(&b, u->has_authority ? B("//") : NONE);
	buf_put(&b, u->userinfo);
	buf_put(&b, u->has_userinfo ? B("@") : NONE);
	buf_put(&b, u->host);
	buf_put(&b, u->has_port ? B(":") : NONE);
	buf_put(&b, u->port);
	buf_put(&b, u->path);
	buf_put(&b, u->has_query ? B("?") : NONE);
	buf_put(&b, u->query);
	buf_put(&b, u->has_fragment ? B("#") : NONE);
	buf_put(&b, u->fragment);
	holds(bytes_equal(buf_bytes(&b), text));
}

/* An origin is a URI itself, and its own origin. */
static void
origin_is_stable(struct arena *a, const struct uri *u)
{
	struct buf first = buf_new(a, u->host.n + u->scheme.n + u->port.n + 4);
	struct buf second = buf_new(a, first.max);
	struct uri origin;

	uri_origin(u, &first);
	holds(uri_parse(buf_bytes(&first), &origin));
	uri_origin(&origin, &second);
	holds(bytes_equal(buf_bytes(&first), buf_bytes(&second)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new();
	struct bytes text = { (const char *)data, size };
	uint16_t port;
	struct uri u;

	uri_has_dot_segments(text);
	if (uri_parse(text, &u)) {
		only_allowed_characters(text);
		parts_are_the_whole(a, &u, text);
		origin_is_stable(a, &u);
		holds(!uri_port(&u, &port) || port > 0);
		holds(!u.has_authority || u.path.n == 0 || u.path.p[0] == '/');
	}
	arena_free(a);
	return 0;
}
