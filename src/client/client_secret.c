/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client_secret.c - reading it, and replacing the one that is kept: a server's operator
 * has rotated it, and nobody needs to consent again for that.
 *
 * Every refresh reads the record under its lock, so whoever refreshes next, in whatever
 * process, sends the new one.
 */
#include "client/client_secret.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "client/lk.h"
#include "text/utf8.h"

#define SECRET_MAX 4096

/* ---- reading -------------------------------------------------------------------- */

static ssize_t
read_all(int fd, char *p, size_t size)
{
	size_t n = 0;
	ssize_t got = 1;

	while (n < size && got > 0) {
		got = read(fd, p + n, size - n);
		if (got < 0 && errno == EINTR)
			got = 1;
		else if (got > 0)
			n += (size_t)got;
	}
	return got < 0 ? -1 : (ssize_t)n;
}

enum lk_status
client_secret_read(struct arena *a, const char *path, struct bytes *out, struct lk_error *e)
{
	char *p = arena_alloc(a, SECRET_MAX + 1);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	ssize_t n = fd >= 0 ? read_all(fd, p, SECRET_MAX + 1) : -1;
	int error = errno;

	if (fd >= 0)
		close(fd);
	if (n < 0)
		return lk_fail(e, LK_CONFIGURATION, "the client secret cannot be read: %s: %s",
			path, strerror(error));
	if (n > 0 && p[n - 1] == '\n')
		n--;
	if (n > 0 && p[n - 1] == '\r')
		n--;
	*out = (struct bytes){ p, (size_t)n };
	if (n == 0 || n > SECRET_MAX || !utf8_text(*out))
		return lk_fail(e, LK_CONFIGURATION, "%s holds no client secret: one line"
			" of text is expected", path);
	return LK_OK;
}

/* ---- replacing ------------------------------------------------------------------- */

/* A pause that the old one has earned is over; one that the server asked for is not. */
static enum lk_status
replace_locked(struct lk_connection *c, struct arena *a, struct bytes secret,
	struct vault_lock *lock, struct lk_error *e)
{
	struct fault f = { 0 };
	struct record r;
	struct bytes text;

	LK_TRY(record_load(c->lk, connection_name(c), a, &r, e));
	if (bytes_empty(r.client_secret))
		return lk_fail(e, LK_CONFIGURATION, "\"%s\" was connected as a public"
			" client, and there is no secret to replace; if the client has one"
			" at the server now, connect again with it (client_secret_file)",
			c->name);
	r.client_secret = secret;
	if (r.outcome == LK_CONFIGURATION)
		r.pause = (struct span){ 0 };
	text = record_write(a, &r);
	if (bytes_empty(text))
		return lk_fail(e, LK_STORAGE, "the record of \"%s\" would be larger than a"
			" vault takes", c->name);
	return lk_vault_failed(e, vault_write(lock, text, &f), &f);
}

static enum lk_status
replace(struct lk_connection *c, struct arena *a, const char *path, struct lk_error *e)
{
	int64_t began_ms = clock_monotonic_ms();
	struct vault_lock *lock;
	struct fault f = { 0 };
	struct bytes secret;
	enum lk_status status;

	LK_TRY(client_secret_read(a, path, &secret, e));
	LK_TRY(lk_vault_failed(e, vault_lock(c->lk->vault, connection_name(c),
		c->lk->lock_wait_ms, &lock, &f), &f));
	status = replace_locked(c, a, secret, lock, e);
	vault_unlock(lock);
	lk_tell(c->lk, a, c->name, "secret", status, status == LK_OK ? "" : e->message,
		clock_monotonic_ms() - began_ms);
	return status;
}

LK_API enum lk_status
lk_client_secret(struct lk_connection *c, const char *client_secret_file,
	struct lk_error *error)
{
	struct lk_error e = { .status = LK_OK };
	enum lk_status status;
	struct arena *a;

	if (c == NULL || client_secret_file == NULL)
		return lk_fail(error, LK_BUG, "lk_client_secret: no connection, or no file");
	LK_TRY(lk_begin(c->lk, error));
	a = lk_arena(error);
	if (a == NULL)
		return LK_MEMORY;
	status = replace(c, a, client_secret_file, &e);
	if (status != LK_OK && error != NULL)
		*error = e;
	arena_free(a);
	return status;
}
