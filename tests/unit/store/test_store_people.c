/* SPDX-License-Identifier: Apache-2.0 */
/* Contract of store.h: people and their sessions. */
#include "place.h"

static const struct context contexts[] = {
	{ BI("urn:example:company:7"), BI("Acme"), SUBJECT_COMPANY },
	{ BI("urn:example:entity:7-1"), BI("Acme Berlin"), SUBJECT_ENTITY },
};

static struct user_put
ada_put(const struct place *at)
{
	return (struct user_put){
		.call = call_of(at),
		.user = { .sub = B("lku_0123456789abcdefghijkl"),
			.username = B("ada"),
			.name = B("Ada Lovelace"),
			.password_hash = B("$argon2id$hash"),
			.contexts = contexts,
			.context_count = 2,
			.created_at = NOW },
		.audit = { .at = NOW,
			.event = B("user_added"),
			.actor = B("operator:root"),
			.object = B("user:ada") },
	};
}

static struct user_find
find_user(struct place *at, const char *username, int64_t id)
{
	struct user_find c = {
		.call = call_of(at), .username = bytes_of(username), .id = id
	};

	check_int(run(at, user_find, &c), DONE);
	return c;
}

/* Ada with a session (key 5...) and a live grant (number 1). */
static struct place
place_with_ada(int64_t *id)
{
	struct place at = place_new();
	struct user_put put = ada_put(&at);
	struct session_open session = { .call = call_of(&at),
		.session = { .key = { 5 },
			.authenticated_at = NOW,
			.expires_at = NOW + 3600 } };
	struct grant g = grant_live(1);

	check_int(run(&at, user_put, &put), DONE);
	*id = g.user = session.session.user = put.user.id;
	check_int(run(&at, session_open, &session), DONE);
	open_grant(&at, &g);
	return at;
}

static struct session_find
find_session(struct place *at, uint8_t first, int64_t now)
{
	struct session_find c = { .call = call_of(at), .key = { first }, .now = now };

	check_int(run(at, session_find, &c), DONE);
	return c;
}

TEST(a_person_comes_back_as_they_went_in)
{
	struct place at = place_new();
	struct user_put put = ada_put(&at);
	struct user_find found;

	check_int(run(&at, user_put, &put), DONE);
	check(put.user.id > 0);
	check(!put.taken);
	found = find_user(&at, "ada", 0);
	if (check(found.found)) {
		check_int(found.user.id, put.user.id);
		check_bytes(found.user.sub, put.user.sub);
		check_bytes(found.user.username, B("ada"));
		check_bytes(found.user.name, B("Ada Lovelace"));
		check_bytes(found.user.password_hash, B("$argon2id$hash"));
		check(!found.user.disabled);
		check_int(found.user.created_at, NOW);
	}
	if (check_int((int64_t)found.user.context_count, 2)) {
		check_bytes(found.user.contexts[1].urn, contexts[1].urn);
		check_bytes(found.user.contexts[1].name, contexts[1].name);
		check_int(found.user.contexts[1].type, SUBJECT_ENTITY);
	}
	check(find_user(&at, "", put.user.id).found);
	check(!find_user(&at, "", put.user.id + 1).found);
	check(!find_user(&at, "ad", 0).found);
	place_remove(&at);
}

TEST(an_account_that_is_another_by_now_is_left_as_it_is)
{
	struct place at = place_new();
	struct user_put put = ada_put(&at), other;
	struct user from;

	check_int(run(&at, user_put, &put), DONE);
	from = put.user;
	other = put;
	put.from = other.from = &from;
	put.user.disabled = true;
	check_int(run(&at, user_put, &put), DONE);
	check(!put.stale);
	other.user.password_hash = B("$argon2id$other");
	other.end_sessions = true;
	check_int(run(&at, user_put, &other), DONE);
	check(other.stale);
	check(find_user(&at, "ada", 0).user.disabled);
	check_bytes(find_user(&at, "ada", 0).user.password_hash, B("$argon2id$hash"));
	place_remove(&at);
}

