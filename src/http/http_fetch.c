/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_fetch.c - one libcurl transfer, with everything that could weaken it off.
 */
#include "http/http_fetch.h"

#include <openssl/ssl.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/secret.h"
#include "http/http_class.h"
#include "http/http_curl.h"
#include "http/http_lines.h"
#include "text/uri.h"

enum {
	TIMEOUT_MS = 10000,
	BODY_MAX = 1 << 20,
	HEADERS_MAX = 100,
	HEADER_BYTES_MAX = 65536,
};

struct fetch {
	struct arena *arena;
	const struct http_fetch *asked;
	const struct curl_functions *lib;
	CURL *curl;
	struct curl_slist *fields;
	struct buf body;
	struct http_header headers[HEADERS_MAX];
	size_t header_count, header_bytes;
	bool too_large, given_up, chosen, streams; /* chosen: where the body goes */
	char error[CURL_ERROR_SIZE];
	struct http_answer *answer;
	CURLcode set; /* how the last option was taken */
};

/* ---- what comes back ------------------------------------------------------ */

/* Whether the sink takes the body: asked once, when its first bytes are there. */
static bool
body_streams(struct fetch *t)
{
	const struct http_fetch *r = t->asked;
	long status = 0;

	if (t->chosen || r->sink == NULL)
		return t->streams;
	t->lib->easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
	t->streams = r->streams == NULL || r->streams(r->arg, (int)status);
	t->chosen = true;
	return t->streams;
}

static size_t
take_body(char *p, size_t size, size_t n, void *arg)
{
	struct fetch *t = arg;

	if (body_streams(t)) {
		t->given_up = t->asked->sink(t->asked->arg, p, size * n) != 0;
		return t->given_up ? CURL_WRITEFUNC_ERROR : size * n;
	}
	buf_put(&t->body, (struct bytes){ p, size * n });
	t->too_large |= t->body.failed;
	return t->body.failed ? CURL_WRITEFUNC_ERROR : size * n;
}

static size_t
take_header(char *p, size_t size, size_t n, void *arg)
{
	struct fetch *t = arg;
	struct bytes rest = { p, size * n };
	struct bytes name;

	t->header_bytes += rest.n;
	t->too_large |= t->header_bytes > HEADER_BYTES_MAX ||
		t->header_count == HEADERS_MAX;
	if (t->too_large)
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
	name = bytes_cut(&rest, ':');
	t->headers[t->header_count++] = (struct http_header){
		arena_bytes(t->arena, name), arena_bytes(t->arena, http_trim(rest))
	};
	return size * n;
}

/* ---- what is sent --------------------------------------------------------- */

bool
http_is_loopback(struct bytes host)
{
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
	    http_is_loopback(u.host))
		return DONE;
	if (bytes_equal_nocase(u.scheme, B("http")) && http_is_loopback(u.host))
		return FAULT_AT(f, "%s: http to this machine is spoken in development only "
				   "(to allow it, connect with LK_DEVELOPMENT)", r->url);
	return FAULT_AT(f, "%s: only https is spoken to other machines", r->url);
}

static enum outcome
add_line(struct fetch *t, const char *line, struct fault *f)
{
	struct curl_slist *longer = t->lib->slist_append(t->fields, line);

	if (longer == NULL) {
		t->answer->failure = HTTP_NO_MEMORY;
		return FAULT_AT(f, "out of memory");
	}
	t->fields = longer;
	return DONE;
}

/* "Name: value"; an empty value is "Name;" to libcurl. */
static enum outcome
add_field(struct fetch *t, const struct http_header *h, struct fault *f)
{
	const char *separator = h->value.n > 0 ? ": " : ";";

	if (h->name.n == 0 || !http_all_are(h->name, HTTP_TOKEN) ||
	    !http_all_are(h->value, HTTP_VALUE))
		return FAULT_AT(f, "a header field has a character that none may have");
	return add_line(t, arena_printf(t->arena, "%.*s%s%.*s", BYTES_FMT(h->name),
		separator, BYTES_FMT(h->value)), f);
}

static bool
has_field(const struct http_fetch *r, struct bytes name)
{
	for (size_t i = 0; i < r->header_count; i++)
		if (bytes_equal_nocase(r->headers[i].name, name))
			return true;
	return false;
}

static enum outcome
add_fields(struct fetch *t, const struct http_fetch *r, struct fault *f)
{
	for (size_t i = 0; i < r->header_count; i++)
		TRY(add_field(t, &r->headers[i], f));
	/* libcurl may ask for a 100, and wait a second for it; and calls any body a
	 * form where nobody has said what it is. */
	TRY(add_line(t, "Expect:", f));
	return has_field(r, B("Content-Type")) ? DONE : add_line(t, "Content-Type:", f);
}

#define SET(option, value)                                                        \
	((t->set = t->lib->easy_setopt(t->curl, (option), (value))) == CURLE_OK)

static bool
is_safe(const struct http_fetch *r)
{
	struct bytes method = bytes_of(r->method);

	return bytes_equal(method, B("GET")) || bytes_equal(method, B("HEAD"));
}

