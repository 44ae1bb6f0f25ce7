/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault.c - the verbs of vault.h: names are checked and secrets sealed here, so that
 * a back end sees neither a bad name nor a secret.
 */
#include "vault/vault.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "vault/vault_backend.h"
#include "vault/vault_key.h"

/* An attempt holds what is asked of one server: a few URLs, a verifier, a secret. */
#define ATTEMPT_MAX ((size_t)16 * 1024)

#define KEY_SIZE 32

static const struct {
	enum sealed_kind kind;
	size_t max;
} slots[] = {
	[SLOT_RECORD] = { SEALED_RECORD, VAULT_RECORD_MAX },
	[SLOT_JOURNAL] = { SEALED_JOURNAL, VAULT_JOURNAL_MAX },
};

size_t
vault_slot_max(enum vault_slot slot)
{
	return slots[slot].max + SEALED_OVERHEAD;
}

void
vault_note_errno(struct fault *f, int error, const char *what, const char *of)
{
	if (error == ENOMEM)
		FAULT_AT(f, "out of memory");
	else if (error == ENOSPC || error == EDQUOT)
		FAULT_AT(f, "the disk is full: cannot %s %s", what, of);
	else if (error == ELOOP)
		FAULT_AT(f, "%s is a symbolic link, which is not followed: put the "
		"real "
			"one in its place", of);
	else
		FAULT_AT(f, "cannot %s %s: %s", what, of, strerror(error));
}

/* ---- life ------------------------------------------------------------------- */

static const struct vault_backend *
backend_for(const char *where)
{
	struct bytes b = bytes_of(where);

	if (bytes_starts(b, B("postgresql://")) || bytes_starts(b, B("postgres://")))
		return &vault_postgres;
	return &vault_file;
}

enum vault_result
vault_none(const struct vault *v, struct fault *f)
{
	return VAULT_FAIL(f, VAULT_ABSENT,
		"there is no vault in %s: the first connection makes one; if it is "
		"elsewhere, name it (lk_options.vault, LATCHKEY_VAULT)",
		v->place);
}

enum vault_result
vault_open(const char *where, const char *key, const struct vault_ask *ask,
	struct vault **out, struct fault *f)
{
	struct vault *v;
	enum vault_result r;

	if (sodium_init() < 0)
		return VAULT_FAIL(f, VAULT_STORAGE, "libsodium cannot be started");
	VAULT_TRY(backend_for(where)->open(where, ask != NULL && ask->existing, &v, f));
	v->data_key = secret_pages_new(KEY_SIZE);
	r = v->data_key != NULL ? vault_key_open(v, key, ask, f)
				: VAULT_FAIL(f, VAULT_MEMORY, "out of memory");
	if (r == VAULT_DONE)
		*out = v;
	else
		vault_close(v);
	return r;
}

void
vault_close(struct vault *v)
{
	if (v == NULL)
		return;
	secret_pages_free(v->data_key, KEY_SIZE);
	v->backend->close(v);
}

const char *
vault_place(const struct vault *v)
{
	return v->place;
}

const char *
vault_key_place(const struct vault *v)
{
	return v->key_place;
}

const uint8_t *
vault_data_key(const struct vault *v)
{
	return v->data_key;
}

