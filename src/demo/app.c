/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app.c - GET /, POST /act, GET /callback. All of it runs on the app's clerk, so
 * sessions need no lock.
 */
#include "demo/app.h"

#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "text/base64url.h"
#include "text/form.h"
#include "text/headers.h"

/* Cookies do not tell ports apart (RFC 6265 section 8.5), so beside the
 * authorisation server on the same host the name must be another. */
#define COOKIE "__Host-ledger-sync"

enum { SESSIONS_MAX = 64, PAGE_MAX = 1 << 20 };

struct session {
	struct session *next; /* the newest first */
	char id[44];
	struct story story;
	struct partner partner;
};

struct app {
	struct app_config config;
	struct app_look *look;
	struct session *sessions;
	struct bytes issuer, policy, account;
	struct arena *arena;
};

/* ---- the app's life ------------------------------------------------------- */

enum outcome
app_new(const struct app_config *c, struct app **out, struct fault *f)
{
	struct arena *arena = arena_new();
	struct app *a = ARENA_NEW(arena, struct app);

	a->arena = arena;
	a->config = *c;
	a->issuer = c->provider->issuer;
	a->account =
		bytes_of(arena_printf(arena, "%.*s/account", BYTES_FMT(a->issuer)));
	a->policy = bytes_of(arena_printf(arena,
		"default-src 'none'; style-src 'self';"
		" img-src 'self'; form-action 'self' %.*s; base-uri 'none';"
		" frame-ancestors 'none'",
		BYTES_FMT(a->issuer)));
	if (app_look_new(c->pages_dir, &a->look, f) != DONE) {
		arena_free(arena);
		return FAULT;
	}
	*out = a;
	return DONE;
}

static void
session_free(struct session *s)
{
	partner_stop(&s->partner);
	story_stop(&s->story);
	secret_wipe(s, sizeof *s);
	free(s);
}

void
app_free(struct app *a)
{
	if (a == NULL)
		return;
	while (a->sessions != NULL) {
		struct session *s = a->sessions;
		a->sessions = s->next;
		session_free(s);
	}
	app_look_free(a->look);
	arena_free(a->arena);
}

/* ---- sessions ------------------------------------------------------------- */

static struct session *
session_find(struct app *a, const struct http_request *r)
{
	struct bytes id = cookie_get(http_header(r, B("Cookie")), B(COOKIE));

	for (struct session *s = a->sessions; s != NULL; s = s->next)
		if (secret_equal_bytes(id, bytes_of(s->id)))
			return s;
	return NULL;
}

static void
session_drop_oldest(struct app *a)
{
	struct session **at = &a->sessions;
	size_t n = 0;

	for (; *at != NULL && n < SESSIONS_MAX - 1; at = &(*at)->next)
		n++;
	if (*at != NULL) {
		session_free(*at);
		*at = NULL;
	}
}

static struct session *
session_new(struct app *a, struct http_request *r, struct http_reply *reply)
{
	struct session *s = must_calloc(1, sizeof *s);
	unsigned char raw[32];

	session_drop_oldest(a);
	secret_random(raw, sizeof raw);
	base64url_encode(raw, sizeof raw, s->id);
	story_start(&s->story);
	s->story.told = a->config.told;
	s->story.arg = a->config.arg;
	partner_start(
		&s->partner, a->config.provider, a->config.registration, &s->story);
	s->next = a->sessions;
	a->sessions = s;
	/* R7.6; Lax, because the answer arrives by a link from another site. */
	clerk_header(r, reply, B("Set-Cookie"),
		bytes_of(arena_printf(r->arena,
			COOKIE "=%s; Path=/; Secure; HttpOnly; SameSite=Lax", s->id)));
	return s;
}

/* ---- replies -------------------------------------------------------------- */

static void
reply_page(struct app *a, struct http_request *r, struct http_reply *reply, int status,
	struct bytes html)
{
	reply->status = status;
	reply->body = html;
	clerk_header(r, reply, B("Content-Type"), B("text/html; charset=utf-8"));
	clerk_header(r, reply, B("Cache-Control"), B("no-store"));
	clerk_header(r, reply, B("Content-Security-Policy"), a->policy);
	clerk_header(r, reply, B("X-Content-Type-Options"), B("nosniff"));
	clerk_header(r, reply, B("Referrer-Policy"), B("same-origin"));
}

