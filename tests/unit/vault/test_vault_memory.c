/* SPDX-License-Identifier: Apache-2.0 */
/*
 * No memory, at every single place where the directory's vault asks for some (malloc
 * and its kin are wrapped by the linker): VAULT_MEMORY, nothing begun, nothing lost,
 * and the same call works when there is memory again.
 */
#include "vault_place.h"

#define ACME B("acme")

static int countdown = -1; /* the allocation that fails; -1: none */
static bool struck;

static bool
fails(void)
{
	if (countdown < 0 || countdown-- != 0)
		return false;
	struck = true;
	return true;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *p, size_t size);

void *
__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *
__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real_calloc(count, size);
}

void *
__wrap_realloc(void *p, size_t size)
{
	return fails() ? NULL : __real_realloc(p, size);
}

/* ---- what is done with too little ------------------------------------------ */

static enum vault_result
open_it(struct place *at)
{
	struct vault *v;
	enum vault_result r = vault_open(at->where, NULL, NULL, &v, &at->fault);

	if (r == VAULT_DONE)
		vault_close(v);
	return r;
}

static enum vault_result
change_it(struct place *at)
{
	struct vault_lock *l;
	enum vault_result r = vault_lock(at->vault, ACME, 0, &l, &at->fault);

	if (r != VAULT_DONE)
		return r;
	r = vault_reserve(l, 3000, &at->fault);
	if (r == VAULT_DONE)
		r = vault_journal_write(l, B("entry"), &at->fault);
	/* From here on nothing may lack. */
	if (r == VAULT_DONE) {
		countdown = countdown >= 0 ? 0 : -1;
		check_result(at, vault_write(l, B("new"), &at->fault), VAULT_DONE);
		check_result(at, vault_journal_clear(l, &at->fault), VAULT_DONE);
	}
	vault_unlock(l);
	return r;
}

static enum vault_result
note_it(struct place *at)
{
	return vault_log_append(at->vault, ACME, B("line"), &at->fault);
}

static enum vault_result
see_it(struct place *at)
{
	struct bytes *names, record;
	size_t n;
	enum vault_result r = VAULT_MEMORY;
	struct arena *a = arena_reserve(1 << 20); /* as the library has one */

	if (a == NULL)
		return VAULT_MEMORY;
	if (vault_generation(at->vault, B("beta"), &at->fault) != NULL)
		r = vault_list(at->vault, a, &names, &n, &at->fault);
	if (r == VAULT_DONE)
		r = vault_read(at->vault, ACME, a, &record, &at->fault);
	arena_free(a);
	return r;
}

TEST(out_of_memory_is_a_value_wherever_it_strikes)
{
	static const struct {
		const char *name;
		enum vault_result (*act)(struct place *);
	} rows[] = { { "open", open_it }, { "change", change_it }, { "note", note_it },
		{ "see", see_it } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int failed = 0;

		for (int nth = 0; nth < 100; nth++) {
			struct place at = place_new();
			struct bytes got;
			enum vault_result r;

			row("%s, allocation %d", rows[i].name, nth);
			check_result(&at, put_record(&at, ACME, B("old")), VAULT_DONE);
			struck = false;
			countdown = nth;
			r = rows[i].act(&at);
			countdown = -1;
			if (struck && rows[i].act != change_it)
				check(r == VAULT_MEMORY || r == VAULT_DONE);
			failed += r == VAULT_MEMORY;
			check_result(&at, get_record(&at, ACME, &got), VAULT_DONE);
			check_bytes(got,
				r == VAULT_DONE && rows[i].act == change_it ? B("new")
									    : B("old"));
			check_result(&at, rows[i].act(&at), VAULT_DONE);
			place_remove(&at);
			if (!struck)
				break;
		}
		printf("# %s failed at %d places\n", rows[i].name, failed);
		check(failed > 0);
	}
}
