/* SPDX-License-Identifier: Apache-2.0 */
/*
 * open.h - what the commands need of the library beside latchkey.h: the agent may be asked
 * for the vault's passphrase, and it hands the vault's key to others; status only looks.
 */
#ifndef LATCHKEY_CLIENT_OPEN_H
#define LATCHKEY_CLIENT_OPEN_H

#include "client/status.h"

/* lk_open, with a way to ask; ask NULL: as lk_open. */
enum lk_status lk_open_asking(const struct lk_options *options,
	const struct vault_ask *ask, struct lk **out, struct lk_error *e) must_check;
/* Where the vault is, as lk_open found it: a directory or postgresql://. */
const char *lk_vault_where(const struct lk *lk);
struct vault *lk_vault(const struct lk *lk);
/* lk_info of a valid name. Nothing is opened for it: the vault may be read-only. */
enum lk_status lk_look(struct lk *lk, const char *name,
	int (*each)(void *arg, const struct lk_info *info), void *arg,
	struct lk_error *e) must_check;

#endif
