/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An ID token (CL-22): as it is, and with the first line as its header and the rest as its
 * claims. One that is taken has the nonce and the client in it, and a signature.
 */
#include <string.h>

#include "client/authorization.h"
#include "crypto/digest.h"
#include "fuzz.h"
#include "text/base64url.h"
#include "text/json.h"

#define NOW 1700000000

__attribute__((constructor)) static void
begin(void)
{
	holds(crypto_start(NULL) == DONE);
}

static bool
taken(struct arena *a, struct bytes token)
{
	static const struct id_token_wanted wanted = {
		.issuer = BI("https://as.example"), .client_id = BI("app"),
		.nonce = BI("n-1"), .access_token = BI("access"), .now = NOW,
	};
	struct lk_error e = { 0 };
	enum lk_status status = id_token_check(a, token, &wanted, &e);

	holds(status == LK_OK || (status == LK_REJECTED && e.message[0] != '\0'));
	return status == LK_OK;
}

static void
put_part(struct arena *a, struct buf *b, struct bytes json)
{
	char *text = arena_alloc(a, BASE64URL_SIZE(json.n) + 1);

	buf_put(b, (struct bytes){ text, base64url_encode(json.p, json.n, text) });
}

static void
fits(struct arena *a, struct bytes header, struct bytes claims)
{
	const char *why;
	json_t *h = json_read(header, 65536, &why), *c = json_read(claims, 65536, &why);

	holds(json_is_object(h) && json_is_object(c));
	holds(json_object_get(h, "crit") == NULL);
	holds(json_is_string(json_object_get(h, "alg")));
	holds(bytes_equal(json_get_bytes(a, c, "iss"), B("https://as.example")));
	holds(bytes_equal(json_get_bytes(a, c, "nonce"), B("n-1")));
	holds(json_number_value(json_object_get(c, "exp")) > NOW - 61);
	holds(json_number_value(json_object_get(c, "iat")) < NOW + 61);
	json_decref(h);
	json_decref(c);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes text = { (const char *)data, size }, claims = text;
	struct bytes header = bytes_cut(&claims, '\n');
	struct arena *a = arena_new();
	struct buf b = buf_new(a, 2 * size + 64);

	(void)taken(a, text);
	put_part(a, &b, header);
	buf_putc(&b, '.');
	put_part(a, &b, claims);
	buf_put(&b, B(".c2ln"));
	if (taken(a, buf_bytes(&b)))
		fits(a, header, claims);
	arena_free(a);
	return 0;
}
