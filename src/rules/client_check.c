/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client_check.c - may this record be kept?
 *
 * A row of checks, each of which finds the first flaw of one kind and says it as
 * the operator needs it: field, value, remedy. Nothing is corrected silently.
 */
#include <string.h>

#include "rules/brand.h"
#include "rules/client.h"
#include "rules/redirect_uri.h"
#include "rules/scope.h"
#include "rules/wording.h"
#include "text/uri.h"
#include "text/utf8.h"

#define LINK_MAX 2048
#define CONTACT_MAX 254        /* RFC 5321 4.5.3.1.3, less the brackets */
#define LIST_MAX 50

#define SAY(a, ...) arena_printf((a), __VA_ARGS__)

struct check {
	struct arena *a;
	const struct client *c;
	struct bytes brand;
};

static bool
of_people(const struct client *c)
{
	return c->type != CLIENT_RESOURCE;
}

/* C-05 */
static const char *
check_id(const struct check *k)
{
	struct bytes id = k->c->client_id;

	for (size_t i = 0; i < id.n; i++)
		if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
			    "0123456789-._~", id.p[i]) || id.p[i] == '\0')
			return SAY(k->a, "client_id has characters other than letters, "
				"digits and -._~; let the server make it");
	return id.n > 0 && id.n <= 256 ? NULL :
		SAY(k->a, "client_id has no or more than 256 characters; let the "
			"server make it");
}

/* R4.1 */
static const char *
check_name(const struct check *k)
{
	struct bytes name = k->c->name;
	const char *fault = wording_fault(k->a, "client name", name, WORDING_NAME);

	if (fault != NULL)
		return fault;
	if (brand_imitated(k->a, k->brand, name))
		return SAY(k->a,
			"client name \"%.*s\" imitates the platform's own name "
			"\"%.*s\"; choose a name that cannot be mistaken for it",
			BYTES_FMT(name), BYTES_FMT(k->brand));
	return NULL;
}

/* NB-01, R3.1, R3.5 */
static const char *
check_type(const struct check *k)
{
	const struct client *c = k->c;

	if (c->type == CLIENT_PUBLIC && c->secret_count > 0)
		return "a public client has no secret; register the server side of "
			"the app as a confidential client of its own";
	if (c->secret_count > sizeof(c->secrets) / sizeof(c->secrets[0]))
		return "a client has at most two secrets; let the older one expire";
	if (c->native && c->type != CLIENT_PUBLIC)
		return "a native app (--native) keeps no secret, for every copy has "
			"it; register it with --type public";
	if (c->origins.n > 0 && c->type != CLIENT_PUBLIC)
		return "a browser app (--origin) keeps no secret; register it with "
			"--type public";
	if (c->origins.n > 0 && c->native)
		return "--origin is for apps in a browser and --native for installed "
			"apps; register two clients";
	return NULL;
}

/* CC-01, TR-17 */
static const char *
check_grant_types(const struct check *k)
{
	const struct client *c = k->c;
	bool code = c->grant_types & GRANT_TYPE_AUTHORIZATION_CODE;

	if (!of_people(c))
		return c->grant_types == 0 ? NULL :
			"an API (resource) only introspects; it has no grant types";
	if (c->type == CLIENT_PUBLIC && c->grant_types & GRANT_TYPE_CLIENT_CREDENTIALS)
		return "grant type client_credentials needs a secret, which a public "
			"client has not; use --type confidential";
	if (c->grant_types & GRANT_TYPE_REFRESH_TOKEN && !code)
		return "grant type refresh_token needs authorization_code; add it";
	return c->grant_types != 0 ? NULL :
		"the client has no grant type; add authorization_code or "
		"client_credentials";
}

static const char *
check_redirect_uris(const struct check *k)
{
	const struct client *c = k->c;
	bool code = c->grant_types & GRANT_TYPE_AUTHORIZATION_CODE;
	const char *what = NULL;

	if (code != (c->redirect_uris.n > 0))
		return code ? "the client has no redirect URI; add one with "
			      "--redirect-uri"
			    : "a redirect URI without the grant type "
			      "authorization_code is never used; leave it out";
	if (c->redirect_uris.n > LIST_MAX)
		return SAY(k->a, "more than %d redirect URIs; register a second client",
			LIST_MAX);
	for (size_t i = 0; i < c->redirect_uris.n; i++) {
		struct bytes uri = c->redirect_uris.p[i];

		if (!redirect_uri_registrable(k->a, uri, c->native, c->development,
				&what))
			return what;
		for (size_t other = 0; other < i; other++)
			if (bytes_equal(uri, c->redirect_uris.p[other]))
				return SAY(k->a,
					"redirect URI \"%.*s\" is given twice; "
					"leave one out",
					BYTES_FMT(uri));
	}
	return NULL;
}

