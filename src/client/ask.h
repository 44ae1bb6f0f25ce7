/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ask.h - one request to an endpoint of the authorization server, and what it means
 * when no whole answer comes.
 *
 * Promises: one client authentication, never in a URL (CL-16); nothing is followed and
 * nothing sent twice (CL-01, CL-17); sizes and times are bounded.
 */
#ifndef LATCHKEY_CLIENT_ASK_H
#define LATCHKEY_CLIENT_ASK_H

#include "client/token_request.h"
#include "http/http_fetch.h"
#include "text/json.h"

/* Tokens may be long (CL-40), but an answer is one or two of them, and is kept. */
#define ANSWER_MAX ((size_t)65536)
#define METADATA_MAX ((size_t)262144) /* real ones have 10 KiB */

/* Plain GET; LK_OK: there is an answer, whatever its status. */
enum lk_status ask_get(struct arena *a, const struct as *as, struct bytes url,
	struct http_answer *out, struct lk_error *e) must_check;
/* A form, with who we are: client_secret_basic, or client_id in the form. retry_key is
 * sent where it is not empty and the server has it. */
enum lk_status ask_post(struct arena *a, const struct as *as,
	const struct credentials *me, struct bytes endpoint, struct buf *form,
	struct bytes retry_key, struct http_answer *out, struct token_ending *ending,
	struct lk_error *e) must_check;
/* name=value where value is not empty. */
void ask_pair(struct buf *form, struct bytes name, struct bytes value);
/* A form that grows no larger than a request should. */
struct buf ask_form(struct arena *a);
/* Wipes the strings of an answer that had tokens in it, and lets it go. */
void ask_forget(json_t *answer);
/* CL-30: 408, 425, 429, 5xx. */
bool ask_transient(int status);
/* LK_TRY_LATER, with what the answer's Retry-After says. */
enum lk_status ask_later(struct lk_error *e, const struct http_answer *answer,
	const char *sentence);

#endif
