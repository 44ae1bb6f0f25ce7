/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clerk.h - requests answered one after another by a thread that may block, so
 * that the event loop never does.
 */
#ifndef LATCHKEY_DEMO_CLERK_H
#define LATCHKEY_DEMO_CLERK_H

#include "http/http.h"

struct clerk;

/* Fills in *reply; what it points to lives in r->arena or for ever. */
typedef void clerk_answer(struct http_request *r, struct http_reply *reply, void *arg);

struct clerk *clerk_new(struct loop *home, clerk_answer *answer, void *arg);
/* An http_handler, whose arg is the clerk. */
void clerk_take(struct http_request *r, void *clerk);
/* Once its server has drained. NULL is fine. */
void clerk_free(struct clerk *c);

/* For answers: adds a header field, at most CLERK_HEADERS of them. */
#define CLERK_HEADERS 8
void clerk_header(struct http_request *r, struct http_reply *reply, struct bytes name,
	struct bytes value);

#endif
