/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token_answer.c - what one answer of the token endpoint is worth. Pure.
 *
 * What gives us something need only be right: any JSON object of status 200 with the
 * members of RFC 6749 5.1. What takes something away must be beyond doubt: a refusal
 * is the server's own only in a JSON object, said to be JSON by its Content-Type
 * (RFC 6749 5.2 has both), with a status of 4xx. Captive portals, proxies and load
 * balancers answer 4xx too, and none of them speaks like that (CL-31).
 *
 * Of the statuses, 5.2 has 400, and 401 for invalid_client; large servers say
 * invalid_grant with 401 or 403 as well. With these three it is final. With any
 * other status (404 of a route that moved, 5xx of an error page) it is not.
 */
#include "client/ask.h"
#include "client/said.h"
#include "rules/scope.h"
#include "text/headers.h"
#include "text/json.h"

#define LIFE_MAX INT64_C(315360000) /* ten years: beyond it, it is no lifetime (CL-20) */

/* ---- refusals ----------------------------------------------------------------- */

/* What an error code means; any other stops, and keeps the tokens (CL-29). */
static const struct {
	struct bytes code;
	enum lk_status status;
} meanings[] = {
	{ BI("invalid_grant"), LK_RECONNECT },
	{ BI("access_denied"), LK_DENIED },
	{ BI("expired_token"), LK_TRY_LATER },       /* RFC 8628 3.5 */
	{ BI("authorization_pending"), LK_TRY_LATER }, /* RFC 8628 3.5 */
	{ BI("slow_down"), LK_TRY_LATER },           /* RFC 8628 3.5 */
	{ BI("temporarily_unavailable"), LK_TRY_LATER }, /* CL-30 */
	{ BI("server_error"), LK_TRY_LATER },
};

static enum lk_status
meaning_of(struct bytes code)
{
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
		if (bytes_equal(meanings[i].code, code))
			return meanings[i].status;
	return LK_CONFIGURATION;
}

/* Seen under way, and the server's last word on a grant (see above). */
static bool
may_be_final(int status)
{
	return status == 400 || status == 401 || status == 403;
}

static bool
says_json(const struct http_answer *answer)
{
	return media_type_is(http_answer_header(answer, B("Content-Type")),
		B("application/json"));
}

static const char *
sentence_of(struct arena *a, int status, struct bytes code, struct bytes description)
{
	if (bytes_empty(description))
		return arena_printf(a, "the server says %s (%d)", said(a, code), status);
	return arena_printf(a, "the server says %s (%d): %s", said(a, code), status,
		said(a, description));
}

static enum lk_status
refused(struct arena *a, const struct http_answer *answer, struct bytes code,
	struct bytes description, struct token_ending *ending, struct lk_error *e)
{
	const char *sentence = sentence_of(a, answer->status, code, description);
	enum lk_status status = meaning_of(code);

	ending->authorization_pending = bytes_equal(code, B("authorization_pending"));
	ending->slow_down = bytes_equal(code, B("slow_down"));
	ending->expired_token = bytes_equal(code, B("expired_token"));
	if (status == LK_RECONNECT && !may_be_final(answer->status))
		status = LK_TRY_LATER;
	if (status == LK_TRY_LATER)
		ask_later(e, answer, sentence);
	else
		lk_fail(e, status, "%s", sentence);
	said_code(e, code);
	return status;
}

/* Status 4xx that is not transient: a refusal in the server's words, or somebody
 * else's page. */
static enum lk_status
judge_refusal(struct arena *a, const struct http_answer *answer,
	struct token_ending *ending, struct lk_error *e)
{
	const char *why;
	json_t *json = says_json(answer) ? json_read(answer->body, ANSWER_MAX, &why) : NULL;
	struct bytes code = json_get_bytes(a, json, "error");
	struct bytes description = json_get_bytes(a, json, "error_description");

	ask_forget(json);
	if (!bytes_empty(code))
		return refused(a, answer, code, description, ending, e);
	return ask_later(e, answer, arena_printf(a, "something answers %d where the token "
		"endpoint should be, and not in its words: a proxy, or a network that wants "
		"a sign-in first", answer->status));
}

/* ---- tokens ------------------------------------------------------------------- */

struct reading {
	struct arena *arena;
	const json_t *json;
	struct lk_error *error;
};

static enum lk_status
disbelieve(const struct reading *r, const char *member, const char *flaw)
{
	return lk_fail(r->error, LK_REJECTED,
		"the token answer must not be used: %s %s", member, flaw);
}

/* RFC 6749 A.12, A.17: VSCHAR. A token goes into a header field, so no space. */
static bool
token_clean(struct bytes token)
{
	for (size_t i = 0; i < token.n; i++)
		if (token.p[i] < 0x21 || token.p[i] > 0x7E)
			return false;
	return true;
}

/* A member that may be missing; null says the same, as some serialisers put it. */
static enum lk_status
read_optional(const struct reading *r, const char *member, struct bytes *out)
{
	const json_t *value = json_object_get(r->json, member);

	*out = NONE;
	if (value == NULL || json_is_null(value))
		return LK_OK;
	if (!json_is_string(value))
		return disbelieve(r, member, "is not a string");
	*out = json_get_bytes(r->arena, r->json, member);
	return LK_OK;
}

static enum lk_status
read_token(const struct reading *r, const char *member, struct bytes *out)
{
	LK_TRY(read_optional(r, member, out));
	return token_clean(*out) ? LK_OK :
				   disbelieve(r, member, "has characters no token has");
}

