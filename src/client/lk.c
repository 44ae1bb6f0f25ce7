/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lk.c - a struct lk: its options, its vault, and what every call begins and ends with.
 */
#include "client/lk.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/home.h"
#include "base/secret.h"
#include "client/agent_ask.h"
#include "client/backoff.h"
#include "http/http_fetch.h"

#define LOCK_WAIT_MS 30000
#define HTTP_TIMEOUT_MS 10000
#define ATTEMPTS 4

/* A vault of several machines has no word that all of them share (vault.h): it is asked
 * once a second whether somebody else has refreshed. */
#define LOOK_AGAIN_MS 1000

/* All that one call may need, the largest answers and the record included. It is the
 * kernel's zero page until it is used. */
#define CALL_MEMORY ((size_t)8 * 1024 * 1024)

/* ---- every call ---------------------------------------------------------------- */

enum lk_status
lk_begin(const struct lk *lk, struct lk_error *e)
{
	if (lk == NULL)
		return lk_fail(e, LK_BUG, "there is no struct lk: was lk_open's status"
					  " looked at?");
	if (lk->pid != getpid())
		return lk_fail(e, LK_BUG, "this lk was opened before fork(), by process %ld:"
			" its locks are not the child's; the child opens its own",
			(long)lk->pid);
	return LK_OK;
}

struct arena *
lk_arena(struct lk_error *e)
{
	struct arena *a = arena_reserve(CALL_MEMORY);

	if (a == NULL)
		(void)lk_fail(e, LK_MEMORY, "out of memory");
	return a;
}

void
lk_tell(struct lk *lk, struct arena *a, const char *name, const char *event,
	enum lk_status status, const char *detail, int64_t took_ms)
{
	const struct lk_attempt attempt = {
		.at = clock_now(), .event = event, .status = status, .detail = detail,
		.took_ms = took_ms,
	};
	const struct lk_event told = { name, event, status, detail, took_ms };
	struct fault f;

	/* A history that cannot be written stops nothing. */
	(void)!vault_log_append(lk->vault, bytes_of(name), history_write(a, &attempt), &f);
	if (lk->event != NULL)
		lk->event(lk->arg, &told);
}

int64_t
lk_backoff_ms(int attempt, int attempts, int64_t retry_after)
{
	uint64_t random;

	secret_random(&random, sizeof(random));
	return backoff_ms(attempt, attempts, random, retry_after);
}

bool
lk_wait(const struct lk *lk, int attempt, int64_t retry_after, int64_t until_ms)
{
	int64_t ms = lk_backoff_ms(attempt, lk->attempts, retry_after);
	struct timespec left = { ms / 1000, ms % 1000 * 1000000 };

	if (ms < 0 || clock_monotonic_ms() + ms + lk->http_timeout_ms > until_ms)
		return false;
	while (nanosleep(&left, &left) != 0 && errno == EINTR)
		;
	return true;
}

LK_API void
lk_free(char *text)
{
	if (text == NULL)
		return;
	secret_wipe(text, strlen(text));
	free(text);
}

LK_API const char *
lk_version(void)
{
	return LATCHKEY_VERSION;
}

/* ---- where the vault is ------------------------------------------------------------- */

/* NULL: nobody says. */
static const char *
vault_where(struct arena *a, const char *option)
{
	const char *state = secure_getenv("XDG_STATE_HOME");
	const char *named = option != NULL ? option : secure_getenv("LATCHKEY_VAULT");
	char *home;

	if (named != NULL && named[0] != '\0')
		return named;
	/* XDG Base Directory Specification: what is not absolute is ignored. */
	if (state != NULL && state[0] == '/')
		return arena_printf(a, "%s/latchkey", state);
	home = arena_alloc(a, PATH_MAX);
	return home_directory(home, PATH_MAX) ?
		arena_printf(a, "%s/.local/state/latchkey", home) : NULL;
}

/* ---- open and close ------------------------------------------------------------------ */

static bool
ask_agent_for_key(void *arg, uint8_t key[static 32])
{
	const struct lk *lk = arg;

	return lk->agent_socket[0] != '\0' && agent_ask_key(lk->agent_socket, key);
}

/* Members that are zero, or that an older program's struct does not have, have their
 * defaults. */
static bool
read_options(const struct lk_options *from, struct lk_options *out)
{
	*out = (struct lk_options)LK_INIT(struct lk_options);
	if (from == NULL)
		return true;
	if (!lk_copy(out, sizeof(*out), from, from->size))
		return false;
	return out->lock_wait_ms >= 0 && out->http_timeout_ms >= 0 && out->attempts >= 0;
}

