/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contract of vault.h: what every back end promises. A test is a body that is given a
 * place and run once for each of them.
 */
#include "vault/vault.h"

#include <pthread.h>
#include <stdatomic.h>

#include "vault_database.h"

#define ACME B("acme")

#define CONTRACT(contract_name)                                 \
	static void contract_##contract_name(struct place *at); \
	TEST(contract_name)                                     \
	{                                                       \
		each_back_end(contract_##contract_name);        \
	}                                                       \
	static void contract_##contract_name(struct place *at)

static void
each_back_end(void (*body)(struct place *))
{
	struct place at = place_new();

	body(&at);
	place_remove(&at);
	if (!database_there())
		return;
	printf("# and with PostgreSQL\n");
	tap.row[0] = '\0';
	at = place_in_database();
	body(&at);
	place_remove(&at);
}

static void
place_reopen(struct place *at)
{
	vault_close(at->vault);
	at->vault = NULL;
	place_open(at);
}

static struct vault_lock *
locked(struct place *at, struct bytes name)
{
	struct vault_lock *l = NULL;

	if (!check_result(
		    at, vault_lock(at->vault, name, 1000, &l, &at->fault), VAULT_DONE))
		exit(1);
	return l;
}

/* ---- names -------------------------------------------------------------------- */

TEST(a_name_is_of_few_characters_and_no_path)
{
	static const struct {
		const char *name;
		bool valid;
	} rows[] = {
		{ "a", true },
		{ "acme.prod-2_x@example.com", true },
		{ "Z9", true },
		{ "a.", true },
		{ "-a", true },
		{ "vault", true },
		{ "vault.key", true },
		{ "", false },
		{ ".", false },
		{ "..", false },
		{ ".a", false },
		{ "a/b", false },
		{ "../a", false },
		{ "a b", false },
		{ "a\n", false },
		{ "\xC3\xA4", false },
		{ "a:b", false },
		{ "a%b", false },
		{ "0123456789012345678901234567890123456789012345678901234567890123",
			true },
		{ "01234567890123456789012345678901234567890123456789012345678901234",
			false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].name);
		check(vault_name_valid(bytes_of(rows[i].name)) == rows[i].valid);
	}
	check(!vault_name_valid((struct bytes){ "a\0b", 3 }));
}

CONTRACT(a_bad_name_is_refused_by_every_verb)
{
	struct bytes bad = B("../etc"), got, *list;
	struct vault_lock *l;
	size_t n;

	check_int(
		vault_read(at->vault, bad, at->arena, &got, &at->fault), VAULT_STORAGE);
	check(strstr(at->fault.what, "A-Z a-z 0-9") != NULL);
	check_int(vault_lock(at->vault, bad, 0, &l, NULL), VAULT_STORAGE);
	check(vault_generation(at->vault, bad, NULL) == NULL);
	check(!vault_journal_stands(at->vault, bad));
	check_int(vault_log_append(at->vault, bad, B("x"), NULL), VAULT_STORAGE);
	check_int(vault_log_read(at->vault, bad, at->arena, &list, &n, NULL),
		VAULT_STORAGE);
}

/* ---- records -------------------------------------------------------------------- */

CONTRACT(a_record_is_read_as_it_was_written_by_whoever_opens_the_vault)
{
	struct bytes got;

	check_result(at, get_record(at, ACME, &got), VAULT_ABSENT);
	check_result(at, put_record(at, ACME, B("first")), VAULT_DONE);
	check_result(at, get_record(at, ACME, &got), VAULT_DONE);
	check_bytes(got, B("first"));
	check_result(at, put_record(at, ACME, B("second, longer")), VAULT_DONE);
	check_result(at, put_record(at, ACME, B("third")), VAULT_DONE);
	place_reopen(at);
	check_result(at, get_record(at, ACME, &got), VAULT_DONE);
	check_bytes(got, B("third"));
	check_result(at, get_record(at, B("acm"), &got), VAULT_ABSENT);
}

