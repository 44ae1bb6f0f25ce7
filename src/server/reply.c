/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reply.c - the kinds of answers there are, each with the headers it must have.
 */
#include <assert.h>

#include "server/exchange.h"

#define PAGE_POLICY_MAX ((size_t)4096)

void
reply_header(struct exchange *x, struct bytes name, struct bytes value)
{
	assert(x->header_count < EXCHANGE_HEADERS);
	x->headers[x->header_count++] = (struct http_header){ name, value };
}

static enum step
reply_send(struct exchange *x, int status, struct bytes body)
{
	struct view *view = x->view;
	struct http_reply reply;

	cors_headers(x);
	exchange_end(x, status, body.n);
	reply = (struct http_reply){
		.status = status,
		.headers = x->headers,
		.header_count = x->header_count,
		.body = body,
		.known = x->auth.client != NULL && x->auth.method == CLIENT_AUTH_BASIC,
	};
	http_reply(x->request, &reply);
	/* Only now: a header may point into the catalogue (a logo's type), and this may
	 * be the last exchange that sees it. */
	view_release(view);
	return ANSWERED;
}

static void
reply_never_cached(struct exchange *x)
{
	reply_header(x, B("Cache-Control"), B("no-store"));
	reply_header(x, B("Pragma"), B("no-cache"));
	reply_header(x, B("X-Content-Type-Options"), B("nosniff"));
}

enum step
reply_json(struct exchange *x, int status, struct bytes body)
{
	reply_header(x, B("Content-Type"), B("application/json"));
	reply_never_cached(x);
	return reply_send(x, status, body);
}

enum step
reply_empty(struct exchange *x, int status)
{
	reply_never_cached(x);
	return reply_send(x, status, NONE);
}

/* U-01; U-02: form-action lists where the chain of a submission ends as well. */
static struct bytes
page_policy(struct exchange *x, const struct reply_html *h)
{
	struct buf b = buf_new(x->arena, PAGE_POLICY_MAX);

	buf_put(&b, B("default-src 'none'; style-src 'self'; img-src 'self'"));
	if (!bytes_empty(h->script_nonce)) {
		buf_put(&b, B("; script-src 'nonce-"));
		buf_put(&b, h->script_nonce);
		buf_putc(&b, '\'');
	}
	buf_put(&b, B("; form-action 'self'"));
	if (!bytes_empty(h->form_action)) {
		buf_putc(&b, ' ');
		buf_put(&b, h->form_action);
	}
	buf_put(&b, B("; frame-ancestors 'none'; base-uri 'none'"));
	assert(!b.failed); /* a redirect URI is at most 2048 long */
	return buf_bytes(&b);
}

enum step
reply_html(struct exchange *x, const struct reply_html *h)
{
	reply_header(x, B("Content-Type"), B("text/html; charset=utf-8"));
	reply_header(x, B("Content-Security-Policy"), page_policy(x, h));
	reply_header(x, B("X-Frame-Options"), B("DENY"));
	reply_header(x, B("Referrer-Policy"), B("no-referrer"));
	reply_never_cached(x);
	return reply_send(x, h->status, h->html);
}

/* U-07: 303 and no other redirect ever follows a request. */
enum step
reply_see_other(struct exchange *x, struct bytes location)
{
	reply_header(x, B("Location"), location);
	reply_header(x, B("Referrer-Policy"), B("no-referrer"));
	reply_never_cached(x);
	return reply_send(x, 303, NONE);
}

/* RFC 9110 section 13.1.2: a list of tags, or *; comparison is weak. */
static bool
etag_known(struct bytes if_none_match, struct bytes etag)
{
	if (bytes_equal(if_none_match, B("*")))
		return true;
	while (!bytes_empty(if_none_match)) {
		struct bytes tag = bytes_cut(&if_none_match, ',');

		while (bytes_starts(tag, B(" ")))
			tag = bytes_slice(tag, 1, tag.n);
		while (bytes_ends(tag, B(" ")))
			tag = bytes_slice(tag, 0, tag.n - 1);
		if (bytes_starts(tag, B("W/")))
			tag = bytes_slice(tag, 2, tag.n);
		if (bytes_equal(tag, etag))
			return true;
	}
	return false;
}

enum step
reply_document(struct exchange *x, const struct reply_document *d)
{
	struct buf cache = buf_new(x->arena, 64);

	buf_put(&cache, B("public, max-age="));
	buf_puti(&cache, d->max_age);
	if (d->immutable)
		buf_put(&cache, B(", immutable"));
	reply_header(x, B("Cache-Control"), buf_bytes(&cache));
	reply_header(x, B("ETag"), d->etag);
	reply_header(x, B("X-Content-Type-Options"), B("nosniff"));
	if (etag_known(http_header(x->request, B("If-None-Match")), d->etag))
		return reply_send(x, 304, NONE);
	reply_header(x, B("Content-Type"), d->type);
	return reply_send(x, 200, d->body);
}
