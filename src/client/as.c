/* SPDX-License-Identifier: Apache-2.0 */
/*
 * as.c - fetching the metadata of the issuer that was configured, and believing
 * none of it before the document says it is that issuer's.
 *
 * RFC 8414 is asked first. A server that has only OpenID Connect Discovery answers
 * that with some 4xx, a redirect or a web page; then, and only then, the other place
 * is tried. A server that cannot answer now is not asked elsewhere: it would only be
 * a different answer than tomorrow's.
 */
#include "client/as.h"

#include "client/ask.h"
#include "client/said.h"
#include "rules/metadata.h"
#include "text/headers.h"
#include "text/json.h"
#include "text/uri.h"

/* ---- URLs ------------------------------------------------------------------ */

/* CL-01: why it cannot be an endpoint, or NULL. */
static const char *
flaw_of_url(struct bytes url, bool development, struct uri *u)
{
	uint16_t port;

	if (!uri_parse(url, u) || u->host.n == 0)
		return "is not an absolute URL";
	if (u->has_userinfo)
		return "has a user name in it";
	if (u->has_fragment)
		return "has a fragment";
	if (u->port.n > 0 && !uri_port(u, &port))
		return "has no port that exists";
	if (bytes_equal_nocase(u->scheme, B("https")))
		return NULL;
	if (bytes_equal_nocase(u->scheme, B("http")) && development &&
		http_is_loopback(u->host))
		return NULL;
	return bytes_equal_nocase(u->scheme, B("http")) && http_is_loopback(u->host)
		? "must begin with https://, save with LK_DEVELOPMENT"
		: "must begin with https://";
}

static enum lk_status
check_issuer(struct arena *a, const struct as_wanted *wanted, struct lk_error *e)
{
	struct uri u;
	const char *flaw = flaw_of_url(wanted->issuer, wanted->development, &u);

	if (flaw == NULL && u.has_query)
		flaw = "has a query"; /* RFC 8414 2 */
	if (flaw != NULL)
		return lk_fail(e, LK_CONFIGURATION, "the issuer \"%s\" %s",
			shown(a, wanted->issuer), flaw);
	return LK_OK;
}

/* scheme://authority, as it stands in the issuer. */
static struct bytes
issuer_base(struct bytes issuer)
{
	size_t scheme = bytes_index(issuer, ':') + 3;
	size_t host = bytes_index(bytes_slice(issuer, scheme, issuer.n), '/');

	return bytes_slice(issuer, 0, scheme + host);
}

/* Section 3.1: a terminating "/" goes before the well-known part is inserted. */
static struct bytes
without_slash(struct bytes issuer)
{
	return bytes_ends(issuer, B("/")) ? bytes_slice(issuer, 0, issuer.n - 1) : issuer;
}

static struct bytes
join(struct arena *a, struct bytes x, struct bytes y)
{
	struct buf b = buf_new(a, x.n + y.n);

	buf_put(&b, x);
	buf_put(&b, y);
	return buf_bytes(&b);
}

static struct bytes
oauth_url(struct arena *a, struct bytes issuer)
{
	return join(a, issuer_base(issuer), metadata_path(a, without_slash(issuer)));
}

/* OpenID Connect Discovery 1.0, 4.1: appended. */
static struct bytes
openid_url(struct arena *a, struct bytes issuer)
{
	return join(a, without_slash(issuer), B("/.well-known/openid-configuration"));
}

/* ---- reading the document -------------------------------------------------- */

struct reading {
	struct arena *arena;
	const struct as_wanted *wanted;
	const json_t *document;
	struct lk_error *error;
};

static enum lk_status
refuse(const struct reading *r, const char *member, const char *flaw)
{
	return lk_fail(r->error, LK_REJECTED, "the metadata of %s cannot be used: "
		"%s %s", shown(r->arena, r->wanted->issuer), member, flaw);
}

/* An endpoint that is there must be one; *out stays NONE when it is not there. */
static enum lk_status
read_endpoint(const struct reading *r, const char *member, struct bytes *out)
{
	const json_t *value = json_object_get(r->document, member);
	struct bytes url;
	const char *flaw;
	struct uri u;

	if (value == NULL)
		return LK_OK;
	if (!json_is_string(value))
		return refuse(r, member, "is not a string");
	url = json_get_bytes(r->arena, r->document, member);
	flaw = flaw_of_url(url, r->wanted->development, &u);
	if (flaw != NULL)
		return refuse(r, member, flaw);
	*out = url;
	return LK_OK;
}

