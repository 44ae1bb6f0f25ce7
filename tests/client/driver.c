/* SPDX-License-Identifier: Apache-2.0 */
/*
 * driver.c - liblatchkey by hand: one JSON object a line on standard input says what to
 * do, one line on standard output how it went. Uses latchkey.h and nothing else of ours.
 *
 *	{"do": "open", "vault": DIR, "key": "file:PATH", "no_agent": true,
 *	    "lock_wait_ms": N, "http_timeout_ms": N, "attempts": N}
 *	{"do": "close"}
 *	{"do": "start", "name": N, "browser": B, ...R}           -> url
 *	{"do": "finish", "browser": B, "query": Q}                    (opens the connection)
 *	{"do": "connect", "name": N, "way": "best|browser|device|paste", "timeout_s": N, ...R}
 *	    writes {"show": URL, "user_code": C, "way": W} when the person is told; for
 *	    "paste" the next line of input is what the person pastes
 *	{"do": "connection", "name": N}                            lk_connection_open
 *	{"do": "drop", "name": N}                                  lk_connection_close
 *	{"do": "token", "name": N, "min_ttl": S}                   -> token, expires_in
 *	{"do": "after", "name": N, "refused": TOKEN}: the token the driver got last under N,
 *	    if it is REFUSED or none is named                      -> token, expires_in
 *	{"do": "race", "name": N, "threads": T, "times": K}: T threads at once, K times each
 *	                  -> tokens: {TOKEN: how often}, statuses: {S: how often}
 *	{"do": "call", "name": N, "url": U, "method": M, "headers": {..}, "body": B,
 *	    "max_body": N, "sink": true, "ca_file": F, "timeout_ms": N}
 *	                                                 -> http, headers, body, sunk
 *	{"do": "disconnect" | "forget" | "info" | "log", "name": N} -> info, log
 *	{"do": "secret", "name": N, "client_secret_file": F}
 *	{"do": "list"}                                             -> list
 *	{"do": "places"}                                           -> vault, key, agent
 *	{"do": "events"}: what the event callback was told so far  -> events
 *	{"do": "fork", "name": N}: a child asks for a newer token   -> child (its status)
 *	{"do": "hold"}: answers after a byte more of input than this line; for kill -9
 *
 * R: issuer, client_id, client_secret_file, redirect_uri, scope, resource, parameters,
 * ca_file, authorization_endpoint, token_endpoint, revocation_endpoint, development,
 * s256_unadvertised. Every answer has status (lk_status_name), took_us, and where it is
 * not "ok" message, code, retry_after. The end of input ends the driver.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "driver.h"

struct lk *lk;
static struct kept kept[NAMES];
static json_t *events;
static pthread_mutex_t events_mutex = PTHREAD_MUTEX_INITIALIZER;

/* ---- words --------------------------------------------------------------- */

const char *
text(const json_t *command, const char *member)
{
	return json_string_value(json_object_get(command, member));
}

int64_t
number(const json_t *command, const char *member)
{
	return json_integer_value(json_object_get(command, member));
}

bool
flag(const json_t *command, const char *member)
{
	return json_is_true(json_object_get(command, member));
}

void
say(json_t *answer)
{
	json_dumpf(answer, stdout, JSON_COMPACT | JSON_ENCODE_ANY);
	putchar('\n');
	fflush(stdout);
}

void
put(json_t *answer, const char *member, const char *value)
{
	if (value != NULL)
		json_object_set_new(answer, member, json_string(value));
}

void
put_number(json_t *answer, const char *member, int64_t value)
{
	json_object_set_new(answer, member, json_integer(value));
}

static int64_t
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* ---- what was opened ----------------------------------------------------- */

static int
slot(const char *name)
{
	int unused = -1;

	for (int i = 0; name != NULL && i < NAMES; i++) {
		if (strcmp(kept[i].name, name) == 0)
			return i;
		if (kept[i].name[0] == '\0' && unused < 0)
			unused = i;
	}
	if (unused < 0 || strlen(name) >= sizeof(kept[0].name)) {
		fprintf(stderr, "driver: no name, too long a name or too many\n");
		exit(2);
	}
	memcpy(kept[unused].name, name, strlen(name) + 1);
	return unused;
}

static void
drop(int i)
{
	lk_token_free(kept[i].token);
	lk_connection_close(kept[i].connection);
	memset(&kept[i], 0, sizeof(kept[i]));
}

