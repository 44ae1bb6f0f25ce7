/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_fetch.c - one libcurl transfer, with everything that could weaken it off.
 */
#include "http/http_fetch.h"

#include <string.h>

#include "base/clock.h"
#include "base/secret.h"
#include "http/http_class.h"
#include "http/http_curl.h"
#include "text/uri.h"

enum {
	TIMEOUT_MS = 10000,
	BODY_MAX = 1 << 20,
	HEADERS_MAX = 100,
	HEADER_BYTES_MAX = 65536,
};

struct fetch {
	struct arena *arena;
	const struct curl_functions *lib;
	CURL *curl;
	struct curl_slist *fields;
	struct buf body;
	struct http_header headers[HEADERS_MAX];
	size_t header_count, header_bytes;
	char error[CURL_ERROR_SIZE];
};

/* ---- what comes back ------------------------------------------------------ */

static size_t
take_body(char *p, size_t size, size_t n, void *arg)
{
	struct fetch *t = arg;

	buf_put(&t->body, (struct bytes){ p, size * n });
	return t->body.failed ? 0 : size * n;
}

static size_t
take_header(char *p, size_t size, size_t n, void *arg)
{
	struct fetch *t = arg;
	struct bytes rest = { p, size * n };
	struct bytes name;

	t->header_bytes += rest.n;
	if (t->header_bytes > HEADER_BYTES_MAX)
		return 0;
	/* An interim answer (100) may have come before. */
	if (bytes_starts(rest, B("HTTP/"))) {
		t->header_count = 0;
		return size * n;
	}
	while (rest.n > 0 && (rest.p[rest.n - 1] == '\n' || rest.p[rest.n - 1] == '\r'))
		rest.n--;
	if (rest.n == 0)
		return size * n;
	if (t->header_count == HEADERS_MAX)
		return 0;
	name = bytes_cut(&rest, ':');
	t->headers[t->header_count++] = (struct http_header){
		arena_bytes(t->arena, name), arena_bytes(t->arena, http_trim(rest))
	};
	return size * n;
}

/* ---- what is sent --------------------------------------------------------- */

static bool
is_loopback(struct bytes host)
{
	/* libcurl never asks a name server for "localhost". */
	return bytes_equal(host, B("127.0.0.1")) || bytes_equal(host, B("[::1]")) ||
		bytes_equal_nocase(host, B("localhost"));
}

/* R2.4: https, or http to this machine where the caller allows it. */
static enum outcome
check_url(const struct http_fetch *r, struct fault *f)
{
	struct uri u;

	if (!uri_parse(bytes_of(r->url), &u) || bytes_empty(u.host) || u.has_userinfo)
		return FAULT_AT(f, "%s: not a URL", r->url);
	if (bytes_equal_nocase(u.scheme, B("https")))
		return DONE;
	if (bytes_equal_nocase(u.scheme, B("http")) && r->allow_loopback &&
	    is_loopback(u.host))
		return DONE;
	return FAULT_AT(f, "%s: only https is spoken to other machines", r->url);
}

/* "Name: value"; an empty value is "Name;" to libcurl. */
static enum outcome
add_field(struct fetch *t, const struct http_header *h, struct fault *f)
{
	const char *separator = h->value.n > 0 ? ": " : ";";
	struct curl_slist *longer;

	if (h->name.n == 0 || !http_all_are(h->name, HTTP_TOKEN) ||
	    !http_all_are(h->value, HTTP_VALUE))
		return FAULT_AT(f, "a header field has a character that none may have");
	longer = t->lib->slist_append(t->fields, arena_printf(t->arena, "%.*s%s%.*s",
		(int)h->name.n, h->name.p, separator, (int)h->value.n,
		h->value.n > 0 ? h->value.p : ""));
	if (longer == NULL)
		return FAULT_AT(f, "out of memory");
	t->fields = longer;
	return DONE;
}

static enum outcome
add_fields(struct fetch *t, const struct http_fetch *r, struct fault *f)
{
	struct curl_slist *longer;

	for (size_t i = 0; i < r->header_count; i++)
		TRY(add_field(t, &r->headers[i], f));
	/* Without it libcurl may ask for a 100, and wait a second for it. */
	longer = t->lib->slist_append(t->fields, "Expect:");
	if (longer == NULL)
		return FAULT_AT(f, "out of memory");
	t->fields = longer;
	return DONE;
}

#define SET(option, value) (t->lib->easy_setopt(t->curl, (option), (value)) == CURLE_OK)

static bool
set_method(struct fetch *t, const struct http_fetch *r)
{
	if (bytes_equal(bytes_of(r->method), B("GET")))
		return SET(CURLOPT_HTTPGET, 1L);
	return SET(CURLOPT_POST, 1L) && SET(CURLOPT_CUSTOMREQUEST, r->method) &&
		SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.n) &&
		SET(CURLOPT_POSTFIELDS, r->body.n > 0 ? r->body.p : "");
}

