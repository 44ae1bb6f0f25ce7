/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metadata.c - the document of RFC 8414, each member once, in this table.
 *
 * What is not built is not named (MD-06), and members whose default would be
 * wrong for us are always named (MD-07).
 */
#include "rules/metadata.h"

#include "rules/scope.h"
#include "text/json.h"
#include "text/uri.h"

enum member_kind {
	MEMBER_ENDPOINT, /* issuer and this path */
	MEMBER_LIST,     /* these words */
	MEMBER_TRUE,
	MEMBER_FALSE,
};

static const struct {
	const char *name;
	enum member_kind kind;
	struct bytes value; /* of a list: words with one space between */
} members[] = {
	{ "authorization_endpoint", MEMBER_ENDPOINT, BI("/oauth/authorize") },
	{ "token_endpoint", MEMBER_ENDPOINT, BI("/oauth/token") },
	{ "revocation_endpoint", MEMBER_ENDPOINT, BI("/oauth/revoke") },
	{ "introspection_endpoint", MEMBER_ENDPOINT, BI("/oauth/introspect") },
	{ "response_types_supported", MEMBER_LIST, BI("code") },
	{ "response_modes_supported", MEMBER_LIST, BI("query form_post") },
	{ "grant_types_supported", MEMBER_LIST,
		BI("authorization_code refresh_token client_credentials") },
	{ "token_endpoint_auth_methods_supported", MEMBER_LIST,
		BI("none client_secret_basic") },
	{ "revocation_endpoint_auth_methods_supported", MEMBER_LIST,
		BI("none client_secret_basic") },
	{ "introspection_endpoint_auth_methods_supported", MEMBER_LIST,
		BI("client_secret_basic") },
	/* RFC 9700 2.1.1, MD-08 */
	{ "code_challenge_methods_supported", MEMBER_LIST, BI("S256") },
	/* RFC 9207 3 */
	{ "authorization_response_iss_parameter_supported", MEMBER_TRUE, BI_NONE },
	/* RFC 9126 5 */
	{ "require_pushed_authorization_requests", MEMBER_FALSE, BI_NONE },
	/* RFC 9101 10.5 and OpenID Connect Discovery 3 */
	{ "request_parameter_supported", MEMBER_FALSE, BI_NONE },
	{ "request_uri_parameter_supported", MEMBER_FALSE, BI_NONE },
	{ "claims_parameter_supported", MEMBER_FALSE, BI_NONE },
};

/* MD-04: an empty list is left out. */
static void
write_list(struct json_out *j, const char *name, struct bytes words)
{
	struct bytes word;

	if (bytes_empty(words))
		return;
	json_key(j, name);
	json_open(j, '[');
	while (scope_next(&words, &word))
		json_bytes(j, word);
	json_close(j, ']');
}

static void
write_endpoint(struct json_out *j, const char *name, struct bytes issuer,
	struct bytes path)
{
	char memory[1024];
	struct buf url = buf_fixed(memory, sizeof(memory));

	buf_put(&url, issuer);
	buf_put(&url, path);
	json_member(j, name, buf_bytes(&url));
}

void
metadata_write(struct buf *b, const struct metadata *m)
{
	struct json_out j = json_out(b);

	json_open(&j, '{');
	json_member(&j, "issuer", m->issuer);
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		switch (members[i].kind) {
		case MEMBER_ENDPOINT:
			write_endpoint(&j, members[i].name, m->issuer,
				members[i].value);
			break;
		case MEMBER_LIST:
			write_list(&j, members[i].name, members[i].value);
			break;
		case MEMBER_TRUE:
		case MEMBER_FALSE:
			json_member_bool(&j, members[i].name,
				members[i].kind == MEMBER_TRUE);
			break;
		}
	}
	write_list(&j, "scopes_supported", m->scopes);
	write_list(&j, "protected_resources", m->resources); /* RFC 9728 4 */
	if (m->retry_key) /* TR-18 */
		json_member_bool(&j, "refresh_retry_key_supported", true);
	json_member(&j, "service_documentation", m->service_documentation);
	json_member(&j, "op_policy_uri", m->op_policy_uri);
	json_member(&j, "op_tos_uri", m->op_tos_uri);
	json_close(&j, '}');
}

/* MD-03: one spelling of one name, since clients compare octets. */
static const char *
flaw_of_issuer(struct bytes issuer, struct uri *u)
{
	uint16_t port = 0;

	if (issuer.n > ISSUER_MAX)
		return "is longer than 256 characters";
	if (!uri_parse(issuer, u) || !bytes_equal(u->scheme, B("https")))
		return "must begin with https://";
	if (u->host.n == 0)
		return "has no host";
	if (u->has_userinfo)
		return "must not have a user name";
	if (u->has_query || u->has_fragment)
		return "must not have a query or a fragment";
	if (bytes_ends(issuer, B("/")))
		return "must not end in a slash";
	if (u->has_port && (!uri_port(u, &port) || port == 443))
		return "has a port that is wrong or needs no mention; leave out :443";
	if (uri_has_dot_segments(u->path) || bytes_index(u->path, '%') < u->path.n)
		return "has a path with dots or escapes; use a plain one";
	for (size_t i = 0; i < u->host.n; i++)
		if (u->host.p[i] >= 'A' && u->host.p[i] <= 'Z')
			return "has capital letters in its host; write them small";
	return NULL;
}

bool
issuer_valid(struct arena *a, struct bytes issuer, const char **what)
{
	struct uri u = { 0 };
	const char *flaw = flaw_of_issuer(issuer, &u);

	if (flaw != NULL)
		*what = arena_printf(a,
			"issuer \"%.*s\" %s; good: https://auth.example",
			BYTES_FMT(issuer), flaw);
	return flaw == NULL;
}

/* RFC 8414 3.1: the well-known part goes between host and path. */
struct bytes
metadata_path(struct arena *a, struct bytes issuer)
{
	struct buf b = buf_new(a, issuer.n + 64);
	struct uri u;

	buf_put(&b, B("/.well-known/oauth-authorization-server"));
	if (uri_parse(issuer, &u))
		buf_put(&b, u.path);
	return buf_bytes(&b);
}
