/* SPDX-License-Identifier: Apache-2.0 */
/*
 * revoke.c - RFC 7009: telling the server that a token will not be used again (CL-39).
 */
#include "client/ask.h"
#include "client/said.h"
#include "text/headers.h"

/* Section 2.2.1: the errors of RFC 6749 5.2; the status says enough of any other. */
static enum lk_status
judge(struct arena *a, const struct http_answer *answer, struct lk_error *e)
{
	const char *why;
	json_t *json;
	struct bytes code;

	if (answer->status == 200)
		return LK_OK;
	if (ask_transient(answer->status))
		return ask_later(e, answer, arena_printf(a,
			"the revocation endpoint answers %d", answer->status));
	json = json_read(answer->body, ANSWER_MAX, &why);
	code = json_get_bytes(a, json, "error");
	json_decref(json);
	if (answer->status < 400 || bytes_empty(code))
		return ask_later(e, answer, arena_printf(a, "something answers %d where the "
			"revocation endpoint should be", answer->status));
	lk_fail(e, LK_CONFIGURATION, "the server does not revoke the token: it says %s (%d)",
		said(a, code), answer->status);
	said_code(e, code);
	return LK_CONFIGURATION;
}

enum lk_status
revoke_request(struct arena *a, const struct as *as, const struct credentials *me,
	struct bytes token, struct lk_error *e)
{
	struct buf form = ask_form(a);
	struct token_ending ending;
	struct http_answer answer;

	if (bytes_empty(as->revocation_endpoint))
		return LK_OK;
	ask_pair(&form, B("token"), token);
	/* 2.1: only a hint, and the right one: the refresh token ends the whole grant. */
	ask_pair(&form, B("token_type_hint"), B("refresh_token"));
	LK_TRY(ask_post(a, as, me, as->revocation_endpoint, &form, NONE, &answer, &ending,
		e));
	return judge(a, &answer, e);
}
