/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keys.c - one file with 64 hex digits, and what HKDF makes of it (RFC 5869).
 */
#include "server/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/secret.h"

#define KEY_TEXT (2 * MASTER_KEY_SIZE + 1) /* hex and a newline */

/* Written whole and on disk, or not there at all. */
static enum outcome
key_write(int fd, const char *path, struct fault *f)
{
	uint8_t master[MASTER_KEY_SIZE];
	char text[KEY_TEXT];
	bool written;

	secret_random(master, sizeof(master));
	hex_write(master, sizeof(master), text);
	text[KEY_TEXT - 1] = '\n';
	written = write(fd, text, sizeof(text)) == (ssize_t)sizeof(text) && fsync(fd) == 0;
	secret_wipe(master, sizeof(master));
	secret_wipe(text, sizeof(text));
	if (written)
		return DONE;
	FAULT_AT(f, "%s: cannot write the master key: %s", path, strerror(errno));
	unlink(path);
	return FAULT;
}

enum outcome
keys_create(const char *path, struct fault *f)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	enum outcome o;

	if (fd < 0)
		return FAULT_AT(f, "%s: cannot make the master key file: %s", path,
			strerror(errno));
	o = key_write(fd, path, f);
	close(fd);
	return o;
}

static enum outcome
key_file_private(int fd, const char *path, struct fault *f)
{
	struct stat st;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return FAULT_AT(f, "%s: not a regular file", path);
	if ((st.st_mode & 077) != 0)
		return FAULT_AT(f, "%s: others than its owner may read it; "
			"run: chmod 600 %s", path, path);
	return DONE;
}

static enum outcome
key_read(int fd, const char *path, uint8_t master[static MASTER_KEY_SIZE],
	struct fault *f)
{
	char text[KEY_TEXT + 1];
	ssize_t n;
	bool good;

	TRY(key_file_private(fd, path, f));
	n = read(fd, text, sizeof(text));
	good = (n == KEY_TEXT - 1 || (n == KEY_TEXT && text[n - 1] == '\n')) &&
		hex_read((struct bytes){ text, KEY_TEXT - 1 }, master, MASTER_KEY_SIZE);
	secret_wipe(text, sizeof(text));
	if (good)
		return DONE;
	return FAULT_AT(f, "%s: not a master key (64 hex digits on one line); "
		"restore it from your backup", path);
}

/* systemd.exec(5), LoadCredential=: its copy is readable by this unit only. */
static const char *
key_credential(char out[static 512])
{
	const char *dir = getenv("CREDENTIALS_DIRECTORY");

	if (dir == NULL || snprintf(out, 512, "%s/master.key", dir) >= 512)
		return NULL;
	return out;
}

void
keys_derive(const uint8_t master[static MASTER_KEY_SIZE], struct keys *out)
{
	uint8_t key[32];

	derive_key(master, "token", 0, out->token_master);
	derive_key(master, "client secret", 0, key);
	out->client_secret = mac_key_new(key);
	derive_key(master, "retry key", 0, key);
	out->retry = mac_key_new(key);
	seal_key_init(&out->transaction, master, "transaction");
	seal_key_init(&out->form, master, "form");
	seal_key_init(&out->known, master, "known");
	derive_key(master, "TLS tickets", 0, out->ticket_secret);
	derive_key(master, "key check", 0, key);
	hex_write(key, sizeof(key), out->check);
	secret_wipe(key, sizeof(key));
}

enum outcome
keys_open(const char *path, struct keys **out, struct fault *f)
{
	uint8_t master[MASTER_KEY_SIZE];
	char credential[512];
	enum outcome o;
	int fd;

	if (path == NULL)
		path = key_credential(credential);
	if (path == NULL)
		return FAULT_AT(f, "no master key: CREDENTIALS_DIRECTORY is not set");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return FAULT_AT(f, "%s: cannot read the master key: %s; without it no "
			"token can be checked, so restore it from your backup",
			path, strerror(errno));
	o = key_read(fd, path, master, f);
	close(fd);
	if (o != DONE)
		return o;
	*out = must_calloc(1, sizeof(**out));
	keys_derive(master, *out);
	secret_wipe(master, sizeof(master));
	return DONE;
}

void
keys_free(struct keys *k)
{
	if (k == NULL)
		return;
	mac_key_free(k->client_secret);
	mac_key_free(k->retry);
	secret_wipe(k, sizeof(*k));
	free(k);
}

enum outcome
keys_belong(const struct keys *k, struct bytes fact, struct fault *f)
{
	if (bytes_equal(fact, bytes_of(k->check)))
		return DONE;
	return FAULT_AT(f, "the master key is not the one this database was made with; "
		"restore the right master.key, or nobody's tokens are good");
}
