/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fill.c - live grants into the database of an installation whose server is
 * stopped, by the store's own verbs, and some of their tokens on standard output.
 *
 * usage: fill DATA CLIENT_ID USERNAME GRANTS TOKENS [postgresql://...]
 *
 * prints TOKENS lines, each an access token and a refresh token of one grant,
 * spread over all grants; their sizes in the database are those of real life.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/secret.h"
#include "server/keys.h"
#include "store/store.h"

#define REPEATS 10000 /* of grants that a slow disk's database did not answer for */
#define UNDER_WAY 256 /* what PostgreSQL is given as one transaction; SQLite takes 512 */

static struct {
	struct keys *keys;
	struct token_keys *tokens;
	struct store *store;
	struct mailbox *mailbox;
	struct store_port *port;
	struct catalogue_load catalogue;
	int64_t client, user, now;
	size_t under_way, repeated;
} fill;

static void
die(const struct fault *f)
{
	fprintf(stderr, "fill: %s\n", f->what);
	exit(1);
}

static void
must(enum outcome outcome, const struct fault *f)
{
	if (outcome != DONE)
		die(f);
}

static void
open_installation(const char *data, const char *url)
{
	struct fault f = { .what = "" };
	char path[4000];

	must(crypto_start(&f), &f);
	snprintf(path, sizeof(path), "%s/master.key", data);
	must(keys_open(path, &fill.keys, &f), &f);
	fill.tokens = token_keys_new(fill.keys->token_master);
	snprintf(path, sizeof(path), "%s/latchkey.db", data);
	must(store_open(url != NULL ? url : path, &fill.store, &f), &f);
	store_cache(fill.store, INT64_C(1) << 30); /* keys are random */
	fill.mailbox = mailbox_new();
	fill.port = store_port_new(fill.store, fill.mailbox, &f);
	if (fill.port == NULL)
		die(&f);
	fill.now = clock_now();
}

static void
find_parties(const char *client_id, const char *username)
{
	struct arena *a = arena_new();
	struct user_find user = { .call.arena = a, .username = bytes_of(username) };
	const struct client *client;

	store_catalogue_load(fill.port, &fill.catalogue);
	must(store_wait(fill.port, &fill.catalogue.call), &fill.catalogue.call.fault);
	client = catalogue_client(fill.catalogue.catalogue, bytes_of(client_id));
	store_user_find(fill.port, &user);
	must(store_wait(fill.port, &user.call), &user.call.fault);
	if (client == NULL || !user.found)
		die(&(struct fault){ .what = "no such client, or no such person" });
	token_keys_allow(fill.tokens, fill.catalogue.catalogue->epoch);
	fill.client = client->id;
	fill.user = user.user.id;
	arena_free(a);
}

static struct grant
grant_of(const uint8_t id[static GRANT_ID_SIZE])
{
	struct grant g = {
		.version = 2,
		.user = fill.user,
		.client = fill.client,
		.subject = B("urn:acme:company:0123456789abcdef0123"),
		.scope = B("export-jobs:read"),
		.redirect_uri = B("https://ledger.example/callback"),
		.has_challenge = true,
		.refreshable = true,
		.state = GRANT_LIVE,
		.epoch = fill.catalogue.catalogue->epoch,
		.generation = 1,
		.created_at = fill.now,
		.authenticated_at = fill.now,
		.code_expires_at = fill.now + 60,
		.issued_at = fill.now,
		.access_expires_at = fill.now + 3600, /* the longest there is */
		.refresh_expires_at = fill.now + 60 * 86400,
		.last_used_at = fill.now,
	};

	grant_key(id, g.key);
	secret_random(g.challenge, sizeof(g.challenge));
	return g;
}

static void
print_tokens(const uint8_t id[static GRANT_ID_SIZE])
{
	struct grant_token t = { .epoch = fill.catalogue.catalogue->epoch, .generation = 1 };
	struct token_text access, refresh;

	memcpy(t.id, id, GRANT_ID_SIZE);
	grant_token_write(fill.tokens, TOKEN_ACCESS, &t, &access);
	grant_token_write(fill.tokens, TOKEN_REFRESH, &t, &refresh);
	printf("%.*s %.*s\n", (int)access.n, access.p, (int)refresh.n, refresh.p);
}

static void
opened(struct store_call *c)
{
	if (c->outcome != DONE && fill.repeated++ < REPEATS) {
		store_grant_open(fill.port, (struct grant_open *)(void *)c);
		return;
	}
	must(c->outcome, &c->fault);
	fill.under_way--;
}

static void
open_grants(size_t grants, size_t tokens)
{
	static struct grant_open opens[UNDER_WAY];
	size_t printed = 0;

	for (size_t i = 0; i < grants; i++) {
		struct grant_open *o = &opens[i % UNDER_WAY];
		uint8_t id[GRANT_ID_SIZE];

		secret_random(id, sizeof(id));
		*o = (struct grant_open){ .call.done = opened, .grant = grant_of(id) };
		fill.under_way++;
		store_grant_open(fill.port, o);
		if (printed < (i + 1) * tokens / grants) {
			print_tokens(id);
			printed++;
		}
		if (i % UNDER_WAY == UNDER_WAY - 1 || i == grants - 1)
			while (fill.under_way > 0)
				store_turn(fill.port, -1);
	}
	assert(fill.under_way == 0);
}

int
main(int argc, char **argv)
{
	uint64_t grants = 0, tokens = 0;

	if (argc < 6 || argc > 7 || !bytes_to_u64(bytes_of(argv[4]), &grants) ||
		!bytes_to_u64(bytes_of(argv[5]), &tokens) || tokens > grants) {
		fprintf(stderr, "usage: fill DATA CLIENT_ID USERNAME GRANTS TOKENS [URL]\n");
		return 2;
	}
	open_installation(argv[1], argc == 7 ? argv[6] : NULL);
	find_parties(argv[2], argv[3]);
	open_grants((size_t)grants, (size_t)tokens);
	catalogue_release(fill.catalogue.catalogue);
	store_port_free(fill.port);
	store_close(fill.store);
	mailbox_free(fill.mailbox);
	token_keys_free(fill.tokens);
	keys_free(fill.keys);
	return 0;
}