static bool
set_trust(struct fetch *t, const struct http_fetch *r)
{
	/* The directory of the system's CAs stays in use beside a private CA's file. */
	return SET(CURLOPT_SSL_VERIFYPEER, 1L) && SET(CURLOPT_SSL_VERIFYHOST, 2L) &&
		SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) &&
		(r->ca_file == NULL || SET(CURLOPT_CAINFO, r->ca_file));
}

static bool
set_options(struct fetch *t, const struct http_fetch *r)
{
	long timeout = r->timeout_ms > 0 ? r->timeout_ms : TIMEOUT_MS;

	return SET(CURLOPT_URL, r->url) && set_method(t, r) && set_trust(t, r) &&
		SET(CURLOPT_PROTOCOLS_STR, r->allow_loopback ? "http,https" : "https") &&
		SET(CURLOPT_FOLLOWLOCATION, 0L) && SET(CURLOPT_NOSIGNAL, 1L) &&
		SET(CURLOPT_TIMEOUT_MS, timeout) && SET(CURLOPT_HTTPHEADER, t->fields) &&
		SET(CURLOPT_NOPROXY, "localhost,127.0.0.1,::1") &&
		SET(CURLOPT_UNIX_SOCKET_PATH, r->unix_socket) &&
		SET(CURLOPT_USERAGENT, "latchkey/" LATCHKEY_VERSION) &&
		SET(CURLOPT_ERRORBUFFER, t->error) &&
		SET(CURLOPT_WRITEFUNCTION, take_body) && SET(CURLOPT_WRITEDATA, t) &&
		SET(CURLOPT_HEADERFUNCTION, take_header) && SET(CURLOPT_HEADERDATA, t);
}

#undef SET

/* ---- the call ------------------------------------------------------------- */

/* Why there is no answer, in words for a person, and what to do. */
static enum outcome
explain(const struct fetch *t, const struct http_fetch *r, CURLcode code, struct fault *f)
{
	const char *detail = t->error[0] != '\0' ? t->error : t->lib->easy_strerror(code);

	if (t->body.failed)
		return FAULT_AT(f, "%s: the answer is too large", r->url);
	if (code == CURLE_COULDNT_RESOLVE_HOST)
		return FAULT_AT(f, "%s: no such host name", r->url);
	if (code == CURLE_COULDNT_CONNECT)
		return FAULT_AT(f, "%s: nothing answers there: %s", r->url, detail);
	if (code == CURLE_OPERATION_TIMEDOUT)
		return FAULT_AT(f, "%s: no answer in time", r->url);
	if (code == CURLE_PEER_FAILED_VERIFICATION)
		return FAULT_AT(f, "%s: its certificate is not trusted (%s); if it is signed "
				   "by a private CA, name the CA's certificate", r->url, detail);
	if (code == CURLE_SSL_CACERT_BADFILE)
		return FAULT_AT(f, "%s: not a file of CA certificates", r->ca_file);
	return FAULT_AT(f, "%s: %s", r->url, detail);
}

static enum outcome
run(struct fetch *t, const struct http_fetch *r, struct http_answer *out, struct fault *f)
{
	int64_t begun = clock_monotonic_ms();
	long status = 0;
	CURLcode code;

	TRY(add_fields(t, r, f));
	if (!set_options(t, r))
		return FAULT_AT(f, "%s: libcurl cannot do what is asked", r->url);
	code = t->lib->easy_perform(t->curl);
	if (code != CURLE_OK)
		return explain(t, r, code, f);
	t->lib->easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
	*out = (struct http_answer){
		.status = (int)status,
		.headers = arena_copy(t->arena, t->headers,
			t->header_count * sizeof(t->headers[0])),
		.header_count = t->header_count,
		.body = buf_bytes(&t->body),
		.ms = clock_monotonic_ms() - begun,
	};
	return DONE;
}

enum outcome
http_fetch(struct arena *a, const struct http_fetch *request, struct http_answer *out,
	struct fault *f)
{
	struct fetch t = {
		.arena = a,
		.body = buf_new(a, request->max_body > 0 ? request->max_body : BODY_MAX),
	};
	enum outcome outcome;

	TRY(check_url(request, f));
	TRY(http_curl(&t.lib, f));
	t.curl = t.lib->easy_init();
	if (t.curl == NULL)
		return FAULT_AT(f, "libcurl cannot be set up");
	outcome = run(&t, request, out, f);
	t.lib->easy_cleanup(t.curl);
	/* Credentials stood in them. */
	for (struct curl_slist *field = t.fields; field != NULL; field = field->next)
		secret_wipe(field->data, strlen(field->data));
	t.lib->slist_free_all(t.fields);
	return outcome;
}

struct bytes
http_answer_header(const struct http_answer *a, struct bytes name)
{
	for (size_t i = 0; i < a->header_count; i++)
		if (bytes_equal_nocase(a->headers[i].name, name))
			return a->headers[i].value;
	return NONE;
}
