/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client's document. What is read can be judged; what passes is kept as it is,
 * and holds no redirect URI that could not be registered by itself.
 */
#include "fuzz.h"
#include "rules/client.h"
#include "rules/redirect_uri.h"
#include "rules/scope.h"
#include "text/json.h"

static void
kept_client_is_sound(struct arena *a, const struct client *c)
{
	const char *what;

	for (size_t i = 0; i < c->redirect_uris.n; i++) {
		holds(redirect_uri_registrable(a, c->redirect_uris.p[i], c->native,
			c->development, &what));
		holds(redirect_uri_matches(c, c->redirect_uris.p[i]));
	}
	holds(scope_within(c->default_scope, c->scope));
	holds(!(c->pkce_exempt && c->type == CLIENT_PUBLIC));
	holds(!(c->native && c->type != CLIENT_PUBLIC));
}

static void
document_is_stable(struct arena *a, const struct client *c)
{
	json_t *first = client_to_json(c), *second;
	struct client again;

	holds(client_from_json(a, first, &again));
	second = client_to_json(&again);
	holds(json_equal(first, second));
	json_decref(first);
	json_decref(second);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new();
	const char *why = NULL, *what = NULL;
	json_t *document = json_read((struct bytes){ (const char *)data, size }, 65536,
		&why);
	struct client c;

	if (document != NULL && client_from_json(a, document, &c)) {
		document_is_stable(a, &c);
		if (client_check(a, &c, B("Acme Spend"), &what))
			kept_client_is_sound(a, &c);
		else
			holds(what != NULL);
	}
	json_decref(document);
	arena_free(a);
	return 0;
}
