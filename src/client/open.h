/* SPDX-License-Identifier: Apache-2.0 */
/*
 * open.h - what `latchkey agent` needs of the library beside latchkey.h: it may be asked
 * for the vault's passphrase, and it hands the vault's key to others.
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

#endif
