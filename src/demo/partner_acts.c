/* SPDX-License-Identifier: Apache-2.0 */
/*
 * partner_acts.c - what a connected partner does: calls the API, refreshes, asks
 * again for an answer that was lost; and what a thief would do.
 */
#include "base/secret.h"
#include "demo/partner.h"
#include "text/form.h"

#define FORM_MAX ((size_t)4096)

/* RFC 6749 section 6. */
static enum outcome
send_refresh(struct partner *p, const char *what, const struct token *refresh,
	struct bytes retry_key, struct token_answer **out, struct fault *f)
{
	struct buf form = buf_new(p->arena, FORM_MAX);

	form_pair(&form, B("grant_type"), B("refresh_token"));
	form_pair(&form, B("refresh_token"), token_bytes(refresh));
	return partner_token(p, what, retry_key, &form, out, f);
}

/* RFC 6750 section 2.1: in the Authorization header, nowhere else. */
static enum outcome
send_api(struct partner *p, const char *what, const struct token *access, int *status,
	struct fault *f)
{
	struct buf bearer = buf_new(p->arena, FORM_MAX);
	struct http_header header = { .name = B("Authorization") };
	struct http_answer answer;

	buf_put(&bearer, B("Bearer "));
	buf_put(&bearer, token_bytes(access));
	header.value = buf_bytes(&bearer);
	TRY(story_fetch(p->story, what, p->arena,
		&(struct http_fetch){ .method = "GET",
			.url = p->provider->api_url,
			.headers = &header,
			.header_count = 1,
			.ca_file = p->provider->ca_file },
		&answer, f));
	*status = answer.status;
	return DONE;
}

static bool
refused_for_good(const struct token_answer *answer)
{
	return answer->status == 400 && bytes_equal(answer->error, B("invalid_grant"));
}

static void
name_refresh(struct partner *p)
{
	if (p->retry_key[0] == '\0')
		partner_random(p->retry_key);
}

/* R7.2: a refresh has a name of its own, by which it is asked again until it was
 * answered; invalid_grant is final, and nothing else is. */
static enum outcome
refresh_once(
	struct partner *p, const char *what, struct token_answer **out, struct fault *f)
{
	name_refresh(p);
	TRY(send_refresh(p, what, &p->now.refresh, bytes_of(p->retry_key), out, f));
	if ((*out)->good)
		partner_keep(p, &(*out)->pair);
	else if (refused_for_good(*out))
		partner_forget(p);
	return DONE;
}

/* ---- call the API -------------------------------------------------------- */

static enum outcome
call_after_refresh(struct partner *p, bool *good, struct fault *f)
{
	struct token_answer *answer;
	int status;

	TRY(refresh_once(p, "a refresh, in case it has run out", &answer, f));
	if (!answer->good) {
		*good = story_end(p->story, STEP_cut_off, refused_for_good(answer),
			p->connected ? "The refresh failed, but not for good."
				     : "No access any more. The app has dropped its"
				       " tokens; only you can connect it again.");
		return DONE;
	}
	TRY(send_api(p, "with the new access token", &p->now.access, &status, f));
	*good = story_end(p->story, STEP_api, status == 200,
		"The access token had run out, so it was refreshed first; then the API"
		" answered %d.",
		status);
	return DONE;
}

static enum outcome
call_api(struct partner *p, bool *good, struct fault *f)
{
	int status;

	TRY(send_api(p, "with the access token", &p->now.access, &status, f));
	if (status == 401)
		return call_after_refresh(p, good, f);
	*good = story_end(p->story, STEP_api, status == 200,
		status == 200 ? "The API answered with your export jobs."
			      : "The API answered %d.",
		status);
	return DONE;
}

/* ---- refresh -------------------------------------------------------------- */

static enum outcome
refresh(struct partner *p, bool *good, struct fault *f)
{
	struct token *old = arena_copy(p->arena, &p->now.access, sizeof p->now.access);
	struct token_answer *answer;
	int with_old, with_new;

	TRY(refresh_once(p, "the refresh", &answer, f));
	if (!answer->good) {
		*good = story_end(p->story, STEP_refreshed, false, "Refused: %.*s.",
			BYTES_FMT(answer->error));
		return DONE;
	}
	TRY(send_api(p, "with the old access token", old, &with_old, f));
	TRY(send_api(p, "with the new access token", &p->now.access, &with_new, f));
	*good = story_end(p->story, STEP_refreshed, with_old == 401 && with_new == 200,
		"The API answered %d to the old access token and %d to the new one.",
		with_old, with_new);
	return DONE;
}

