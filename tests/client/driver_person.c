/* SPDX-License-Identifier: Apache-2.0 */
/* driver_person.c - lk_connect, with a test as the person. */
#include <stdio.h>
#include <string.h>

#include "driver.h"

const char *const ways[] = { "best", "browser", "device", "paste" };

static int
show(void *arg, enum lk_way way, const char *url, const char *user_code)
{
	json_t *shown = json_object();

	(void)arg;
	put(shown, "show", url);
	put(shown, "user_code", user_code);
	put(shown, "way", ways[way]);
	say(shown);
	json_decref(shown);
	return 0;
}

static int
paste(void *arg, char *into, size_t size)
{
	(void)arg;
	return fgets(into, (int)size, stdin) == NULL;
}

enum lk_status
do_connect(const json_t *command, json_t *answer, struct lk_error *e)
{
	struct lk_registration r = registration(command);
	struct lk_person person = LK_INIT(struct lk_person);
	const char *way = text(command, "way");
	struct lk_connection *c;
	enum lk_status status;

	for (int i = 0; way != NULL && i < 4; i++)
		if (strcmp(way, ways[i]) == 0)
			person.way = (enum lk_way)i;
	person.timeout_s = (int)number(command, "timeout_s");
	person.show = show;
	person.paste = paste;
	status = lk_connect(lk, text(command, "name"), &r, &person, &c, e);
	(void)answer;
	if (status == LK_OK)
		lk_connection_close(c);
	return status;
}

