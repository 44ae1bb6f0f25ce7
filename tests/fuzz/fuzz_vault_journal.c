/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever stands in a vault's directory as journal, record and history: a reader gets
 * what was sealed or VAULT_DAMAGED, the history gives lines that end, and the next
 * writer writes as if nothing had been there.
 */
#include <fcntl.h>
#include <ftw.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"
#include "vault/vault_backend.h"

#define NAME B("acme")

static char root[64];
static struct vault *vault;
static struct arena *arena;

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *walk)
{
	(void)st, (void)kind, (void)walk;
	return remove(path);
}

static void
end(void)
{
	vault_close(vault);
	arena_free(arena);
	nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* The data key of the seeds is 0, 1, 2 .. 31. */
static void
begin(void)
{
	char where[80], key[96];
	struct fault f;

	if (vault != NULL)
		return;
	snprintf(root, sizeof(root), "%s/latchkey-fuzz-XXXXXX",
		access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	holds(mkdtemp(root) != NULL);
	snprintf(where, sizeof(where), "%s/vault", root);
	snprintf(key, sizeof(key), "file:%s/key", root);
	holds(vault_open(where, key, NULL, &vault, &f) == VAULT_DONE);
	for (uint8_t i = 0; i < 32; i++)
		vault->data_key[i] = i;
	arena = arena_new();
	atexit(end);
}

static void
put_file(const char *name, const uint8_t *data, size_t size)
{
	char path[96];
	int fd;

	snprintf(path, sizeof(path), "%s/vault/%s", root, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	holds(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	close(fd);
}

static void
read_all(struct vault_lock *l)
{
	struct bytes got, *lines;
	enum vault_result r;
	size_t n = 0;

	r = vault_journal_read(l, arena, &got, NULL);
	holds(r == VAULT_DONE || r == VAULT_DAMAGED);
	/* What was sealed as the one is not the other. */
	holds(r == VAULT_DAMAGED ||
		vault_read(vault, NAME, arena, &got, NULL) == VAULT_DAMAGED);
	holds(vault_log_read(vault, NAME, arena, &lines, &n, NULL) == VAULT_DONE);
	for (size_t i = 0; i < n; i++)
		holds(memchr(lines[i].p, '\n', lines[i].n) == NULL);
}

static void
write_over(struct vault_lock *l)
{
	struct bytes got, *lines;
	size_t n = 0;

	holds(vault_journal_write(l, B("entry"), NULL) == VAULT_DONE);
	holds(vault_journal_read(l, arena, &got, NULL) == VAULT_DONE);
	holds(bytes_equal(got, B("entry")));
	holds(vault_log_append(vault, NAME, B("line"), NULL) == VAULT_DONE);
	holds(vault_log_read(vault, NAME, arena, &lines, &n, NULL) == VAULT_DONE);
	holds(n >= 1 && n <= 401 && bytes_equal(lines[n - 1], B("line")));
	holds(vault_remove(l, NULL) == VAULT_DONE);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vault_lock *l;

	begin();
	put_file("acme.journal", data, size);
	put_file("acme.record", data, size);
	put_file("acme.log", data, size);
	holds(vault_lock(vault, NAME, 1000, &l, NULL) == VAULT_DONE);
	read_all(l);
	write_over(l);
	vault_unlock(l);
	arena_reset(arena);
	return 0;
}