static void
reply_problem(struct app *a, struct http_request *r, struct http_reply *reply,
	int status, struct bytes title, struct bytes what)
{
	struct buf html = buf_new(r->arena, PAGE_MAX);

	app_look_message(a->look,
		&(struct page_message){ .status = status,
			.title = title,
			.for_person = what,
			.link = { B("Back to the story"), B("/") } },
		&html);
	reply_page(a, r, reply, status, buf_bytes(&html));
}

static void
reply_redirect(struct http_request *r, struct http_reply *reply, const char *to)
{
	reply->status = 303;
	clerk_header(r, reply, B("Location"), arena_bytes(r->arena, bytes_of(to)));
	clerk_header(r, reply, B("Cache-Control"), B("no-store"));
}

static void
reply_asset(struct http_request *r, struct http_reply *reply,
	const struct page_asset *asset)
{
	reply->status = 200;
	reply->body = asset->body;
	clerk_header(r, reply, B("Content-Type"), asset->type);
	clerk_header(
		r, reply, B("Cache-Control"), B("public, max-age=31536000, immutable"));
	clerk_header(r, reply, B("X-Content-Type-Options"), B("nosniff"));
}

/* ---- the buttons ---------------------------------------------------------- */

enum act { ACT_CONNECT, ACT_CALL, ACT_REFRESH, ACT_LOSE, ACT_REPLAY, ACT_RESTART };

static const struct {
	struct bytes name, label;
	bool while_connected, needs_replaced;
} acts[] = {
	[ACT_CONNECT] = { BI("connect"), BI("Connect to Acme Spend"), false, false },
	[ACT_CALL] = { BI("call"), BI("Call the API"), true, false },
	[ACT_REFRESH] = { BI("refresh"), BI("Refresh"), true, false },
	[ACT_LOSE] = { BI("lose"), BI("Lose an answer and retry"), true, false },
	[ACT_REPLAY] = { BI("replay"), BI("Replay the old refresh token"), true, true },
	[ACT_RESTART] = { BI("restart"), BI("Start over"), false, false },
};
#define ACT_COUNT (sizeof acts / sizeof acts[0])

/* What the story wants next; ACT_COUNT: the page of connected apps. */
static size_t
next_act(const struct session *s, struct bytes *advice)
{
	bool seen[STEP_COUNT] = { false };

	for (size_t i = 0; s != NULL && i < s->story.count; i++)
		seen[s->story.steps[i].kind] = true;
	if (s == NULL || !s->partner.connected) {
		*advice = seen[STEP_cut_off]
			? B("That is the whole story. Start over, or "
			    "connect again and try things in your own order.")
			: seen[STEP_replayed]
			? B("Whoever owns the connection has to make a new "
			    "one: connect again.")
			: B("Let the app ask for your consent.");
		return seen[STEP_cut_off] ? ACT_RESTART : ACT_CONNECT;
	}
	*advice =
		B("The connection stands. Press the coloured button to go on with the "
		  "story, or any other.");
	if (seen[STEP_replayed]) {
		*advice = B("Now disconnect the app: open your connected apps, press "
			    "Disconnect, come back here and call the API.");
		return ACT_COUNT;
	}
	return !seen[STEP_api]		? ACT_CALL
		: !seen[STEP_refreshed] ? ACT_REFRESH
		: !seen[STEP_retried]	? ACT_LOSE
					: ACT_REPLAY;
}

static bool
act_allowed(const struct session *s, enum act act)
{
	bool connected = s != NULL && s->partner.connected;

	if (act == ACT_RESTART)
		return s != NULL && s->story.count > 0;
	if (acts[act].while_connected != connected)
		return false;
	return !acts[act].needs_replaced || (s != NULL && s->partner.replaced.n > 0);
}

