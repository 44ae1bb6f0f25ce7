/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of rules/client_auth.c: rulebook section 3. */
#include "rules/client_auth.h"

#include "catalogues.h"
#include "tap.h"

#define T 1000000
#define SECRET "s3cret-of-256-bits"

static struct mac_key *key;

/* Every confidential client has two secrets; the older one runs out at T + 60. */
static struct catalogue *
catalogue_with_secrets(void)
{
	static const uint8_t bytes[32] = { 9 };
	struct catalogue *c = sample_catalogue();
	struct fault f;

	if (crypto_start(&f) != DONE)
		abort();
	key = mac_key_new(bytes);
	for (size_t i = 0; i < c->client_count; i++) {
		struct client *client = &c->clients[i];

		if (client->type == CLIENT_PUBLIC)
			continue;
		client_secret_digest(key, B("older"), client->secrets[0].digest);
		client->secrets[0].expires_at = T + 60;
		client_secret_digest(key, B(SECRET), client->secrets[1].digest);
		client->secret_count = 2;
	}
	client_secret_digest(key, B("p+q r"),
		((struct client *)catalogue_client(c, B("a:b%c")))->secrets[1].digest);
	return c;
}

/* base64 of what stands in the comment of each row */
#define WEB "d2ViOnMzY3JldC1vZi0yNTYtYml0cw=="        /* web:SECRET */
#define WEB_OLDER "d2ViOm9sZGVy"                        /* web:older */
#define WEB_WRONG "d2ViOndyb25n"                        /* web:wrong */
#define WEB_EMPTY "d2ViOg=="                            /* web: */
#define NOBODY "bm9ib2R5OnMzY3JldC1vZi0yNTYtYml0cw==" /* nobody:SECRET */
#define OFF "b2ZmOnMzY3JldC1vZi0yNTYtYml0cw=="        /* off:SECRET */
#define OFF_WRONG "b2ZmOndyb25n"                        /* off:wrong */
#define APP "YXBwOg=="                                  /* app: */
#define APP_SECRET "YXBwOng="                           /* app:x */
#define API "YXBpOnMzY3JldC1vZi0yNTYtYml0cw=="        /* api:SECRET */
#define ODD "YSUzQWIlMjVjOnAlMkJxK3I="                  /* A3: encoded first */
#define NO_COLON "d2Vi"                                 /* web */
#define BAD_ESCAPE "d2ViOiV6eg=="                       /* web:%zz */

