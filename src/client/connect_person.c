/* SPDX-License-Identifier: Apache-2.0 */
/*
 * connect_person.c - connecting an installed program (RFC 8252), in one call: the system
 * browser with a listener on loopback, the device flow (RFC 8628), or a URL that the
 * person pastes.
 *
 * The attempt stays in memory: who began it is still there when it ends.
 */
#include "base/clock.h"
#include "client/connect.h"
#include "client/device.h"
#include "client/person.h"

#define PATIENCE_S 300     /* RULEBOOK CL-15 */
#define PATIENCE_MAX_S 600 /* as long as an attempt is good for (CL-05) */
#define PASTED_MAX 8192
#define PASTES 3           /* a person may copy the wrong line, twice */

struct asking {
	struct connecting *c;
	struct lk_person person;
	struct bytes redirect_uri;
	int64_t deadline_ms; /* clock_monotonic_ms */
};

static enum lk_status
give_up(struct asking *p)
{
	return lk_fail(p->c->e, LK_DENIED, "connecting was given up");
}

static enum lk_status
tell(struct asking *p, enum lk_way way, struct bytes url, struct bytes user_code)
{
	const char *code = user_code.n > 0 ? arena_cstr(p->c->a, user_code) : NULL;

	if (p->person.show(p->person.arg, way, arena_cstr(p->c->a, url), code) != 0)
		return give_up(p);
	return LK_OK;
}

static enum lk_status
judge(struct asking *p, struct bytes query)
{
	struct connecting *c = p->c;
	struct bytes code = NONE;

	LK_TRY(callback_judge(c->a, &c->as, &c->attempt, query, NONE, &code, c->e));
	return connect_redeem(c, code);
}

/* ---- the browser ------------------------------------------------------------------- */

static enum lk_status
by_listener(struct asking *p, struct listener *l, struct bytes redirect_uri)
{
	struct connecting *c = p->c;
	struct bytes url, query = NONE;

	LK_TRY(connect_begin(c, redirect_uri, NONE, &url));
	LK_TRY(tell(p, LK_WAY_BROWSER, url, NONE));
	/* Where none can be started, the person opens the URL, and hears of it. */
	if (!person_open_browser(arena_cstr(c->a, url)))
		LK_TRY(tell(p, LK_WAY_BROWSER, url, NONE));
	LK_TRY(listener_wait(l, c->a, c->attempt.state, p->deadline_ms, &query, c->e));
	return judge(p, query);
}

static enum lk_status
by_browser(struct asking *p)
{
	struct connecting *c = p->c;
	struct bytes redirect_uri;
	struct listener *l;
	enum lk_status status;

	LK_TRY(listener_open(c->a, p->redirect_uri, &l, &redirect_uri, c->e));
	status = by_listener(p, l, redirect_uri);
	listener_close(l, status == LK_OK, status == LK_OK
		? "You can close this window and go on in the program." : c->e->message);
	return status;
}

/* ---- the device flow ---------------------------------------------------------------- */

static enum lk_status
by_device(struct asking *p)
{
	struct connecting *c = p->c;
	const struct lk_registration *r = &c->registration;
	struct token_answer answer = { 0 };
	struct token_ending ending = { 0 };
	struct device_answer device;

	/* What it is connected with is kept as for any other way. */
	c->attempt = (struct attempt){
		.name = c->name,
		.issuer = c->as.issuer,
		.client_id = c->me.client_id,
		.client_secret = c->me.client_secret,
		.redirect_uri = p->redirect_uri,
		.scope = bytes_of(r->scope),
		.resource = bytes_of(r->resource),
		.ca_file = bytes_of(r->ca_file),
		.authorization_endpoint = bytes_of(r->authorization_endpoint),
		.token_endpoint = bytes_of(r->token_endpoint),
		.revocation_endpoint = bytes_of(r->revocation_endpoint),
		.parameters = bytes_of(r->parameters),
		.flags = r->flags,
	};
	LK_TRY(credentials_fit(&c->as, &c->me, c->e));
	LK_TRY(device_request(c->a, &c->as, &c->me, c->attempt.scope, c->attempt.resource,
		&device, c->e));
	LK_TRY(tell(p, LK_WAY_DEVICE, device.verification_uri, device.user_code));
	LK_TRY(device_poll(c->a, &c->as, &c->me, &device, c->attempt.scope, NULL,
		p->deadline_ms, &answer, &ending, c->e));
	return connect_keep(c, &answer, &ending);
}

