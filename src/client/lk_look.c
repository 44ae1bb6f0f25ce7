/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lk_look.c - what is there: connections, their history, where the vault and its key are.
 * Nothing here takes a lock, asks a server or shows a secret.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/agent_ask.h"
#include "client/lk.h"
#include "client/open.h"

/* ---- connections ----------------------------------------------------------------- */

/* Is there nothing left with which a token could be had? */
static bool
over(const struct record *r, int64_t left_ms)
{
	if (r->outcome == LK_RECONNECT || bytes_empty(r->access_token))
		return true;
	return bytes_empty(r->refresh_token) && !r->life_unsaid && left_ms == 0;
}

/* When the access token ends, or ended; 0: that is not known, or there is none. */
static int64_t
expires_at(const struct record *r, const struct moment *now, int64_t left_ms)
{
	int64_t end_ms = now->wall_ms + left_ms;

	if (r->life_unsaid || bytes_empty(r->access_token))
		return 0;
	/* Over: as the wall clock had it, which may have been stepped since. */
	if (left_ms == 0 && r->life.end_wall_ms < end_ms)
		end_ms = r->life.end_wall_ms;
	return end_ms / 1000;
}

static struct lk_info
describe(struct lk *lk, struct arena *a, struct bytes name, const struct record *r)
{
	struct moment now = moment_now(lk->boot);
	int64_t left_ms = span_left_ms(&r->life, &now);

	return (struct lk_info){
		.size = sizeof(struct lk_info),
		.name = arena_cstr(a, name),
		.state = over(r, left_ms) ? "reconnect" : "connected",
		.issuer = arena_cstr(a, r->issuer),
		.client_id = arena_cstr(a, r->client_id),
		.scope = arena_cstr(a, r->granted_scope),
		.subject = arena_cstr(a, r->subject),
		.connected_at = r->connected_at,
		.expires_at = expires_at(r, &now, left_ms),
		.refreshed_at = r->tried_at,
		.outcome = r->tried_at == 0 ? "none"
					    : lk_status_name((enum lk_status)r->outcome),
		.detail = arena_cstr(a, r->detail),
		.unanswered = vault_journal_stands(lk->vault, name),
		.redirect_uri = arena_cstr(a, r->redirect_uri),
		.asked_scope = arena_cstr(a, r->scope),
	};
}

/* What cannot be read is shown as well: a list that stops there helps nobody. */
static struct lk_info
describe_unread(struct arena *a, struct bytes name, const struct lk_error *e)
{
	return (struct lk_info){
		.size = sizeof(struct lk_info),
		.name = arena_cstr(a, name),
		.state = "unreadable",
		.issuer = "", .client_id = "", .scope = "", .subject = "",
		.redirect_uri = "", .asked_scope = "",
		.outcome = lk_status_name(e->status),
		.detail = arena_printf(a, "%s", e->message),
	};
}

/* A connection that was removed meanwhile is passed over. */
static int
show_one(struct lk *lk, struct bytes name, int (*each)(void *arg, const struct lk_info *),
	void *arg)
{
	struct lk_error e = { .status = LK_OK };
	struct arena *a = lk_arena(&e);
	struct lk_info info;
	struct record r;
	enum lk_status status;
	int stop = 0;

	if (a == NULL)
		return 0;
	status = record_load(lk, name, a, &r, &e);
	if (status != LK_NOT_FOUND) {
		info = status == LK_OK ? describe(lk, a, name, &r)
				       : describe_unread(a, name, &e);
		stop = each(arg, &info);
	}
	arena_free(a);
	return stop;
}

LK_API enum lk_status
lk_list(struct lk *lk, int (*each)(void *arg, const struct lk_info *info), void *arg,
	struct lk_error *error)
{
	struct fault f = { 0 };
	struct bytes *names = NULL;
	enum lk_status status;
	struct arena *a;
	size_t count = 0;

	LK_TRY(lk_begin(lk, error));
	if (each == NULL)
		return lk_fail(error, LK_BUG, "lk_list: there is nobody to tell");
	a = lk_arena(error);
	if (a == NULL)
		return LK_MEMORY;
	status = lk_vault_failed(error, vault_list(lk->vault, a, &names, &count, &f), &f);
	for (size_t i = 0; status == LK_OK && i < count; i++)
		if (show_one(lk, names[i], each, arg) != 0)
			break;
	arena_free(a);
	return status;
}

