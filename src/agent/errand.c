/* SPDX-License-Identifier: Apache-2.0 */
/*
 * errand.c - the library is asked; it does everything that makes a refresh safe.
 */
#include "agent/errand.h"

#include "base/clock.h"
#include "base/secret.h"

uint32_t
any_number(void)
{
	uint32_t n;

	secret_random(&n, sizeof n);
	return n;
}

int64_t
seconds_now(void)
{
	return clock_boot_ms() / 1000;
}

static int
note_seen(void *arg, const struct lk_info *info)
{
	*(struct seen *)arg = seen_of(info, clock_now(), seconds_now());
	return 0;
}

/* The one that an API refused is replaced; if it was already, that is the answer. */
static enum lk_status
replace_refused(struct errand *x, struct bytes refused)
{
	struct lk_token *now = NULL;
	enum lk_status status = lk_token(x->connection, &now, &x->error);

	if (status == LK_OK
		&& secret_equal_bytes(refused, bytes_of(lk_token_text(now)))) {
		status = lk_token_after(x->connection, now, &x->token, &x->error);
		lk_token_free(now);
	} else if (status == LK_OK) {
		x->token = now;
	}
	return status;
}

static enum lk_status
answer_ask(struct errand *x)
{
	const struct agent_request *r = x->request;

	if (!bytes_empty(r->refused))
		return replace_refused(x, r->refused);
	return lk_token_for(x->connection, r->min_ttl, &x->token, &x->error);
}

/* Asks for a token that lives longer than the one there is, if it is time. */
static enum lk_status
refresh_ahead(struct errand *x)
{
	int64_t now = seconds_now();
	struct plan again = x->plan;
	struct lk_token *t = NULL;
	enum lk_status status = lk_info(x->connection, note_seen, &x->seen, &x->error);

	if (status != LK_OK)
		return status;
	plan_look(&again, &x->seen, now, any_number());
	if (again.due > now) /* another process was first */
		return LK_OK;
	x->tried = true;
	status = lk_token_for(x->connection,
		x->seen.expires_at > now ? x->seen.expires_at - now + 1 : 1, &t,
		&x->error);
	lk_token_free(t);
	if (lk_info(x->connection, note_seen, &x->seen, NULL) != LK_OK)
		x->seen.connected = false;
	return status;
}

void
errand_run(struct work *w)
{
	struct errand *x = (struct errand *)w;
	enum lk_status status = LK_OK;

	x->error = (struct lk_error){ .status = LK_OK };
	x->token = NULL;
	x->tried = false;
	if (x->connection == NULL)
		status = lk_connection_open(x->lk, x->name, &x->connection, &x->error);
	if (status == LK_OK)
		status = x->request != NULL ? answer_ask(x) : refresh_ahead(x);
	x->error.status = status;
}
