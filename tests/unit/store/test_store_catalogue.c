/* SPDX-License-Identifier: Apache-2.0 */
/* Contract of store.h: clients, scopes, key epochs and facts. */
#include "place.h"

static const struct bytes uris[] = { BI("https://partner.example/cb"),
	BI("https://partner.example/cb2") };
static const struct bytes contacts[] = { BI("ops@partner.example") };

static struct client_put
partner_put(const struct place *at)
{
	struct client_put c = {
		.call = call_of(at),
		.client = { .client_id = B("lkc_0123456789abcdefghijkl"),
			.type = CLIENT_CONFIDENTIAL,
			.name = B("Partner"),
			.client_uri = B("https://partner.example/"),
			.contacts = { contacts, 1 },
			.redirect_uris = { uris, 2 },
			.scope = B("expenses:read receipts:read"),
			.default_scope = B("receipts:read"),
			.grant_types = GRANT_TYPE_AUTHORIZATION_CODE |
				GRANT_TYPE_REFRESH_TOKEN,
			.subject_type = SUBJECT_ENTITY,
			.redirect_uri_optional = true,
			.retry_without_key = 30,
			.secret_count = 2,
			.not_before = NOW - 1,
			.created_at = NOW,
			.has_logo = true,
			.logo_type = B("image/png"),
			.logo_digest = { 1, 2, 3 } },
		.logo = { "PNG\0picture", 11 },
		.audit = { .at = NOW,
			.event = B("client_added"),
			.actor = B("operator:root"),
			.object = B("client:lkc_") },
	};

	memset(c.client.secrets[0].digest, 7, 32);
	memset(c.client.secrets[1].digest, 8, 32);
	c.client.secrets[0].created_at = NOW;
	c.client.secrets[0].expires_at = NOW + 86400;
	c.client.secrets[1].created_at = NOW + 1;
	return c;
}

static struct catalogue *
load(struct place *at)
{
	struct catalogue_load c = { .call = call_of(at) };

	return check_int(run(at, catalogue_load, &c), DONE) ? c.catalogue : NULL;
}

static void
check_partner(const struct client *got, const struct client *want)
{
	check_int(got->id, want->id);
	check_bytes(got->client_id, want->client_id);
	check_int(got->type, want->type);
	check_bytes(got->name, want->name);
	check_bytes(got->client_uri, want->client_uri);
	check_int((int64_t)got->contacts.n, 1);
	check_int((int64_t)got->redirect_uris.n, 2);
	check_bytes(got->redirect_uris.p[1], uris[1]);
	check_bytes(got->scope, want->scope);
	check_bytes(got->default_scope, want->default_scope);
	check_int(got->grant_types, want->grant_types);
	check_int(got->subject_type, want->subject_type);
	check_int(got->redirect_uri_optional, want->redirect_uri_optional);
	check_int(got->retry_without_key, want->retry_without_key);
	check_int(got->disabled, want->disabled);
	check_int(got->not_before, want->not_before);
	check_int(got->created_at, want->created_at);
	check_int((int64_t)got->secret_count, (int64_t)want->secret_count);
	for (size_t i = 0; i < want->secret_count; i++) {
		check_memory(got->secrets[i].digest, want->secrets[i].digest, 32);
		check_int(got->secrets[i].created_at, want->secrets[i].created_at);
		check_int(got->secrets[i].expires_at, want->secrets[i].expires_at);
	}
	check_int(got->has_logo, want->has_logo);
	check_bytes(got->logo_type, want->logo_type);
	check_memory(got->logo_digest, want->logo_digest, 32);
}

static struct client_logo
find_logo(struct place *at, int64_t client)
{
	struct client_logo c = { .call = call_of(at), .client = client };

	check_int(run(at, client_logo, &c), DONE);
	return c;
}

TEST(a_client_comes_back_as_it_went_in)
{
	struct place at = place_new();
	struct client_put put = partner_put(&at);
	struct catalogue *all;

	check_int(run(&at, client_put, &put), DONE);
	check(put.client.id > 0);
	all = load(&at);
	if (check_int((int64_t)all->client_count, 1))
		check_partner(&all->clients[0], &put.client);
	check(catalogue_client(all, put.client.client_id) == &all->clients[0]);
	check_bytes(find_logo(&at, put.client.id).logo, put.logo);
	catalogue_release(all);
	place_remove(&at);
}

TEST(a_client_is_replaced_and_keeps_its_logo_unless_told)
{
	struct place at = place_new();
	struct client_put put = partner_put(&at);
	struct catalogue *all;

	check_int(run(&at, client_put, &put), DONE);
	put.client.name = B("Partner Two");
	put.client.disabled = true;
	put.client.secret_count = 1;
	put.logo = NONE;
	check_int(run(&at, client_put, &put), DONE);
	check(put.found);
	all = load(&at);
	check_int((int64_t)all->client_count, 1);
	check_partner(&all->clients[0], &put.client);
	catalogue_release(all);
	check(find_logo(&at, put.client.id).found);

	put.client.has_logo = false;
	check_int(run(&at, client_put, &put), DONE);
	check(!find_logo(&at, put.client.id).found);
	place_remove(&at);
}

