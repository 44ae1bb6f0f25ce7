/* SPDX-License-Identifier: Apache-2.0 */
/*
 * visit.c - cookies, the session behind them, and what every page's form must
 * pass before anything in it is believed.
 */
#include "server/visit.h"

#include <string.h>

#include "base/secret.h"
#include "text/base64url.h"
#include "text/headers.h"

#define COOKIE_BYTES 32
#define COOKIE_SIZE BASE64URL_SIZE(COOKIE_BYTES)

void
visit_key(struct bytes value, uint8_t out[static SESSION_KEY_SIZE])
{
	uint8_t full[DIGEST_SIZE];

	sha256(value, full);
	memcpy(out, full, SESSION_KEY_SIZE);
}

struct bytes
visit_value(struct arena *a)
{
	uint8_t raw[COOKIE_BYTES];
	char *text = arena_alloc(a, COOKIE_SIZE);

	secret_random(raw, sizeof(raw));
	base64url_encode(raw, sizeof(raw), text);
	secret_wipe(raw, sizeof(raw));
	return (struct bytes){ text, COOKIE_SIZE };
}

void
visit_cookie(struct exchange *x, const char *name, struct bytes value, int64_t lifetime)
{
	struct buf b = buf_new(x->arena, 4096);

	buf_put(&b, bytes_of(name));
	buf_putc(&b, '=');
	buf_put(&b, value);
	buf_put(&b, B("; Path=/; Secure; HttpOnly; SameSite=Lax"));
	if (bytes_empty(value))
		buf_put(&b, B("; Max-Age=0"));
	else if (lifetime > 0)
		buf_printf(&b, "; Max-Age=%lld", (long long)lifetime);
	reply_header(x, B("Set-Cookie"), buf_bytes(&b));
}

/* Ours are 43 characters of base64url; anything else is as if absent. */
static struct bytes
cookie(struct exchange *x, struct bytes name)
{
	struct bytes value = cookie_get(http_header(x->request, B("Cookie")), name);
	uint8_t raw[COOKIE_BYTES];
	size_t n;

	if (value.n == COOKIE_SIZE && base64url_decode(value, raw, sizeof(raw), &n))
		return value;
	return NONE;
}

static struct bytes
browser_cookie(struct exchange *x)
{
	struct bytes value = cookie(x, B(BROWSER_COOKIE));

	if (bytes_empty(value)) {
		value = visit_value(x->arena);
		visit_cookie(x, BROWSER_COOKIE, value, 0);
	}
	return value;
}

enum step
visit_begin(struct exchange *x)
{
	struct visit *v = x->state != NULL ? x->state : ARENA_NEW(x->arena, struct visit);
	struct bytes session = cookie(x, B(SESSION_COOKIE));

	x->state = v;
	v->browser = browser_cookie(x);
	visit_key(v->browser, v->browser_key);
	if (bytes_empty(session))
		return NEXT;
	visit_key(session, v->session.key);
	v->session.now = x->now;
	exchange_ask(x, &v->session.call);
	store_session_find(x->worker->port, &v->session);
	return WAIT;
}

enum step
visit_known(struct exchange *x)
{
	struct visit *v = visit_of(x);

	v->signed_in = v->session.found;
	return NEXT;
}

struct bytes
visit_path(struct exchange *x, const char *path)
{
	return bytes_of(arena_printf(x->arena, "%.*s%s", BYTES_FMT(x->snapshot->issuer_path),
		path));
}

enum step
visit_go(struct exchange *x, const char *path)
{
	return reply_see_other(x, visit_path(x, path));
}

/* U-05: a second defence; the first is the form's one-time value (U-04). Origin is
 * "null" for our own forms, because our pages say no-referrer. */
static bool
origin_is_own(const struct exchange *x)
{
	struct bytes origin = http_header(x->request, B("Origin"));
	struct bytes site = http_header(x->request, B("Sec-Fetch-Site"));
	struct bytes own = bytes_slice(x->snapshot->issuer, 0,
		x->snapshot->issuer.n - x->snapshot->issuer_path.n);

	if (!bytes_empty(origin) && !bytes_equal(origin, B("null"))
		&& !bytes_equal(origin, own))
		return false;
	return bytes_empty(site) || bytes_equal(site, B("same-origin"))
		|| bytes_equal(site, B("none"));
}

enum step
visit_form(struct exchange *x)
{
	const struct http_request *r = x->request;
	const struct parameter *which = NULL;
	enum reason reason;

	if (!origin_is_own(x))
		return refuse_with(x, 403, REASON_origin_foreign);
	if (!media_type_is_form(http_header(r, B("Content-Type"))))
		return refuse(x, REASON_content_type_wrong);
	form_read(x->arena, &x->form, r->body, FORM_BODY);
	reason = parameters_check(x, &which);
	return reason == REASON_NONE ? NEXT : refuse(x, reason);
}
