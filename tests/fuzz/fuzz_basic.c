/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The value of an Authorization field (C-04): credentials that are read are
 * clean text, and encoded as RFC 6749 section 2.3.1 says they read the same.
 */
#include "fuzz.h"
#include "text/base64url.h"
#include "text/form.h"
#include "text/headers.h"

static void
reads_the_same_again(struct arena *a, struct bytes id, struct bytes secret)
{
	struct buf b = buf_new(a, 1 << 24);
	struct bytes id_again, secret_again;

	form_put(&b, id);
	buf_putc(&b, ':');
	form_put(&b, secret);
	holds(basic_credentials(a, base64_encode(a, buf_bytes(&b)), &id_again,
		&secret_again));
	holds(bytes_equal(id, id_again) && bytes_equal(secret, secret_again));
}

/* Random bytes are seldom base64, so the input is also taken as what is inside. */
static void
credentials(struct arena *a, struct bytes rest)
{
	struct bytes id, secret;

	if (!basic_credentials(a, rest, &id, &secret))
		return;
	holds(token68_valid(rest));
	holds(utf8_text(id) && utf8_text(secret));
	reads_the_same_again(a, id, secret);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new();
	struct bytes value = { (const char *)data, size }, scheme, rest;

	if (authorization_split(value, &scheme, &rest)) {
		holds(scheme.n > 0 && rest.n > 0);
		holds(bytes_starts(value, scheme) && bytes_ends(value, rest));
		credentials(a, rest);
	}
	credentials(a, base64_encode(a, value));
	arena_free(a);
	return 0;
}