TEST(a_client_judged_by_what_is_over_is_left_as_it_is)
{
	struct place at = place_new();
	struct client_put put = partner_put(&at);
	struct catalogue *all;

	check_int(run(&at, client_put, &put), DONE);
	all = load(&at);
	put.version = all->version;
	put.client.disabled = true;
	check_int(run(&at, client_put, &put), DONE);
	check(put.found && !put.stale);
	put.client.disabled = false; /* by the same, which is over now */
	check_int(run(&at, client_put, &put), DONE);
	check(put.stale && !put.found);
	put.remove = true;
	check_int(run(&at, client_put, &put), DONE);
	check(put.stale);
	catalogue_release(all);
	all = load(&at);
	if (check_int((int64_t)all->client_count, 1))
		check(all->clients[0].disabled);
	catalogue_release(all);
	place_remove(&at);
}

TEST(removing_a_client_ends_its_grants)
{
	struct place at = place_new();
	struct client_put put = partner_put(&at);
	struct grant mine = grant_live(1), other = grant_live(2);
	struct catalogue *all;
	int64_t id;

	check_int(run(&at, client_put, &put), DONE);
	mine.client = id = put.client.id;
	other.client = put.client.id + 1;
	open_grant(&at, &mine);
	open_grant(&at, &other);
	put.remove = true;
	check_int(run(&at, client_put, &put), DONE);
	check(put.found);
	check_int(find_grant(&at, 1).grant.end_reason, END_CLIENT_REMOVED);
	check_bytes(find_grant(&at, 1).grant.ended_from, B("root"));
	check_int(find_grant(&at, 2).grant.end_reason, END_NONE);
	all = load(&at);
	check_int((int64_t)all->client_count, 0);
	catalogue_release(all);
	check_int(place_sql(&at, "SELECT count(*) FROM client_secrets"), 0);
	check(!find_logo(&at, id).found);

	check_int(run(&at, client_put, &put), DONE);
	check(!put.found); /* there is nothing left to remove */
	put = partner_put(&at);
	check_int(run(&at, client_put, &put), DONE);
	check(put.client.id > id); /* its number is not given again */
	place_remove(&at);
}

static struct scope_put
put_scope(struct place *at, const char *name, const char *description, bool remove)
{
	struct scope_put c = { .call = call_of(at),
		.remove = remove,
		.scope = { .name = bytes_of(name),
			.description = bytes_of(description) } };

	check_int(run(at, scope_put, &c), DONE);
	return c;
}

TEST(a_scope_keeps_its_number_and_is_not_removed_while_used)
{
	struct place at = place_new();
	struct client_put put = partner_put(&at);
	struct scope_put first = put_scope(&at, "receipts:read", "See receipts", false);
	struct scope_put second = put_scope(&at, "read", "See", false);
	struct scope_put removed;
	struct catalogue *all;

	check(!first.found);
	check(first.scope.id != 0 && second.scope.id != first.scope.id);
	check_int(run(&at, client_put, &put), DONE);
	removed = put_scope(&at, "receipts:read", "", true);
	check(removed.found && removed.in_use);
	removed = put_scope(&at, "read", "", true); /* only part of a used name */
	check(removed.found && !removed.in_use);
	check(!put_scope(&at, "read", "", true).found);
	check(put_scope(&at, "read", "See", false).scope.id > second.scope.id);

	removed = put_scope(&at, "receipts:read", "See all receipts", false);
	check(removed.found);
	check_int(removed.scope.id, first.scope.id);
	all = load(&at);
	check_int((int64_t)all->scope_count, 2);
	check_bytes(catalogue_scope(all, B("receipts:read"))->description,
		B("See all receipts"));
	check_bytes(all->all_scopes, B("read receipts:read"));
	catalogue_release(all);
	place_remove(&at);
}

/* The row was written before its number was seen to be too large for a token. */
TEST(a_fault_undoes_what_came_before_it_in_the_batch)
{
	struct place at = place_new();
	struct scope_put c = { .call = call_of(&at), .scope.name = B("one:more") };
	struct grant_open open = { .call = call_of(&at), .grant = grant_live(1) };
	struct catalogue *all;
	bool saved;

	put_scope(&at, "first:one", "", false);
	place_sql(&at, place_on_postgres()
			? "SELECT setval('scopes_id_seq', 65535)"
			: "UPDATE sqlite_sequence SET seq = 65535 WHERE name = 'scopes'");
	store_grant_open(at.port, &open);
	check_int(run(&at, scope_put, &c), FAULT);
	check(strstr(c.call.fault.what, "used up") != NULL);
	/* Whether or not the two shared a batch, what was told is so. */
	saved = store_wait(at.port, &open.call) == DONE;
	check_int(saved, find_grant(&at, 1).found);
	all = load(&at);
	check_int((int64_t)all->scope_count, 1);
	catalogue_release(all);
	put_scope(&at, "first:one", "still there", false);
	place_remove(&at);
}