enum lk_status
connection(const json_t *command, struct kept **k, struct lk_error *e)
{
	*k = &kept[slot(text(command, "name"))];
	if ((*k)->connection != NULL)
		return LK_OK;
	return lk_connection_open(lk, (*k)->name, &(*k)->connection, e);
}

/* ---- open ---------------------------------------------------------------- */

static void
hear(void *arg, const struct lk_event *event)
{
	json_t *heard = json_pack("{ss ss ss ss sI}", "connection", event->connection,
		"event", event->event, "status", lk_status_name(event->status), "detail",
		event->detail, "took_ms", (json_int_t)event->took_ms);

	(void)arg;
	pthread_mutex_lock(&events_mutex);
	json_array_append_new(events, heard);
	pthread_mutex_unlock(&events_mutex);
}

static enum lk_status
do_open(const json_t *command, json_t *answer, struct lk_error *e)
{
	struct lk_options o = LK_INIT(struct lk_options);

	(void)answer;
	o.vault = text(command, "vault");
	o.key = text(command, "key");
	o.lock_wait_ms = (int)number(command, "lock_wait_ms");
	o.http_timeout_ms = (int)number(command, "http_timeout_ms");
	o.attempts = (int)number(command, "attempts");
	o.flags = flag(command, "no_agent") ? LK_NO_AGENT : 0;
	o.event = hear;
	return lk_open(&o, &lk, e);
}

static enum lk_status
do_close(const json_t *command, json_t *answer, struct lk_error *e)
{
	(void)command, (void)answer, (void)e;
	lk_close(lk); /* which closes the connections, and leaves the tokens */
	lk = NULL;
	for (int i = 0; i < NAMES; i++) {
		lk_token_free(kept[i].token);
		memset(&kept[i], 0, sizeof(kept[i]));
	}
	return LK_OK;
}

static enum lk_status
do_connection(const json_t *command, json_t *answer, struct lk_error *e)
{
	struct kept *k;

	(void)answer;
	return connection(command, &k, e);
}

static enum lk_status
do_drop(const json_t *command, json_t *answer, struct lk_error *e)
{
	(void)answer, (void)e;
	drop(slot(text(command, "name")));
	return LK_OK;
}

static enum lk_status
do_events(const json_t *command, json_t *answer, struct lk_error *e)
{
	(void)command, (void)e;
	pthread_mutex_lock(&events_mutex);
	json_object_set_new(answer, "events", json_deep_copy(events));
	pthread_mutex_unlock(&events_mutex);
	return LK_OK;
}

static enum lk_status
do_hold(const json_t *command, json_t *answer, struct lk_error *e)
{
	(void)command, (void)answer, (void)e;
	getchar();
	return LK_OK;
}

/* ---- the loop ------------------------------------------------------------ */

static const struct {
	const char *name;
	verb *run;
} verbs[] = {
	{ "open", do_open }, { "close", do_close }, { "start", do_start },
	{ "finish", do_finish }, { "connect", do_connect },
	{ "connection", do_connection },
	{ "drop", do_drop }, { "token", do_token }, { "after", do_after },
	{ "race", do_race }, { "fork", do_fork }, { "call", do_call },
	{ "disconnect", do_disconnect }, { "forget", do_forget },
	{ "secret", do_secret }, { "info", do_info }, { "list", do_list },
	{ "log", do_log }, { "places", do_places }, { "events", do_events },
	{ "hold", do_hold },
};

static void
obey(const json_t *command)
{
	json_t *answer = json_object();
	struct lk_error e = { .status = LK_OK };
	const char *wanted = text(command, "do");
	int64_t began = now_us();
	enum lk_status status = LK_BUG;

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (wanted != NULL && strcmp(wanted, verbs[i].name) == 0)
			status = verbs[i].run(command, answer, &e);
	put_number(answer, "took_us", now_us() - began);
	put(answer, "status", lk_status_name(status));
	if (status != LK_OK) {
		put(answer, "message", e.message);
		put(answer, "code", e.code);
		put_number(answer, "retry_after", e.retry_after);
	}
	say(answer);
	json_decref(answer);
}

int
main(void)
{
	char *line = NULL;
	size_t size = 0;

	events = json_array();
	while (getline(&line, &size, stdin) > 0) {
		json_t *command = json_loads(line, 0, NULL);

		if (command == NULL) {
			fprintf(stderr, "driver: not JSON: %s", line);
			return 2;
		}
		obey(command);
		json_decref(command);
	}
	do_close(NULL, NULL, NULL);
	json_decref(events);
	free(line);
	return 0;
}
