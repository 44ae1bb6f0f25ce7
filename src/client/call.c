/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call.c - one request to an API with the connection's token.
 *
 * Promises (RULEBOOK CL-28, CL-34): the token goes to the origin of the URL that the
 * caller gave and to no other; a 401 invalid_token is answered by one refresh and one
 * repetition, also when somebody else's refresh killed the token on its way; no loop.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "client/lk.h"
#include "http/http_fetch.h"
#include "text/challenge.h"
#include "text/uri.h"

#define BODY_MAX ((size_t)1024 * 1024)
#define ROOM ((size_t)512 * 1024) /* header fields, both ways, and the URL */
#define REDIRECTS_MAX 5
#define HEADERS_MAX 100
#define URL_MAX ((size_t)16384)

struct lk_response {
	struct arena *arena;
	struct http_answer answer;
};

struct call {
	struct lk_connection *c;
	struct lk_request request;
	struct arena *a;
	const char *method, *url;   /* url: where a redirect has led so far */
	struct http_header *headers; /* the caller's, and room for ours */
	struct lk_token *token;
	bool repeated;
	struct lk_error *e;
};

/* ---- what is asked ------------------------------------------------------- */

/* Who sets one of these says who asks, or where the request ends: that is ours. */
static bool
header_is_ours(struct bytes name)
{
	static const struct bytes ours[] = {
		BI("Authorization"), BI("Host"), BI("Content-Length"), BI("Transfer-Encoding"),
		BI("Connection"), BI("Expect"),
	};

	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (bytes_equal_nocase(name, ours[i]))
			return true;
	return false;
}

static enum lk_status
take_headers(struct call *k)
{
	const struct lk_request *r = &k->request;

	if (r->header_count > HEADERS_MAX || (r->header_count > 0 && r->headers == NULL))
		return lk_fail(k->e, LK_BUG, "lk_call: more than %d header fields", HEADERS_MAX);
	k->headers = ARENA_ARRAY(k->a, struct http_header, r->header_count + 1);
	for (size_t i = 0; i < r->header_count; i++) {
		struct bytes name = bytes_of(r->headers[i].name);

		if (header_is_ours(name))
			return lk_fail(k->e, LK_BUG, "lk_call: the header field %.*s is the"
				" library's to set", BYTES_FMT(name));
		k->headers[i] =
			(struct http_header){ name, bytes_of(r->headers[i].value) };
	}
	return LK_OK;
}

static enum lk_status
take_request(struct call *k, const struct lk_request *from)
{
	struct lk_request *r = &k->request;

	if (from == NULL || !lk_copy(r, sizeof(*r), from, from->size) || r->url == NULL ||
	    (r->body_size > 0 && r->body == NULL) || r->timeout_ms < 0)
		return lk_fail(k->e, LK_BUG, "lk_call: a request begins with LK_INIT and has"
			" a URL, and a body where it has a body_size");
	k->method = r->method != NULL ? r->method : r->body_size > 0 ? "POST" : "GET";
	if (r->body_size > 0 && bytes_equal(bytes_of(k->method), B("HEAD")))
		return lk_fail(k->e, LK_BUG, "lk_call: HEAD has no body");
	k->url = arena_printf(k->a, "%s", r->url);
	return take_headers(k);
}

/* ---- one exchange -------------------------------------------------------- */

static bool
safe_method(const struct call *k)
{
	return bytes_equal(bytes_of(k->method), B("GET")) ||
		bytes_equal(bytes_of(k->method), B("HEAD"));
}

static bool
redirects(const struct call *k, int status)
{
	return safe_method(k) && (status == 301 || status == 302 || status == 303 ||
		status == 307 || status == 308);
}

/* Is this the answer for the caller, as far as its status tells? The body of any other
 * is kept until it is certain. */
static bool
streams(void *arg, int status)
{
	const struct call *k = arg;

	return !(status == 401 && !k->repeated) && !redirects(k, status);
}

static int
pour(void *arg, const void *p, size_t n)
{
	const struct call *k = arg;

	return k->request.sink(k->request.arg, p, n);
}