/* CO-03: just as browsers write it, or it would never be equal. */
static const char *
check_origins(const struct check *k)
{
	const struct client *c = k->c;

	if (c->origins.n > LIST_MAX)
		return SAY(k->a, "more than %d origins; register a second client",
			LIST_MAX);
	for (size_t i = 0; i < c->origins.n; i++) {
		struct bytes origin = c->origins.p[i];
		struct buf b = buf_new(k->a, LINK_MAX);
		struct uri u = { 0 };
		uint16_t port;
		bool local;

		if (uri_parse(origin, &u))
			uri_origin(&u, &b);
		local = bytes_equal(u.scheme, B("http")) && c->development &&
			(bytes_equal(u.host, B("localhost")) ||
				bytes_equal(u.host, B("127.0.0.1")) ||
				bytes_equal(u.host, B("[::1]")));
		if (!bytes_equal(origin, buf_bytes(&b)) || u.host.n == 0 ||
			u.has_userinfo || (u.has_port && !uri_port(&u, &port)) ||
			(!local && !bytes_equal(u.scheme, B("https"))))
			return SAY(k->a, "origin \"%.*s\" is not of the form "
				"https://app.example, in small letters and without a "
				"path (http://localhost for --development only)",
				BYTES_FMT(origin));
	}
	return NULL;
}

static const char *
flaw_of_link(struct arena *a, const char *field, struct bytes link)
{
	struct uri u;

	if (bytes_empty(link))
		return NULL;
	if (link.n <= LINK_MAX && uri_parse(link, &u) && u.host.n > 0 &&
		bytes_equal(u.scheme, B("https")) && !u.has_userinfo)
		return NULL;
	return SAY(a,
		"%s \"%.*s\" is not an https:// address of a page; people follow it "
		"from the consent page",
		field, BYTES_FMT(link));
}

/* R4.1, R4.2 */
static const char *
check_links(const struct check *k)
{
	const struct client *c = k->c;
	const struct { const char *field; struct bytes link; } links[] = {
		{ "client URI", c->client_uri },
		{ "terms of service URI", c->tos_uri },
		{ "privacy policy URI", c->policy_uri },
		{ "initiation URI", c->initiate_uri },
		{ "settings URI", c->settings_uri },
	};

	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		const char *flaw = flaw_of_link(k->a, links[i].field, links[i].link);

		if (flaw != NULL)
			return flaw;
	}
	return NULL;
}

/* No grammar of addresses: one '@', a name before it, a domain behind it. */
static bool
looks_like_mail(struct bytes contact)
{
	struct bytes domain = contact;
	struct bytes local = bytes_cut(&domain, '@');

	for (size_t i = 0; i < contact.n; i++)
		if (contact.p[i] == ' ' || contact.p[i] == '<' || contact.p[i] == '>' ||
			contact.p[i] == ',' || contact.p[i] == ';')
			return false;
	return utf8_text(contact) && contact.n <= CONTACT_MAX && local.n > 0 &&
		domain.n >= 3 && bytes_index(domain, '@') == domain.n &&
		bytes_index(domain, '.') < domain.n && domain.p[0] != '.' &&
		domain.p[domain.n - 1] != '.';
}

static const char *
check_contacts(const struct check *k)
{
	const struct strings *contacts = &k->c->contacts;

	if (contacts->n > LIST_MAX)
		return SAY(k->a, "more than %d contacts; name fewer", LIST_MAX);
	for (size_t i = 0; i < contacts->n; i++)
		if (!looks_like_mail(contacts->p[i]))
			return SAY(k->a,
				"contact \"%.*s\" is not an e-mail address; write "
				"it as name@company.example",
				BYTES_FMT(contacts->p[i]));
	return NULL;
}

static bool
canonical(struct arena *a, struct bytes scope)
{
	struct bytes parsed;

	return scope_parse(a, scope, &parsed) && bytes_equal(parsed, scope);
}

