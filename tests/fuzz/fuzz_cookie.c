/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The input is a name, a line feed, and a Cookie field. What is found stands in
 * the field, is made of cookie-octets, and is found alone as well; beside
 * another of its name it is not found.
 */
#include "fuzz.h"
#include "text/headers.h"

static void
found_alone_and_not_twice(struct arena *a, struct bytes name, struct bytes value)
{
	struct buf b = buf_new(a, 1 << 24);

	buf_put(&b, name);
	buf_putc(&b, '=');
	buf_put(&b, value);
	holds(bytes_equal(cookie_get(buf_bytes(&b), name), value));
	buf_put(&b, B("; "));
	buf_put(&b, name);
	buf_putc(&b, '=');
	holds(bytes_empty(cookie_get(buf_bytes(&b), name)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new();
	struct bytes field = { (const char *)data, size };
	struct bytes name = bytes_cut(&field, '\n');
	struct bytes value = cookie_get(field, name);

	for (size_t i = 0; i < value.n; i++)
		holds(value.p[i] > 0x20 && value.p[i] < 0x7F &&
			bytes_index(B("\",;\\"), value.p[i]) == 4);
	if (value.n > 0) {
		holds(value.p > field.p && value.p + value.n <= field.p + field.n);
		found_alone_and_not_twice(a, name, value);
	}
	arena_free(a);
	return 0;
}
