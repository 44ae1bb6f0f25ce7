/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault_backend.h - what a place to keep a vault must do; vault.c does the rest.
 *
 * A back end keeps bytes that are sealed already and never has the data key. Its
 * promises are those that vault.h makes of durability, locks and bounded waits. Names
 * were checked, sizes are within their maxima, and outputs are set only when
 * VAULT_DONE.
 */
#ifndef LATCHKEY_VAULT_BACKEND_H
#define LATCHKEY_VAULT_BACKEND_H

#include <errno.h>

#include "vault/vault_seal.h"

#define VAULT_PLACE_MAX ((size_t)4352) /* "directory " and a path */
#define VAULT_KEY_TEXT_MAX ((size_t)2048) /* one path and some digits */

struct vault {
	const struct vault_backend *backend;
	uint8_t *data_key; /* 32 bytes that are neither swapped nor dumped */
	char place[VAULT_PLACE_MAX];
	const char *directory; /* views place; NULL: in no directory */
	char key_place[VAULT_PLACE_MAX];
};

struct vault_lock {
	struct vault *vault;
	char name_text[VAULT_NAME_MAX + 1];
	struct bytes name; /* views name_text */
	uint8_t *sealed;   /* had by vault_reserve: vault_write cannot lack it */
	size_t room;
};

/* The two things that are kept of a connection. */
enum vault_slot { SLOT_RECORD, SLOT_JOURNAL };

struct vault_backend {
	bool shared_by_machines; /* a key that only this desktop has is no use */

	/* existing: VAULT_ABSENT where there is none; else one is made. */
	enum vault_result (*open)(const char *where, bool existing, struct vault **out,
		struct fault *f);
	void (*close)(struct vault *v); /* frees v */

	/* The text that says how the data key is wrapped (vault_key.c), and the lock
	 * under which a new vault gets one. key_write: never over one that is there. */
	enum vault_result (*key_read)(struct vault *v,
		char text[static VAULT_KEY_TEXT_MAX], size_t *n, struct fault *f);
	enum vault_result (*key_begin)(struct vault *v, struct fault *f);
	enum vault_result (*key_write)(struct vault *v, struct bytes text,
		struct fault *f);
	void (*key_end)(struct vault *v);

	const _Atomic uint32_t *(*generation)(struct vault *v, struct bytes name,
		struct fault *f);
	enum vault_result (*read)(struct vault *v, struct bytes name,
		enum vault_slot slot,
		struct arena *a, uint8_t **sealed, size_t *n, struct fault *f);
	bool (*stands)(struct vault *v, struct bytes name, enum vault_slot slot);
	enum vault_result (*list)(struct vault *v, struct arena *a,
		struct bytes **names, size_t *count, struct fault *f);

	/* lock makes the struct (with the name in it); unlock frees it. */
	enum vault_result (*lock)(struct vault *v, struct bytes name, int wait_ms,
		struct vault_lock **out, struct fault *f);
	void (*unlock)(struct vault_lock *l);
	enum vault_result (*reserve)(struct vault_lock *l, size_t n, struct fault *f);
	enum vault_result (*write)(struct vault_lock *l, enum vault_slot slot,
		struct bytes sealed, struct fault *f);
	enum vault_result (*journal_clear)(struct vault_lock *l, struct fault *f);
	enum vault_result (*remove)(struct vault_lock *l, struct fault *f);

	enum vault_result (*log_append)(struct vault *v, struct bytes name,
		struct bytes line, struct fault *f);
	enum vault_result (*log_read)(struct vault *v, struct bytes name,
		struct arena *a, struct bytes *text, struct fault *f);

	/* id is 64 hexadecimal digits. */
	enum vault_result (*attempt_put)(struct vault *v, struct bytes id,
		struct bytes sealed, struct fault *f);
	enum vault_result (*attempt_take)(struct vault *v, struct bytes id,
		struct arena *a, uint8_t **sealed, size_t *n, struct fault *f);
};

extern const struct vault_backend vault_file, vault_postgres;

/* Notes the sentence (if f is not NULL) and is the result. */
#define VAULT_FAIL(f, result, ...) \
	(FAULT_AT((f), __VA_ARGS__), (enum vault_result)(result))

/* Passes anything but VAULT_DONE up. */
#define VAULT_TRY(call)                                    \
	do {                                               \
		enum vault_result try_result = (call);     \
		if (try_result != VAULT_DONE)              \
			return try_result;                 \
	} while (0)

/* The largest that is kept in a slot, sealed. */
size_t vault_slot_max(enum vault_slot slot);
/* VAULT_ABSENT, with what to do about it. */
enum vault_result vault_none(const struct vault *v, struct fault *f);
/* Copies the name in and lets the view follow. */
void vault_lock_begin(struct vault_lock *l, struct vault *v, struct bytes name);
/* Says what a system call's failure means: full, forbidden, or as the system says
 * it. */
void vault_note_errno(struct fault *f, int error, const char *what, const char *of);
/* And what it is to the caller, never VAULT_DONE. */
static inline enum vault_result
vault_errno(struct fault *f, int error, const char *what, const char *of)
{
	vault_note_errno(f, error, what, of);
	return error == ENOMEM ? VAULT_MEMORY : VAULT_STORAGE;
}

#endif