static enum lk_status
no_answer(struct call *k, enum http_failure failure, const struct fault *f)
{
	switch (failure) {
	case HTTP_NOT_ASKED:
		return lk_fail(k->e, LK_CONFIGURATION, "%s", f->what);
	case HTTP_NO_MEMORY:
		return lk_fail(k->e, LK_MEMORY, "out of memory");
	case HTTP_NOT_REACHED:
	case HTTP_UNTRUSTED:
		return lk_later(k->e, 0, "%s", f->what);
	case HTTP_UNANSWERED:
		return lk_later(k->e, 0, "%s; it may have been done", f->what);
	case HTTP_TOO_LARGE:
		return lk_fail(k->e, LK_REJECTED, "%s: see max_body", f->what);
	case HTTP_GIVEN_UP:
		return lk_fail(k->e, LK_REJECTED, "the sink gave up");
	case HTTP_ANSWERED:
		break;
	}
	return lk_fail(k->e, LK_BUG, "a request failed that was answered");
}

static enum lk_status
exchange(struct call *k, struct arena *a, struct http_answer *answer)
{
	const struct lk_request *r = &k->request;
	size_t n = r->header_count;
	struct fault f = { 0 };
	struct http_fetch fetch = {
		.method = k->method,
		.url = k->url,
		.headers = k->headers,
		.header_count = n + 1,
		.body = { r->body, r->body_size },
		.ca_file = r->ca_file != NULL ? r->ca_file : k->token->ca_file,
		.allow_loopback = k->token->development,
		.timeout_ms = r->timeout_ms > 0 ? r->timeout_ms : k->c->lk->http_timeout_ms,
		.max_body = r->sink == NULL && r->max_body > 0 ? r->max_body : BODY_MAX,
		.sink = r->sink != NULL ? pour : NULL,
		.streams = streams,
		.arg = k,
		.lines = k->c->lk->lines,
	};

	k->headers[n].name = B("Authorization");
	k->headers[n].value = bytes_of(arena_printf(k->a, "Bearer %s", k->token->text));
	if (http_fetch(a, &fetch, answer, &f) != DONE)
		return no_answer(k, answer->failure, &f);
	return LK_OK;
}

/* ---- redirects ----------------------------------------------------------- */

static bool
same_origin(const struct uri *x, const struct uri *y)
{
	char left[512], right[512];
	struct buf l = buf_fixed(left, sizeof(left)), r = buf_fixed(right, sizeof(right));

	uri_origin(x, &l);
	uri_origin(y, &r);
	return !l.failed && !r.failed && bytes_equal_nocase(buf_bytes(&l), buf_bytes(&r));
}

/* RFC 3986 5.2, as far as Location fields go: a whole URI, or a path. */
static const char *
resolve(struct call *k, const struct uri *base, struct bytes to)
{
	struct buf b = buf_new(k->a, URL_MAX);
	struct uri u;

	to = bytes_slice(to, 0, bytes_index(to, '#'));
	if (uri_parse(to, &u)) {
		buf_put(&b, same_origin(base, &u) && !u.has_userinfo ? to : NONE);
	} else if (bytes_starts(to, B("/")) && !bytes_starts(to, B("//"))) {
		uri_origin(base, &b);
		buf_put(&b, to);
	}
	return b.n > 0 ? buf_cstr(&b) : NULL;
}

/* The next URL, or NULL: this answer is for the caller. */
static const char *
redirected(struct call *k, const struct http_answer *answer)
{
	struct uri base;

	if (!redirects(k, answer->status) || !uri_parse(bytes_of(k->url), &base))
		return NULL;
	return resolve(k, &base, http_answer_header(answer, B("Location")));
}

/* ---- 401 ----------------------------------------------------------------- */

static enum lk_status
replace_token(struct call *k)
{
	struct lk_token *newer;
	enum lk_status status = lk_token_after(k->c, k->token, &newer, k->e);

	if (status == LK_OK) {
		lk_token_free(k->token);
		k->token = newer;
	}
	k->repeated = true;
	return status;
}

