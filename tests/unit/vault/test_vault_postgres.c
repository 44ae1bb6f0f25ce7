/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vault in PostgreSQL, beyond what both back ends promise (test_vault.c): what
 * becomes of a lock whose holder dies, is stopped or is cut off, and what is refused.
 */
#include <pthread.h>
#include <time.h>

#include "vault_database.h"

#define ACME B("acme")

/* ---- holders --------------------------------------------------------------- */

struct holder {
	struct place *at;
	int ready[2];
};

/* Opens the vault for itself (a session is not for a child), locks, and sits there. */
static void
hold_for_ever(void *arg)
{
	struct holder *h = arg;
	struct vault *v;
	struct vault_lock *l;

	if (vault_open(h->at->where, NULL, NULL, &v, NULL) != VAULT_DONE ||
		vault_lock(v, ACME, 1000, &l, NULL) != VAULT_DONE ||
		vault_journal_write(l, B("half way"), NULL) != VAULT_DONE)
		_exit(1);
	if (write(h->ready[1], "x", 1) == 1)
		pause();
	_exit(2);
}

static pid_t
holder(struct place *at)
{
	struct holder h = { .at = at };
	char c;
	pid_t child;

	check(pipe(h.ready) == 0);
	fflush(stdout);
	child = fork();
	if (child == 0)
		hold_for_ever(&h);
	close(h.ready[1]);
	check(read(h.ready[0], &c, 1) == 1);
	close(h.ready[0]);
	return child;
}

TEST(a_holder_that_was_killed_is_followed_at_once_and_its_journal_read)
{
	struct place at = place_in_database();
	pid_t child = holder(&at);
	struct vault_lock *l;
	struct bytes got;
	int64_t began;

	check_result(&at, vault_lock(at.vault, ACME, 200, &l, &at.fault), VAULT_BUSY);
	kill(child, SIGKILL);
	began = clock_monotonic_ms();
	check_result(&at, vault_lock(at.vault, ACME, 5000, &l, &at.fault), VAULT_DONE);
	check(clock_monotonic_ms() - began < 1000);
	check_result(&at, vault_journal_read(l, at.arena, &got, &at.fault), VAULT_DONE);
	check_bytes(got, B("half way"));
	vault_unlock(l);
	waitpid(child, NULL, 0);
	place_remove(&at);
}

/* Ends every session of this vault's but the one that does it, as the server itself
 * does with one that has been silent for too long. */
static void
end_sessions(struct place *at)
{
	database_sql(at->where,
		"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
		" WHERE application_name = 'latchkey vault' AND pid <> "
		"pg_backend_pid()");
}

TEST(who_lost_the_lock_cannot_write_any_more)
{
	struct place at = place_in_database();
	struct vault_lock *l, *next;
	struct vault *other;
	struct bytes got;

	check_result(&at, put_record(&at, ACME, B("old")), VAULT_DONE);
	check_result(&at, vault_lock(at.vault, ACME, 1000, &l, &at.fault), VAULT_DONE);
	end_sessions(&at);
	check_result(
		&at, vault_open(at.where, NULL, NULL, &other, &at.fault), VAULT_DONE);
	check_result(&at, vault_lock(other, ACME, 5000, &next, &at.fault), VAULT_DONE);
	check_result(&at, vault_write(l, B("too late"), &at.fault), VAULT_STORAGE);
	check(strstr(at.fault.what, "PostgreSQL cannot") != NULL);
	check_result(
		&at, vault_journal_write(l, B("too late"), &at.fault), VAULT_STORAGE);
	check_result(&at, vault_reserve(l, 10, &at.fault), VAULT_STORAGE);
	check_result(&at, vault_remove(l, &at.fault), VAULT_STORAGE);
	check_result(&at, vault_write(next, B("new"), &at.fault), VAULT_DONE);
	vault_unlock(next);
	vault_unlock(l);
	/* Reading finds a session that still lives, or makes one. */
	check_result(&at, get_record(&at, ACME, &got), VAULT_DONE);
	check_bytes(got, B("new"));
	check_result(&at, put_record(&at, ACME, B("newer")), VAULT_DONE);
	vault_close(other);
	place_remove(&at);
}

