/* SPDX-License-Identifier: Apache-2.0 */
/*
 * as_known.c - what is known of a connection's authorization server, and for how long.
 *
 * Promises: a refresh costs no discovery: its two endpoints stand in the record for a
 * day, and longer while the metadata cannot be had. A web application that connects
 * many people asks a server for its metadata four times an hour.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "client/lk.h"

#define KNOWN_MS ((int64_t)15 * 60 * 1000) /* in memory */
#define KNOWN_SECONDS ((int64_t)24 * 3600)   /* in a record */
#define KNOWN_COUNT 32             /* no program speaks to more; then the oldest goes */

struct server {
	struct server *next; /* older */
	struct arena *arena; /* holds what key and as point to */
	struct bytes key;    /* everything of a struct as_wanted that matters */
	struct as as;
	int64_t found_ms;
};

static struct bytes
server_key(struct arena *a, const struct as_wanted *w)
{
	return bytes_of(arena_printf(a, "%.*s\n%.*s\n%.*s\n%.*s\n%.*s\n%d%d",
		BYTES_FMT(w->issuer), BYTES_FMT(w->ca_file),
		BYTES_FMT(w->authorization_endpoint), BYTES_FMT(w->token_endpoint),
		BYTES_FMT(w->revocation_endpoint), w->development, w->s256_unadvertised));
}

static struct as
as_copy(struct arena *a, const struct as *as)
{
	struct as copy = *as;
	struct bytes *texts[] = {
		&copy.issuer, &copy.authorization_endpoint, &copy.token_endpoint,
		&copy.revocation_endpoint, &copy.device_authorization_endpoint,
		&copy.pushed_authorization_request_endpoint, &copy.ca_file,
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (texts[i]->n > 0)
			*texts[i] = arena_bytes(a, *texts[i]);
	return copy;
}

static bool
recall(struct lk *lk, struct arena *a, struct bytes key, struct as *out)
{
	int64_t now_ms = clock_monotonic_ms();
	bool found = false;

	pthread_mutex_lock(&lk->mutex);
	for (struct server *s = lk->servers; s != NULL && !found; s = s->next) {
		found = bytes_equal(s->key, key) && now_ms - s->found_ms < KNOWN_MS;
		if (found)
			*out = as_copy(a, &s->as);
	}
	pthread_mutex_unlock(&lk->mutex);
	return found;
}

static void
server_free(struct server *s)
{
	arena_free(s->arena);
	free(s);
}

/* Cuts the list behind its newest entries. */
static void
forget_old(struct lk *lk)
{
	struct server **at = &lk->servers;

	for (int i = 0; *at != NULL && i < KNOWN_COUNT; i++)
		at = &(*at)->next;
	while (*at != NULL) {
		struct server *old = *at;

		*at = old->next;
		server_free(old);
	}
}

/* Without memory for it, it is asked again next time. */
static void
remember(struct lk *lk, struct bytes key, const struct as *as)
{
	struct server *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return;
	s->arena = arena_reserve(32768);
	if (s->arena == NULL) {
		free(s);
		return;
	}
	s->key = arena_bytes(s->arena, key);
	s->as = as_copy(s->arena, as);
	s->found_ms = clock_monotonic_ms();
	pthread_mutex_lock(&lk->mutex);
	s->next = lk->servers;
	lk->servers = s;
	forget_old(lk);
	pthread_mutex_unlock(&lk->mutex);
}

enum lk_status
server_find(struct lk *lk, struct arena *a, const struct as_wanted *wanted,
	struct as *out, struct lk_error *e)
{
	struct bytes key = server_key(a, wanted);

	if (!recall(lk, a, key, out)) {
		LK_TRY(as_discover(a, wanted, out, e));
		remember(lk, key, out);
	}
	out->timeout_ms = lk->http_timeout_ms;
	out->connecting = wanted->connecting;
	return LK_OK;
}

void
servers_free(struct lk *lk)
{
	for (struct server *s = lk->servers, *next; s != NULL; s = next) {
		next = s->next;
		server_free(s);
	}
}

/* ---- of a connection ------------------------------------------------------------------ */

void
server_note(struct record *r, const struct as *as, int64_t now)
{
	r->known_token_endpoint = as->token_endpoint;
	r->known_revocation_endpoint = as->revocation_endpoint;
	r->known_retry_key = as->retry_key;
	r->known_at = now;
}

static struct as
as_known(const struct lk *lk, const struct record *r)
{
	return (struct as){
		.issuer = r->issuer,
		.token_endpoint = r->known_token_endpoint,
		.revocation_endpoint = r->known_revocation_endpoint,
		.retry_key = r->known_retry_key != 0,
		.ca_file = r->ca_file,
		.development = (r->flags & LK_DEVELOPMENT) != 0,
		.timeout_ms = lk->http_timeout_ms,
	};
}

enum lk_status
server_of(struct lk *lk, struct arena *a, struct record *r, struct as *out,
	struct lk_error *e)
{
	const struct as_wanted wanted = {
		.issuer = r->issuer,
		.ca_file = r->ca_file,
		.development = (r->flags & LK_DEVELOPMENT) != 0,
		/* What was said of S256 when it was connected is not asked again. */
		.s256_unadvertised = true,
		.timeout_ms = lk->http_timeout_ms,
		.authorization_endpoint = r->authorization_endpoint,
		.token_endpoint = r->token_endpoint,
		.revocation_endpoint = r->revocation_endpoint,
	};
	bool known = r->known_token_endpoint.n > 0;
	int64_t now = clock_now();
	enum lk_status status;

	if (known && now >= r->known_at && now - r->known_at < KNOWN_SECONDS) {
		*out = as_known(lk, r);
		return LK_OK;
	}
	status = server_find(lk, a, &wanted, out, e);
	if (status == LK_OK)
		server_note(r, out, now);
	else if (known)
		*out = as_known(lk, r);
	return known ? LK_OK : status;
}

struct credentials
credentials_of(const struct record *r)
{
	return (struct credentials){ r->client_id, r->client_secret };
}
