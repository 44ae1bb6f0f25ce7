/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of rules/catalogue.c, and of user.c. */
#include "catalogues.h"
#include "rules/user.h"
#include "tap.h"

TEST(clients_are_found_by_id_and_row)
{
	struct catalogue *c = sample_catalogue();

	for (size_t i = 0; i < SAMPLE_CLIENTS; i++) {
		const struct client *want = &sample_clients[i];
		const struct client *found = catalogue_client(c, want->client_id);

		row("%.*s", BYTES_FMT(want->client_id));
		if (check(found != NULL))
			check_int(found->id, want->id);
		found = catalogue_client_by_row(c, want->id);
		if (check(found != NULL))
			check_bytes(found->client_id, want->client_id);
	}
	check(catalogue_client(c, B("nobody")) == NULL);
	check(catalogue_client(c, B("we")) == NULL);
	check(catalogue_client(c, NONE) == NULL);
	check(catalogue_client_by_row(c, 7) == NULL);
	check(catalogue_client_by_row(c, 0) == NULL);
	catalogue_release(c);
}

TEST(scopes_are_found_by_name_and_id)
{
	struct catalogue *c = sample_catalogue();

	check_bytes(c->all_scopes, B("jobs:read jobs:write users:read"));
	check_bytes(catalogue_scope(c, B("jobs:write"))->description,
		B("Start exports"));
	check(catalogue_scope(c, B("jobs:")) == NULL);
	check_bytes(catalogue_scope_by_id(c, 2)->name, B("jobs:read"));
	check(catalogue_scope_by_id(c, 4) == NULL);
	catalogue_release(c);
}

TEST(resources_are_found_by_uri_while_enabled)
{
	struct catalogue *c = sample_catalogue();

	check_int(catalogue_resource(c, B(API_URI))->id, 9);
	check_int(catalogue_resource(c, B(OTHER_API_URI))->id, 10);
	check(catalogue_resource(c, B("https://old.example")) == NULL);
	check(catalogue_resource(c, B("https://api.example/")) == NULL);
	check(catalogue_resource(c, NONE) == NULL);
	catalogue_release(c);
}

/* CO-04 */
TEST(origins_are_those_of_public_clients)
{
	struct catalogue *c = sample_catalogue();

	check(catalogue_has_origin(c, B("https://spa.example")));
	check(!catalogue_has_origin(c, B("https://spa.example/")));
	check(!catalogue_has_origin(c, B("https://app.example")));
	check(!catalogue_has_origin(c, B("null")));
	catalogue_release(c);
}

TEST(an_empty_catalogue_knows_nothing)
{
	struct arena *a = arena_new();
	struct catalogue *c = ARENA_NEW(a, struct catalogue);

	c->arena = a;
	catalogue_seal(c);
	check(catalogue_client(c, B("web")) == NULL);
	check(catalogue_client_by_row(c, 1) == NULL);
	check(catalogue_scope(c, B("jobs:read")) == NULL);
	check_bytes(c->all_scopes, NONE);
	catalogue_release(c);
	catalogue_release(NULL);
}

TEST(it_lives_as_long_as_somebody_holds_it)
{
	struct catalogue *c = sample_catalogue();

	check(catalogue_hold(c) == c);
	check_int(c->references, 2);
	catalogue_release(c);
	check_int(c->references, 1);
	check(catalogue_client(c, B("web")) != NULL);
	catalogue_release(c);
}

/* R4.6 */
TEST(a_context_is_found_by_its_urn)
{
	static const struct context contexts[] = {
		{ BI("urn:acme:1"), BI("Acme"), SUBJECT_COMPANY },
		{ BI("urn:acme:1:de"), BI("Acme Germany"), SUBJECT_ENTITY },
	};
	const struct user u = { .contexts = contexts, .context_count = 2 };
	const struct user alone = { 0 };

	check_bytes(user_context(&u, B("urn:acme:1:de"))->name, B("Acme Germany"));
	check(user_context(&u, B("urn:acme:2")) == NULL);
	check(user_context(&alone, B("urn:acme:1")) == NULL);
}