enum lk_status
lk_look(struct lk *lk, const char *name,
	int (*each)(void *arg, const struct lk_info *info), void *arg, struct lk_error *e)
{
	enum lk_status status;
	struct lk_info info;
	struct record r;
	struct arena *a;

	LK_TRY(lk_begin(lk, e));
	a = lk_arena(e);
	if (a == NULL)
		return LK_MEMORY;
	status = record_load(lk, bytes_of(name), a, &r, e);
	if (status == LK_OK) {
		info = describe(lk, a, bytes_of(name), &r);
		(void)each(arg, &info);
	}
	arena_free(a);
	return status;
}

LK_API enum lk_status
lk_info(struct lk_connection *c, int (*each)(void *arg, const struct lk_info *info),
	void *arg, struct lk_error *error)
{
	if (c == NULL || each == NULL)
		return lk_fail(error, LK_BUG, "lk_info: no connection, or nobody to tell");
	return lk_look(c->lk, c->name, each, arg, error);
}

/* ---- history ------------------------------------------------------------------------- */

/* Nothing was tried, or it is no connection and never was one? */
static enum lk_status
nothing_tried(struct lk *lk, struct bytes name, struct arena *a, struct lk_error *e)
{
	struct record r;
	enum lk_status status = record_load(lk, name, a, &r, e);

	return status == LK_NOT_FOUND ? status : LK_OK;
}

static enum lk_status
read_log(struct lk *lk, struct bytes name, struct arena *a,
	int (*each)(void *arg, const struct lk_attempt *attempt), void *arg,
	struct lk_error *e)
{
	struct fault f = { 0 };
	struct lk_attempt attempt;
	struct bytes *lines = NULL;
	size_t count = 0;
	enum vault_result got = vault_log_read(lk->vault, name, a, &lines, &count, &f);

	if (got == VAULT_ABSENT)
		return nothing_tried(lk, name, a, e);
	LK_TRY(lk_vault_failed(e, got, &f));
	/* A line that was cut by a crash is passed over. */
	for (size_t i = 0; i < count; i++)
		if (history_read(a, lines[i], &attempt) && each(arg, &attempt) != 0)
			break;
	return LK_OK;
}

LK_API enum lk_status
lk_log(struct lk *lk, const char *name,
	int (*each)(void *arg, const struct lk_attempt *attempt), void *arg,
	struct lk_error *error)
{
	enum lk_status status;
	struct arena *a;

	LK_TRY(lk_begin(lk, error));
	if (each == NULL)
		return lk_fail(error, LK_BUG, "lk_log: there is nobody to tell");
	LK_TRY(name_check(bytes_of(name), error));
	a = lk_arena(error);
	if (a == NULL)
		return LK_MEMORY;
	status = read_log(lk, bytes_of(name), a, each, arg, error);
	arena_free(a);
	return status;
}

/* ---- places --------------------------------------------------------------------------- */

LK_API const char *
lk_vault_place(const struct lk *lk)
{
	return vault_place(lk->vault);
}

LK_API const char *
lk_vault_key_place(const struct lk *lk)
{
	return vault_key_place(lk->vault);
}

/* Every answer that was given lives as long as lk; there are as many as agents were. */
struct place {
	struct place *next;
	char text[40];
};

static const char *
keep_place(struct lk *lk, int64_t pid)
{
	struct place *p = calloc(1, sizeof(*p)), *known;

	if (p == NULL)
		return "agent";
	snprintf(p->text, sizeof(p->text), "agent (pid %lld)", (long long)pid);
	pthread_mutex_lock(&lk->mutex);
	for (known = lk->places; known != NULL; known = known->next)
		if (bytes_equal(bytes_of(known->text), bytes_of(p->text)))
			break;
	if (known == NULL) {
		p->next = lk->places;
		lk->places = known = p;
		p = NULL;
	}
	pthread_mutex_unlock(&lk->mutex);
	free(p);
	return known->text;
}

LK_API const char *
lk_agent_place(struct lk *lk)
{
	int64_t pid = lk->agent_socket[0] != '\0' ? agent_ask_pid(lk->agent_socket) : 0;

	return pid > 0 ? keep_place(lk, pid) : "";
}

void
places_free(struct lk *lk)
{
	for (struct place *p = lk->places, *next; p != NULL; p = next) {
		next = p->next;
		free(p);
	}
}
