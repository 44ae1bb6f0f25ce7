/* SPDX-License-Identifier: Apache-2.0 */
/*
 * endpoints.h - the steps by file, and the table that puts them in rows.
 */
#ifndef LATCHKEY_SERVER_ENDPOINTS_H
#define LATCHKEY_SERVER_ENDPOINTS_H

#include "server/exchange.h"

/* The endpoint a path leads to, NULL: none. Below the issuer's path. */
const struct endpoint *endpoint_find(const struct snapshot *s, struct bytes path);
/* The row with that number, NULL after the last (metrics, tests). */
const struct endpoint *endpoint_at(size_t number);

/* token_code.c, token_refresh.c, token_client.c: entered by token_grant_type. */
extern step_fn *const token_code_steps[], *const token_refresh_steps[],
	*const token_client_steps[];

step_fn token_grant_type;                           /* ep_token.c */
step_fn revoke_ask, revoke_answer;                  /* ep_revoke.c */
step_fn introspect_caller, introspect_ask, introspect_judge,
	introspect_answer;                          /* ep_introspect.c */
step_fn metadata_answer;                            /* ep_metadata.c */

/* The people's side: ep_authorize.c, ep_signin.c, ep_consent.c, ep_account.c,
 * ep_assets.c declare their steps here. */

#endif
