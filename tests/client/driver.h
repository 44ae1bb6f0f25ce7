/* SPDX-License-Identifier: Apache-2.0 */
/*
 * driver.h - what the files of the driver share; what it obeys is told in driver.c.
 */
#ifndef LATCHKEY_TESTS_DRIVER_H
#define LATCHKEY_TESTS_DRIVER_H

#include <jansson.h>
#include <latchkey/latchkey.h>
#include <stdbool.h>

#define NAMES 64

struct kept {
	char name[65];
	struct lk_connection *connection;
	struct lk_token *token; /* the last one that was got */
};

extern struct lk *lk;

/* A verb: what it finds out goes into answer. */
typedef enum lk_status verb(const json_t *command, json_t *answer, struct lk_error *e);
verb do_start, do_finish;                               /* driver_connect.c */
verb do_connect;                                        /* driver_person.c */
verb do_token, do_after, do_race, do_fork, do_call;     /* driver_token.c */
verb do_secret, do_disconnect, do_forget, do_info, do_list, do_log,
	do_places;                                      /* driver_look.c */

const char *text(const json_t *command, const char *member);
int64_t number(const json_t *command, const char *member);
bool flag(const json_t *command, const char *member);
void put(json_t *answer, const char *member, const char *value);
void put_number(json_t *answer, const char *member, int64_t value);
void say(json_t *line);
struct lk_registration registration(const json_t *command);
/* The connection that the command names, opened if it is not. */
enum lk_status connection(const json_t *command, struct kept **k, struct lk_error *e);

#endif
