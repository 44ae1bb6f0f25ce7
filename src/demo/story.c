/* SPDX-License-Identifier: Apache-2.0 */
/*
 * story.c - steps put down as they happen. Secrets are known by their names.
 */
#include "demo/story.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "text/form.h"
#include "text/headers.h"
#include "text/json.h"

enum { CALLS_MAX = 6, LINES_MAX = 24, SENTENCE_MAX = 1024 };

/* Enough of a secret to tell it from the next one, and much too little to use it. */
enum { SECRET_LONG = 40, SHOWN_FIRST = 12, SHOWN_LAST = 4 };

static const struct {
	struct bytes title, why, shows;
} step_texts[] = {
#define STEP(name, title, why, shows) { BI(title), BI(why), BI(shows) },
#include "demo/story.def"
#undef STEP
};

/* Of these only the beginning, the end and the length are written down. */
static const struct bytes secret_names[] = {
	BI("code"),
	BI("code_verifier"),
	BI("state"),
	BI("access_token"),
	BI("refresh_token"),
	BI("token"),
	BI("Idempotency-Key"),
};

void
story_start(struct story *s)
{
	s->arena = arena_new();
	s->count = 0;
}

void
story_clear(struct story *s)
{
	arena_reset(s->arena);
	s->count = 0;
}

void
story_stop(struct story *s)
{
	arena_free(s->arena);
	s->arena = NULL;
}

static struct bytes
sentence(struct story *s, const char *format, va_list arguments)
{
	char text[SENTENCE_MAX];

	vsnprintf(text, sizeof text, format, arguments);
	return arena_bytes(s->arena, bytes_of(text));
}

/* ---- steps ---------------------------------------------------------------- */

void
story_begin(struct story *s)
{
	if (s->count == STORY_STEPS)
		story_clear(s);
	s->steps[s->count++] = (struct story_step){
		.calls = ARENA_ARRAY(s->arena, struct story_call, CALLS_MAX),
	};
}

static struct story_step *
this_step(struct story *s)
{
	return &s->steps[s->count - 1];
}

static struct story_call *
this_call(struct story *s)
{
	struct story_step *step = this_step(s);

	return &step->calls[step->call_count - 1];
}

bool
story_end(struct story *s, enum story_kind kind, bool good, const char *verdict, ...)
{
	struct story_step *step = this_step(s);
	va_list arguments;

	step->kind = kind;
	step->title = step_texts[kind].title;
	step->why = step_texts[kind].why;
	step->shows = step_texts[kind].shows;
	step->good = good;
	va_start(arguments, verdict);
	step->verdict = sentence(s, verdict, arguments);
	va_end(arguments);
	if (s->told != NULL)
		s->told(step, s->arg);
	return good;
}

/* ---- what is written down of a request ------------------------------------ */

void
story_call(struct story *s, const char *what, const char *request, ...)
{
	struct story_step *step = this_step(s);
	struct story_call *call = &step->calls[step->call_count];
	va_list arguments;

	if (step->call_count < CALLS_MAX - 1)
		step->call_count++;
	*call = (struct story_call){
		.what = arena_bytes(s->arena, bytes_of(what)),
		.sent = ARENA_ARRAY(s->arena, struct story_line, LINES_MAX),
		.got = ARENA_ARRAY(s->arena, struct story_line, LINES_MAX),
	};
	va_start(arguments, request);
	call->request = sentence(s, request, arguments);
	va_end(arguments);
}

void
story_answer(struct story *s, const char *answer, ...)
{
	va_list arguments;

	va_start(arguments, answer);
	this_call(s)->answer = sentence(s, answer, arguments);
	va_end(arguments);
}

static bool
is_secret(struct bytes name)
{
	for (size_t i = 0; i < sizeof secret_names / sizeof secret_names[0]; i++)
		if (bytes_equal_nocase(name, secret_names[i]))
			return true;
	return false;
}

/* "lk_at_AQxW3k...p0Xg (56 characters)" */
static void
put_short(struct buf *b, struct bytes secret)
{
	buf_put(b, bytes_slice(secret, 0, secret.n < SECRET_LONG ? 0 : SHOWN_FIRST));
	buf_put(b, B("..."));
	buf_put(b,
		bytes_slice(secret,
			secret.n < (size_t)SHOWN_LAST * 4 ? secret.n : secret.n - SHOWN_LAST,
			SHOWN_LAST));
	buf_printf(b, " (%zu characters)", secret.n);
}

/* Of Basic credentials not even the beginning. */
static void
put_authorization(struct buf *b, struct bytes value)
{
	struct bytes scheme, rest;

	if (!authorization_split(value, &scheme, &rest))
		return;
	buf_put(b, scheme);
	buf_putc(b, ' ');
	if (bytes_equal(scheme, B("Basic")))
		buf_put(b, B("(client_id and client_secret)"));
	else
		put_short(b, rest);
}

static void
add_line(struct story *s, struct story_line *lines, size_t *count, struct bytes name,
	struct bytes value)
{
	struct buf b = buf_new(s->arena, SENTENCE_MAX);

	if (*count == LINES_MAX)
		return;
	buf_put(&b, name);
	buf_put(&b, B(": "));
	if (bytes_equal_nocase(name, B("Authorization")))
		put_authorization(&b, value);
	else if (is_secret(name))
		put_short(&b, value);
	else
		buf_put(&b, value);
	lines[(*count)++].text = buf_bytes(&b);
}

void
story_sent(struct story *s, struct bytes name, struct bytes value)
{
	struct story_call *call = this_call(s);

	add_line(s, call->sent, &call->sent_count, name, value);
}

void
story_got(struct story *s, struct bytes name, struct bytes value)
{
	struct story_call *call = this_call(s);

	add_line(s, call->got, &call->got_count, name, value);
}

/* ---- a request of our own ------------------------------------------------- */

static void
write_request(
	struct story *s, const char *what, struct arena *a, const struct http_fetch *r)
{
	struct form form = { .count = 0 };

	story_call(s, what, "%s %s", r->method, r->url);
	for (size_t i = 0; i < r->header_count; i++)
		if (!bytes_equal(r->headers[i].name, B("Content-Type")))
			story_sent(s, r->headers[i].name, r->headers[i].value);
	form_read(a, &form, r->body, FORM_BODY);
	for (size_t i = 0; i < form.count; i++)
		story_sent(s, form.fields[i].name, form.fields[i].value);
}

static void
write_member(struct story *s, struct arena *a, const char *key, const json_t *value)
{
	char *text = json_is_string(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY);

	story_got(s, bytes_of(key),
		text == NULL ? (struct bytes){ json_string_value(value),
				       json_string_length(value) }
			     : arena_bytes(a, bytes_of(text)));
	free(text);
}

static void
write_answer(struct story *s, struct arena *a, const struct http_answer *answer)
{
	struct bytes challenge = http_answer_header(answer, B("WWW-Authenticate"));
	const char *why, *key;
	json_t *json, *value;

	story_answer(s, "%d", answer->status);
	if (!bytes_empty(challenge))
		story_got(s, B("WWW-Authenticate"), challenge);
	json = json_read(answer->body, 65536, &why);
	json_object_foreach(json, key, value) write_member(s, a, key, value);
	json_decref(json);
}

enum outcome
story_fetch(struct story *s, const char *what, struct arena *a,
	const struct http_fetch *request, struct http_answer *out, struct fault *f)
{
	write_request(s, what, a, request);
	if (http_fetch(a, request, out, f) != DONE) {
		story_answer(s, "no answer: %s", f->what);
		return FAULT;
	}
	write_answer(s, a, out);
	return DONE;
}
