/* SPDX-License-Identifier: Apache-2.0 */
/*
 * catalogues.h - a small platform with every kind of client, for tests.
 */
#ifndef LATCHKEY_TESTS_CATALOGUES_H
#define LATCHKEY_TESTS_CATALOGUES_H

#include <string.h>

#include "rules/catalogue.h"
#include "rules/client_auth.h"

#define API_URI "https://api.example"
#define OTHER_API_URI "https://other.example"

static const struct bytes web_uris[] = { BI("https://app.example/cb"),
	BI("https://app.example/cb?t=1") };
static const struct bytes native_uris[] = { BI("http://127.0.0.1/cb"),
	BI("com.example.app:/cb") };
static const struct bytes browser_origins[] = { BI("https://spa.example") };

static const struct client sample_clients[] = {
	{ .id = 1,
		.client_id = BI("web"),
		.type = CLIENT_CONFIDENTIAL,
		.name = BI("Ledger Sync"),
		.redirect_uris = { web_uris, 2 },
		.scope = BI("jobs:read jobs:write"),
		.default_scope = BI("jobs:read"),
		.grant_types = GRANT_TYPE_AUTHORIZATION_CODE | GRANT_TYPE_REFRESH_TOKEN,
		.subject_type = SUBJECT_ENTITY },
	{ .id = 2,
		.client_id = BI("app"),
		.type = CLIENT_PUBLIC,
		.native = true,
		.name = BI("Pocket Ledger"),
		.redirect_uris = { native_uris, 2 },
		.scope = BI("jobs:read"),
		.grant_types =
			GRANT_TYPE_AUTHORIZATION_CODE | GRANT_TYPE_REFRESH_TOKEN },
	{ .id = 3,
		.client_id = BI("spa"),
		.type = CLIENT_PUBLIC,
		.name = BI("Ledger Board"),
		.redirect_uris = { web_uris, 1 },
		.origins = { browser_origins, 1 },
		.scope = BI("jobs:read"),
		.grant_types =
			GRANT_TYPE_AUTHORIZATION_CODE | GRANT_TYPE_REFRESH_TOKEN },
	{ .id = 4,
		.client_id = BI("legacy"),
		.type = CLIENT_CONFIDENTIAL,
		.name = BI("Old Ledger"),
		.redirect_uris = { web_uris, 1 },
		.scope = BI("jobs:read"),
		.pkce_exempt = true,
		.grant_types = GRANT_TYPE_AUTHORIZATION_CODE },
	{ .id = 5,
		.client_id = BI("batch"),
		.type = CLIENT_CONFIDENTIAL,
		.name = BI("Night Batch"),
		.redirect_uris = { web_uris, 1 },
		.scope = BI("jobs:read"),
		.grant_types = GRANT_TYPE_CLIENT_CREDENTIALS },
	{ .id = 6,
		.client_id = BI("off"),
		.type = CLIENT_CONFIDENTIAL,
		.disabled = true,
		.name = BI("Gone"),
		.redirect_uris = { web_uris, 1 },
		.scope = BI("jobs:read"),
		.grant_types = GRANT_TYPE_AUTHORIZATION_CODE },
	{ .id = 9,
		.client_id = BI("api"),
		.type = CLIENT_RESOURCE,
		.name = BI("Jobs API"),
		.resource_uri = BI(API_URI) },
	{ .id = 10,
		.client_id = BI("api2"),
		.type = CLIENT_RESOURCE,
		.name = BI("Other API"),
		.resource_uri = BI(OTHER_API_URI) },
	{ .id = 11,
		.client_id = BI("api3"),
		.type = CLIENT_RESOURCE,
		.disabled = true,
		.name = BI("Old API"),
		.resource_uri = BI("https://old.example") },
	{ .id = 12,
		.client_id = BI("a:b%c"),
		.type = CLIENT_CONFIDENTIAL,
		.name = BI("Odd"),
		.scope = BI("jobs:read"),
		.grant_types = GRANT_TYPE_CLIENT_CREDENTIALS },
};
#define SAMPLE_CLIENTS (sizeof(sample_clients) / sizeof(sample_clients[0]))

static const struct scope_entry sample_scopes[] = {
	{ 1, BI("jobs:write"), BI("Start exports") },
	{ 2, BI("jobs:read"), BI("See exports") },
	{ 3, BI("users:read"), BI("See people") },
};

/* In an order that is not the one it will have. */
static struct catalogue *
sample_catalogue(void)
{
	struct arena *a = arena_new();
	struct catalogue *c = ARENA_NEW(a, struct catalogue);

	c->arena = a;
	c->client_count = SAMPLE_CLIENTS;
	c->clients = arena_copy(a, sample_clients, sizeof(sample_clients));
	c->scope_count = sizeof(sample_scopes) / sizeof(sample_scopes[0]);
	c->scopes = arena_copy(a, sample_scopes, sizeof(sample_scopes));
	catalogue_seal(c);
	return c;
}

#endif