TEST(a_username_is_compared_without_case_and_used_once)
{
	struct place at = place_new();
	struct user_put put = ada_put(&at), other = ada_put(&at);
	struct user_list list = { .call = call_of(&at) };

	check_int(run(&at, user_put, &put), DONE);
	check(find_user(&at, "aDA", 0).found);
	other.user.sub = B("lku_other");
	other.user.username = B("Ada");
	check_int(run(&at, user_put, &other), DONE);
	check(other.taken);
	check_int(other.user.id, 0);

	other.user.username = B("Grace");
	check_int(run(&at, user_put, &other), DONE);
	check(!other.taken);
	other.user.username = B("ADA"); /* a new name, in use by another */
	check_int(run(&at, user_put, &other), DONE);
	check(other.taken);
	put.user.username = B("ADA"); /* but one's own may change its case */
	check_int(run(&at, user_put, &put), DONE);
	check(!put.taken);
	check_int(run(&at, user_list, &list), DONE);
	if (check_int((int64_t)list.count, 2)) {
		check_bytes(list.users[0].username, B("ADA"));
		check_int((int64_t)list.users[0].context_count, 2);
		check_bytes(list.users[1].username, B("Grace"));
	}
	place_remove(&at);
}

static bool
approve(struct place *at, size_t number, int64_t user, uint8_t session)
{
	struct grant_open c = { .call = call_of(at), .grant = grant_live(number),
		.session = { session } };
	struct grant_find found = { .call = call_of(at) };

	c.grant.user = user;
	check_int(run(at, grant_open, &c), DONE);
	memcpy(found.key, c.grant.key, sizeof(found.key));
	check_int(run(at, grant_find, &found), DONE);
	check_int(found.found, !c.session_over);
	return !c.session_over;
}

/* What was true when the request was read may not be when it is written. */
TEST(a_session_that_has_ended_approves_nothing)
{
	int64_t id;
	struct place at = place_with_ada(&id);
	struct user_put put = ada_put(&at);
	struct session_end end = { .call = call_of(&at), .key = { 5 } };

	check(approve(&at, 2, id, 5));
	check(!approve(&at, 3, id, 6));
	check(!approve(&at, 3, id + 1, 5)); /* another's */
	put.user.id = id;
	put.user.disabled = true;
	check_int(run(&at, user_put, &put), DONE);
	check(!approve(&at, 4, id, 5));
	check_int(run(&at, session_end, &end), DONE);
	check(!approve(&at, 4, id, 5));
	place_remove(&at);
}

static bool
sign_in(struct place *at, int64_t user, const char *hash, uint8_t session)
{
	struct session_open c = { .call = call_of(at),
		.session = { .key = { session }, .user = user, .authenticated_at = NOW,
			.expires_at = NOW + 3600 },
		.password_hash = bytes_of(hash) };

	check_int(run(at, session_open, &c), DONE);
	check_int(find_session(at, session, NOW).found, !c.outdated);
	return !c.outdated;
}

TEST(a_password_that_was_changed_meanwhile_opens_no_session)
{
	int64_t id;
	struct place at = place_with_ada(&id);
	struct user_put put = ada_put(&at);

	check(sign_in(&at, id, "$argon2id$hash", 6));
	put.user.id = id;
	put.user.password_hash = B("$argon2id$new");
	check_int(run(&at, user_put, &put), DONE);
	check(!sign_in(&at, id, "$argon2id$hash", 7));
	check(sign_in(&at, id, "$argon2id$new", 7));
	put.user.disabled = true;
	check_int(run(&at, user_put, &put), DONE);
	check(!sign_in(&at, id, "$argon2id$new", 8));
	place_remove(&at);
}

