/* SPDX-License-Identifier: Apache-2.0 */
/*
 * story.h - what happened, step by step: each request, what came back, which
 * rule it shows; for the story page and for the terminal.
 *
 * Promises: no token, code or secret enters a story: story_fetch shortens them
 * where it writes them down. Not for several threads at once.
 */
#ifndef LATCHKEY_DEMO_STORY_H
#define LATCHKEY_DEMO_STORY_H

#include "http/http_fetch.h"

enum story_kind {
#define STEP(name, title, why, shows) STEP_##name,
#include "demo/story.def"
#undef STEP
	STEP_COUNT
};

struct story_line {
	struct bytes text;
};

struct story_call {
	struct bytes what; /* "with the old access token" */
	struct bytes request; /* "POST https://localhost:8443/oauth/token" */
	struct story_line *sent;
	size_t sent_count;
	struct bytes answer; /* "400" */
	struct story_line *got;
	size_t got_count;
};

struct story_step {
	enum story_kind kind;
	struct bytes title, why, shows;
	struct bytes verdict; /* what came of it, in a sentence */
	bool good; /* it did what it should */
	struct story_call *calls;
	size_t call_count;
};

#define STORY_STEPS 64 /* then it begins anew */

struct story {
	struct arena *arena;
	struct story_step steps[STORY_STEPS];
	size_t count;
	/* Called with each step that has ended; may be NULL. */
	void (*told)(const struct story_step *step, void *arg);
	void *arg;
};

void story_start(struct story *s); /* zeroed first */
void story_clear(struct story *s);
void story_stop(struct story *s);

/* A step is begun, filled with calls, and ended by saying what it was. */
void story_begin(struct story *s);
/* Returns `good`. */
bool story_end(struct story *s, enum story_kind kind, bool good, const char *verdict,
	...) __attribute__((format(printf, 4, 5)));

/* A request and its answer that others carried (the browser): begin it by saying what
 * it is in words, then add its lines, whose values are shortened by their names. */
void story_call(struct story *s, const char *what, const char *request, ...)
	__attribute__((format(printf, 3, 4)));
void story_sent(struct story *s, struct bytes name, struct bytes value);
void story_answer(struct story *s, const char *answer, ...)
	__attribute__((format(printf, 2, 3)));
void story_got(struct story *s, struct bytes name, struct bytes value);
/* http_fetch, written down. */
enum outcome story_fetch(struct story *s, const char *what, struct arena *a,
	const struct http_fetch *request, struct http_answer *out,
	struct fault *f) must_check;

#endif