static bool
name_octet(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
		(c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-' || c == '@';
}

bool
vault_name_valid(struct bytes name)
{
	if (name.n < 1 || name.n > VAULT_NAME_MAX || name.p[0] == '.')
		return false;
	for (size_t i = 0; i < name.n; i++)
		if (!name_octet(name.p[i]))
			return false;
	return true;
}

static enum vault_result
name_check(struct bytes name, struct fault *f)
{
	if (vault_name_valid(name))
		return VAULT_DONE;
	return VAULT_FAIL(f, VAULT_STORAGE,
		"a connection's name is 1 to %d characters of "
		"A-Z a-z 0-9 . _ - @, and does not begin with a dot",
		VAULT_NAME_MAX);
}

/* ---- reading ---------------------------------------------------------------- */

const _Atomic uint32_t *
vault_generation(struct vault *v, struct bytes name, struct fault *f)
{
	if (name_check(name, f) != VAULT_DONE)
		return NULL;
	return v->backend->generation(v, name, f);
}

static enum vault_result
slot_read(struct vault *v, struct bytes name, enum vault_slot slot, struct arena *a,
	struct bytes *plain, struct fault *f)
{
	uint8_t *sealed;
	size_t n;

	VAULT_TRY(name_check(name, f));
	VAULT_TRY(v->backend->read(v, name, slot, a, &sealed, &n, f));
	return vault_unseal(v->data_key, slots[slot].kind, name, sealed, n, plain, f);
}

enum vault_result
vault_read(struct vault *v, struct bytes name, struct arena *a, struct bytes *record,
	struct fault *f)
{
	return slot_read(v, name, SLOT_RECORD, a, record, f);
}

enum vault_result
vault_list(struct vault *v, struct arena *a, struct bytes **names, size_t *count,
	struct fault *f)
{
	return v->backend->list(v, a, names, count, f);
}

bool
vault_journal_stands(struct vault *v, struct bytes name)
{
	return vault_name_valid(name) && v->backend->stands(v, name, SLOT_JOURNAL);
}

/* ---- what the holder of a lock does ------------------------------------------- */

enum vault_result
vault_lock(struct vault *v, struct bytes name, int wait_ms, struct vault_lock **out,
	struct fault *f)
{
	VAULT_TRY(name_check(name, f));
	return v->backend->lock(v, name, wait_ms, out, f);
}

void
vault_lock_begin(struct vault_lock *l, struct vault *v, struct bytes name)
{
	l->vault = v;
	memcpy(l->name_text, name.p, name.n);
	l->name_text[name.n] = '\0';
	l->name = (struct bytes){ l->name_text, name.n };
	l->sealed = NULL;
	l->room = 0;
}

void
vault_unlock(struct vault_lock *l)
{
	if (l == NULL)
		return;
	free(l->sealed);
	l->sealed = NULL;
	l->vault->backend->unlock(l);
}

/* Memory for n bytes, sealed; kept until the lock is let go. */
static enum vault_result
room_for(struct vault_lock *l, size_t n, struct fault *f)
{
	uint8_t *grown;

	if (l->room >= n + SEALED_OVERHEAD)
		return VAULT_DONE;
	grown = realloc(l->sealed, n + SEALED_OVERHEAD);
	if (grown == NULL)
		return VAULT_FAIL(f, VAULT_MEMORY, "out of memory");
	l->sealed = grown;
	l->room = n + SEALED_OVERHEAD;
	return VAULT_DONE;
}

static enum vault_result
size_check(struct vault_lock *l, enum vault_slot slot, size_t n, struct fault *f)
{
	if (n <= slots[slot].max)
		return VAULT_DONE;
	return VAULT_FAIL(f, VAULT_STORAGE,
		"%zu bytes are too many to keep for %s: %zu "
		"at most",
		n, l->name_text, slots[slot].max);
}

enum vault_result
vault_reserve(struct vault_lock *l, size_t n, struct fault *f)
{
	VAULT_TRY(size_check(l, SLOT_RECORD, n, f));
	VAULT_TRY(room_for(l, n, f));
	return l->vault->backend->reserve(l, n + SEALED_OVERHEAD, f);
}

static enum vault_result
slot_write(
	struct vault_lock *l, enum vault_slot slot, struct bytes plain, struct fault *f)
{
	VAULT_TRY(size_check(l, slot, plain.n, f));
	VAULT_TRY(room_for(l, plain.n, f));
	vault_seal(l->vault->data_key, slots[slot].kind, l->name, plain, l->sealed);
	return l->vault->backend->write(l, slot,
		(struct bytes){ (const char *)l->sealed, plain.n + SEALED_OVERHEAD },
		f);
}

enum vault_result
vault_write(struct vault_lock *l, struct bytes record, struct fault *f)
{
	return slot_write(l, SLOT_RECORD, record, f);
}

enum vault_result
vault_remove(struct vault_lock *l, struct fault *f)
{
	return l->vault->backend->remove(l, f);
}

enum vault_result
vault_journal_write(struct vault_lock *l, struct bytes entry, struct fault *f)
{
	return slot_write(l, SLOT_JOURNAL, entry, f);
}

enum vault_result
vault_journal_read(
	struct vault_lock *l, struct arena *a, struct bytes *entry, struct fault *f)
{
	return slot_read(l->vault, l->name, SLOT_JOURNAL, a, entry, f);
}

enum vault_result
vault_journal_clear(struct vault_lock *l, struct fault *f)
{
	return l->vault->backend->journal_clear(l, f);
}

/* ---- history ----------------------------------------------------------------- */

/* One line and no more, whatever it was: what could end it is shown as '?'. */
static size_t
line_clean(struct bytes line, char out[static VAULT_LOG_LINE_MAX])
{
	size_t n = line.n < VAULT_LOG_LINE_MAX - 1 ? line.n : VAULT_LOG_LINE_MAX - 1;

	for (size_t i = 0; i < n; i++)
		out[i] = (unsigned char)line.p[i] < 0x20 ? '?' : line.p[i];
	out[n] = '\n';
	return n + 1;
}

enum vault_result
vault_log_append(struct vault *v, struct bytes name, struct bytes line, struct fault *f)
{
	char clean[VAULT_LOG_LINE_MAX];
	size_t n = line_clean(line, clean);

	VAULT_TRY(name_check(name, f));
	return v->backend->log_append(v, name, (struct bytes){ clean, n }, f);
}

static size_t
lines_in(struct bytes text)
{
	size_t n = 0;

	while (text.n > 0) {
		bytes_cut(&text, '\n');
		n++;
	}
	return n;
}

enum vault_result
vault_log_read(struct vault *v, struct bytes name, struct arena *a,
	struct bytes **lines, size_t *count, struct fault *f)
{
	struct bytes text;
	struct bytes *each;
	size_t n;

	VAULT_TRY(name_check(name, f));
	VAULT_TRY(v->backend->log_read(v, name, a, &text, f));
	n = lines_in(text);
	each = ARENA_ARRAY(a, struct bytes, n);
	for (size_t i = 0; i < n; i++)
		each[i] = bytes_cut(&text, '\n');
	*lines = each;
	*count = n;
	return VAULT_DONE;
}

/* ---- attempts to connect -------------------------------------------------------- */

/* The id is a digest of a secret: no table is looked up by it. */
static struct bytes
id_text(const uint8_t id[static 32], char out[static 65])
{
	sodium_bin2hex(out, 65, id, 32);
	return (struct bytes){ out, 64 };
}

enum vault_result
vault_attempt_put(struct vault *v, const uint8_t id[static 32], struct bytes attempt,
	struct fault *f)
{
	uint8_t sealed[ATTEMPT_MAX + SEALED_OVERHEAD];
	char text[65];
	struct bytes name = id_text(id, text);

	if (attempt.n > ATTEMPT_MAX)
		return VAULT_FAIL(f, VAULT_STORAGE,
			"%zu bytes are too many for an attempt "
			"to connect: %zu at most",
			attempt.n, ATTEMPT_MAX);
	vault_seal(v->data_key, SEALED_ATTEMPT, name, attempt, sealed);
	return v->backend->attempt_put(v, name,
		(struct bytes){ (const char *)sealed, attempt.n + SEALED_OVERHEAD }, f);
}

enum vault_result
vault_attempt_take(struct vault *v, const uint8_t id[static 32], struct arena *a,
	struct bytes *attempt, struct fault *f)
{
	char text[65];
	struct bytes name = id_text(id, text);
	uint8_t *sealed;
	size_t n;

	VAULT_TRY(v->backend->attempt_take(v, name, a, &sealed, &n, f));
	return vault_unseal(v->data_key, SEALED_ATTEMPT, name, sealed, n, attempt, f);
}
