/* SPDX-License-Identifier: Apache-2.0 */
/*
 * script.c - the story in the order it is told. Steps of the app come from the app
 * itself (script_told); the person's steps are judged here, by what a person sees.
 */
#include "demo/script.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "demo/browser.h"

struct script {
	pthread_mutex_t lock; /* the app tells from a thread of its own */
	unsigned steps, failed;
	enum story_kind last;
	atomic_bool stopped;
	bool colours;

	const struct installation *in;
	const struct provider *provider;
	struct bytes origin; /* of the app */
	struct browser browser;
	struct browser_page page;
	struct story person; /* what the person does and sees */
};

struct script *
script_new(void)
{
	struct script *s = must_calloc(1, sizeof *s);

	pthread_mutex_init(&s->lock, NULL);
	s->colours = isatty(STDOUT_FILENO) && getenv("NO_COLOR") == NULL;
	return s;
}

void
script_free(struct script *s)
{
	if (s == NULL)
		return;
	pthread_mutex_destroy(&s->lock);
	free(s);
}

void
script_stop(struct script *s)
{
	atomic_store(&s->stopped, true);
}

/* ---- the terminal --------------------------------------------------------- */

void
script_told(const struct story_step *step, void *arg)
{
	struct script *s = arg;
	const char *colour = !s->colours ? "" : step->good ? "\033[32m" : "\033[1;31m";

	pthread_mutex_lock(&s->lock);
	s->last = step->kind;
	s->failed += step->good ? 0 : 1;
	printf("%3u  %s%s%s  %.*s\n", ++s->steps, colour, step->good ? "PASS" : "FAIL",
		s->colours ? "\033[0m" : "", BYTES_FMT(step->title));
	for (size_t i = 0; i < step->call_count; i++)
		printf("           %.*s (%.*s): %.*s\n",
			BYTES_FMT(step->calls[i].request),
			BYTES_FMT(step->calls[i].what),
			BYTES_FMT(step->calls[i].answer));
	printf("           %.*s\n           [%.*s]\n", BYTES_FMT(step->verdict),
		BYTES_FMT(step->shows));
	fflush(stdout);
	pthread_mutex_unlock(&s->lock);
}

static enum story_kind
last_step(struct script *s)
{
	enum story_kind last;

	pthread_mutex_lock(&s->lock);
	last = s->last;
	pthread_mutex_unlock(&s->lock);
	return last;
}

static bool
fault(struct script *s, const struct fault *f)
{
	story_begin(&s->person);
	return story_end(&s->person, STEP_fault, false, "%s", f->what);
}

/* Did the story get to where this act should have led? */
static bool
arrived(struct script *s, enum story_kind expected)
{
	struct fault f;

	if (last_step(s) == expected)
		return true;
	(void)FAULT_AT(&f,
		"the story is not where it should be by now; the page is %.*s",
		BYTES_FMT(s->page.url));
	return fault(s, &f);
}

/* ---- what the person does ------------------------------------------------- */

static bool
submit(struct script *s, const struct filled *filled, size_t count, struct bytes stop)
{
	struct fault f;

	return browser_submit(&s->browser, filled, count, stop, &s->page, &f) == DONE ||
		fault(s, &f);
}

static bool
sign_in(struct script *s, struct bytes stop)
{
	const struct filled filled[] = {
		{ B("password"), bytes_of(s->in->password) },
		{ B("username"), B(DEMO_USERNAME) },
	};
	bool at_home = bytes_starts(s->page.url, s->provider->issuer);

	story_begin(&s->person);
	story_end(&s->person, STEP_signed_in, at_home, "The form stands at %.*s.",
		BYTES_FMT(s->provider->issuer));
	return at_home && submit(s, filled, 2, stop);
}

/* R5.2: who, what, for whom, and where the answer goes. */
static bool
consent(struct script *s, const char *name, const char *recipient, struct bytes stop)
{
	struct filled filled[2] = { { B("decision"), B("approve") },
		{ B("subject"), NONE } };
	bool whole = bytes_starts(s->page.url, s->provider->issuer) &&
		browser_shows(&s->page, bytes_of(name)) &&
		browser_shows(
			&s->page, B("See your export jobs and what they contain")) &&
		browser_shows(&s->page, bytes_of(recipient)) &&
		browser_control(&s->browser, &s->page, B("subject"), &filled[1].value);

	story_begin(&s->person);
	story_end(&s->person, STEP_consented, whole,
		whole ? "%s asks, for %.*s; the answer goes to %s."
		      : "The page does not say all it should (%s, %.*s, %s).",
		name, BYTES_FMT(filled[1].value), recipient);
	return whole && submit(s, filled, 2, stop);
}