TEST(client_authentication)
{
	static const struct {
		const char *rule, *authorization; /* NULL: no header */
		size_t fields;
		const char *body;
		enum reason reason;
		const char *client; /* when REASON_NONE */
	} rows[] = {
		{ "3", "Basic " WEB, 1, "", REASON_NONE, "web" },
		{ "P-06", "bAsIc " WEB, 1, "", REASON_NONE, "web" },
		{ "R3.4", "Basic " WEB_OLDER, 1, "", REASON_NONE, "web" },
		{ "A3", "Basic " ODD, 1, "", REASON_NONE, "a:b%c" },
		{ "IN-01", "Basic " API, 1, "", REASON_NONE, "api" },
		{ "R3.1", NULL, 0, "client_id=app", REASON_NONE, "app" },
		{ "C-01", NULL, 0, "", REASON_client_missing, NULL },
		{ "C-01", NULL, 0, "client_id=", REASON_client_missing, NULL },
		{ "C-02", "Basic " WEB, 1, "client_secret=" SECRET,
			REASON_client_several_mechanisms, NULL },
		{ "C-02", "Bearer x", 1, "client_secret=x",
			REASON_client_several_mechanisms, NULL },
		{ "C-02", "Basic " WEB, 1,
			"client_assertion=a.b.c&client_assertion_type=t",
			REASON_client_several_mechanisms, NULL },
		{ "C-02", NULL, 0, "client_secret=x&client_assertion=a.b.c",
			REASON_client_several_mechanisms, NULL },
		{ "C-03", "Basic " WEB, 2, "", REASON_authorization_repeated, NULL },
		{ "C-04", "Basic ???", 1, "", REASON_basic_malformed, NULL },
		{ "C-04", "Basic " NO_COLON, 1, "", REASON_basic_malformed, NULL },
		{ "C-04", "Basic " BAD_ESCAPE, 1, "", REASON_basic_malformed, NULL },
		{ "C-04", "Basic", 1, "", REASON_basic_malformed, NULL },
		{ "C-04", "", 1, "client_id=app", REASON_basic_malformed, NULL },
		{ "C-06", "Basic " NOBODY, 1, "", REASON_client_unknown, NULL },
		{ "C-06", "Basic " WEB_WRONG, 1, "", REASON_client_secret_wrong, NULL },
		{ "C-06", "Basic " WEB_EMPTY, 1, "", REASON_client_secret_wrong, NULL },
		{ "C-06", "Basic " OFF, 1, "", REASON_client_disabled, NULL },
		{ "C-06", "Basic " OFF_WRONG, 1, "", REASON_client_secret_wrong, NULL },
		{ "C-06", NULL, 0, "client_id=nobody", REASON_client_unknown, NULL },
		{ "C-07", "Bearer lk_at_x", 1, "client_id=app",
			REASON_authorization_scheme_wrong, NULL },
		{ "C-07", "Digest x", 1, "", REASON_authorization_scheme_wrong, NULL },
		{ "C-08", NULL, 0, "client_id=web&client_secret=" SECRET,
			REASON_client_secret_in_body, NULL },
		{ "C-08", NULL, 0, "client_id=nobody&client_secret=x",
			REASON_client_secret_in_body, NULL },
		{ "C-08", NULL, 0, "client_secret=x", REASON_client_secret_in_body,
			NULL },
		{ "C-09", NULL, 0, "client_id=app&client_secret=x",
			REASON_client_is_public, NULL },
		{ "C-09", "Basic " APP, 1, "", REASON_client_is_public, NULL },
		{ "C-09", "Basic " APP_SECRET, 1, "", REASON_client_is_public, NULL },
		{ "C-10", NULL, 0, "client_id=web", REASON_client_secret_missing,
			NULL },
		{ "C-10", NULL, 0, "client_id=api", REASON_client_secret_missing,
			NULL },
		{ "C-10", NULL, 0, "client_id=web&client_secret=",
			REASON_client_secret_missing, NULL },
		{ "C-11", "Basic " WEB, 1, "client_id=web", REASON_NONE, "web" },
		{ "C-11", "Basic " WEB, 1, "client_id=app", REASON_client_id_differs,
			NULL },
		{ "C-12", NULL, 0, "client_id=web&client_assertion=a.b.c",
			REASON_client_assertion_incomplete, NULL },
		{ "C-12", NULL, 0, "client_id=web&client_assertion_type=t",
			REASON_client_assertion_incomplete, NULL },
		{ "C-12", NULL, 0, "client_assertion=a.b.c&client_assertion_type=t",
			REASON_client_assertion_not_offered, NULL },
	};
	struct catalogue *c = catalogue_with_secrets();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena *a = arena_new();
		struct form form = { 0 };
		struct client_auth auth;

		row("%zu: %s", i, rows[i].rule);
		form_read(a, &form, bytes_of(rows[i].body), FORM_BODY);
		auth = client_authenticate(a, c, key, bytes_of(rows[i].authorization),
			rows[i].fields, &form, T);
		check_str(reason_name(auth.reason), reason_name(rows[i].reason));
		check_int(auth.header_tried, rows[i].fields > 0);
		check((auth.client != NULL) == (auth.reason == REASON_NONE));
		if (auth.client != NULL)
			check_bytes(auth.client->client_id, bytes_of(rows[i].client));
		arena_free(a);
	}
	mac_key_free(key);
	catalogue_release(c);
}

/* R3.4 */
TEST(the_older_secret_runs_out)
{
	struct catalogue *c = catalogue_with_secrets();
	struct arena *a = arena_new();
	struct form form = { 0 };
	struct client_auth auth;

	auth = client_authenticate(a, c, key, B("Basic " WEB_OLDER), 1, &form, T + 59);
	check_int(auth.reason, REASON_NONE);
	auth = client_authenticate(a, c, key, B("Basic " WEB_OLDER), 1, &form, T + 60);
	check_str(reason_name(auth.reason), "client_secret_expired");
	auth = client_authenticate(a, c, key, B("Basic " WEB), 1, &form, T + 60);
	check_int(auth.reason, REASON_NONE);
	arena_free(a);
	mac_key_free(key);
	catalogue_release(c);
}

/* A client without secrets is matched by nothing, least of all by zeros. */
TEST(no_secret_is_not_an_empty_secret)
{
	struct catalogue *c = catalogue_with_secrets();
	struct arena *a = arena_new();
	struct form form = { 0 };
	struct client *web = (struct client *)catalogue_client(c, B("web"));
	struct client_auth auth;

	web->secret_count = 0;
	auth = client_authenticate(a, c, key, B("Basic " WEB), 1, &form, T);
	check_str(reason_name(auth.reason), "client_secret_wrong");
	arena_free(a);
	mac_key_free(key);
	catalogue_release(c);
}

/* What was claimed goes to the log, also when it was refused. */
TEST(who_it_claimed_to_be_is_told)
{
	struct catalogue *c = catalogue_with_secrets();
	struct arena *a = arena_new();
	struct form form = { 0 };
	struct client_auth auth;

	auth = client_authenticate(a, c, key, B("Basic " NOBODY), 1, &form, T);
	check_bytes(auth.client_id, B("nobody"));
	check_str(client_auth_method_name(auth.method), "client_secret_basic");
	form_read(a, &form, B("client_id=web&client_secret=x"), FORM_BODY);
	auth = client_authenticate(a, c, key, NONE, 0, &form, T);
	check_bytes(auth.client_id, B("web"));
	check_str(client_auth_method_name(auth.method), "client_secret_post");
	arena_free(a);
	mac_key_free(key);
	catalogue_release(c);
}