TEST(sessions_and_grants_end_with_the_account)
{
	static const struct {
		const char *what;
		bool remove, disabled, end_sessions, end_grants;
		bool session_left, grant_left;
	} rows[] = {
		{ "a new name", false, false, false, false, true, true },
		{ "a new password", false, false, true, false, false, true },
		{ "a stolen password", false, false, true, true, false, false },
		{ "disabled", false, true, false, false, false, false },
		{ "removed", true, false, false, false, false, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		int64_t id;
		struct place at = place_with_ada(&id);
		struct user_put put = ada_put(&at);

		row("%s", rows[i].what);
		put.user.id = id;
		put.user.disabled = rows[i].disabled;
		put.user.context_count = 1;
		put.remove = rows[i].remove;
		put.end_sessions = rows[i].end_sessions;
		put.end_grants = rows[i].end_grants;
		check_int(run(&at, user_put, &put), DONE);
		check(put.found);
		check_int(find_session(&at, 5, NOW).found, rows[i].session_left);
		check_int(place_sql(&at, "SELECT count(*) FROM sessions"),
			rows[i].session_left);
		check_int(find_grant(&at, 1).grant.end_reason,
			rows[i].grant_left ? END_NONE : END_ACCOUNT);
		check_int(find_user(&at, "ada", 0).found, !rows[i].remove);
		check_int((int64_t)find_user(&at, "ada", 0).user.context_count,
			rows[i].remove ? 0 : 1);
		place_remove(&at);
	}
}

TEST(a_change_of_nobody_is_not_found)
{
	struct place at = place_new();
	struct user_put put = ada_put(&at);
	struct audit_list trail = { .call = call_of(&at), .limit = 9 };

	put.user.id = 77;
	check_int(run(&at, user_put, &put), DONE);
	check(!put.found);
	check_int(run(&at, audit_list, &trail), DONE);
	check_int((int64_t)trail.count, 0);
	place_remove(&at);
}

/* A number that a grant may still name must never mean another person. */
TEST(a_removed_persons_number_is_not_given_again)
{
	int64_t id;
	struct place at = place_with_ada(&id);
	struct user_put put = ada_put(&at);

	put.user.id = id;
	put.remove = true;
	check_int(run(&at, user_put, &put), DONE);
	put = ada_put(&at);
	check_int(run(&at, user_put, &put), DONE);
	check(put.user.id > id);
	place_remove(&at);
}

TEST(a_session_is_good_until_it_expires_or_ends)
{
	int64_t id;
	struct place at = place_with_ada(&id);
	struct session_find found = find_session(&at, 5, NOW + 3599);
	struct session_end end = { .call = call_of(&at),
		.key = { 5 },
		.audit = { .at = NOW,
			.event = B("signed_out"),
			.actor = B("person:ada") } };
	struct audit_list trail = {
		.call = call_of(&at), .event = B("signed_out"), .limit = 9
	};

	check(found.found);
	check_int(found.session.user, id);
	check_int(found.session.authenticated_at, NOW);
	check_int(found.session.expires_at, NOW + 3600);
	check_bytes(found.user.username, B("ada"));
	check(!find_session(&at, 5, NOW + 3600).found);
	check(!find_session(&at, 6, NOW).found);
	check_int(run(&at, session_end, &end), DONE);
	check(!find_session(&at, 5, NOW).found);
	check_int(run(&at, audit_list, &trail), DONE);
	check_int((int64_t)trail.count, 1);
	place_remove(&at);
}

/* RULEBOOK section 6: the session's value is new after a sign-in. */
TEST(a_new_session_replaces_the_old_one)
{
	int64_t id;
	struct place at = place_with_ada(&id);
	struct session_open next = { .call = call_of(&at),
		.session = { .key = { 6 },
			.user = id,
			.authenticated_at = NOW + 9,
			.expires_at = NOW + 3600 },
		.replaces = { 5 } };

	check_int(run(&at, session_open, &next), DONE);
	check(!find_session(&at, 5, NOW).found);
	check(find_session(&at, 6, NOW).found);
	place_remove(&at);
}