static bool
set_method(struct fetch *t, const struct http_fetch *r)
{
	if (bytes_equal(bytes_of(r->method), B("HEAD")))
		return SET(CURLOPT_NOBODY, 1L);
	if (is_safe(r) && r->body.n == 0)
		return SET(CURLOPT_HTTPGET, 1L);
	if (r->body.n == 0 && bytes_equal(bytes_of(r->method), B("DELETE")))
		return SET(CURLOPT_HTTPGET, 1L) && SET(CURLOPT_CUSTOMREQUEST, r->method);
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

/* OpenSSL keeps what it has decrypted in a buffer; it is to wipe that, too. */
static CURLcode
wipe_plaintext(CURL *curl, void *context, void *arg)
{
	(void)curl;
	(void)arg;
	SSL_CTX_set_options(context, SSL_OP_CLEANSE_PLAINTEXT);
	return CURLE_OK;
}

/* A program that is started meanwhile, by us or by our host, gets no socket of ours. */
static curl_socket_t
open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *to)
{
	(void)arg;
	(void)purpose;
	return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

/* A libcurl with another TLS library has no such hook. */
static void
set_wiping(struct fetch *t)
{
	(void)SET(CURLOPT_SSL_CTX_FUNCTION, wipe_plaintext);
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
		SET(CURLOPT_OPENSOCKETFUNCTION, open_socket) &&
		SET(CURLOPT_FRESH_CONNECT, is_safe(r) ? 0L : 1L) &&
		SET(CURLOPT_USERAGENT, "latchkey/" LATCHKEY_VERSION) &&
		SET(CURLOPT_ERRORBUFFER, t->error) &&
		SET(CURLOPT_WRITEFUNCTION, take_body) && SET(CURLOPT_WRITEDATA, t) &&
		SET(CURLOPT_HEADERFUNCTION, take_header) && SET(CURLOPT_HEADERDATA, t);
}

#undef SET

/* ---- the call ------------------------------------------------------------- */

static enum http_failure
failure_of(const struct fetch *t, CURLcode code)
{
	long sent = 0;

	if (t->too_large)
		return HTTP_TOO_LARGE;
	if (t->given_up)
		return HTTP_GIVEN_UP;
	if (code == CURLE_SSL_CACERT_BADFILE)
		return HTTP_NOT_ASKED;
	t->lib->easy_getinfo(t->curl, CURLINFO_REQUEST_SIZE, &sent);
	if (sent > 0)
		return HTTP_UNANSWERED;
	if (code == CURLE_PEER_FAILED_VERIFICATION)
		return HTTP_UNTRUSTED;
	return code == CURLE_OUT_OF_MEMORY ? HTTP_NO_MEMORY : HTTP_NOT_REACHED;
}

/* OpenSSL's words, by libcurl: of a certificate that is good at another time. */
static bool
is_about_time(const char *detail)
{
	return strstr(detail, "not yet valid") != NULL ||
		strstr(detail, "has expired") != NULL;
}

/* Why there is no answer, in words for a person, and what to do. */
static enum outcome
explain(const struct fetch *t, const struct http_fetch *r, CURLcode code, struct fault *f)
{
	const char *detail = t->error[0] != '\0' ? t->error : t->lib->easy_strerror(code);

	if (t->given_up)
		return FAULT_AT(f, "%s: the answer was not wanted", r->url);
	if (t->too_large)
		return FAULT_AT(f, "%s: the answer is too large", r->url);
	if (code == CURLE_COULDNT_RESOLVE_HOST)
		return FAULT_AT(f, "%s: no such host name", r->url);
	if (code == CURLE_COULDNT_CONNECT)
		return FAULT_AT(f, "%s: nothing answers there: %s", r->url, detail);
	if (code == CURLE_OPERATION_TIMEDOUT)
		return FAULT_AT(f, "%s: no answer in time", r->url);
	if (code == CURLE_PEER_FAILED_VERIFICATION && is_about_time(detail))
		return FAULT_AT(f, "%s: its certificate is not trusted (%s): is this machine's"
				   " clock right?", r->url, detail);
	if (code == CURLE_PEER_FAILED_VERIFICATION)
		return FAULT_AT(f, "%s: its certificate is not trusted (%s); if a private CA "
				   "has signed it, name the file of that CA's certificate "
				   "(ca_file)", r->url, detail);
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
	if (!set_options(t, r)) {
		if (t->set == CURLE_OUT_OF_MEMORY)
			out->failure = HTTP_NO_MEMORY;
		return FAULT_AT(f, "%s: libcurl cannot do what is asked: %s", r->url,
			t->lib->easy_strerror(t->set));
	}
	set_wiping(t);
	code = t->lib->easy_perform(t->curl);
	t->lib->easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
	if (code != CURLE_OK) {
		out->failure = failure_of(t, code);
		out->status = t->too_large ? (int)status : 0;
		return explain(t, r, code, f);
	}
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
		.asked = request,
		.answer = out,
		.body = buf_new(a, request->max_body > 0 ? request->max_body : BODY_MAX),
	};
	enum outcome outcome;

	out->failure = HTTP_NOT_ASKED;
	TRY(check_url(request, f));
	if (request->method[0] == '\0' || !http_all_are(bytes_of(request->method), HTTP_TOKEN))
		return FAULT_AT(f, "a method has a character that none may have");
	TRY(http_curl(&t.lib, f));
	t.curl = http_lines_take(request->lines, t.lib);
	if (t.curl == NULL) {
		out->failure = HTTP_NO_MEMORY;
		return FAULT_AT(f, "libcurl cannot be set up");
	}
	outcome = run(&t, request, out, f);
	http_lines_give(request->lines, t.lib, t.curl);
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