static size_t
offered(const struct session *s, size_t next, struct app_button *out)
{
	size_t n = 0;

	for (size_t i = 0; i < ACT_COUNT; i++)
		if (act_allowed(s, (enum act)i))
			out[n++] = (struct app_button){ acts[i].name, acts[i].label,
				i == next };
	return n;
}

/* ---- GET / ---------------------------------------------------------------- */

static void
show_story(struct app *a, struct http_request *r, struct http_reply *reply)
{
	struct session *s = session_find(a, r);
	struct buf html = buf_new(r->arena, PAGE_MAX);
	struct app_button buttons[ACT_COUNT];
	struct app_page page = {
		.platform = bytes_of(a->config.platform),
		.issuer = a->issuer,
		.username = bytes_of(a->config.username),
		.account = a->account,
		.story = s != NULL ? &s->story : NULL,
		.buttons = buttons,
		.connected = s != NULL && s->partner.connected,
	};
	size_t next = next_act(s, &page.advice);

	page.button_count = offered(s, next, buttons);
	page.disconnect_next = next == ACT_COUNT;
	app_look_story(a->look, r->arena, &page, &html);
	reply_page(a, r, reply, 200, buf_bytes(&html));
}

/* ---- POST /act ------------------------------------------------------------ */

static void
perform(struct session *s, enum act act)
{
	switch (act) {
	case ACT_CALL: partner_call_api(&s->partner); break;
	case ACT_REFRESH: partner_refresh(&s->partner); break;
	case ACT_LOSE: partner_lose_an_answer(&s->partner); break;
	case ACT_REPLAY: partner_replay(&s->partner); break;
	case ACT_RESTART:
		partner_forget(&s->partner);
		story_clear(&s->story);
		break;
	case ACT_CONNECT: break;
	}
}

static void
take_act(struct app *a, struct http_request *r, struct http_reply *reply)
{
	struct session *s = session_find(a, r);
	struct form form = { .count = 0 };
	struct bytes name;
	size_t act = 0;

	/* Another site may make a browser post here; it cannot forge this. */
	if (!bytes_equal(http_header(r, B("Origin")), bytes_of(a->config.origin))) {
		reply_problem(a, r, reply, 403, B("This form is not ours"),
			B("A button of this app works only from this app's own page."));
		return;
	}
	form_read(r->arena, &form, r->body, FORM_BODY);
	name = form_get(&form, B("act"));
	while (act < ACT_COUNT && !bytes_equal(name, acts[act].name))
		act++;
	if (act == ACT_COUNT || !act_allowed(s, (enum act)act)) {
		reply_redirect(r, reply, "/");
		return;
	}
	if (s == NULL)
		s = session_new(a, r, reply);
	if (act == ACT_CONNECT) {
		reply_redirect(r, reply, partner_connect(&s->partner));
		return;
	}
	perform(s, (enum act)act);
	reply_redirect(r, reply, "/#newest");
}

/* ---- GET /callback -------------------------------------------------------- */

static void
take_callback(struct app *a, struct http_request *r, struct http_reply *reply)
{
	struct session *s = session_find(a, r);

	if (s == NULL) {
		reply_problem(a, r, reply, 400, B("This answer was not asked for"),
			B("This browser asked for nothing, or its cookie is gone."));
		return;
	}
	partner_callback(&s->partner, r->query);
	/* The code must not stay in the address bar. */
	reply_redirect(r, reply, "/#newest");
}

void
app_answer(struct http_request *r, struct http_reply *reply, void *arg)
{
	struct app *a = arg;
	const struct page_asset *asset = app_look_asset(a->look, r->path);

	if (r->method == HTTP_GET && bytes_equal(r->path, B("/")))
		show_story(a, r, reply);
	else if (r->method == HTTP_POST && bytes_equal(r->path, B("/act")))
		take_act(a, r, reply);
	else if (r->method == HTTP_GET && bytes_equal(r->path, B(APP_CALLBACK_PATH)))
		take_callback(a, r, reply);
	else if (r->method == HTTP_GET && asset != NULL)
		reply_asset(r, reply, asset);
	else
		reply_problem(a, r, reply, 404, B("There is nothing here"),
			B("This app has one page."));
}
