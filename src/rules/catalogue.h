/* SPDX-License-Identifier: Apache-2.0 */
/*
 * catalogue.h - clients, scopes and key epochs as one immutable snapshot.
 *
 * Promises: never changes once made; threads share it by count; a change makes
 * a new one, which every worker sees within a second. Grants and users are
 * never in it: they are read fresh.
 */
#ifndef LATCHKEY_RULES_CATALOGUE_H
#define LATCHKEY_RULES_CATALOGUE_H

#include "crypto/token.h"
#include "rules/client.h"

struct scope_entry {
	uint16_t id;              /* in client tokens; never reused */
	struct bytes name;        /* export-jobs:read */
	struct bytes description; /* a sentence a person can read */
};

struct epoch_entry {
	uint8_t epoch;
	int64_t created_at;
	int64_t retired_at;       /* 0: honoured */
};

struct catalogue {
	struct arena *arena;      /* owns everything here, this struct too */
	int references;           /* atomic; by catalogue_hold and _release only */
	int64_t version;          /* the store's */
	struct client *clients;   /* sorted by client_id */
	size_t client_count;
	const struct client **by_row; /* the same, sorted by id (catalogue_seal) */
	struct scope_entry *scopes; /* sorted by name */
	size_t scope_count;
	struct epoch_entry *epochs;
	size_t epoch_count;
	uint8_t epoch;            /* the current one */
	struct bytes all_scopes;  /* canonical */
};

/* Sorts, indexes, and gives the first reference. */
void catalogue_seal(struct catalogue *c);
struct catalogue *catalogue_hold(struct catalogue *c);
void catalogue_release(struct catalogue *c); /* NULL is fine */
const struct client *catalogue_client(const struct catalogue *c, struct bytes id);
const struct client *catalogue_client_by_row(const struct catalogue *c, int64_t id);
const struct client *catalogue_resource(const struct catalogue *c, struct bytes uri);
const struct scope_entry *catalogue_scope(const struct catalogue *c, struct bytes name);
const struct scope_entry *catalogue_scope_by_id(const struct catalogue *c, uint16_t id);
/* Is the origin registered by any public browser client (CO-04)? */
bool catalogue_has_origin(const struct catalogue *c, struct bytes origin);

#endif
