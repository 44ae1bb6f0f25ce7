/* SPDX-License-Identifier: Apache-2.0 */
/* What decodes is the one text of its bytes; any bytes come back. */
#include "fuzz.h"
#include "text/base64url.h"

static void
decodes_to_its_only_text(struct arena *a, struct bytes text)
{
	uint8_t *out = arena_alloc(a, text.n);
	char *again = arena_alloc(a, text.n + 4);
	size_t n;

	if (base64url_decode(text, out, text.n, &n)) {
		holds(BASE64URL_SIZE(n) == text.n);
		holds(base64url_encode(out, n, again) == text.n);
		holds(bytes_equal((struct bytes){ again, text.n }, text));
	}
	if (base64_decode(text, out, text.n, &n))
		holds(bytes_equal(base64_encode(a, (struct bytes){ (char *)out, n }),
			text));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new();
	struct bytes input = { (const char *)data, size }, padded;
	char *text = arena_alloc(a, BASE64URL_SIZE(size));
	char *out = arena_alloc(a, size);
	size_t n = base64url_encode(data, size, text);

	holds(n == BASE64URL_SIZE(size));
	holds(base64url_decode((struct bytes){ text, n }, out, size, &n));
	holds(bytes_equal((struct bytes){ out, n }, input));
	holds(size == 0 || !base64url_decode((struct bytes){ text, BASE64URL_SIZE(size) },
				   out, size - 1, &n));
	padded = base64_encode(a, input);
	holds(base64_decode(padded, out, size, &n));
	holds(bytes_equal((struct bytes){ out, n }, input));
	decodes_to_its_only_text(a, input);
	arena_free(a);
	return 0;
}