/* RFC 6749 7.1, CL-18; CL-19: what we did not ask for we could not prove. */
static enum lk_status
read_type(const struct reading *r)
{
	struct bytes type;

	LK_TRY(read_optional(r, "token_type", &type));
	if (bytes_equal_nocase(type, B("Bearer")))
		return LK_OK;
	if (bytes_equal_nocase(type, B("DPoP")))
		return disbelieve(r, "token_type", "is DPoP, which was not asked for");
	return disbelieve(r, "token_type",
		bytes_empty(type) ? "is missing" : "is not one we know");
}

/* CL-20: digits, as a number or (some servers) as a string; else -1. */
static int64_t
read_life(const json_t *json)
{
	const json_t *value = json_object_get(json, "expires_in");
	uint64_t number = 0;

	if (json_is_integer(value) && json_integer_value(value) > 0)
		number = (uint64_t)json_integer_value(value);
	else if (json_is_string(value))
		(void)bytes_to_u64((struct bytes){ json_string_value(value),
					   json_string_length(value) }, &number);
	return number == 0 || number > LIFE_MAX ? -1 : (int64_t)number;
}

/* Spaces at an end or doubled, which the grammar does not have, change no set: an answer
 * with the only new refresh token in it is not thrown away for them. */
static struct bytes
single_spaced(struct arena *a, struct bytes text)
{
	struct buf b = buf_new(a, text.n + 1);

	while (text.n > 0) {
		struct bytes word = bytes_cut(&text, ' ');

		if (word.n > 0 && b.n > 0)
			buf_putc(&b, ' ');
		buf_put(&b, word);
	}
	return buf_bytes(&b);
}

/* CL-21: less is told to the caller, more is not used. An empty string, which the
 * grammar does not have, is as if absent. A comma is a character of a word (RFC 6749 A.4):
 * who parts words by it names one that nobody asked for. */
static enum lk_status
read_scope(const struct reading *r, struct bytes asked, struct bytes *out)
{
	struct bytes text, granted, bound;

	*out = NONE;
	LK_TRY(read_optional(r, "scope", &text));
	text = single_spaced(r->arena, text);
	if (bytes_empty(text))
		return LK_OK;
	if (!scope_parse(r->arena, text, &granted))
		return disbelieve(r, "scope", "is malformed");
	if (bytes_empty(asked)) {
		*out = granted;
		return LK_OK;
	}
	if (!scope_parse(r->arena, asked, &bound))
		return lk_fail(r->error, LK_BUG, "the scope that was asked for is malformed");
	if (!scope_within(granted, bound))
		return disbelieve(r, "scope", bytes_index(text, ',') < text.n
			? "has a word that was not asked for, and a comma parts no words (RFC"
			  " 6749 3.3): connect without naming scopes"
			: "has more than was asked for");
	*out = granted;
	return LK_OK;
}

static enum lk_status
read_members(const struct reading *r, struct bytes asked_scope, struct token_answer *out)
{
	struct token_answer answer = { .expires_in = read_life(r->json) };

	LK_TRY(read_type(r));
	LK_TRY(read_token(r, "access_token", &answer.access_token));
	if (bytes_empty(answer.access_token))
		return disbelieve(r, "access_token", "is missing");
	LK_TRY(read_token(r, "refresh_token", &answer.refresh_token));
	LK_TRY(read_token(r, "id_token", &answer.id_token));
	LK_TRY(read_optional(r, "subject", &answer.subject));
	LK_TRY(read_scope(r, asked_scope, &answer.scope));
	*out = answer;
	return LK_OK;
}

/* Status 200. Some servers refuse with it; that is said, and never final. */
static enum lk_status
judge_tokens(struct arena *a, const struct http_answer *answer, struct bytes asked_scope,
	struct token_answer *out, struct lk_error *e)
{
	const char *why = "it is not an object";
	json_t *json = json_read(answer->body, ANSWER_MAX, &why);
	struct reading r = { a, json, e };
	struct bytes code = json_get_bytes(a, json, "error");
	enum lk_status status;

	if (!json_is_object(json))
		status = disbelieve(&r, "the document:", why);
	else if (!bytes_empty(code))
		status = disbelieve(&r, "error", "is a member of it, with status 200");
	else
		status = read_members(&r, asked_scope, out);
	ask_forget(json);
	if (status != LK_OK)
		said_code(e, code);
	return status;
}

/* ---- the whole ------------------------------------------------------------------ */

/* A redirect is not followed (CL-01): the server has moved, or somebody wants the
 * credentials elsewhere. Either way nothing was done, and a person must look. */
static enum lk_status
judge_other(struct arena *a, const struct http_answer *answer, struct lk_error *e)
{
	if (answer->status >= 300 && answer->status < 400)
		return lk_fail(e, LK_REJECTED, "the token endpoint redirects (%d), which is "
			"never followed: if the server has moved, connect to it again",
			answer->status);
	return lk_fail(e, LK_REJECTED, "%s", arena_printf(a, "the token endpoint answers "
		"with status %d, which it does not have", answer->status));
}

enum lk_status
token_answer_read(struct arena *a, const struct http_answer *answer,
	struct bytes asked_scope, struct token_answer *out, struct token_ending *ending,
	struct lk_error *e)
{
	enum lk_status status;

	ending->status = answer->status;
	if (answer->status == 200) {
		status = judge_tokens(a, answer, asked_scope, out, e);
		/* It may be the token endpoint's own, and then it was done. */
		ending->unanswered = status != LK_OK;
		return status;
	}
	if (ask_transient(answer->status)) {
		ending->unanswered = answer->status >= 500;
		return ask_later(e, answer, arena_printf(a,
			"the token endpoint answers %d", answer->status));
	}
	if (answer->status >= 400)
		return judge_refusal(a, answer, ending, e);
	return judge_other(a, answer, e);
}
