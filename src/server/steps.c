/* SPDX-License-Identifier: Apache-2.0 */
/*
 * steps.c - the steps that several endpoints share.
 *
 * Order of a direct endpoint (T-01): front door, form, client, its own steps.
 */
#include "server/exchange.h"
#include "server/throttle.h"
#include "text/headers.h"

/* ---- the front door ----------------------------------------------------------- */

static enum step
path_leads_somewhere(struct exchange *x)
{
	if (x->endpoint->steps != NULL)
		return NEXT;
	return refuse_with(x, 404, REASON_not_found);
}

/* H-05: the issuer's host, with or without its default port. */
static enum step
host_is_ours(struct exchange *x)
{
	struct bytes host = x->request->host, ours = x->snapshot->authority;

	if (bytes_equal_nocase(host, ours))
		return NEXT;
	if (bytes_ends(host, B(":443")) &&
		bytes_equal_nocase(bytes_slice(host, 0, host.n - 4), ours))
		return NEXT;
	note_text(x, "host", host);
	return refuse_with(x, 421, REASON_wrong_host);
}

static struct bytes
methods_text(struct arena *a, unsigned methods)
{
	static const struct { enum http_method bit; struct bytes name; } names[] = {
		{ HTTP_GET, BI("GET") },
		{ HTTP_HEAD, BI("HEAD") },
		{ HTTP_POST, BI("POST") },
		{ HTTP_PUT, BI("PUT") },
		{ HTTP_DELETE, BI("DELETE") },
	};
	struct buf b = buf_new(a, 64);

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if ((methods & names[i].bit) == 0)
			continue;
		if (b.n > 0)
			buf_put(&b, B(", "));
		buf_put(&b, names[i].name);
	}
	return buf_bytes(&b);
}

/* H-07: 405 names exactly the permitted methods; OPTIONS only as a preflight. */
static enum step
method_is_allowed(struct exchange *x)
{
	const struct http_request *r = x->request;

	if ((x->endpoint->methods & r->method) != 0)
		return NEXT;
	if (r->method == HTTP_OPTIONS && !bytes_empty(x->origin))
		return cors_preflight(x);
	reply_header(x, B("Allow"), methods_text(x->arena, x->endpoint->methods));
	return refuse_with(x, 405, REASON_method_not_allowed);
}

/* H-10: nothing here is ever decompressed. */
static enum step
body_is_plain(struct exchange *x)
{
	if (http_header_occurrences(x->request, B("Content-Encoding")) == 0)
		return NEXT;
	return refuse_with(x, 415, REASON_content_encoding_present);
}

static enum step
enter(struct exchange *x)
{
	return exchange_into(x, x->endpoint->steps);
}

step_fn *const front_door_steps[] = { path_leads_somewhere, host_is_ours, cors_enter,
	method_is_allowed, body_is_plain, enter, NULL };

/* ---- the form ------------------------------------------------------------------- */

static size_t
parameter_index(const struct parameter *known, struct bytes name)
{
	size_t i = 0;

	while (!bytes_empty(known[i].name) && !bytes_equal(known[i].name, name))
		i++;
	return i;
}

static enum reason
parameter_check(const struct parameter *p, const struct form_field *f, bool seen)
{
	/* P-01, P-05: empty values count as occurrences. */
	if (seen && !p->repeatable)
		return REASON_parameter_repeated;
	if (f->malformed)
		return REASON_parameter_malformed;
	return f->value.n > p->max ? REASON_parameter_too_long : REASON_NONE;
}

/* P-04: what is not known is not looked at. */
enum reason
parameters_check(const struct exchange *x, const struct parameter **which)
{
	const struct parameter *known = x->endpoint->parameters;
	uint64_t seen = 0;

	if (x->form.too_many)
		return REASON_too_many_parameters;
	for (size_t i = 0; i < x->form.count; i++) {
		const struct form_field *f = &x->form.fields[i];
		size_t at = parameter_index(known, f->name);
		enum reason reason;

		*which = &known[at];
		if (bytes_empty(known[at].name))
			continue;
		reason = parameter_check(&known[at], f, (seen >> at & 1) != 0);
		if (reason != REASON_NONE)
			return reason;
		seen |= (uint64_t)1 << at;
	}
	return REASON_NONE;
}

