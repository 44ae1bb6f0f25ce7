/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key_credential.c - a wrapping key that systemd hands to a service
 * (LoadCredentialEncrypted=, systemd.exec(5)): a file in $CREDENTIALS_DIRECTORY, which
 * only the service can read, in memory that is not swapped.
 */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/secret.h"
#include "vault/disk.h"
#include "vault/vault_key.h"

#define CONTENT_MIN ((size_t)32)
#define CONTENT_MAX ((size_t)4096)
#define LABEL "latchkey vault credential"

/* As systemd allows them: no path in it. */
static bool
name_valid(const char *name)
{
	return name[0] != '\0' && name[0] != '.' && strchr(name, '/') == NULL;
}

/* systemd keeps the file as root's and lets the service read it (0440, or an ACL), so
 * disk_open would refuse it. */
static int
open_credential(const char *name)
{
	const char *directory = secure_getenv("CREDENTIALS_DIRECTORY");
	int dir, fd;

	if (directory == NULL || directory[0] != '/' || !name_valid(name))
		return -1;
	dir = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -1;
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	close(dir);
	return fd;
}

bool
key_credential_stands(const char *name)
{
	int fd = open_credential(name);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* Anybody's but the world's; a service manager's or the caller's own. */
static enum vault_result
content(int fd, const char *name, uint8_t out[static CONTENT_MAX], size_t *n,
	struct fault *f)
{
	struct stat st;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) ||
		(st.st_uid != 0 && st.st_uid != geteuid()) || (st.st_mode & 027) != 0)
		return VAULT_FAIL(f, VAULT_STORAGE,
			"the credential %s can be read or "
			"written by others than this service",
			name);
	if ((uintmax_t)st.st_size < CONTENT_MIN || (uintmax_t)st.st_size > CONTENT_MAX)
		return VAULT_FAIL(f, VAULT_STORAGE,
			"the credential %s must have %zu bytes "
			"of randomness at least, and %zu at most",
			name, CONTENT_MIN, CONTENT_MAX);
	if (!disk_read_all(fd, out, (size_t)st.st_size, 0))
		return vault_errno(f, errno, "read the credential", name);
	*n = (size_t)st.st_size;
	return VAULT_DONE;
}

static enum vault_result
credential_get(const struct key_text *t, const struct vault_ask *ask,
	uint8_t key[static 32], struct fault *f)
{
	uint8_t bytes[CONTENT_MAX];
	enum vault_result r;
	size_t n = 0;
	int fd;

	(void)ask;
	if (!name_valid(t->where))
		return VAULT_FAIL(f, VAULT_UNFIT,
			"a credential has a name: "
			"credential:NAME");
	fd = open_credential(t->where);
	if (fd < 0)
		return VAULT_FAIL(f, VAULT_LOCKED,
			"there is no systemd credential %s here: "
			"run in a service with LoadCredentialEncrypted=%s",
			t->where, t->where);
	r = content(fd, t->where, bytes, &n, f);
	close(fd);
	if (r == VAULT_DONE)
		crypto_generichash(
			key, 32, bytes, n, (const uint8_t *)LABEL, sizeof(LABEL) - 1);
	secret_wipe(bytes, sizeof(bytes));
	return r;
}

static enum vault_result
credential_make(struct key_text *t, const struct vault *v, const struct vault_ask *ask,
	uint8_t key[static 32], struct fault *f)
{
	(void)v;
	return credential_get(t, ask, key, f);
}

const struct key_source key_credential = {
	.word = "credential",
	.make = credential_make,
	.get = credential_get,
	.place = "systemd credential %s",
};