/* R4.4 */
static const char *
check_scopes(const struct check *k)
{
	const struct client *c = k->c;
	struct bytes rest = c->scope, token;

	if (!of_people(c))
		return bytes_empty(c->scope) && bytes_empty(c->default_scope) ? NULL :
			"an API (resource) asks for nothing; leave out --scope";
	if (bytes_empty(c->scope))
		return "the client has no scope; add what it may ask for with --scope";
	if (!canonical(k->a, c->scope))
		return SAY(k->a,
			"scope \"%.*s\" is not a list of scopes in order, each "
			"once, with one space between",
			BYTES_FMT(c->scope));
	while (scope_next(&rest, &token))
		if (!scope_name_valid(token))
			return SAY(k->a, "scope \"%.*s\" is not of the form "
				"resource:permission, such as users:read",
				BYTES_FMT(token));
	if (!bytes_empty(c->default_scope) && (!canonical(k->a, c->default_scope) ||
			!scope_within(c->default_scope, c->scope)))
		return SAY(k->a,
			"default scope \"%.*s\" is not a part, in order, of "
			"scope \"%.*s\"; add to scope what is missing there",
			BYTES_FMT(c->default_scope), BYTES_FMT(c->scope));
	return NULL;
}

/* What weakens a client is only for the kind of client that can bear it. */
static const char *
check_exceptions(const struct check *k)
{
	const struct client *c = k->c;

	if (c->pkce_exempt && c->type != CLIENT_CONFIDENTIAL)
		return "only a confidential client can be exempted from PKCE (R1.2)";
	if (c->retry_without_key < 0 || c->retry_without_key > 30)
		return SAY(k->a,
			"retry without a key for %lld s is not from 0 to 30 s; a "
			"retry key serves longer without a risk",
			(long long)c->retry_without_key);
	if (c->retry_without_key > 0 && c->type != CLIENT_CONFIDENTIAL)
		return "only a confidential client can be allowed to retry without a "
			"key (TR-13); retry keys work for all";
	if (c->refresh_for_browser && c->origins.n == 0)
		return "refresh tokens for browsers are for clients with --origin; "
			"leave the switch out";
	return NULL;
}

/* RFC 8707 2 */
static const char *
check_resource(const struct check *k)
{
	struct bytes uri = k->c->resource_uri;
	struct uri u;

	if (bytes_empty(uri))
		return NULL;
	if (of_people(k->c))
		return "a resource identifier (--uri) is for APIs; use `resource add`";
	if (uri.n <= LINK_MAX && uri_parse(uri, &u) && !u.has_fragment &&
		!u.has_userinfo &&
		((bytes_equal(u.scheme, B("https")) && u.host.n > 0) ||
			bytes_equal(u.scheme, B("urn"))))
		return NULL;
	return SAY(k->a,
		"resource identifier \"%.*s\" is not an absolute https: or urn: "
		"URI without a fragment, such as https://api.example",
		BYTES_FMT(uri));
}

static const char *
check_logo(const struct check *k)
{
	static const struct bytes kinds[] = { BI("image/png"), BI("image/jpeg"),
		BI("image/webp") };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!k->c->has_logo || bytes_equal(k->c->logo_type, kinds[i]))
			return NULL;
	return SAY(k->a,
		"logo of type \"%.*s\" is not a PNG, JPEG or WebP picture; convert "
		"it (SVG can carry scripts)",
		BYTES_FMT(k->c->logo_type));
}

bool
client_check(struct arena *a, const struct client *c, struct bytes brand,
	const char **what)
{
	static const char *(*const checks[])(const struct check *) = {
		check_id, check_name, check_type, check_grant_types,
		check_redirect_uris, check_origins, check_links, check_contacts,
		check_scopes, check_exceptions, check_resource, check_logo,
	};
	const struct check k = { a, c, brand };

	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		const char *flaw = checks[i](&k);

		if (flaw != NULL) {
			*what = flaw;
			return false;
		}
	}
	return true;
}

bool
client_check_scope(struct arena *a, const struct client *c, struct bytes known,
	const char **what)
{
	struct bytes rest = c->scope, token;

	while (scope_next(&rest, &token)) {
		if (scope_has(known, token))
			continue;
		*what = SAY(a,
			"scope \"%.*s\" is not known; add it first with `scope add "
			"%.*s --describe \"...\"`",
			BYTES_FMT(token), BYTES_FMT(token));
		return false;
	}
	return true;
}
