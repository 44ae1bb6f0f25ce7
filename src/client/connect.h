/* SPDX-License-Identifier: Apache-2.0 */
/*
 * connect.h - what the ways to connect have in common: connect.c is a web application's
 * two requests, connect_person.c an installed program, connect_keep.c where both end.
 */
#ifndef LATCHKEY_CLIENT_CONNECT_H
#define LATCHKEY_CLIENT_CONNECT_H

#include "client/authorization.h"
#include "client/lk.h"

/* One attempt to connect, from the registration to the stored connection. */
struct connecting {
	struct lk *lk;
	struct arena *a;
	struct bytes name;
	struct lk_registration registration;
	struct credentials me;
	struct as as;
	struct attempt attempt; /* what is kept between the person's two visits */
	int64_t began_ms;       /* clock_monotonic_ms */
	struct lk_error *e;
};

/* Reads and checks name and registration, finds the secret and the server. a, lk and e
 * are set by the caller. */
enum lk_status connect_prepare(struct connecting *c, const char *name,
	const struct lk_registration *registration) must_check;
/* An attempt and the URL to send the person to. browser: NONE for who is at this
 * machine. */
enum lk_status connect_begin(struct connecting *c, struct bytes redirect_uri,
	struct bytes browser, struct bytes *url) must_check;

/* The code becomes a connection of the attempt's name; what stood there is revoked. */
enum lk_status connect_redeem(struct connecting *c, struct bytes code) must_check;
/* The same for tokens that came another way. */
enum lk_status connect_keep(struct connecting *c, const struct token_answer *answer,
	const struct token_ending *ending) must_check;
/* How it ended, for the history; then the connection for the caller, if it wants it. */
enum lk_status connect_end(struct connecting *c, enum lk_status status,
	struct lk_connection **out) must_check;

#endif
