/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault_file_key.c - the text that says how the data key is wrapped: made once, by one
 * of those who come first, and never where records stand that another key has sealed.
 */
#include <fcntl.h>
#include <unistd.h>

#include "vault/vault_file.h"

#define KEY_FILE "vault.key"
#define KEY_WAIT_MS 10000 /* a person types a passphrase for a new vault, say */

enum vault_result
file_key_read(struct vault *v, char text[static VAULT_KEY_TEXT_MAX], size_t *n,
	struct fault *f)
{
	return disk_read(file_of(v)->dir, KEY_FILE, text, VAULT_KEY_TEXT_MAX, n, f);
}

enum vault_result
file_key_begin(struct vault *vault, struct fault *f)
{
	struct file_vault *v = file_of(vault);

	return held_take(
		v, KEY_LOCK_NAME, LOCK_CONNECTION, KEY_WAIT_MS, &v->key_lock, f);
}

void
file_key_end(struct vault *v)
{
	held_drop(&file_of(v)->key_lock);
}

enum vault_result
file_key_write(struct vault *vault, struct bytes text, struct fault *f)
{
	static const struct disk_points at = { "key-open", "key-write", "key-fsync",
		"key-rename", "key-dirsync", "key-done" };
	int dir = file_of(vault)->dir;
	const char *temporary = "." KEY_FILE ".new";
	bool records;
	int fd;

	VAULT_TRY(file_any_record(file_of(vault), &records, f));
	if (records)
		return VAULT_FAIL(f, VAULT_DAMAGED,
			"the vault has records but no " KEY_FILE
			": without it nobody can read them; bring it back");
	VAULT_TRY(disk_open(dir, temporary, O_RDWR | O_CREAT | O_TRUNC, &fd, NULL, f));
	return disk_settle(dir, fd, temporary, KEY_FILE, text, &at, f);
}

void
file_unmake(struct file_vault *v)
{
	struct fault ignored = { 0 };
	struct held h;

	if (held_take(v, KEY_LOCK_NAME, LOCK_CONNECTION, 0, &h, &ignored) != VAULT_DONE)
		return;
	if (faccessat(v->dir, KEY_FILE, F_OK, 0) != 0 && unlinkat(v->dir, ".lock", 0) == 0)
		rmdir(v->vault.directory);
	held_drop(&h);
}
