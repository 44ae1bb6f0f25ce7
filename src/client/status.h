/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status.h - how the library's own functions end: the public enum lk_status, and an
 * error that is filled where it began. No secret is ever put into one.
 */
#ifndef LATCHKEY_CLIENT_STATUS_H
#define LATCHKEY_CLIENT_STATUS_H

#include <stdbool.h>

#include "base/outcome.h"
#include "latchkey/latchkey.h"
#include "vault/vault.h"

/* Fills *e (if not NULL) and returns status. The code is left "". */
enum lk_status lk_fail(struct lk_error *e, enum lk_status status, const char *format,
	...) __attribute__((format(printf, 3, 4)));
/* LK_TRY_LATER with when. */
enum lk_status lk_later(struct lk_error *e, int64_t seconds, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* What a vault's failure means to the caller. */
enum lk_status lk_vault_failed(struct lk_error *e, enum vault_result r,
	const struct fault *f);

/* Passes anything but LK_OK up. */
#define LK_TRY(call)                                       \
	do {                                               \
		enum lk_status try_status = (call);        \
		if (try_status != LK_OK)                   \
			return try_status;                 \
	} while (0)

#endif
