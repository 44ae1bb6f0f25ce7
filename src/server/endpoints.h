/* SPDX-License-Identifier: Apache-2.0 */
/*
 * endpoints.h - the steps by file, and the table that puts them in rows.
 */
#ifndef LATCHKEY_SERVER_ENDPOINTS_H
#define LATCHKEY_SERVER_ENDPOINTS_H

#include "server/exchange.h"

/* The endpoint a path leads to, NULL: none. Below the issuer's path. */
const struct endpoint *endpoint_find(const struct snapshot *s, struct bytes path);

/* token_code.c, token_refresh.c, token_client.c: entered by token_grant_type. */
extern step_fn *const token_code_steps[], *const token_refresh_steps[],
	*const token_client_steps[];

step_fn token_grant_type;                           /* ep_token.c */
step_fn revoke_ask, revoke_answer;                  /* ep_revoke.c */
step_fn introspect_caller, introspect_ask, introspect_judge,
	introspect_answer;                          /* ep_introspect.c */
step_fn metadata_answer;                            /* ep_metadata.c */

/* The people's side (visit.h); *_enter chooses the row by method. */
step_fn authorize_in_window, authorize_read, authorize_judge,
	authorize_person;                           /* ep_authorize.c */
step_fn sign_in_enter;                              /* ep_signin.c */
step_fn consent_enter;                              /* ep_consent.c */
step_fn account_enter, sign_out_enter;              /* ep_account.c */
step_fn logo_find, asset_show, root_show;           /* ep_assets.c */

#endif
