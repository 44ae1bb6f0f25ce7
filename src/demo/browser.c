/* SPDX-License-Identifier: Apache-2.0 */
/*
 * browser.c - pages of our own are all it reads: every attribute is in double
 * quotes, and html.c wrote every value.
 */
#include "demo/browser.h"

#include <stdint.h>
#include <string.h>

#include "text/form.h"
#include "text/uri.h"

enum { REDIRECTS_MAX = 8, BODY_MAX = 65536, URL_MAX = 16384 };

/* ---- cookies (RFC 6265 section 5) ----------------------------------------- */

static void
keep_cookie(struct browser *b, struct bytes field)
{
	struct bytes rest = field, pair = bytes_cut(&rest, ';');
	struct bytes name = bytes_cut(&pair, '=');
	size_t at = 0;

	while (at < b->cookie_count && !bytes_equal(b->cookies[at].name, name))
		at++;
	if (at == BROWSER_COOKIES)
		return;
	b->cookies[at] = (struct cookie){ name, pair };
	if (at == b->cookie_count)
		b->cookie_count++;
}

static struct bytes
cookie_field(struct browser *b)
{
	struct buf field = buf_new(b->arena, BODY_MAX);

	for (size_t i = 0; i < b->cookie_count; i++) {
		if (bytes_empty(b->cookies[i].value))
			continue;
		buf_put(&field, field.n > 0 ? B("; ") : NONE);
		buf_put(&field, b->cookies[i].name);
		buf_putc(&field, '=');
		buf_put(&field, b->cookies[i].value);
	}
	return buf_bytes(&field);
}

/* ---- going somewhere ------------------------------------------------------ */

static struct bytes
origin_of(struct browser *b, struct bytes url)
{
	struct buf origin = buf_new(b->arena, URL_MAX);
	struct uri u;

	if (uri_parse(url, &u))
		uri_origin(&u, &origin);
	return buf_bytes(&origin);
}

/* A Location or action: whole, or a path of the page it stands on. */
static struct bytes
resolve(struct browser *b, struct bytes base, struct bytes to)
{
	struct buf url = buf_new(b->arena, URL_MAX);

	if (!bytes_starts(to, B("/")))
		return to;
	buf_put(&url, origin_of(b, base));
	buf_put(&url, to);
	return buf_bytes(&url);
}

static enum outcome
fetch(struct browser *b, struct bytes url, const struct bytes *body, struct bytes from,
	struct http_answer *out, struct fault *f)
{
	struct bytes address = url;
	struct http_header headers[4] = { { B("Accept"), B("text/html") } };
	size_t n = 1;

	address = bytes_cut(&address, '#');
	if (b->cookie_count > 0)
		headers[n++] = (struct http_header){ B("Cookie"), cookie_field(b) };
	if (body != NULL) {
		headers[n++] = (struct http_header){ B("Content-Type"),
			B("application/x-www-form-urlencoded") };
		headers[n++] = (struct http_header){ B("Origin"), origin_of(b, from) };
	}
	TRY(http_fetch(b->arena,
		&(struct http_fetch){ .method = body != NULL ? "POST" : "GET",
			.url = arena_cstr(b->arena, address),
			.headers = headers,
			.header_count = n,
			.body = body != NULL ? *body : NONE,
			.ca_file = b->ca_file },
		out, f));
	for (size_t i = 0; i < out->header_count; i++)
		if (bytes_equal_nocase(out->headers[i].name, B("Set-Cookie")))
			keep_cookie(b, out->headers[i].value);
	return DONE;
}

static enum outcome
travel(struct browser *b, struct bytes url, const struct bytes *body, struct bytes stop,
	struct browser_page *page, struct fault *f)
{
	struct http_answer answer;

	for (int i = 0; i < REDIRECTS_MAX; i++) {
		TRY(fetch(b, url, body, page->url, &answer, f));
		*page = (struct browser_page){ url, answer.status, answer.body };
		if (answer.status != 302 && answer.status != 303)
			return DONE;
		url = resolve(b, url, http_answer_header(&answer, B("Location")));
		body = NULL;
		if (!bytes_empty(stop) && bytes_starts(url, stop)) {
			*page = (struct browser_page){ .url = url };
			return DONE;
		}
	}
	return FAULT_AT(f, "redirects without an end");
}

enum outcome
browser_get(struct browser *b, struct bytes url, struct bytes stop,
	struct browser_page *page, struct fault *f)
{
	return travel(b, url, NULL, stop, page, f);
}

/* ---- reading a page ------------------------------------------------------- */

