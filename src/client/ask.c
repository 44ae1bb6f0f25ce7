/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ask.c - every request is made here, so that what holds for all is said once.
 */
#include "client/ask.h"

#include "base/clock.h"
#include "base/secret.h"
#include "client/retry_after.h"
#include "text/base64url.h"
#include "text/form.h"

#define FORM_BYTES_MAX ((size_t)131072) /* a refresh token may be 64 KiB, escaped */

struct buf
ask_form(struct arena *a)
{
	return buf_new(a, FORM_BYTES_MAX);
}

void
ask_pair(struct buf *form, struct bytes name, struct bytes value)
{
	if (value.n > 0)
		form_pair(form, name, value);
}

bool
ask_transient(int status)
{
	return status == 408 || status == 425 || status == 429 || status >= 500;
}

void
ask_forget(json_t *answer)
{
	const char *key;
	json_t *value;

	json_object_foreach(answer, key, value)
		if (json_is_string(value))
			secret_wipe((void *)(uintptr_t)json_string_value(value),
				json_string_length(value));
	json_decref(answer);
}

enum lk_status
ask_later(struct lk_error *e, const struct http_answer *answer, const char *sentence)
{
	struct bytes when = http_answer_header(answer, B("Retry-After"));

	return lk_later(e, retry_after_seconds(when, clock_now()), "%s", sentence);
}

/* RFC 6749 2.3.1: each half form-encoded, then RFC 7617. */
static struct bytes
basic(struct arena *a, const struct credentials *me)
{
	struct buf pair = buf_new(a, 3 * (me->client_id.n + me->client_secret.n) + 1);
	struct buf value = buf_new(a, 4 * pair.max + 16);

	form_put(&pair, me->client_id);
	buf_putc(&pair, ':');
	form_put(&pair, me->client_secret);
	buf_put(&value, B("Basic "));
	buf_put(&value, base64_encode(a, buf_bytes(&pair)));
	return buf_bytes(&value);
}

/* No whole answer came; the sentence is the fetch's own and holds no secret. */
static enum lk_status
unanswered(const struct as *as, const struct http_answer *answer, const struct fault *f,
	struct token_ending *ending, struct lk_error *e)
{
	ending->status = answer->status;
	switch (answer->failure) {
	case HTTP_ANSWERED:
	case HTTP_GIVEN_UP: /* there is no sink */
		return lk_fail(e, LK_BUG, "%s", f->what);
	case HTTP_NOT_ASKED:
		return lk_fail(e, LK_CONFIGURATION, "%s", f->what);
	case HTTP_NO_MEMORY:
		return lk_fail(e, LK_MEMORY, "out of memory");
	case HTTP_UNTRUSTED:
		/* Later it may be a captive portal's, or one that has just expired. */
		if (as->connecting)
			return lk_fail(e, LK_CONFIGURATION, "%s", f->what);
		return lk_later(e, 0, "%s", f->what);
	case HTTP_NOT_REACHED:
		return lk_later(e, 0, "%s", f->what);
	case HTTP_UNANSWERED:
		ending->unanswered = true;
		return lk_later(e, 0, "%s", f->what);
	case HTTP_TOO_LARGE:
		/* Of an error of some proxy nothing but the status is of interest. */
		ending->unanswered = answer->status < 400 || answer->status >= 500;
		return answer->status < 400 ? lk_fail(e, LK_REJECTED, "%s", f->what) :
					      lk_later(e, 0, "%s", f->what);
	}
	return lk_fail(e, LK_BUG, "%s", f->what);
}

static enum lk_status
ask(struct arena *a, const struct as *as, struct http_fetch r, struct http_answer *out,
	struct token_ending *ending, struct lk_error *e)
{
	struct http_answer answer = { 0 };
	struct fault f = { 0 };

	r.ca_file = bytes_empty(as->ca_file) ? NULL : arena_cstr(a, as->ca_file);
	r.allow_loopback = as->development;
	r.timeout_ms = as->timeout_ms;
	*ending = (struct token_ending){ .began_ms = clock_boot_ms() };
	if (http_fetch(a, &r, &answer, &f) != DONE)
		return unanswered(as, &answer, &f, ending, e);
	ending->status = answer.status;
	*out = answer;
	return LK_OK;
}

enum lk_status
ask_get(struct arena *a, const struct as *as, struct bytes url, struct http_answer *out,
	struct lk_error *e)
{
	struct http_header accept = { BI("Accept"), BI("application/json") };
	struct token_ending ending;

	return ask(a, as,
		(struct http_fetch){ .method = "GET", .url = arena_cstr(a, url),
			.headers = &accept, .header_count = 1, .max_body = METADATA_MAX },
		out, &ending, e);
}

enum lk_status
ask_post(struct arena *a, const struct as *as, const struct credentials *me,
	struct bytes endpoint, struct buf *form, struct bytes retry_key,
	struct http_answer *out, struct token_ending *ending, struct lk_error *e)
{
	struct http_header fields[4] = {
		{ BI("Accept"), BI("application/json") },
		{ BI("Content-Type"), BI("application/x-www-form-urlencoded") },
	};
	size_t count = 2;

	/* A failure before anything was sent is told by ending as well. */
	*ending = (struct token_ending){ .began_ms = clock_boot_ms() };
	LK_TRY(credentials_fit(as, me, e));
	/* CL-16: the one or the other, never both. */
	if (bytes_empty(me->client_secret))
		form_pair(form, B("client_id"), me->client_id);
	else
		fields[count++] = (struct http_header){ B("Authorization"), basic(a, me) };
	if (as->retry_key && retry_key.n > 0)
		fields[count++] = (struct http_header){ B("Idempotency-Key"), retry_key };
	if (form->failed)
		return lk_fail(e, LK_CONFIGURATION, "the request to %.*s would be longer "
			"than any server reads", BYTES_FMT(endpoint));
	return ask(a, as,
		(struct http_fetch){ .method = "POST", .url = arena_cstr(a, endpoint),
			.headers = fields, .header_count = count, .body = buf_bytes(form),
			.max_body = ANSWER_MAX },
		out, ending, e);
}
