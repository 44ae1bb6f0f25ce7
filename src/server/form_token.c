/* SPDX-License-Identifier: Apache-2.0 */
/*
 * form_token.c - the one-time value of every form (U-04).
 *
 * Sealed, so it cannot be made up; bound to browser, session, purpose and thing,
 * so it cannot be carried elsewhere; its nonce is remembered, so it works once.
 * A sign-in form is bound to the browser only: signing in in another tab must
 * not spoil it.
 */
#include <string.h>

#include "base/secret.h"
#include "server/seen.h"
#include "server/visit.h"

struct form_value {
	uint8_t nonce[16];
	uint8_t browser[SESSION_KEY_SIZE];
	uint8_t session[SESSION_KEY_SIZE];
	uint8_t about[GRANT_ID_SIZE];
	int64_t created_at;
	int64_t purpose;
};

static void
form_value(const struct exchange *x, const struct visit *v, enum form_purpose purpose,
	const uint8_t *about, struct form_value *out)
{
	*out = (struct form_value){ .purpose = purpose, .created_at = x->now };
	memcpy(out->browser, v->browser_key, sizeof(out->browser));
	if (v->signed_in && purpose != FORM_SIGN_IN)
		memcpy(out->session, v->session.key, sizeof(out->session));
	if (about != NULL)
		memcpy(out->about, about, sizeof(out->about));
}

struct page_hidden
form_token(struct exchange *x, enum form_purpose purpose, const uint8_t *about)
{
	struct form_value value;

	form_value(x, visit_of(x), purpose, about, &value);
	secret_random(value.nonce, sizeof(value.nonce));
	return (struct page_hidden){ B("form"),
		seal(x->arena, &x->worker->shared->keys->form,
			(struct bytes){ (const char *)&value, sizeof(value) }) };
}

bool
form_token_spend(struct exchange *x, enum form_purpose purpose, const uint8_t *about)
{
	struct form_value made, want;
	struct bytes plain;

	if (!unseal(x->arena, &x->worker->shared->keys->form, form_get(&x->form, B("form")),
		    &plain) || plain.n != sizeof(made))
		return false;
	memcpy(&made, plain.p, sizeof(made));
	form_value(x, visit_of(x), purpose, about, &want);
	memcpy(want.nonce, made.nonce, sizeof(want.nonce));
	want.created_at = made.created_at;
	if (!secret_equal(&made, &want, sizeof(made)))
		return false;
	if (made.created_at > x->now || x->now - made.created_at >= PAGE_LIFETIME)
		return false;
	return seen_add(x->worker->shared->people->forms,
		(struct bytes){ (const char *)made.nonce, sizeof(made.nonce) });
}
