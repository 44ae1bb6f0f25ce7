/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status.c - an error is filled once, where it began, and travels up unchanged.
 */
#include "client/status.h"

#include <stdarg.h>
#include <stdio.h>

static const char *const names[] = {
	[LK_OK] = "ok",
	[LK_RECONNECT] = "reconnect",
	[LK_TRY_LATER] = "try_later",
	[LK_DENIED] = "denied",
	[LK_CONFIGURATION] = "configuration",
	[LK_LOCKED] = "locked",
	[LK_STORAGE] = "storage",
	[LK_NOT_FOUND] = "not_found",
	[LK_REJECTED] = "rejected",
	[LK_MEMORY] = "memory",
	[LK_BUG] = "bug",
};

LK_API const char *
lk_status_name(enum lk_status status)
{
	size_t i = (size_t)status;

	return i < sizeof(names) / sizeof(names[0]) ? names[i] : "unknown";
}

static enum lk_status
fill(struct lk_error *e, enum lk_status status, int64_t retry_after, const char *format,
	va_list arguments)
{
	if (e == NULL)
		return status;
	*e = (struct lk_error){ .status = status, .retry_after = retry_after };
	vsnprintf(e->message, sizeof(e->message), format, arguments);
	return status;
}

enum lk_status
lk_fail(struct lk_error *e, enum lk_status status, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fill(e, status, 0, format, arguments);
	va_end(arguments);
	return status;
}

enum lk_status
lk_later(struct lk_error *e, int64_t seconds, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fill(e, LK_TRY_LATER, seconds, format, arguments);
	va_end(arguments);
	return LK_TRY_LATER;
}

enum lk_status
lk_vault_failed(struct lk_error *e, enum vault_result r, const struct fault *f)
{
	switch (r) {
	case VAULT_DONE:
		return LK_OK;
	case VAULT_ABSENT:
		return lk_fail(e, LK_NOT_FOUND, "%s", f->what);
	case VAULT_BUSY:
		return lk_later(e, 1, "%s", f->what);
	case VAULT_LOCKED:
		return lk_fail(e, LK_LOCKED, "%s", f->what);
	case VAULT_UNFIT:
		return lk_fail(e, LK_CONFIGURATION, "%s", f->what);
	case VAULT_STORAGE:
	case VAULT_DAMAGED:
		return lk_fail(e, LK_STORAGE, "%s", f->what);
	case VAULT_MEMORY:
		return lk_fail(e, LK_MEMORY, "out of memory");
	}
	return lk_fail(e, LK_BUG, "the vault ended a call in a way it does not have");
}
