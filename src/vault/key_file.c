/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key_file.c - a wrapping key in a file of its own, away from the vault: a copy of the
 * vault's directory alone is then worth nothing.
 *
 * 32 bytes or more, hashed, so that any file of random content will do. One that is
 * missing is made when the vault is new, and never later.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/home.h"
#include "base/secret.h"
#include "vault/disk.h"
#include "vault/vault_key.h"

#define CONTENT_MIN ((size_t)32)
#define CONTENT_MAX ((size_t)4096)
#define LABEL "latchkey vault key file"

enum vault_result
key_of_content(int dir, const char *name, const char *label, uint8_t key[static 32],
	struct fault *f)
{
	uint8_t content[CONTENT_MAX];
	size_t n;

	VAULT_TRY(disk_read(dir, name, content, sizeof(content), &n, f));
	if (n < CONTENT_MIN)
		return VAULT_FAIL(f, VAULT_STORAGE,
			"the key file %s has %zu bytes: %zu of "
			"randomness at least",
			name, n, CONTENT_MIN);
	crypto_generichash(
		key, 32, content, n, (const uint8_t *)label, bytes_of(label).n);
	secret_wipe(content, sizeof(content));
	return VAULT_DONE;
}

enum vault_result
key_file_default(char out[static KEY_WHERE_MAX], struct fault *f)
{
	const char *config = secure_getenv("XDG_CONFIG_HOME");
	char home[PATH_MAX];
	int n;

	if (config != NULL && config[0] == '/')
		n = snprintf(out, KEY_WHERE_MAX, "%s/latchkey/vault.key", config);
	else if (home_directory(home, sizeof(home)))
		n = snprintf(out, KEY_WHERE_MAX, "%s/.config/latchkey/vault.key", home);
	else
		return VAULT_FAIL(f, VAULT_UNFIT,
			"there is no home directory: say where the "
			"vault's key file is to be, as file:PATH");
	if (n < 0 || (size_t)n >= KEY_WHERE_MAX)
		return VAULT_FAIL(
			f, VAULT_UNFIT, "the home directory is too long for a key file's path");
	return VAULT_DONE;
}

/* The directory of the file, made with all above it; the file's name in it. */
static enum vault_result
open_parent(const char *path, int *dir, const char **name, struct fault *f)
{
	char above[KEY_WHERE_MAX];
	const char *last = strrchr(path, '/');
	int why;

	if (path[0] != '/' || last[1] == '\0')
		return VAULT_FAIL(f, VAULT_UNFIT,
			"a key file needs its whole path, from "
			"the first /: %s",
			path);
	memcpy(above, path, (size_t)(last - path) + 1);
	above[last - path + 1] = '\0';
	why = disk_make_above(above);
	*dir = open(above, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*dir < 0)
		return vault_errno(f, errno == ENOENT && why != 0 ? why : errno,
			"open the directory", above);
	*name = last + 1;
	return VAULT_DONE;
}

static bool
same(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev;
}

/* Goes one up, from *fd and *at; false at the root, or where it cannot be seen. */
static bool
go_up(int *fd, struct stat *at)
{
	int up = openat(*fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat above;

	if (up < 0)
		return false;
	if (fstat(up, &above) != 0 || same(&above, at)) {
		close(up);
		return false;
	}
	close(*fd);
	*fd = up;
	*at = above;
	return true;
}

/* Is it the vault's directory, or below it? */
static bool
within(int dir, const char *vault)
{
	struct stat there, at;
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool inside = false;

	if (fd < 0)
		return false;
	if (vault != NULL && stat(vault, &there) == 0 && fstat(fd, &at) == 0)
		do
			inside = same(&at, &there);
		while (!inside && go_up(&fd, &at));
	close(fd);
	return inside;
}

/* Whole and synced under another name first; link(2) never puts it over one there. */
static enum vault_result
make_file(int dir, const char *name, struct fault *f)
{
	char temporary[NAME_MAX + 1];
	uint8_t random[32];
	enum vault_result r = VAULT_DONE;
	int fd;

	if (snprintf(temporary, sizeof(temporary), ".%s.new", name) >=
		(int)sizeof(temporary))
		return VAULT_FAIL(f, VAULT_UNFIT, "the key file's name is too long");
	VAULT_TRY(disk_open(dir, temporary, O_RDWR | O_CREAT | O_TRUNC, &fd, NULL, f));
	secret_random(random, sizeof(random));
	if (!disk_write_all(
		    fd, (struct bytes){ (const char *)random, sizeof(random) }) ||
		fsync(fd) != 0 ||
		(linkat(dir, temporary, dir, name, 0) != 0 && errno != EEXIST) ||
		fsync(dir) != 0)
		r = vault_errno(f, errno, "make the key file", name);
	secret_wipe(random, sizeof(random));
	close(fd);
	unlinkat(dir, temporary, 0);
	return r;
}

static enum vault_result
find_or_make(const struct key_text *t, const struct vault *v, int dir, const char *name,
	uint8_t key[static 32], struct fault *f)
{
	enum vault_result r;

	if (within(dir, v->directory))
		return VAULT_FAIL(f, VAULT_UNFIT,
			"the key file %s would be in the vault "
			"itself, where whoever copies one has the other",
			t->where);
	r = key_of_content(dir, name, LABEL, key, f);
	if (r != VAULT_ABSENT)
		return r;
	VAULT_TRY(make_file(dir, name, f));
	return key_of_content(dir, name, LABEL, key, f);
}

static enum vault_result
file_make(struct key_text *t, const struct vault *v, const struct vault_ask *ask,
	uint8_t key[static 32], struct fault *f)
{
	const char *name;
	enum vault_result r;
	int dir;

	(void)ask;
	VAULT_TRY(open_parent(t->where, &dir, &name, f));
	r = find_or_make(t, v, dir, name, key, f);
	close(dir);
	return r;
}

static enum vault_result
file_get(const struct key_text *t, const struct vault_ask *ask, uint8_t key[static 32],
	struct fault *f)
{
	enum vault_result r = key_of_content(AT_FDCWD, t->where, LABEL, key, f);

	(void)ask;
	if (r == VAULT_ABSENT)
		return VAULT_FAIL(f, VAULT_LOCKED,
			"the key file %s is gone: bring it back, "
			"or say where it is now with file:PATH",
			t->where);
	return r;
}

const struct key_source key_file = {
	.word = "file",
	.make = file_make,
	.get = file_get,
	.place = "key file %s",
};
