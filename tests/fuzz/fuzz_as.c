/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A metadata document (CL-01 to CL-03): what is believed is that issuer's, says S256, and
 * every endpoint in it is an https URL without a user name or a fragment.
 */
#include <string.h>

#include "client/as.h"
#include "fuzz.h"
#include "text/uri.h"

static void
https(struct bytes url)
{
	struct uri u;

	if (bytes_empty(url))
		return;
	holds(uri_parse(url, &u) && bytes_equal_nocase(u.scheme, B("https")));
	holds(u.host.n > 0 && !u.has_userinfo && !u.has_fragment);
}

static void
believed(const struct as *as, struct bytes document)
{
	holds(bytes_equal(as->issuer, B("https://as.example")));
	holds(!bytes_empty(as->token_endpoint));
	https(as->authorization_endpoint);
	https(as->token_endpoint);
	https(as->revocation_endpoint);
	https(as->device_authorization_endpoint);
	https(as->pushed_authorization_request_endpoint);
	holds(memmem(document.p, document.n, "256", 3) != NULL ||
		memmem(document.p, document.n, "\\u", 2) != NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct as_wanted wanted = { .issuer = B("https://as.example") };
	struct bytes document = { (const char *)data, size };
	struct arena *a = arena_new();
	struct lk_error e = { 0 };
	enum lk_status status;
	struct as as;

	status = as_read(a, &wanted, document, &as, &e);
	if (status == LK_OK)
		believed(&as, document);
	else
		holds(e.status == status && e.message[0] != '\0');
	arena_free(a);
	return 0;
}