TEST(a_session_that_is_silent_for_two_minutes_is_the_servers_to_end)
{
	struct place at = place_in_database();

	check_int(database_sql(at.where,
			  "SELECT setting::bigint FROM pg_settings"
			  " WHERE name = 'idle_session_timeout' AND unit = 'ms'"),
		120000);
	check_int(
		database_sql(at.where,
			"SELECT count(*) FROM pg_settings WHERE name = "
			"'synchronous_commit'"
			" AND setting = 'on'"),
		1);
	place_remove(&at);
}

TEST(commits_are_durable_though_the_role_says_otherwise)
{
	struct place at = place_in_database();
	char url[300];

	snprintf(url, sizeof(url), "%s%%20-csynchronous_commit%%3Doff", at.where);
	check_int(
		database_sql(url,
			"SELECT count(*) FROM pg_settings WHERE name = "
			"'synchronous_commit'"
			" AND setting = 'on'"),
		1);
	snprintf(url, sizeof(url), "%s%%20-csynchronous_commit%%3Dremote_apply",
		at.where);
	check_int(
		database_sql(url,
			"SELECT count(*) FROM pg_settings WHERE name = "
			"'synchronous_commit'"
			" AND setting = 'remote_apply'"),
		1);
	place_remove(&at);
}

/* ---- two vaults as on two machines ----------------------------------------- */

static void *
unlock_soon(void *arg)
{
	nanosleep(&(struct timespec){ 0, 200 * 1000000 }, NULL);
	vault_unlock(arg);
	return NULL;
}

TEST(who_waits_is_woken_by_the_server)
{
	struct place at = place_in_database();
	struct vault_lock *l, *second;
	struct vault *other;
	pthread_t thread;
	int64_t began;

	check_result(
		&at, vault_open(at.where, NULL, NULL, &other, &at.fault), VAULT_DONE);
	check_result(&at, vault_lock(other, ACME, 0, &l, &at.fault), VAULT_DONE);
	check_result(
		&at, vault_lock(at.vault, ACME, 0, &second, &at.fault), VAULT_BUSY);
	began = clock_monotonic_ms();
	pthread_create(&thread, NULL, unlock_soon, l);
	check_result(
		&at, vault_lock(at.vault, ACME, 10000, &second, &at.fault), VAULT_DONE);
	check(clock_monotonic_ms() - began < 2000);
	pthread_join(thread, NULL);
	vault_unlock(second);
	vault_close(other);
	place_remove(&at);
}

TEST(a_change_elsewhere_is_seen_when_the_record_is_read)
{
	struct place at = place_in_database();
	struct place there = at;
	const _Atomic uint32_t *word;
	struct bytes got;
	uint32_t before;

	check_result(&at, put_record(&at, ACME, B("one")), VAULT_DONE);
	check_result(&at, get_record(&at, ACME, &got), VAULT_DONE);
	word = vault_generation(at.vault, ACME, &at.fault);
	before = atomic_load(word);
	check(place_open(&there));
	check_result(&there, put_record(&there, ACME, B("two")), VAULT_DONE);
	check_result(&at, get_record(&at, ACME, &got), VAULT_DONE);
	check_bytes(got, B("two"));
	check(atomic_load(word) != before);
	vault_close(there.vault);
	place_remove(&at);
}

struct opening {
	const char *where, *key;
	uint8_t data_key[32];
	bool opened;
};

static void *
open_new(void *arg)
{
	struct opening *o = arg;
	struct vault *v;

	o->opened = vault_open(o->where, o->key, NULL, &v, NULL) == VAULT_DONE;
	if (!o->opened)
		return NULL;
	memcpy(o->data_key, vault_data_key(v), 32);
	vault_close(v);
	return NULL;
}