static enum reason
body_is_form(const struct exchange *x)
{
	const struct http_request *r = x->request;
	size_t types = http_header_occurrences(r, B("Content-Type"));

	/* H-09: what is in a URL is in logs. */
	if (r->has_query)
		return REASON_query_not_allowed;
	/* H-08: exactly one content type, and no other than a form's. */
	if (types == 0 && bytes_empty(r->body))
		return REASON_NONE;
	if (types != 1 || !media_type_is_form(http_header(r, B("Content-Type"))))
		return REASON_content_type_wrong;
	return REASON_NONE;
}

enum step
form_only(struct exchange *x)
{
	const struct parameter *which = NULL;
	enum reason reason = body_is_form(x);

	if (reason != REASON_NONE)
		return refuse(x, reason);
	form_read(x->arena, &x->form, x->request->body, FORM_BODY);
	reason = parameters_check(x, &which);
	if (reason == REASON_NONE)
		return NEXT;
	if (which != NULL) {
		note_text(x, "parameter", which->name);
		note_number(x, "limit", (int64_t)which->max);
	}
	return refuse(x, reason);
}

/* ---- the client -------------------------------------------------------------------- */

struct client_throttle {
	struct throttle_key client, address;
};

/*
 * C-16: too many failures lately? Only who fails is made to wait: a neighbour behind
 * the same address keeps nobody out, and 256 random bits are not guessed.
 */
static enum step
client_may_fail(struct exchange *x, const struct client_throttle *k)
{
	const struct throttles *t = x->worker->shared->throttles;
	int64_t wait = throttle_wait(t->client, k->client, x->now);

	if (wait == 0)
		wait = throttle_wait(t->address, k->address, x->now);
	return wait > 0 ? refuse_for_now(x, 429, REASON_rate_limited, wait) : NEXT;
}

static const char *
method_registered(const struct client *c)
{
	return client_auth_method_name(
		c->type == CLIENT_PUBLIC ? CLIENT_AUTH_NONE : CLIENT_AUTH_BASIC);
}

/* C-06: one answer outside; inside, what arrived and what is registered. */
static enum step
client_refused(struct exchange *x, const struct client_throttle *k)
{
	const struct throttles *t = x->worker->shared->throttles;
	const struct client *c = catalogue_client(x->catalogue, x->auth.client_id);

	if (reason_error(x->auth.reason) == INVALID_CLIENT) {
		throttle_fail(t->client, k->client, x->now);
		throttle_fail(t->address, k->address, x->now);
		metric_add(&x->worker->metrics, METRIC_client_failures);
	}
	note_text(x, "method_presented", bytes_of(client_auth_method_name(x->auth.method)));
	if (c != NULL)
		note_text(x, "method_registered", bytes_of(method_registered(c)));
	if (c != NULL && c->disabled)
		note_text(x, "client_state", B("disabled"));
	return refuse(x, x->auth.reason);
}

enum step
client_known(struct exchange *x)
{
	const struct throttles *t = x->worker->shared->throttles;
	const struct http_request *r = x->request;
	char memory[40];
	struct bytes address;
	struct client_throttle keys;
	enum step step;

	x->auth = client_authenticate(x->arena, x->catalogue,
		x->worker->shared->keys->client_secret, http_header(r, B("Authorization")),
		http_header_occurrences(r, B("Authorization")), &x->form, x->now);
	x->client = x->auth.client;
	if (x->auth.reason == REASON_NONE)
		return NEXT;
	address = throttle_address(r->peer, memory);
	keys.client = throttle_key(t->client, x->auth.client_id, address);
	keys.address = throttle_key(t->address, NONE, address);
	step = client_may_fail(x, &keys);
	return step == NEXT ? client_refused(x, &keys) : step;
}

/* C-17: an API that introspects is no client of the other endpoints. */
enum step
has_tokens(struct exchange *x)
{
	if (x->client->type != CLIENT_RESOURCE)
		return NEXT;
	return refuse(x, REASON_client_not_for_endpoint);
}