static bool
find(struct bytes in, struct bytes what, size_t *at)
{
	const char *p = in.n > 0 ? memmem(in.p, in.n, what.p, what.n) : NULL;

	if (p != NULL)
		*at = (size_t)(p - in.p);
	return p != NULL;
}

bool
browser_shows(const struct browser_page *page, struct bytes text)
{
	size_t at;

	return find(page->html, text, &at);
}

/* The next tag, without its angle brackets. */
static bool
next_tag(struct bytes *rest, struct bytes *tag)
{
	size_t at;

	if (!find(*rest, B("<"), &at))
		return false;
	*rest = bytes_slice(*rest, at + 1, rest->n);
	*tag = bytes_cut(rest, '>');
	return true;
}

static struct bytes
unescape(struct arena *a, struct bytes text)
{
	static const struct {
		struct bytes entity;
		char is;
	} entities[] = {
		{ BI("&amp;"), '&' },
		{ BI("&lt;"), '<' },
		{ BI("&gt;"), '>' },
		{ BI("&#34;"), '"' },
		{ BI("&#39;"), '\'' },
		{ BI("&#13;"), '\r' },
	};
	struct buf out = buf_new(a, BODY_MAX);

	while (text.n > 0) {
		size_t i = 0, count = sizeof entities / sizeof entities[0];

		while (i < count && !bytes_starts(text, entities[i].entity))
			i++;
		buf_putc(&out, i < count ? entities[i].is : text.p[0]);
		text = bytes_slice(text, i < count ? entities[i].entity.n : 1, text.n);
	}
	return buf_bytes(&out);
}

/* name="..." of a tag, as the person who wrote it meant it. */
static struct bytes
attribute(struct arena *a, struct bytes tag, const char *name)
{
	const char *pattern = arena_printf(a, " %s=\"", name);
	size_t at;

	if (!find(tag, bytes_of(pattern), &at))
		return NONE;
	tag = bytes_slice(tag, at + strlen(pattern), tag.n);
	return unescape(a, bytes_cut(&tag, '"'));
}

static bool
is_control(struct bytes tag)
{
	return bytes_starts(tag, B("input ")) || bytes_starts(tag, B("button "));
}

static bool
has_control(struct arena *a, struct bytes html, struct bytes name, struct bytes *value)
{
	struct bytes tag;

	while (next_tag(&html, &tag))
		if (is_control(tag) && bytes_equal(attribute(a, tag, "name"), name)) {
			*value = attribute(a, tag, "value");
			return true;
		}
	return false;
}

bool
browser_control(const struct browser *b, const struct browser_page *page,
	struct bytes name, struct bytes *value)
{
	struct bytes ignored;

	return has_control(
		b->arena, page->html, name, value != NULL ? value : &ignored);
}

/* ---- sending a form ------------------------------------------------------- */

/* The form with that control: its start tag and what is in it. */
static bool
find_form(struct browser *b, struct bytes html, struct bytes name, struct bytes *tag,
	struct bytes *inside)
{
	struct bytes ignored;
	size_t end;

	while (next_tag(&html, tag)) {
		if (!bytes_starts(*tag, B("form ")) || !find(html, B("</form>"), &end))
			continue;
		*inside = bytes_slice(html, 0, end);
		if (has_control(b->arena, *inside, name, &ignored))
			return true;
	}
	return false;
}

/* What the page itself put into the form, unseen by the person. */
static void
add_hidden(struct browser *b, struct bytes inside, const struct filled *filled,
	size_t count, struct buf *body)
{
	struct bytes tag;

	while (next_tag(&inside, &tag)) {
		struct bytes name = attribute(b->arena, tag, "name");
		size_t i = 0;

		if (!bytes_equal(attribute(b->arena, tag, "type"), B("hidden")))
			continue;
		while (i < count && !bytes_equal(filled[i].name, name))
			i++;
		if (i == count)
			form_pair(body, name, attribute(b->arena, tag, "value"));
	}
}

enum outcome
browser_submit(struct browser *b, const struct filled *filled, size_t count,
	struct bytes stop, struct browser_page *page, struct fault *f)
{
	struct buf body = buf_new(b->arena, BODY_MAX);
	struct bytes tag, inside, bytes;

	if (!find_form(b, page->html, filled[0].name, &tag, &inside))
		return FAULT_AT(f, "%.*s: no form with %.*s (status %d)",
			BYTES_FMT(page->url), BYTES_FMT(filled[0].name), page->status);
	add_hidden(b, inside, filled, count, &body);
	for (size_t i = 0; i < count; i++)
		form_pair(&body, filled[i].name, filled[i].value);
	bytes = buf_bytes(&body);
	return travel(b, resolve(b, page->url, attribute(b->arena, tag, "action")),
		&bytes, stop, page, f);
}
