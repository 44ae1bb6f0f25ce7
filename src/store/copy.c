/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copy.c - a whole store moved to another back end, while its server may be running.
 *
 * Nobody changes the source from the first row on. The target is committed as a
 * whole, and only then the source is retired: at no moment do both answer, and no
 * change that was told is missing. A server that ran on the source answers 503 until
 * it is started on the target.
 */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "store/backend.h"
#include "store/copy.h"

static const struct copy_table tables[] = {
	{ "users", "id, sub, username, name, password_hash, disabled, created_at",
		"ittttii", true },
	{ "contexts", "user, position, urn, name, type", "iitti", false },
	{ "sessions", "key, user, authenticated_at, expires_at", "biii", false },
	{ "clients", "id, client_id, scope, document", "ittt", true },
	{ "client_secrets", "client, position, digest, created_at, expires_at", "iibii",
		false },
	{ "logos", "client, type, digest, picture", "itbb", false },
	{ "scopes", "id, name, description", "itt", true },
	{ "epochs", "epoch, created_at, retired_at", "iii", false },
	{ "catalogue", "version", "i", false },
	{ "facts", "name, value", "tb", false },
	{ "revoked_tokens", "digest, expires_at", "bi", false },
	{ "grants",
		"id, key, due, user, client, subject, scope, resource, redirect_uri, "
		"challenge, refreshable, created_at, authenticated_at, code_expires_at, "
		"pulse, access_scope, access_resource, end_reason, ended_at, "
		"ended_generation, ended_from",
		"ibiiittttbiiiibttiiit", true },
	{ "audit", "id, at, event, actor, object, detail, peer", "iittttt", true },
	{ "refusals",
		"id, error_id, at, reason, endpoint, client_id, peer, facts, grant_key",
		"ititttttb", true },
};

#define TABLES (sizeof(tables) / sizeof(*tables))

static enum outcome
copy_table(const struct copy_source *from, const struct copy_sink *to,
	const struct copy_table *t, struct copy_rows *rows, uint64_t *copied,
	struct fault *f)
{
	int64_t last;

	do {
		arena_reset(rows->arena);
		rows->n = 0;
		TRY(from->rows(from->self, t, rows, f));
		if (rows->n > 0)
			TRY(to->add(to->self, t, rows, f));
		*copied += rows->n;
	} while (rows->n > 0);
	if (!t->counted)
		return DONE;
	TRY(from->counter(from->self, t, &last, f));
	return to->counter(to->self, t, last, f);
}

static enum outcome
copy_all(const struct copy_source *from, const struct copy_sink *to, uint64_t *copied,
	struct fault *f)
{
	struct copy_rows *rows = must_calloc(1, sizeof(*rows));
	enum outcome done = DONE;

	rows->arena = arena_new();
	for (size_t i = 0; i < TABLES && done == DONE; i++)
		done = copy_table(from, to, &tables[i], rows, copied, f);
	arena_free(rows->arena);
	free(rows);
	if (done == DONE)
		done = to->commit(to->self, f);
	return done == DONE ? from->retire(from->self, f) : done;
}

static bool
is_url(const char *place)
{
	return strstr(place, "://") != NULL;
}

static enum outcome
open_source(const char *from, struct copy_source *out, struct fault *f)
{
	return is_url(from) ? pg_copy_source(from, out, f) : sqlite_copy_source(from, out, f);
}

static enum outcome
open_sink(const char *to, struct copy_sink *out, struct fault *f)
{
	return is_url(to) ? pg_copy_sink(to, out, f) : sqlite_copy_sink(to, out, f);
}

enum outcome
store_move(const char *from, const char *to, uint64_t *rows, struct fault *f)
{
	struct copy_source source;
	struct copy_sink sink;
	enum outcome done;

	*rows = 0;
	TRY(store_url_good(from, f));
	TRY(store_url_good(to, f));
	TRY(open_source(from, &source, f));
	done = open_sink(to, &sink, f);
	if (done == DONE) {
		done = copy_all(&source, &sink, rows, f);
		sink.close(sink.self);
	}
	source.close(source.self);
	return done;
}
