/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault_file.h - the directory back end, among its own files: the vault's directory,
 * and locks on bytes of a lock file.
 *
 * A lock file is 64 bytes that every process maps: the generation, and a word for each
 * lock that its waiters sleep on (futex). The locks themselves are the kernel's, of an
 * open file description (fcntl(2) F_OFD_SETLK), so that they hold between threads as
 * between processes and end with their holder. Lock files are never removed, save with
 * the directory itself (file_unmake).
 */
#ifndef LATCHKEY_VAULT_FILE_H
#define LATCHKEY_VAULT_FILE_H

#include <pthread.h>

#include "vault/disk.h"

struct lock_words;

/* What is mapped of one lock file; lives as long as the vault. */
struct lock_file {
	struct lock_file *next;
	char name[DISK_NAME_MAX];
	dev_t device;
	ino_t inode;
	struct lock_words *words;
};

/* The bytes of a lock file that are locked, each for a purpose. */
enum lock_byte { LOCK_CONNECTION, LOCK_LOG };

struct held {
	int fd;
	enum lock_byte byte;
	struct lock_words *words;
};

struct file_vault {
	struct vault vault;
	int dir;
	bool made; /* the directory; without a key it goes again */
	pthread_mutex_t mutex; /* over what follows */
	struct lock_file *lock_files;
	int64_t swept_at_ms; /* CLOCK_MONOTONIC */
	size_t attempts;     /* about as many stand */
	struct held key_lock; /* while a new vault gets its key */
};

static inline struct file_vault *
file_of(struct vault *v)
{
	return (struct file_vault *)v;
}

#define KEY_LOCK_NAME NONE /* ".lock": no connection's name begins with a dot */

/* Waits wait_ms at most. */
enum vault_result held_take(struct file_vault *v, struct bytes name,
	enum lock_byte byte, int wait_ms, struct held *out, struct fault *f) must_check;
void held_drop(struct held *h);
const _Atomic uint32_t *lock_generation(struct file_vault *v, struct bytes name,
	struct fault *f);
/* Once before a record is replaced and once after: odd in between. */
void lock_generation_step(struct file_vault *v, const struct held *h,
	struct bytes name);
void lock_files_close(struct file_vault *v);

enum vault_result file_any_record(struct file_vault *v, bool *out, struct fault *f)
	must_check;
/* The directory that was made and of which nothing came goes again; under the key's lock,
 * for somebody else may be making the key just now. */
void file_unmake(struct file_vault *v);

/* vault_file_key.c, vault_file_log.c and vault_file_attempt.c, for the table in
 * vault_file.c. */
enum vault_result file_key_read(struct vault *v, char text[static VAULT_KEY_TEXT_MAX],
	size_t *n, struct fault *f);
enum vault_result file_key_begin(struct vault *v, struct fault *f);
enum vault_result file_key_write(struct vault *v, struct bytes text, struct fault *f);
void file_key_end(struct vault *v);
enum vault_result file_log_append(struct vault *v, struct bytes name, struct bytes line,
	struct fault *f);
enum vault_result file_log_read(struct vault *v, struct bytes name, struct arena *a,
	struct bytes *text, struct fault *f);
enum vault_result file_attempt_put(struct vault *v, struct bytes id,
	struct bytes sealed, struct fault *f);
enum vault_result file_attempt_take(struct vault *v, struct bytes id, struct arena *a,
	uint8_t **sealed, size_t *n, struct fault *f);

#endif
