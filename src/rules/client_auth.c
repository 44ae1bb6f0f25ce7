/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client_auth.c - section 3 of the rulebook, in its order: count mechanisms,
 * find the client, is this its method, does it match, is it enabled.
 *
 * An unknown client costs the same digest and comparison as a wrong secret
 * (C-06: same timing class).
 */
#include "rules/client_auth.h"

#include "base/secret.h"
#include "text/headers.h"

/* What the request brought, before anything is believed. */
struct brought {
	bool header;
	struct bytes authorization, body_id, body_secret, assertion, assertion_type;
};

void
client_secret_digest(const struct mac_key *secret_key, struct bytes secret,
	uint8_t out[static DIGEST_SIZE])
{
	mac(secret_key, secret.p, secret.n, out);
}

const char *
client_auth_method_name(enum client_auth_method m)
{
	switch (m) {
	case CLIENT_AUTH_NOTHING: return "nothing";
	case CLIENT_AUTH_NONE: return "none";
	case CLIENT_AUTH_BASIC: return "client_secret_basic";
	case CLIENT_AUTH_POST: return "client_secret_post";
	case CLIENT_AUTH_ASSERTION: return "client_assertion";
	}
	return "nothing";
}

/* C-02, C-03, C-12: how many ways, before any of them is tried. */
static enum reason
count_mechanisms(const struct brought *b, size_t fields)
{
	bool assertion = b->assertion.n > 0, type = b->assertion_type.n > 0;

	if (fields > 1)
		return REASON_authorization_repeated;
	if (b->header + (b->body_secret.n > 0) + (assertion || type) > 1)
		return REASON_client_several_mechanisms;
	return assertion != type ? REASON_client_assertion_incomplete : REASON_NONE;
}

static enum client_auth_method
method_of(const struct brought *b)
{
	if (b->header)
		return CLIENT_AUTH_BASIC;
	if (b->body_secret.n > 0)
		return CLIENT_AUTH_POST;
	if (b->assertion.n > 0)
		return CLIENT_AUTH_ASSERTION;
	return b->body_id.n > 0 ? CLIENT_AUTH_NONE : CLIENT_AUTH_NOTHING;
}

/* Compares with both places whatever they hold, so that time tells nothing. */
static enum reason
check_secret(const struct client *c, const uint8_t digest[static DIGEST_SIZE],
	int64_t now)
{
	static const struct client_secret no_secret;
	enum reason reason = REASON_client_secret_wrong;

	for (size_t i = 0; i < sizeof(c->secrets) / sizeof(c->secrets[0]); i++) {
		bool there = c != NULL && i < c->secret_count;
		const struct client_secret *s = there ? &c->secrets[i] : &no_secret;
		bool equal = secret_equal(s->digest, digest, DIGEST_SIZE);

		if (!there || !equal)
			continue;
		if (s->expires_at == 0 || now < s->expires_at)
			return REASON_NONE;
		reason = REASON_client_secret_expired;
	}
	return c != NULL ? reason : REASON_client_unknown;
}

/* RFC 6749 2.3.1, RFC 7617 2 */
static enum reason
try_basic(struct arena *a, const struct catalogue *all,
	const struct mac_key *secret_key, const struct brought *b,
	struct client_auth *out, int64_t now)
{
	uint8_t digest[DIGEST_SIZE];
	struct bytes scheme, rest, secret;
	const struct client *c;
	enum reason reason;

	if (!authorization_split(b->authorization, &scheme, &rest))
		return REASON_basic_malformed;
	/* C-07; RFC 9110 11.1: the scheme in any case. */
	if (!bytes_equal_nocase(scheme, B("Basic")))
		return REASON_authorization_scheme_wrong;
	if (!basic_credentials(a, rest, &out->client_id, &secret))
		return REASON_basic_malformed;
	/* C-11 */
	if (b->body_id.n > 0 && !bytes_equal(b->body_id, out->client_id))
		return REASON_client_id_differs;
	c = catalogue_client(all, out->client_id);
	/* C-09: also with an empty password. */
	if (c != NULL && c->type == CLIENT_PUBLIC)
		return REASON_client_is_public;
	client_secret_digest(secret_key, secret, digest);
	reason = check_secret(c, digest, now);
	secret_wipe(digest, sizeof(digest));
	if (reason == REASON_NONE)
		out->client = c;
	return reason;
}

/* C-09, C-10: client_id alone is for public clients, and they have nothing else. */
static enum reason
try_none(const struct catalogue *all, struct client_auth *out)
{
	const struct client *c = catalogue_client(all, out->client_id);

	if (c == NULL)
		return REASON_client_unknown;
	if (c->type != CLIENT_PUBLIC)
		return REASON_client_secret_missing;
	out->client = c;
	return REASON_NONE;
}

/* C-08, C-09 */
static enum reason
refuse_post(const struct catalogue *all, const struct brought *b)
{
	const struct client *c = catalogue_client(all, b->body_id);

	return c != NULL && c->type == CLIENT_PUBLIC ? REASON_client_is_public :
						       REASON_client_secret_in_body;
}

struct client_auth
client_authenticate(struct arena *a, const struct catalogue *all,
	const struct mac_key *secret_key, struct bytes authorization, size_t fields,
	const struct form *form, int64_t now)
{
	const struct brought b = {
		.header = fields > 0,
		.authorization = authorization,
		.body_id = form_get(form, B("client_id")),
		.body_secret = form_get(form, B("client_secret")),
		.assertion = form_get(form, B("client_assertion")),
		.assertion_type = form_get(form, B("client_assertion_type")),
	};
	struct client_auth out = {
		.method = method_of(&b),
		.header_tried = fields > 0,
		.client_id = b.body_id,
		.reason = count_mechanisms(&b, fields),
	};

	if (out.reason != REASON_NONE)
		return out;
	switch (out.method) {
	case CLIENT_AUTH_NOTHING:
		out.reason = REASON_client_missing;
		break;
	case CLIENT_AUTH_NONE:
		out.reason = try_none(all, &out);
		break;
	case CLIENT_AUTH_BASIC:
		out.reason = try_basic(a, all, secret_key, &b, &out, now);
		break;
	case CLIENT_AUTH_POST:
		out.reason = refuse_post(all, &b);
		break;
	case CLIENT_AUTH_ASSERTION:
		out.reason = REASON_client_assertion_not_offered;
		break;
	}
	/* C-06: only who proved to be the client hears, by explain, that it is off. */
	if (out.reason == REASON_NONE && out.client->disabled)
		out.reason = REASON_client_disabled;
	if (out.reason != REASON_NONE)
		out.client = NULL;
	return out;
}
