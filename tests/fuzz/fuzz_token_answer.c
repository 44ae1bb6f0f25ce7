/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An answer of the token endpoint (CL-18 to CL-21, CL-29 to CL-31): its first line is
 * status and Content-Type. Tokens come only with 200 and are clean; a grant is over
 * only by the server's own word.
 */
#include <string.h>

#include "client/token_request.h"
#include "fuzz.h"
#include "http/http_fetch.h"
#include "rules/scope.h"
#include "text/headers.h"

static void
clean(struct bytes token)
{
	for (size_t i = 0; i < token.n; i++)
		holds(token.p[i] > 0x20 && token.p[i] < 0x7F);
}

static void
taken(const struct token_answer *t, const struct http_answer *from)
{
	holds(from->status == 200);
	holds(t->access_token.n > 0 && t->access_token.n < from->body.n);
	clean(t->access_token);
	clean(t->refresh_token);
	clean(t->id_token);
	holds(t->expires_in == -1 || (t->expires_in > 0 && t->expires_in <= 315360000));
	holds(t->scope.n == 0 || scope_within(t->scope, B("a b c")));
}

static void
ended(const struct http_answer *from, struct bytes type)
{
	holds(from->status == 400 || from->status == 401 || from->status == 403);
	holds(media_type_is(type, B("application/json")));
}

/* What is told to a person is one line of text. */
static void
told(const struct lk_error *e, enum lk_status status)
{
	holds(e->status == status);
	holds(e->message[0] != '\0');
	for (const char *c = e->message; *c != '\0'; c++)
		holds((unsigned char)*c >= 0x20 && *c != 0x7F);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes body = { (const char *)data, size };
	struct bytes type = bytes_cut(&body, '\n');
	struct http_header field = { B("Content-Type"), NONE };
	struct http_answer answer = { .headers = &field, .header_count = 1, .body = body };
	struct token_answer out;
	struct token_ending ending = { 0 };
	struct lk_error e = { 0 };
	struct arena *a = arena_new();
	uint64_t status = 0;
	enum lk_status got;

	(void)bytes_to_u64(bytes_cut(&type, ' '), &status);
	answer.status = (int)(status % 1000);
	field.value = type;
	got = token_answer_read(a, &answer, B("a b c"), &out, &ending, &e);
	if (got == LK_OK)
		taken(&out, &answer);
	else
		told(&e, got);
	if (got == LK_RECONNECT)
		ended(&answer, type);
	holds(!ending.unanswered || got != LK_OK);
	holds(ending.status == answer.status);
	arena_free(a);
	return 0;
}