bool
lk_copy(void *to, size_t known, const void *from, size_t size)
{
	const char *newer = from;

	if (size < sizeof(size_t))
		return false;
	for (size_t i = known; i < size; i++)
		if (newer[i] != 0)
			return false;
	memset(to, 0, known);
	memcpy(to, from, size < known ? size : known);
	return true;
}

static struct lk *
lk_new(const struct lk_options *o)
{
	struct lk *lk = calloc(1, sizeof(*lk));

	if (lk == NULL)
		return NULL;
	lk->pid = getpid();
	lk->lock_wait_ms = o->lock_wait_ms > 0 ? o->lock_wait_ms : LOCK_WAIT_MS;
	lk->http_timeout_ms = o->http_timeout_ms > 0 ? o->http_timeout_ms : HTTP_TIMEOUT_MS;
	lk->attempts = o->attempts > 0 ? o->attempts : ATTEMPTS;
	lk->flags = o->flags;
	lk->event = o->event;
	lk->arg = o->arg;
	boot_id_read(lk->boot);
	pthread_mutex_init(&lk->mutex, NULL);
	return lk;
}

static enum lk_status
open_vault(struct lk *lk, struct arena *a, const struct lk_options *o,
	const struct vault_ask *asked, struct lk_error *e)
{
	const char *where = vault_where(a, o->vault);
	const char *key = o->key != NULL ? o->key : secure_getenv("LATCHKEY_KEY");
	struct vault_ask ask = asked != NULL ? *asked : (struct vault_ask){ 0 };
	struct fault f = { 0 };

	if (where == NULL)
		return lk_fail(e, LK_CONFIGURATION, "no vault is named and there is no home"
			" directory: set LATCHKEY_VAULT, or lk_options.vault");
	lk->look_again_ms =
		bytes_starts(bytes_of(where), B("postgres://")) ||
		bytes_starts(bytes_of(where), B("postgresql://")) ? LOOK_AGAIN_MS
								  : INT64_MAX;
	lk->where = strdup(where);
	if (lk->where == NULL)
		return lk_fail(e, LK_MEMORY, "out of memory");
	if ((o->flags & LK_NO_AGENT) == 0 && agent_socket_path(where, lk->agent_socket) &&
	    asked == NULL)
		ask = (struct vault_ask){ .agent_key = ask_agent_for_key, .arg = lk };
	ask.existing = (o->flags & LK_EXISTING) != 0;
	return lk_vault_failed(e, vault_open(where, key, &ask, &lk->vault, &f), &f);
}

enum lk_status
lk_open_asking(const struct lk_options *options, const struct vault_ask *ask,
	struct lk **out, struct lk_error *error)
{
	struct lk_options o;
	struct arena *a;
	struct lk *lk;
	enum lk_status status;

	if (out == NULL || !read_options(options, &o))
		return lk_fail(error, LK_BUG, "lk_open: options begin with LK_INIT, their"
			" numbers are not negative, and there is a place for the lk");
	a = lk_arena(error);
	if (a == NULL)
		return LK_MEMORY;
	lk = lk_new(&o);
	if (lk != NULL)
		lk->lines = http_lines_new();
	status = lk != NULL && lk->lines != NULL ? open_vault(lk, a, &o, ask, error)
			    : lk_fail(error, LK_MEMORY, "out of memory");
	if (status == LK_OK)
		*out = lk;
	else
		lk_close(lk);
	arena_free(a);
	return status;
}

LK_API enum lk_status
lk_open(const struct lk_options *options, struct lk **out, struct lk_error *error)
{
	return lk_open_asking(options, NULL, out, error);
}

const char *
lk_vault_where(const struct lk *lk)
{
	return lk->where;
}

struct vault *
lk_vault(const struct lk *lk)
{
	return lk->vault;
}

/* A child of fork() ends none of its parent's sessions: a farewell sent on a descriptor
 * that both have (to PostgreSQL, by TLS) would be believed. */
LK_API void
lk_close(struct lk *lk)
{
	if (lk == NULL || lk->pid != getpid())
		return;
	connections_free(lk);
	servers_free(lk);
	places_free(lk);
	http_lines_free(lk->lines);
	vault_close(lk->vault);
	free(lk->where);
	pthread_mutex_destroy(&lk->mutex);
	free(lk);
}