static enum lk_status
read_bool(const struct reading *r, const char *member, bool *out)
{
	const json_t *value = json_object_get(r->document, member);

	if (value != NULL && !json_is_boolean(value))
		return refuse(r, member, "is neither true nor false");
	*out = json_is_true(value);
	return LK_OK;
}

/* Is the word in that list? *listed: there is a list. */
static enum lk_status
read_list(const struct reading *r, const char *member, struct bytes word, bool *listed,
	bool *found)
{
	const json_t *list = json_object_get(r->document, member);

	*listed = list != NULL;
	*found = false;
	if (list == NULL)
		return LK_OK;
	if (!json_is_array(list))
		return refuse(r, member, "is not a list");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *item = json_array_get(list, i);

		if (!json_is_string(item))
			return refuse(r, member, "has something in it that is no word");
		*found |= bytes_equal(word, (struct bytes){ json_string_value(item),
						    json_string_length(item) });
	}
	return LK_OK;
}

/* CL-02: octet for octet. */
static enum lk_status
read_issuer(const struct reading *r, struct as *as)
{
	struct bytes issuer = json_get_bytes(r->arena, r->document, "issuer");

	if (!bytes_equal(issuer, r->wanted->issuer))
		return lk_fail(r->error, LK_REJECTED, "the metadata found for the issuer "
			"\"%s\" are those of \"%s\": give the issuer exactly as the "
			"server does", shown(r->arena, r->wanted->issuer),
			shown(r->arena, issuer));
	as->issuer = issuer;
	return LK_OK;
}

static enum lk_status
read_endpoints(const struct reading *r, struct as *as)
{
	LK_TRY(read_endpoint(r, "authorization_endpoint", &as->authorization_endpoint));
	LK_TRY(read_endpoint(r, "token_endpoint", &as->token_endpoint));
	LK_TRY(read_endpoint(r, "revocation_endpoint", &as->revocation_endpoint));
	LK_TRY(read_endpoint(r, "device_authorization_endpoint",
		&as->device_authorization_endpoint));
	LK_TRY(read_endpoint(r, "pushed_authorization_request_endpoint",
		&as->pushed_authorization_request_endpoint));
	if (bytes_empty(as->token_endpoint))
		return refuse(r, "token_endpoint", "is missing");
	return LK_OK;
}

/* CL-03: "plain", or a server that may ignore the challenge, is no protection. */
static enum lk_status
read_pkce(const struct reading *r)
{
	bool listed, found;

	LK_TRY(read_list(r, "code_challenge_methods_supported", B("S256"), &listed, &found));
	if (found || r->wanted->s256_unadvertised)
		return LK_OK;
	return lk_fail(r->error, LK_CONFIGURATION, "%s does not say that it takes PKCE "
		"with S256 (RFC 7636); if its documentation says so, connect with "
		"LK_S256_UNADVERTISED", shown(r->arena, r->wanted->issuer));
}

/* RFC 8414 2: no list means client_secret_basic. */
static enum lk_status
read_authentication(const struct reading *r, struct as *as)
{
	const char *member = "token_endpoint_auth_methods_supported";
	bool listed, found;

	LK_TRY(read_list(r, member, B("client_secret_basic"), &listed, &found));
	as->basic_refused = listed && !found;
	return LK_OK;
}

static enum lk_status
read_features(const struct reading *r, struct as *as)
{
	bool listed;

	LK_TRY(read_bool(r, "authorization_response_iss_parameter_supported",
		&as->iss_in_response));
	LK_TRY(read_bool(r, "require_pushed_authorization_requests", &as->par_required));
	LK_TRY(read_bool(r, "refresh_retry_key_supported", &as->retry_key));
	return read_list(r, "scopes_supported", B("openid"), &listed, &as->openid);
}

static struct as
as_of(struct arena *a, const struct as_wanted *wanted)
{
	return (struct as){
		.ca_file = arena_bytes(a, wanted->ca_file),
		.development = wanted->development,
		.connecting = wanted->connecting,
		.timeout_ms = wanted->timeout_ms,
	};
}

