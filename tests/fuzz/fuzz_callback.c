/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The query that comes to a redirect URI (CL-11 to CL-13): a code is given only for one
 * state that is the attempt's and an iss that is the server's; a pasted address gives
 * a part of itself. And an attempt that is read is written the same.
 */
#include "base/clock.h"
#include "client/authorization.h"
#include "crypto/digest.h"
#include "fuzz.h"
#include "text/form.h"

#define STATE "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

__attribute__((constructor)) static void
begin(void)
{
	holds(crypto_start(NULL) == DONE);
}

static void
accepted(struct arena *a, struct bytes query, struct bytes code)
{
	struct form f = { 0 };

	form_read(a, &f, query, FORM_QUERY);
	holds(form_occurrences(&f, B("state")) == 1);
	holds(bytes_equal(form_get(&f, B("state")), B(STATE)));
	holds(form_occurrences(&f, B("iss")) == 1);
	holds(bytes_equal(form_get(&f, B("iss")), B("https://as.example")));
	holds(form_occurrences(&f, B("code")) == 1);
	holds(form_occurrences(&f, B("error")) == 0);
	holds(form_occurrences(&f, B("access_token")) == 0);
	holds(code.n > 0 && bytes_equal(form_get(&f, B("code")), code));
}

static void
query(struct arena *a, struct bytes text)
{
	struct as as = { .issuer = B("https://as.example"), .iss_in_response = true };
	struct attempt attempt = { .issuer = B("https://as.example"), .state = B(STATE),
		.began_at = clock_now() };
	struct lk_error e = { 0 };
	struct bytes state, code;
	enum lk_status status = callback_judge(a, &as, &attempt, text, NONE, &code, &e);

	if (status == LK_OK)
		accepted(a, text, code);
	else
		holds(e.status == status && e.message[0] != '\0');
	/* Whatever got as far as an error code has passed state. */
	if (status != LK_REJECTED)
		holds(callback_state(a, text, &state, NULL) == LK_OK);
}

static void
pasted(struct bytes text)
{
	static const struct bytes redirect_uri = BI("http://127.0.0.1/cb");
	struct bytes part;

	if (callback_pasted(text, redirect_uri, &part, NULL) != LK_OK)
		return;
	holds(part.n + redirect_uri.n < text.n);
	holds(bytes_index(part, '#') == part.n);
}

static void
written(struct arena *a, struct bytes text)
{
	struct attempt attempt;

	if (attempt_read(a, text, &attempt))
		holds(bytes_equal(attempt_write(a, &attempt), text));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes text = { (const char *)data, size };
	struct arena *a = arena_new();

	query(a, text);
	pasted(text);
	written(a, text);
	arena_free(a);
	return 0;
}