CONTRACT(a_record_may_have_any_size_up_to_the_largest)
{
	static const size_t sizes[] = { 0, 1, 4096, 65537, VAULT_RECORD_MAX };
	char *p = arena_alloc(at->arena, VAULT_RECORD_MAX + 1);
	struct bytes got;

	memset(p, 'x', VAULT_RECORD_MAX + 1);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		row("%zu bytes", sizes[i]);
		check_result(at, put_record(at, ACME, (struct bytes){ p, sizes[i] }),
			VAULT_DONE);
		check_result(at, get_record(at, ACME, &got), VAULT_DONE);
		check(bytes_equal(got, (struct bytes){ p, sizes[i] }));
	}
	check_int(put_record(at, ACME, (struct bytes){ p, VAULT_RECORD_MAX + 1 }),
		VAULT_STORAGE);
	check_result(at, get_record(at, ACME, &got), VAULT_DONE);
	check_int((int64_t)got.n, (int64_t)VAULT_RECORD_MAX);
}

CONTRACT(names_are_listed_in_the_order_of_octets)
{
	static const char *const names[] = { "zeta", "a.b", "a", "Zeta", "a-b",
		"vault" };
	static const char *const sorted[] = { "Zeta", "a", "a-b", "a.b", "vault",
		"zeta" };
	struct bytes *got;
	size_t n = 99;

	check_result(
		at, vault_list(at->vault, at->arena, &got, &n, &at->fault), VAULT_DONE);
	check_int((int64_t)n, 0);
	for (size_t i = 0; i < 6; i++)
		check_result(
			at, put_record(at, bytes_of(names[i]), B("x")), VAULT_DONE);
	vault_unlock(locked(at, B("only-locked")));
	check_result(
		at, vault_list(at->vault, at->arena, &got, &n, &at->fault), VAULT_DONE);
	if (check_int((int64_t)n, 6))
		for (size_t i = 0; i < 6; i++)
			check_bytes(got[i], bytes_of(sorted[i]));
}

CONTRACT(a_record_that_was_removed_is_gone_with_its_journal)
{
	struct vault_lock *l = locked(at, ACME);
	struct bytes got;

	check_result(at, vault_write(l, B("tokens"), &at->fault), VAULT_DONE);
	check_result(at, vault_journal_write(l, B("entry"), &at->fault), VAULT_DONE);
	check_result(at, vault_remove(l, &at->fault), VAULT_DONE);
	check_result(at, vault_remove(l, &at->fault), VAULT_DONE);
	check_result(
		at, vault_journal_read(l, at->arena, &got, &at->fault), VAULT_ABSENT);
	vault_unlock(l);
	check_result(at, get_record(at, ACME, &got), VAULT_ABSENT);
	check(!vault_journal_stands(at->vault, ACME));
	place_reopen(at);
	check_result(at, get_record(at, ACME, &got), VAULT_ABSENT);
}

CONTRACT(a_reservation_is_used_enlarged_or_given_back)
{
	struct vault_lock *l = locked(at, ACME);
	char *p = arena_alloc(at->arena, 20000);
	struct bytes got;

	memset(p, 'y', 20000);
	check_result(at, vault_reserve(l, 10000, &at->fault), VAULT_DONE);
	check_result(at, vault_reserve(l, 12000, &at->fault), VAULT_DONE);
	check_result(at, get_record(at, ACME, &got), VAULT_ABSENT);
	check_result(at, vault_write(l, B("short"), &at->fault), VAULT_DONE);
	check_result(at, get_record(at, ACME, &got), VAULT_DONE);
	check_bytes(got, B("short"));
	check_result(at, vault_reserve(l, 10, &at->fault), VAULT_DONE);
	check_result(
		at, vault_write(l, (struct bytes){ p, 20000 }, &at->fault), VAULT_DONE);
	check_result(at, get_record(at, ACME, &got), VAULT_DONE);
	check_int((int64_t)got.n, 20000);
	check_result(at, vault_reserve(l, 10000, &at->fault), VAULT_DONE);
	vault_unlock(l);
	check_result(at, get_record(at, ACME, &got), VAULT_DONE);
	check_int((int64_t)got.n, 20000);
	check_int(vault_reserve(l = locked(at, ACME), VAULT_RECORD_MAX + 1, NULL),
		VAULT_STORAGE);
	vault_unlock(l);
}

/* ---- journal --------------------------------------------------------------------- */

