/* SPDX-License-Identifier: Apache-2.0 */
/* driver_token.c - tokens, one or many at once, and calls with them. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "driver.h"

static void
got_token(struct kept *k, struct lk_token *t, json_t *answer)
{
	put(answer, "token", lk_token_text(t));
	put_number(answer, "expires_in", lk_token_expires_in(t));
	lk_token_free(k->token);
	k->token = t;
}

enum lk_status
do_token(const json_t *command, json_t *answer, struct lk_error *e)
{
	struct lk_token *t;
	enum lk_status status;
	struct kept *k;

	status = connection(command, &k, e);
	if (status == LK_OK)
		status = lk_token_for(k->connection, number(command, "min_ttl"), &t, e);
	if (status == LK_OK)
		got_token(k, t, answer);
	return status;
}

enum lk_status
do_after(const json_t *command, json_t *answer, struct lk_error *e)
{
	const char *refused = text(command, "refused");
	struct lk_token *t;
	enum lk_status status;
	struct kept *k;

	status = connection(command, &k, e);
	if (status == LK_OK && (k->token == NULL || (refused != NULL &&
		strcmp(lk_token_text(k->token), refused) != 0))) {
		fprintf(stderr, "driver: that token was not the last one it got\n");
		exit(2);
	}
	if (status == LK_OK)
		status = lk_token_after(k->connection, k->token, &t, e);
	if (status == LK_OK)
		got_token(k, t, answer);
	return status;
}

struct racer {
	pthread_t thread;
	pthread_barrier_t *gun;
	struct lk_connection *connection;
	int64_t times;
	json_t *tokens, *statuses; /* its own: jansson's objects are nobody else's */
};

static void
count(json_t *object, const char *name, int64_t by)
{
	put_number(object, name, json_integer_value(json_object_get(object, name)) + by);
}

static void *
run_race(void *arg)
{
	struct racer *r = arg;

	pthread_barrier_wait(r->gun);
	for (int64_t i = 0; i < r->times; i++) {
		struct lk_token *t;
		enum lk_status status = lk_token(r->connection, &t, NULL);

		count(r->statuses, lk_status_name(status), 1);
		if (status == LK_OK) {
			count(r->tokens, lk_token_text(t), 1);
			lk_token_free(t);
		}
	}
	return NULL;
}

static void
sum(json_t *all, json_t *own)
{
	const char *name;
	json_t *value;

	json_object_foreach(own, name, value)
		count(all, name, json_integer_value(value));
	json_decref(own);
}

enum lk_status
do_race(const json_t *command, json_t *answer, struct lk_error *e)
{
	json_t *tokens = json_object(), *statuses = json_object();
	size_t threads = (size_t)number(command, "threads");
	struct racer *racers = calloc(threads, sizeof(*racers));
	pthread_barrier_t gun;
	struct kept *k;
	enum lk_status status = connection(command, &k, e);

	json_object_set_new(answer, "tokens", tokens);
	json_object_set_new(answer, "statuses", statuses);
	if (status != LK_OK || racers == NULL) {
		free(racers);
		return status;
	}
	pthread_barrier_init(&gun, NULL, (unsigned)threads);
	for (size_t n = 0; n < threads; n++) {
		int64_t times = number(command, "times");

		racers[n] = (struct racer){ .gun = &gun, .connection = k->connection,
			.times = times > 0 ? times : 1, .tokens = json_object(),
			.statuses = json_object() };
		if (pthread_create(&racers[n].thread, NULL, run_race, &racers[n]) != 0)
			abort();
	}
	for (size_t n = 0; n < threads; n++) {
		pthread_join(racers[n].thread, NULL);
		sum(tokens, racers[n].tokens);
		sum(statuses, racers[n].statuses);
	}
	pthread_barrier_destroy(&gun);
	free(racers);
	return LK_OK;
}

enum lk_status
do_fork(const json_t *command, json_t *answer, struct lk_error *e)
{
	struct lk_token *t;
	int ended = 0;
	struct kept *k;
	enum lk_status status = connection(command, &k, e);
	pid_t child;

	if (status == LK_OK && k->token == NULL)
		status = lk_token(k->connection, &k->token, e);
	if (status != LK_OK)
		return status;
	child = fork();
	if (child == 0) {
		status = lk_token_after(k->connection, k->token, &t, NULL);
		lk_connection_close(k->connection);
		lk_close(lk); /* nothing of the parent's ends */
		_exit((int)status);
	}
	waitpid(child, &ended, 0);
	put(answer, "child", lk_status_name((enum lk_status)WEXITSTATUS(ended)));
	return LK_OK;
}

/* ---- calling an API ------------------------------------------------------ */

static int
sink(void *arg, const void *p, size_t n)
{
	json_t *sunk = json_stringn(p, n);

	json_array_append_new(arg, sunk != NULL ? sunk : json_string("(binary)"));
	return 0;
}

static void
show_response(json_t *answer, const struct lk_response *response)
{
	json_t *headers = json_object();
	const char *name, *value, *body;
	size_t n;

	put_number(answer, "http", lk_response_status(response));
	for (size_t i = 0; (name = lk_response_header_at(response, i, &value)) != NULL; i++)
		put(headers, name, value);
	json_object_set_new(answer, "headers", headers);
	body = lk_response_body(response, &n);
	json_object_set_new(answer, "body", json_stringn(body, n));
}

enum lk_status
do_call(const json_t *command, json_t *answer, struct lk_error *e)
{
	struct lk_request r = LK_INIT(struct lk_request);
	struct lk_header headers[32];
	struct lk_response *response;
	const char *name;
	enum lk_status status;
	json_t *value, *sunk = json_array();
	struct kept *k;

	json_object_foreach(json_object_get(command, "headers"), name, value)
		if (r.header_count < 32)
			headers[r.header_count++] =
				(struct lk_header){ name, json_string_value(value) };
	r.headers = headers;
	r.method = text(command, "method");
	r.url = text(command, "url");
	r.body = text(command, "body");
	r.body_size = r.body != NULL ? strlen(r.body) : 0;
	r.max_body = (size_t)number(command, "max_body");
	r.ca_file = text(command, "ca_file");
	r.timeout_ms = (int)number(command, "timeout_ms");
	r.sink = flag(command, "sink") ? sink : NULL;
	r.arg = sunk;
	json_object_set_new(answer, "sunk", sunk);
	status = connection(command, &k, e);
	if (status == LK_OK)
		status = lk_call(k->connection, &r, &response, e);
	if (status == LK_OK) {
		show_response(answer, response);
		lk_response_free(response);
	}
	return status;
}

