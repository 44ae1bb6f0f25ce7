/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ep_token.h - what the grants of the token endpoint share.
 */
#ifndef LATCHKEY_SERVER_EP_TOKEN_H
#define LATCHKEY_SERVER_EP_TOKEN_H

#include "server/exchange.h"

/* The Idempotency-Key header as the digest the row keeps (TR-11). */
enum reason token_retry_key(const struct exchange *x, struct retry *out);
/* The scope parameter, canonical; NONE when absent (P-10). */
enum reason token_scope(const struct exchange *x, struct bytes *out);
/* All resource parameters, canonical, one space between (RI-01, RI-02). */
enum reason token_resource(const struct exchange *x, struct bytes *out);
/* Notes them for explain, as they were sent. */
void token_note_resources(struct exchange *x);
/* A presented code or refresh token, of that kind and ours, or why not. */
enum reason token_presented(const struct exchange *x, enum token_kind kind,
	struct bytes text, struct grant_token *out);

/* What is presented, and the one decision about its grant. */
struct token_state {
	struct grant_token presented;
	struct grant_change change;
};
/* The three steps of both: read by the rules of syntax, which change nothing; change
 * the grant by what else stands in s->change; answer what was decided. */
enum step token_read_form(struct exchange *x,
	enum reason (*parse)(const struct exchange *x, struct token_state *s));
enum step token_change(struct exchange *x, enum grant_event event);
enum step token_decided(struct exchange *x);

#endif
