/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_lines.c - a short stack: the handle used last has the freshest connections.
 */
#include "http/http_lines.h"

#include <pthread.h>
#include <stdlib.h>

#define KEPT 8 /* more threads than this at once pay for a handshake */

struct http_lines {
	pthread_mutex_t mutex;
	CURL *idle[KEPT];
	size_t count;
};

struct http_lines *
http_lines_new(void)
{
	struct http_lines *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	pthread_mutex_init(&l->mutex, NULL);
	return l;
}

void
http_lines_free(struct http_lines *l)
{
	const struct curl_functions *lib;

	if (l == NULL)
		return;
	if (l->count > 0 && http_curl(&lib, NULL) == DONE)
		while (l->count > 0)
			lib->easy_cleanup(l->idle[--l->count]);
	pthread_mutex_destroy(&l->mutex);
	free(l);
}

CURL *
http_lines_take(struct http_lines *l, const struct curl_functions *lib)
{
	CURL *curl = NULL;

	if (l == NULL)
		return lib->easy_init();
	pthread_mutex_lock(&l->mutex);
	if (l->count > 0)
		curl = l->idle[--l->count];
	pthread_mutex_unlock(&l->mutex);
	return curl != NULL ? curl : lib->easy_init();
}

void
http_lines_give(struct http_lines *l, const struct curl_functions *lib, CURL *curl)
{
	bool kept = false;

	if (l != NULL) {
		lib->easy_reset(curl); /* all but the connections */
		pthread_mutex_lock(&l->mutex);
		kept = l->count < KEPT;
		if (kept)
			l->idle[l->count++] = curl;
		pthread_mutex_unlock(&l->mutex);
	}
	if (!kept)
		lib->easy_cleanup(curl);
}