static bool
same_pair(const struct pair *a, const struct pair *b)
{
	return secret_equal_bytes(token_bytes(&a->access), token_bytes(&b->access)) &&
		secret_equal_bytes(token_bytes(&a->refresh), token_bytes(&b->refresh));
}

static enum outcome
lose_an_answer(struct partner *p, bool *good, struct fault *f)
{
	struct token_answer *lost, *again;
	bool same;
	int status;

	/* To a real app this answer is lost; here it is kept to be compared. */
	name_refresh(p);
	TRY(send_refresh(p, "the refresh, whose answer is lost", &p->now.refresh,
		bytes_of(p->retry_key), &lost, f));
	TRY(refresh_once(p, "the same once more", &again, f));
	if (!again->good) {
		*good = story_end(p->story, STEP_retried, false, "Refused: %.*s.",
			BYTES_FMT(again->error));
		return DONE;
	}
	same = lost->good && same_pair(&lost->pair, &again->pair);
	TRY(send_api(p, "with the new access token", &p->now.access, &status, f));
	*good = story_end(p->story, STEP_retried, same && status == 200,
		"The second answer brought %s, and the API answered %d.",
		same ? "the very same tokens" : "other tokens than the first", status);
	return DONE;
}

/* ---- replay --------------------------------------------------------------- */

static enum outcome
replay(struct partner *p, bool *good, struct fault *f)
{
	struct token_answer *thief, *owner;
	char thiefs_key[44];
	int status;

	partner_random(thiefs_key);
	TRY(send_refresh(p, "the thief, with the old refresh token", &p->replaced,
		bytes_of(thiefs_key), &thief, f));
	TRY(send_api(p, "the app, with the newest access token", &p->now.access,
		&status, f));
	TRY(refresh_once(p, "the app, with the newest refresh token", &owner, f));
	*good = story_end(p->story, STEP_replayed,
		refused_for_good(thief) && status == 401 && refused_for_good(owner),
		"The old refresh token was answered %.*s; then the newest access token"
		" %d and the newest refresh token %.*s.",
		BYTES_FMT(thief->error), status, BYTES_FMT(owner->error));
	return DONE;
}

/* ---- revoke --------------------------------------------------------------- */

/* RFC 7009 section 2.1. */
static enum outcome
revoke(struct partner *p, bool *good, struct fault *f)
{
	struct buf form = buf_new(p->arena, FORM_MAX);
	struct http_answer answer;
	int status;

	form_pair(&form, B("token"), token_bytes(&p->now.refresh));
	form_pair(&form, B("token_type_hint"), B("refresh_token"));
	TRY(partner_ask(p, "the refresh token is given back",
		p->provider->revocation_endpoint, NONE, &form, &answer, f));
	TRY(send_api(p, "the access token after that", &p->now.access, &status, f));
	partner_forget(p);
	*good = story_end(p->story, STEP_revoked, answer.status == 200 && status == 401,
		"Revocation was answered %d; after that the API answered %d.",
		answer.status, status);
	return DONE;
}

/* ---- acts ----------------------------------------------------------------- */

static bool
act(struct partner *p, enum outcome (*how)(struct partner *, bool *, struct fault *))
{
	struct fault f;
	bool good;

	story_begin(p->story);
	if (how(p, &good, &f) != DONE)
		good = story_end(p->story, STEP_fault, false, "%s", f.what);
	arena_reset(p->arena);
	return good;
}

bool
partner_call_api(struct partner *p)
{
	return act(p, call_api);
}

bool
partner_refresh(struct partner *p)
{
	return act(p, refresh);
}

bool
partner_lose_an_answer(struct partner *p)
{
	return act(p, lose_an_answer);
}

bool
partner_replay(struct partner *p)
{
	return act(p, replay);
}

bool
partner_revoke(struct partner *p)
{
	return act(p, revoke);
}