TEST(of_many_who_make_a_vault_at_once_all_get_the_same_key)
{
	struct place at;
	struct opening o[6];
	pthread_t threads[6];

	place_make_in_database(&at);
	for (int i = 0; i < 6; i++) {
		o[i] = (struct opening){ .where = at.where, .key = at.key };
		pthread_create(&threads[i], NULL, open_new, &o[i]);
	}
	for (int i = 0; i < 6; i++) {
		pthread_join(threads[i], NULL);
		check(o[i].opened && memcmp(o[i].data_key, o[0].data_key, 32) == 0);
	}
	place_remove(&at);
}

/* ---- what was changed ------------------------------------------------------ */

TEST(a_server_that_takes_no_writes_is_refused)
{
	struct place at = place_in_database();
	char url[300];
	struct vault *v;

	snprintf(url, sizeof(url), "%s%%20-cdefault_transaction_read_only%%3Don",
		at.where);
	check_int(vault_open(url, NULL, NULL, &v, &at.fault), VAULT_STORAGE);
	place_remove(&at);
}

TEST(rows_that_were_changed_or_are_newer_are_damaged)
{
	struct place at = place_in_database();
	struct bytes got;
	struct vault *v;

	check_result(&at, put_record(&at, ACME, B("acme's")), VAULT_DONE);
	check_result(&at, put_record(&at, B("beta"), B("beta's")), VAULT_DONE);
	database_sql(at.where,
		"UPDATE latchkey_vault SET record = (SELECT record"
		" FROM latchkey_vault WHERE name = 'acme') WHERE name = 'beta'");
	check_result(&at, get_record(&at, B("beta"), &got), VAULT_DAMAGED);
	database_sql(at.where,
		"UPDATE latchkey_vault SET record = '\\x00' WHERE name = 'acme'");
	check_result(&at, get_record(&at, ACME, &got), VAULT_DAMAGED);
	database_sql(at.where,
		"UPDATE latchkey_vault_key SET wrapped = 'latchkey vault key 2'"
		" || '\\x0a'::bytea");
	check_int(vault_open(at.where, NULL, NULL, &v, &at.fault), VAULT_DAMAGED);
	check(strstr(at.fault.what, "newer") != NULL);
	database_sql(at.where, "DELETE FROM latchkey_vault_key");
	check_int(vault_open(at.where, at.key, NULL, &v, &at.fault), VAULT_DAMAGED);
	check(strstr(at.fault.what, "bring latchkey_vault_key back") != NULL);
	place_remove(&at);
}

TEST(the_database_has_no_secret)
{
	struct place at = place_in_database();
	static const uint8_t id[32] = { 7 };
	struct vault_lock *l;

	check_result(&at, vault_lock(at.vault, ACME, 0, &l, &at.fault), VAULT_DONE);
	check_result(&at, vault_write(l, B("a-secret-word"), &at.fault), VAULT_DONE);
	check_result(
		&at, vault_journal_write(l, B("a-secret-word"), &at.fault), VAULT_DONE);
	check_result(&at,
		vault_attempt_put(at.vault, id, B("a-secret-word"), &at.fault),
		VAULT_DONE);
	vault_unlock(l);
	check_int(
		database_sql(at.where,
			"SELECT count(*) FROM latchkey_vault, latchkey_vault_attempt "
			"WHERE"
			" position('a-secret'::bytea IN record) > 0 OR"
			" position('a-secret'::bytea IN journal) > 0 OR"
			" position('a-secret'::bytea IN sealed) > 0"),
		0);
	check_int(
		database_sql(at.where,
			"SELECT count(*) FROM latchkey_vault, latchkey_vault_attempt "
			"WHERE"
			" position('LKVAULT'::bytea IN record) = 1 AND"
			" position('LKVAULT'::bytea IN sealed) = 1"),
		1);
	place_remove(&at);
}
