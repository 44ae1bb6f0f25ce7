/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot.c - what is worked out once a change, so that no request works it out.
 */
#include "server/snapshot.h"

#include <assert.h>

#include "rules/metadata.h"
#include "rules/scope.h"
#include "text/uri.h"

#define METADATA_MAX ((size_t)1 << 20)

/* H-05, MD-05: host and path come from the configured issuer, never from a request. */
static void
snapshot_names(struct snapshot *s)
{
	struct buf authority = buf_new(s->arena, 512);
	struct uri u;
	bool parsed = uri_parse(s->issuer, &u);

	assert(parsed); /* issuer_valid said so */
	buf_put(&authority, u.host);
	if (u.has_port && !bytes_equal(u.port, B("443"))) {
		buf_putc(&authority, ':');
		buf_put(&authority, u.port);
	}
	s->authority = buf_bytes(&authority);
	s->issuer_path = bytes_equal(u.path, B("/")) ? NONE : u.path;
	s->metadata_path = metadata_path(s->arena, s->issuer);
}

static struct bytes
resources_of(struct arena *a, const struct catalogue *all)
{
	struct buf b = buf_new(a, METADATA_MAX);

	for (size_t i = 0; i < all->client_count; i++) {
		const struct client *c = &all->clients[i];

		if (c->type != CLIENT_RESOURCE || c->disabled || bytes_empty(c->resource_uri))
			continue;
		if (b.n > 0)
			buf_putc(&b, ' ');
		buf_put(&b, c->resource_uri);
	}
	return buf_bytes(&b);
}

static void
snapshot_metadata(struct snapshot *s)
{
	const struct config *c = s->config;
	struct metadata m = {
		.issuer = s->issuer,
		.scopes = s->catalogue->all_scopes,
		.resources = resources_of(s->arena, s->catalogue),
		.retry_key = c->retry_window > 0,
		.service_documentation = bytes_of(c->service_documentation),
		.op_policy_uri = bytes_of(c->policy_uri),
		.op_tos_uri = bytes_of(c->tos_uri),
	};
	struct buf b = buf_new(s->arena, METADATA_MAX);
	uint8_t digest[DIGEST_SIZE];

	metadata_write(&b, &m);
	s->metadata = buf_bytes(&b);
	sha256(s->metadata, digest);
	s->metadata_etag = bytes_of(arena_printf(s->arena, "\"%s\"",
		arena_hex(s->arena, digest, 6)));
}

static void
snapshot_epochs(struct snapshot *s, const struct keys *keys)
{
	s->tokens = token_keys_new(keys->token_master);
	for (size_t i = 0; i < s->catalogue->epoch_count; i++)
		if (s->catalogue->epochs[i].retired_at == 0)
			token_keys_allow(s->tokens, s->catalogue->epochs[i].epoch);
	token_keys_newest(s->tokens, s->catalogue->epoch);
}

struct snapshot *
snapshot_new(struct config *c, struct catalogue *catalogue, const struct keys *keys)
{
	struct arena *a = arena_new();
	struct snapshot *s = ARENA_NEW(a, struct snapshot);

	s->arena = a;
	s->references = 1;
	s->config = config_hold(c);
	s->catalogue = catalogue_hold(catalogue);
	s->issuer = bytes_of(c->issuer);
	s->lifetimes = (struct lifetimes){
		.code = c->code_lifetime,
		.access = c->access_lifetime,
		.refresh_idle = c->refresh_lifetime,
		.absolute = c->grant_lifetime,
		.retry_window = c->retry_window,
	};
	snapshot_names(s);
	snapshot_metadata(s);
	snapshot_epochs(s, keys);
	return s;
}

struct snapshot *
snapshot_hold(struct snapshot *s)
{
	__atomic_add_fetch(&s->references, 1, __ATOMIC_RELAXED);
	return s;
}

void
snapshot_release(struct snapshot *s)
{
	if (s == NULL || __atomic_sub_fetch(&s->references, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	token_keys_free(s->tokens);
	catalogue_release(s->catalogue);
	config_release(s->config);
	arena_free(s->arena);
}