/* Whatever the server asks on the way is answered. */
static bool
answer_questions(
	struct script *s, const char *name, const char *recipient, struct bytes stop)
{
	if (browser_control(&s->browser, &s->page, B("password"), NULL) &&
		!sign_in(s, stop))
		return false;
	if (browser_control(&s->browser, &s->page, B("decision"), NULL))
		return consent(s, name, recipient, stop);
	return true;
}

/* ---- the web app ---------------------------------------------------------- */

static bool
visit(struct script *s, struct bytes url)
{
	struct fault f;

	return browser_get(&s->browser, url, NONE, &s->page, &f) == DONE ||
		fault(s, &f);
}

static bool
press(struct script *s, const char *act, enum story_kind expected)
{
	const struct filled button = { B("act"), bytes_of(act) };

	return !atomic_load(&s->stopped) && visit(s, s->origin) &&
		submit(s, &button, 1, NONE) && arrived(s, expected);
}

static bool
connect_web(struct script *s)
{
	return press(s, "connect", STEP_connect) &&
		answer_questions(s, "Ledger Sync",
			arena_cstr(s->browser.arena,
				bytes_slice(
					s->origin, strlen("https://"), s->origin.n)),
			NONE) &&
		arrived(s, STEP_tokens);
}

/* R6.7, at the page of connected apps. */
static bool
disconnect(struct script *s)
{
	struct buf account = buf_new(s->browser.arena, 512);
	struct bytes grant;
	bool gone;

	buf_put(&account, s->provider->issuer);
	buf_put(&account, B("/account"));
	if (!visit(s, buf_bytes(&account)))
		return false;
	if (!browser_control(&s->browser, &s->page, B("grant"), &grant) ||
		!submit(s, &(struct filled){ B("grant"), grant }, 1, NONE))
		return false;
	gone = browser_shows(&s->page, B("No app is connected"));
	story_begin(&s->person);
	return story_end(&s->person, STEP_disconnected, gone,
		gone ? "The page says that no app is connected any more."
		     : "The app is still listed.");
}

static bool
walk_web(struct script *s)
{
	printf("Ledger Sync, a web app with a secret\n\n");
	return visit(s, s->origin) && connect_web(s) && press(s, "call", STEP_api) &&
		press(s, "refresh", STEP_refreshed) && press(s, "lose", STEP_retried) &&
		press(s, "replay", STEP_replayed) && connect_web(s) &&
		press(s, "call", STEP_api) && disconnect(s) &&
		press(s, "call", STEP_cut_off);
}

/* ---- the native app ------------------------------------------------------- */

/* RFC 8252 section 7.3: the answer comes to a port that the app listens on; here
 * the app is told what its listener would have read. */
static bool
connect_native(struct script *s, struct partner *p)
{
	struct bytes redirect = s->in->native.redirect_uri, query;
	struct fault f;

	if (browser_get(&s->browser, bytes_of(partner_connect(p)), redirect, &s->page,
		    &f) != DONE)
		return fault(s, &f);
	if (!answer_questions(s, "Ledger CLI", "127.0.0.1", redirect))
		return false;
	query = s->page.url;
	bytes_cut(&query, '?');
	return partner_callback(p, query);
}

static bool
walk_native(struct script *s)
{
	struct partner p = { .connected = false };
	bool good;

	printf("\nLedger CLI, a native app without a secret\n\n");
	partner_start(&p, s->provider, &s->in->native, &s->person);
	good = !atomic_load(&s->stopped) && connect_native(s, &p) &&
		partner_call_api(&p) && partner_refresh(&p) &&
		partner_lose_an_answer(&p) && partner_revoke(&p);
	partner_stop(&p);
	return good;
}

/* ---- all of it ------------------------------------------------------------ */

unsigned
script_run(struct script *s, const struct installation *in,
	const struct provider *provider, const char *app_origin)
{
	bool whole;

	s->in = in;
	s->provider = provider;
	s->origin = bytes_of(app_origin);
	s->browser = (struct browser){ .arena = arena_new(), .ca_file = in->ca_file };
	s->person.told = script_told;
	s->person.arg = s;
	story_start(&s->person);
	whole = walk_web(s) && walk_native(s);
	story_stop(&s->person);
	arena_free(s->browser.arena);
	if (!whole && s->failed == 0)
		s->failed++;
	printf("\n%u steps, %u failed%s\n", s->steps, s->failed,
		whole ? "" : "; the rest was not tried");
	fflush(stdout);
	return s->failed;
}
