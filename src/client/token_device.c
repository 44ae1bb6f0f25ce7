/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token_device.c - RFC 8628: asking for a code that a person types in on another
 * device (3.1, 3.2). Whether they have is asked by token_request.c, and when by
 * device.c.
 */
#include "client/advice.h"
#include "client/ask.h"
#include "client/said.h"
#include "text/uri.h"
#include "text/utf8.h"

enum {
	INTERVAL = 5,        /* 3.2: where the server does not say (CL-33) */
	INTERVAL_MAX = 300,  /* a person would have gone home */
	LIFE = 600,          /* expires_in is REQUIRED; without it, this */
	LIFE_MAX = 3600,
	USER_CODE_MAX = 64,
};

static enum lk_status
disbelieve(struct lk_error *e, const char *flaw)
{
	return lk_fail(e, LK_REJECTED, "the device answer must not be used: %s", flaw);
}

/* A member that is no positive number counts as missing. */
static int64_t
read_number(const json_t *json, const char *member, int64_t missing, int64_t most)
{
	int64_t number = json_integer_value(json_object_get(json, member));

	if (number <= 0)
		return missing;
	return number < most ? number : most;
}

/* A person is sent there: https only, whatever the other endpoints may be, save in
 * development. */
static bool
may_be_shown(const struct as *as, struct bytes url)
{
	struct uri u;

	return uri_parse(url, &u) && u.host.n > 0 && !u.has_userinfo &&
		(bytes_equal_nocase(u.scheme, B("https")) ||
			(as->development && bytes_equal_nocase(u.scheme, B("http")) &&
				http_is_loopback(u.host)));
}

static enum lk_status
read_answer(struct arena *a, const struct as *as, const json_t *json,
	struct device_answer *out, struct lk_error *e)
{
	struct device_answer answer = {
		.device_code = json_get_bytes(a, json, "device_code"),
		.user_code = json_get_bytes(a, json, "user_code"),
		.verification_uri = json_get_bytes(a, json, "verification_uri"),
		.verification_uri_complete =
			json_get_bytes(a, json, "verification_uri_complete"),
		.expires_in = read_number(json, "expires_in", LIFE, LIFE_MAX),
		.interval = read_number(json, "interval", INTERVAL, INTERVAL_MAX),
	};

	if (bytes_empty(answer.device_code))
		return disbelieve(e, "device_code is missing");
	/* It is shown on a terminal. */
	if (bytes_empty(answer.user_code) || answer.user_code.n > USER_CODE_MAX ||
		!utf8_text(answer.user_code))
		return disbelieve(e, "user_code is missing or no code a person can type");
	if (!may_be_shown(as, answer.verification_uri))
		return disbelieve(e, "verification_uri is not an https URL");
	if (answer.verification_uri_complete.n > 0 &&
		!may_be_shown(as, answer.verification_uri_complete))
		return disbelieve(e, "verification_uri_complete is not an https URL");
	*out = answer;
	return LK_OK;
}

static enum lk_status
judge(struct arena *a, const struct as *as, const struct http_answer *answer,
	struct token_ending *ending, struct device_answer *out, struct lk_error *e)
{
	const char *why = "it is not an object";
	struct token_answer none;
	enum lk_status status;
	json_t *json;

	/* Section 3.2 answers 200, or an error as the token endpoint's. */
	if (answer->status != 200)
		return token_answer_read(a, answer, NONE, &none, ending, e);
	json = json_read(answer->body, ANSWER_MAX, &why);
	status = json_is_object(json) ? read_answer(a, as, json, out, e) :
					disbelieve(e, why);
	ask_forget(json);
	return status;
}

enum lk_status
device_request(struct arena *a, const struct as *as, const struct credentials *me,
	struct bytes scope, struct bytes resource, struct device_answer *out,
	struct lk_error *e)
{
	struct buf form = ask_form(a);
	struct token_ending ending;
	struct http_answer answer;
	enum lk_status status;

	if (bytes_empty(as->device_authorization_endpoint))
		return lk_fail(e, LK_CONFIGURATION,
			"%.*s has no device flow (RFC 8628): connect by a browser or by "
			"pasting an address",
			BYTES_FMT(as->issuer));
	ask_pair(&form, B("scope"), scope);
	ask_pair(&form, B("resource"), resource);
	LK_TRY(ask_post(a, as, me, as->device_authorization_endpoint, &form, NONE, &answer,
		&ending, e));
	status = judge(a, as, &answer, &ending, out, e);
	if (status != LK_OK)
		advise(a, as, me, scope, e);
	return status;
}
