/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot.h - everything that can change while the server runs, as of one
 * moment: configuration, clients, scopes, keys honoured, metadata. Immutable;
 * shared by count.
 */
#ifndef LATCHKEY_SERVER_SNAPSHOT_H
#define LATCHKEY_SERVER_SNAPSHOT_H

#include "rules/catalogue.h"
#include "rules/grant.h"
#include "server/config.h"
#include "server/keys.h"

struct snapshot {
	struct arena *arena;
	int references;            /* atomic; by snapshot_hold and _release only */
	struct config *config;     /* counted */
	struct catalogue *catalogue; /* counted */
	struct token_keys *tokens; /* the epochs honoured; catalogue->epoch signs */
	struct lifetimes lifetimes;
	struct bytes issuer;
	struct bytes issuer_path;  /* of the issuer's URL: "" or "/t1" */
	struct bytes authority;    /* host[:port] that Host must be (H-05) */
	struct bytes metadata_path, metadata, metadata_etag;
};

/* Holds c and catalogue for itself. c->issuer must be issuer_valid. */
struct snapshot *snapshot_new(struct config *c, struct catalogue *catalogue,
	const struct keys *keys);
struct snapshot *snapshot_hold(struct snapshot *s);
void snapshot_release(struct snapshot *s); /* NULL is fine */

#endif