CONTRACT(a_journal_entry_stands_until_it_is_cleared)
{
	struct vault_lock *l = locked(at, ACME);
	struct bytes got;

	check_result(
		at, vault_journal_read(l, at->arena, &got, &at->fault), VAULT_ABSENT);
	check(!vault_journal_stands(at->vault, ACME));
	check_result(at, vault_journal_write(l, B("one"), &at->fault), VAULT_DONE);
	check_result(at, vault_journal_write(l, B("two"), &at->fault), VAULT_DONE);
	check(vault_journal_stands(at->vault, ACME));
	check(!vault_journal_stands(at->vault, B("other")));
	vault_unlock(l);
	place_reopen(at);
	l = locked(at, ACME);
	check_result(
		at, vault_journal_read(l, at->arena, &got, &at->fault), VAULT_DONE);
	check_bytes(got, B("two"));
	check_result(at, vault_journal_clear(l, &at->fault), VAULT_DONE);
	check_result(at, vault_journal_clear(l, &at->fault), VAULT_DONE);
	check_result(
		at, vault_journal_read(l, at->arena, &got, &at->fault), VAULT_ABSENT);
	check(!vault_journal_stands(at->vault, ACME));
	vault_unlock(l);
}

/* ---- history --------------------------------------------------------------- */

CONTRACT(the_history_keeps_the_newest_lines)
{
	struct bytes *lines;
	size_t n = 0;

	check_result(at,
		vault_log_read(at->vault, ACME, at->arena, &lines, &n, &at->fault),
		VAULT_ABSENT);
	for (int i = 1; i <= 1000; i++) {
		char line[32];

		row("line %d", i);
		snprintf(line, sizeof(line), "line %d", i);
		check_result(at,
			vault_log_append(at->vault, ACME, bytes_of(line), &at->fault),
			VAULT_DONE);
		if (i != 1 && i != 400 && i != 401 && i != 1000)
			continue;
		check_result(at,
			vault_log_read(
				at->vault, ACME, at->arena, &lines, &n, &at->fault),
			VAULT_DONE);
		check(n >= (size_t)(i < 200 ? i : 200) && n <= 400);
		check_bytes(lines[n - 1], bytes_of(line));
		snprintf(line, sizeof(line), "line %d", i - (int)n + 1);
		check_bytes(lines[0], bytes_of(line));
	}
}

CONTRACT(a_line_of_the_history_is_one_line)
{
	char *p = arena_alloc(at->arena, 5000);
	struct bytes *lines;
	size_t n = 0;

	memset(p, 'z', 5000);
	check_result(at,
		vault_log_append(at->vault, ACME, B("a\nb\tc\x1B[31m"), &at->fault),
		VAULT_DONE);
	check_result(at,
		vault_log_append(
			at->vault, ACME, (struct bytes){ p, 5000 }, &at->fault),
		VAULT_DONE);
	check_result(at,
		vault_log_read(at->vault, ACME, at->arena, &lines, &n, &at->fault),
		VAULT_DONE);
	if (!check_int((int64_t)n, 2))
		return;
	check_bytes(lines[0], B("a?b?c?[31m"));
	check_int((int64_t)lines[1].n, (int64_t)VAULT_LOG_LINE_MAX - 1);
}

/* ---- the lock, and the generation ------------------------------------------ */

CONTRACT(a_lock_is_one_threads_and_its_wait_is_bounded)
{
	struct vault_lock *l = locked(at, ACME), *second, *other;
	int64_t began = clock_monotonic_ms();

	check_int(vault_lock(at->vault, ACME, 0, &second, &at->fault), VAULT_BUSY);
	check(clock_monotonic_ms() - began < 200);
	check_int(vault_lock(at->vault, ACME, 300, &second, &at->fault), VAULT_BUSY);
	check(clock_monotonic_ms() - began >= 300);
	check(clock_monotonic_ms() - began < 2000);
	other = locked(at, B("beta"));
	vault_unlock(other);
	vault_unlock(l);
	vault_unlock(locked(at, ACME));
	vault_unlock(NULL);
}

#define ROUNDS 50
#define THREADS 8

struct counting {
	struct place *at;
	int inside, wrong, counted;
};

static void *
count_under_the_lock(void *arg)
{
	struct counting *c = arg;

	for (int i = 0; i < ROUNDS; i++) {
		struct vault_lock *l;

		if (vault_lock(c->at->vault, ACME, 60000, &l, NULL) != VAULT_DONE) {
			__atomic_add_fetch(&c->wrong, 1, __ATOMIC_SEQ_CST);
			continue;
		}
		if (__atomic_add_fetch(&c->inside, 1, __ATOMIC_SEQ_CST) != 1)
			__atomic_add_fetch(&c->wrong, 1, __ATOMIC_SEQ_CST);
		c->counted++; /* no atomic: the lock is what keeps it right */
		__atomic_sub_fetch(&c->inside, 1, __ATOMIC_SEQ_CST);
		vault_unlock(l);
	}
	return NULL;
}