/* RFC 6750 3.1, whichever field it stands in. One that cannot be read says nothing. */
static bool
says_invalid_token(struct call *k, const struct http_answer *answer)
{
	struct challenge bearer;

	for (size_t i = 0; answer->status == 401 && i < answer->header_count; i++)
		if (bytes_equal_nocase(answer->headers[i].name, B("WWW-Authenticate")) &&
		    challenge_find(k->a, answer->headers[i].value, B("Bearer"), &bearer) &&
		    bytes_equal(challenge_get(&bearer, B("error")), B("invalid_token")))
			return true;
	return false;
}

/* ---- the call ------------------------------------------------------------ */

/* A body that was held back until it was certain whose it is. */
static enum lk_status
pour_held_back(struct call *k, struct http_answer *answer)
{
	if (k->request.sink == NULL || answer->body.n == 0)
		return LK_OK;
	if (k->request.sink(k->request.arg, answer->body.p, answer->body.n) != 0)
		return lk_fail(k->e, LK_REJECTED, "the sink gave up");
	answer->body = NONE;
	return LK_OK;
}

/* One request and its answer; *again: there is a reason to ask once more. */
static enum lk_status
step(struct call *k, struct arena *a, int *redirects_left, struct http_answer *answer,
	bool *again)
{
	const char *next;

	*again = true;
	LK_TRY(exchange(k, a, answer));
	if (!k->repeated && says_invalid_token(k, answer))
		return replace_token(k);
	next = redirected(k, answer);
	if (next != NULL && (*redirects_left)-- > 0) {
		k->url = next;
		return LK_OK;
	}
	*again = false;
	return pour_held_back(k, answer);
}

static size_t
room(const struct lk_request *r)
{
	size_t body = r->sink == NULL && r->max_body > BODY_MAX ? r->max_body : BODY_MAX;

	/* A growing body is copied as it doubles. */
	return ROOM + (body < SIZE_MAX / 8 ? 3 * body : body);
}

static enum lk_status
run(struct call *k, struct lk_response *response)
{
	int redirects_left = REDIRECTS_MAX;
	enum lk_status status = lk_token(k->c, &k->token, k->e);
	bool again = true;

	while (status == LK_OK && again) {
		arena_free(response->arena);
		response->arena = arena_reserve(room(&k->request));
		if (response->arena == NULL)
			return lk_fail(k->e, LK_MEMORY, "out of memory");
		status = step(k, response->arena, &redirects_left, &response->answer, &again);
	}
	return status;
}

LK_API enum lk_status
lk_call(struct lk_connection *c, const struct lk_request *request,
	struct lk_response **out, struct lk_error *error)
{
	struct lk_error e = { .status = LK_OK };
	struct call k = { .c = c, .e = &e };
	struct lk_response *response;
	enum lk_status status;

	if (c == NULL || out == NULL)
		return lk_fail(error, LK_BUG, "lk_call: no connection, or nowhere to put it");
	LK_TRY(lk_begin(c->lk, error));
	response = calloc(1, sizeof(*response));
	k.a = response != NULL ? lk_arena(error) : NULL;
	if (k.a == NULL) {
		free(response);
		return lk_fail(error, LK_MEMORY, "out of memory");
	}
	status = take_request(&k, request);
	if (status == LK_OK)
		status = run(&k, response);
	lk_token_free(k.token);
	arena_free(k.a);
	if (status == LK_OK) {
		*out = response;
		return LK_OK;
	}
	lk_response_free(response);
	if (error != NULL)
		*error = e;
	return status;
}

/* ---- the answer ---------------------------------------------------------- */

LK_API int
lk_response_status(const struct lk_response *r)
{
	return r->answer.status;
}

LK_API const char *
lk_response_header(const struct lk_response *r, const char *name)
{
	struct bytes value = http_answer_header(&r->answer, bytes_of(name));

	return value.p;
}

LK_API const char *
lk_response_header_at(const struct lk_response *r, size_t i, const char **value)
{
	if (i >= r->answer.header_count)
		return NULL;
	*value = r->answer.headers[i].value.p;
	return r->answer.headers[i].name.p;
}

LK_API const char *
lk_response_body(const struct lk_response *r, size_t *size)
{
	if (size != NULL)
		*size = r->answer.body.n;
	return r->answer.body.p != NULL ? r->answer.body.p : "";
}

LK_API void
lk_response_free(struct lk_response *r)
{
	if (r == NULL)
		return;
	arena_free(r->arena);
	free(r);
}