/* ---- pasting ---------------------------------------------------------------------------- */

static enum lk_status
read_pasted(struct asking *p, struct bytes *query)
{
	struct connecting *c = p->c;
	char *text = arena_alloc(c->a, PASTED_MAX);
	enum lk_status status = LK_REJECTED;

	for (int i = 0; i < PASTES && status == LK_REJECTED; i++) {
		bool pasted = p->person.paste(p->person.arg, text, PASTED_MAX) == 0;
		struct bytes state;

		if (clock_monotonic_ms() >= p->deadline_ms)
			return lk_later(c->e, 0, "no address was pasted in time: connect"
				" again");
		if (!pasted)
			return give_up(p);
		text[PASTED_MAX - 1] = '\0';
		status = callback_pasted(bytes_of(text), c->attempt.redirect_uri, query,
			c->e);
		if (status == LK_OK)
			status = callback_state(c->a, *query, &state, c->e);
	}
	return status;
}

static enum lk_status
by_paste(struct asking *p)
{
	struct bytes url, query = NONE;

	if (p->person.paste == NULL)
		return lk_fail(p->c->e, LK_CONFIGURATION, "there is no browser here, the"
			" server has no device flow, and nobody can paste a URL");
	LK_TRY(connect_begin(p->c, p->redirect_uri, NONE, &url));
	LK_TRY(tell(p, LK_WAY_PASTE, url, NONE));
	LK_TRY(read_pasted(p, &query));
	return judge(p, query);
}

/* ---- the call ---------------------------------------------------------------------------- */

static enum lk_status
choose(struct asking *p)
{
	enum lk_way way = p->person.way;

	if (way == LK_WAY_BEST)
		way = person_best_way(p->c->as.device_authorization_endpoint.n > 0,
			p->person.paste != NULL);
	switch (way) {
	case LK_WAY_BROWSER:
		return by_browser(p);
	case LK_WAY_DEVICE:
		return by_device(p);
	case LK_WAY_PASTE:
		return by_paste(p);
	case LK_WAY_BEST:
		break;
	}
	return lk_fail(p->c->e, LK_BUG, "lk_connect: there is no such way");
}

static enum lk_status
connect_person(struct asking *p, const char *name,
	const struct lk_registration *registration, const struct lk_person *person)
{
	int patience_s;

	if (person == NULL ||
	    !lk_copy(&p->person, sizeof(p->person), person, person->size) ||
	    p->person.show == NULL || p->person.timeout_s < 0)
		return lk_fail(p->c->e, LK_BUG, "lk_connect: a person begins with LK_INIT and"
			" has a way to be shown something");
	LK_TRY(connect_prepare(p->c, name, registration));
	patience_s = p->person.timeout_s > 0 ? p->person.timeout_s : PATIENCE_S;
	if (patience_s > PATIENCE_MAX_S)
		patience_s = PATIENCE_MAX_S;
	p->deadline_ms = clock_monotonic_ms() + patience_s * INT64_C(1000);
	if (p->c->registration.redirect_uri == NULL)
		p->c->registration.redirect_uri = "http://127.0.0.1/callback";
	p->redirect_uri = bytes_of(p->c->registration.redirect_uri);
	return choose(p);
}

LK_API enum lk_status
lk_connect(struct lk *lk, const char *name, const struct lk_registration *registration,
	const struct lk_person *person, struct lk_connection **out, struct lk_error *error)
{
	struct lk_error e = { .status = LK_OK };
	struct connecting c = { .lk = lk, .e = &e };
	struct asking p = { .c = &c };
	enum lk_status status;

	LK_TRY(lk_begin(lk, error));
	c.a = lk_arena(error);
	if (c.a == NULL)
		return LK_MEMORY;
	status = connect_end(&c, connect_person(&p, name, registration, person), out);
	if (status != LK_OK && error != NULL)
		*error = e;
	arena_free(c.a);
	return status;
}