CONTRACT(of_many_threads_one_holds_the_lock)
{
	struct counting c = { .at = at };
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		check(pthread_create(&threads[i], NULL, count_under_the_lock, &c) == 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	check_int(c.wrong, 0);
	check_int(c.counted, ROUNDS * THREADS);
}

CONTRACT(the_generation_grows_when_a_record_is_replaced_or_removed)
{
	const _Atomic uint32_t *word = vault_generation(at->vault, ACME, &at->fault);
	struct vault_lock *l;
	uint32_t before;

	if (!check(word != NULL))
		return;
	check(word == vault_generation(at->vault, ACME, &at->fault));
	check(word != vault_generation(at->vault, B("beta"), &at->fault));
	before = atomic_load(word);
	put_record(at, B("beta"), B("x"));
	l = locked(at, ACME);
	check_result(at, vault_journal_write(l, B("x"), &at->fault), VAULT_DONE);
	check_int(atomic_load(word), before);
	check_result(at, vault_write(l, B("x"), &at->fault), VAULT_DONE);
	check(atomic_load(word) != before);
	before = atomic_load(word);
	check_result(at, vault_remove(l, &at->fault), VAULT_DONE);
	check(atomic_load(word) != before);
	vault_unlock(l);
}

/* ---- attempts -------------------------------------------------------------- */

static const uint8_t id_one[32] = { 1 }, id_two[32] = { 2 };

CONTRACT(an_attempt_is_taken_once)
{
	struct bytes got;

	check_result(at,
		vault_attempt_put(at->vault, id_one, B("state one"), &at->fault),
		VAULT_DONE);
	check_result(at,
		vault_attempt_put(at->vault, id_two, B("state two"), &at->fault),
		VAULT_DONE);
	check(vault_attempt_put(at->vault, id_one, B("again"), &at->fault) !=
		VAULT_DONE);
	place_reopen(at);
	check_result(at,
		vault_attempt_take(at->vault, id_two, at->arena, &got, &at->fault),
		VAULT_DONE);
	check_bytes(got, B("state two"));
	check_result(at,
		vault_attempt_take(at->vault, id_two, at->arena, &got, &at->fault),
		VAULT_ABSENT);
	check_result(at,
		vault_attempt_take(at->vault, id_one, at->arena, &got, &at->fault),
		VAULT_DONE);
	check_bytes(got, B("state one"));
}

struct taking {
	struct vault *vault;
	pthread_barrier_t *start;
	const uint8_t *id;
	bool got;
};

static void *
take_once(void *arg)
{
	struct taking *t = arg;
	struct arena *a = arena_new();
	struct bytes got;

	pthread_barrier_wait(t->start);
	t->got = vault_attempt_take(t->vault, t->id, a, &got, NULL) == VAULT_DONE;
	arena_free(a);
	return NULL;
}

CONTRACT(of_many_who_take_an_attempt_exactly_one_gets_it)
{
	for (uint8_t round = 0; round < 20; round++) {
		uint8_t id[32] = { 9, round };
		struct taking t[THREADS];
		pthread_t threads[THREADS];
		pthread_barrier_t start;
		int got = 0;

		row("round %d", round);
		check_result(at, vault_attempt_put(at->vault, id, B("x"), &at->fault),
			VAULT_DONE);
		pthread_barrier_init(&start, NULL, THREADS);
		for (int i = 0; i < THREADS; i++) {
			t[i] = (struct taking){ at->vault, &start, id, false };
			pthread_create(&threads[i], NULL, take_once, &t[i]);
		}
		for (int i = 0; i < THREADS; i++) {
			pthread_join(threads[i], NULL);
			got += t[i].got;
		}
		pthread_barrier_destroy(&start);
		check_int(got, 1);
	}
}

CONTRACT(an_attempt_that_is_too_large_is_refused)
{
	char *p = arena_alloc(at->arena, 20000);

	check_int(vault_attempt_put(
			  at->vault, id_one, (struct bytes){ p, 20000 }, &at->fault),
		VAULT_STORAGE);
}