static enum lk_status
read_document(const struct reading *r, struct as *out)
{
	struct as as = as_of(r->arena, r->wanted);

	LK_TRY(read_issuer(r, &as));
	LK_TRY(read_endpoints(r, &as));
	LK_TRY(read_pkce(r));
	LK_TRY(read_authentication(r, &as));
	LK_TRY(read_features(r, &as));
	*out = as;
	return LK_OK;
}

enum lk_status
as_read(struct arena *a, const struct as_wanted *wanted, struct bytes document,
	struct as *out, struct lk_error *e)
{
	const char *why = "it is not an object";
	json_t *json = json_read(document, METADATA_MAX, &why);
	struct reading r = { a, wanted, json, e };
	enum lk_status status;

	status = json_is_object(json) ? read_document(&r, out) :
					refuse(&r, "the document:", why);
	json_decref(json);
	return status;
}

/* ---- fetching it ------------------------------------------------------------- */

/* A place that is not there, or a web server that answers everything with its page. */
static bool
is_elsewhere(const struct http_answer *answer)
{
	struct bytes type = http_answer_header(answer, B("Content-Type"));

	return (answer->status >= 300 && answer->status < 500) ||
		(answer->status == 200 && media_type_is(type, B("text/html")));
}

static enum lk_status
judge(struct arena *a, const struct as_wanted *wanted, struct bytes url,
	const struct http_answer *answer, struct as *out, struct lk_error *e)
{
	if (answer->status == 200 && !is_elsewhere(answer))
		return as_read(a, wanted, answer->body, out, e);
	if (ask_transient(answer->status))
		return ask_later(e, answer, arena_printf(a, "%.*s answers %d",
			BYTES_FMT(url), answer->status));
	return lk_fail(e, LK_CONFIGURATION, "there are no metadata at %.*s (it answers %d): "
		"is the issuer right?", BYTES_FMT(url), answer->status);
}

static enum lk_status
discover(struct arena *a, const struct as_wanted *wanted, struct as *out,
	struct lk_error *e)
{
	struct as asked = as_of(a, wanted);
	struct bytes url = oauth_url(a, wanted->issuer);
	struct http_answer answer;
	bool openid;

	LK_TRY(ask_get(a, &asked, url, &answer, e));
	openid = is_elsewhere(&answer) && !ask_transient(answer.status);
	if (openid) {
		url = openid_url(a, wanted->issuer);
		LK_TRY(ask_get(a, &asked, url, &answer, e));
	}
	LK_TRY(judge(a, wanted, url, &answer, out, e));
	out->openid |= openid;
	return LK_OK;
}

/* The registration has said it all; what it did not say is not assumed. */
static enum lk_status
take_given(struct arena *a, const struct as_wanted *wanted, struct as *out,
	struct lk_error *e)
{
	struct as as = as_of(a, wanted);
	const struct {
		struct bytes given;
		struct bytes *place;
	} endpoints[] = {
		{ wanted->authorization_endpoint, &as.authorization_endpoint },
		{ wanted->token_endpoint, &as.token_endpoint },
		{ wanted->revocation_endpoint, &as.revocation_endpoint },
	};

	as.issuer = arena_bytes(a, wanted->issuer);
	for (size_t i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++) {
		struct bytes url = endpoints[i].given;
		const char *flaw;
		struct uri u;

		flaw = flaw_of_url(url, wanted->development, &u);
		if (flaw != NULL)
			return lk_fail(e, LK_CONFIGURATION, "the endpoint \"%s\" %s; give "
				"all three, or none and the server's metadata are read",
				shown(a, url), flaw);
		*endpoints[i].place = arena_bytes(a, url);
	}
	*out = as;
	return LK_OK;
}

enum lk_status
as_discover(struct arena *a, const struct as_wanted *wanted, struct as *out,
	struct lk_error *e)
{
	bool given = !bytes_empty(wanted->authorization_endpoint) ||
		!bytes_empty(wanted->token_endpoint) ||
		!bytes_empty(wanted->revocation_endpoint);

	LK_TRY(check_issuer(a, wanted, e));
	return given ? take_given(a, wanted, out, e) : discover(a, wanted, out, e);
}