TEST(epochs_follow_each_other_and_retire)
{
	struct place at = place_new();
	struct epoch_put c = { .call = call_of(&at), .now = NOW };
	struct catalogue *all = load(&at);

	check_int(all->epoch, 0);
	check_int((int64_t)all->epoch_count, 1);
	catalogue_release(all);
	check_int(run(&at, epoch_put, &c), DONE);
	check_int(c.epoch, 1);
	c.now = NOW + 10;
	c.retire_before = NOW - 1; /* epoch 0 is that old, epoch 1 is not */
	check_int(run(&at, epoch_put, &c), DONE);
	check_int(c.epoch, 2);
	all = load(&at);
	check_int(all->epoch, 2);
	if (check_int((int64_t)all->epoch_count, 3)) {
		check_int(all->epochs[0].retired_at, NOW + 10);
		check_int(all->epochs[1].retired_at, 0);
		check_int(all->epochs[1].created_at, NOW);
		check_int(all->epochs[2].retired_at, 0);
	}
	catalogue_release(all);
	for (int i = 3; i < TOKEN_EPOCHS; i++)
		check_int(run(&at, epoch_put, &c), DONE);
	check_int(run(&at, epoch_put, &c), FAULT);
	check(strstr(c.call.fault.what, "used up") != NULL);
	place_remove(&at);
}

TEST(the_version_grows_with_the_catalogue_and_with_nothing_else)
{
	struct place at = place_new();
	struct client_put put = partner_put(&at);
	struct grant g = grant_live(1);
	struct fact fact = { .call = call_of(&at),
		.name = B("issuer"),
		.value = B("https://as.example") };
	struct epoch_put epoch = { .call = call_of(&at), .now = NOW };
	int64_t before = store_catalogue_version(at.port), version = before;
	struct catalogue *all;

	check(version > 0);
	open_grant(&at, &g);
	check_int(run(&at, fact_put, &fact), DONE);
	check_int(store_catalogue_version(at.port), version);
	check_int(run(&at, client_put, &put), DONE);
	check_int(store_catalogue_version(at.port), ++version);
	put_scope(&at, "a:b", "", false);
	check_int(store_catalogue_version(at.port), ++version);
	put_scope(&at, "no:such", "", true);
	check_int(store_catalogue_version(at.port), version);
	check_int(run(&at, epoch_put, &epoch), DONE);
	check_int(store_catalogue_version(at.port), ++version);
	all = load(&at);
	check_int(all->version, version);
	catalogue_release(all);
	place_remove(&at);
}

TEST(a_fact_is_replaced)
{
	struct place at = place_new();
	struct fact c = {
		.call = call_of(&at), .name = B("issuer"), .value = B("old")
	};

	check_int(run(&at, fact_find, &c), DONE);
	check(!c.found);
	c.value = B("old");
	check_int(run(&at, fact_put, &c), DONE);
	c.value = B("new\0binary");
	check_int(run(&at, fact_put, &c), DONE);
	c.value = NONE;
	check_int(run(&at, fact_find, &c), DONE);
	check(c.found);
	check_bytes(c.value, B("new\0binary"));
	place_remove(&at);
}

/* ---- one that cannot be done among many ---------------------------------- */

/* Asked one after the other without waiting, so that they share transactions. */
TEST(a_call_that_faults_leaves_the_others_of_its_batch_alone)
{
	struct place at = place_new();
	struct client_put client = partner_put(&at);
	struct epoch_put full = { .call = call_of(&at), .now = NOW };
	static struct grant_open opens[200];
	struct catalogue *all;

	for (int i = 1; i < 64; i++)
		check_int(run(&at, epoch_put, &full), DONE);
	for (size_t i = 0; i < 200; i++) {
		opens[i] = (struct grant_open){ .call = call_of(&at),
			.grant = grant_live(i) };
		store_grant_open(at.port, &opens[i]);
		if (i == 90)
			store_client_put(at.port, &client);
		if (i == 100)
			store_epoch_put(at.port, &full);
	}
	check_int(store_wait(at.port, &full.call), FAULT);
	check_int(store_wait(at.port, &client.call), DONE);
	for (size_t i = 0; i < 200; i++) {
		check_int(store_wait(at.port, &opens[i].call), DONE);
		check(!opens[i].taken);
	}
	check_int(place_sql(&at, "SELECT count(*) FROM grants"), 200);
	all = load(&at);
	if (check_int((int64_t)all->client_count, 1))
		check_int(all->clients[0].id, client.client.id);
	check_int(all->epoch, 63);
	catalogue_release(all);
	place_remove(&at);
}
