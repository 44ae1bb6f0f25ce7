/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault_place.h - a vault for a test, in a fresh directory with its key file beside it.
 */
#ifndef LATCHKEY_TESTS_VAULT_PLACE_H
#define LATCHKEY_TESTS_VAULT_PLACE_H

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "tap.h"
#include "vault/vault.h"

struct place {
	char root[64]; /* holds all of it */
	char where[256], key[104], key_path[96];
	struct vault *vault;
	struct arena *arena;
	struct fault fault;
};

/* Says why when it is not the result that was wanted. */
#define check_result(at, got, want)                                                   \
	tap_result_is((at), (got), (want), __FILE__, __LINE__, #got)

TAP_UNUSED static bool
tap_result_is(const struct place *at, enum vault_result got, enum vault_result want,
	const char *file, int line, const char *what)
{
	bool held = tap_int(got, want, file, line, what);

	if (!held)
		printf("#    said: %s\n", at->fault.what);
	return held;
}

TAP_UNUSED static bool
place_open(struct place *at)
{
	return check_result(at,
		vault_open(at->where, at->key, NULL, &at->vault, &at->fault),
			VAULT_DONE);
}

/* The directory alone, no vault in it. Memory, where there is no need of a disk. */
TAP_UNUSED static void
place_make(struct place *at)
{
	const char *memory = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";

	memset(at, 0, sizeof(*at));
	snprintf(at->root, sizeof(at->root), "%s/latchkey-vault-XXXXXX", memory);
	if (mkdtemp(at->root) == NULL) {
		perror(at->root);
		exit(1);
	}
	snprintf(at->where, sizeof(at->where), "%s/vault", at->root);
	snprintf(at->key_path, sizeof(at->key_path), "%s/keys/vault.key", at->root);
	snprintf(at->key, sizeof(at->key), "file:%s", at->key_path);
	at->arena = arena_new();
}

TAP_UNUSED static struct place
place_new(void)
{
	struct place at;

	place_make(&at);
	if (!place_open(&at))
		exit(1);
	return at;
}

TAP_UNUSED static int
place_remove_one(const char *path, const struct stat *st, int kind, struct FTW *walk)
{
	(void)st, (void)kind, (void)walk;
	return remove(path);
}

TAP_UNUSED static void
place_remove(struct place *at)
{
	vault_close(at->vault);
	at->vault = NULL;
	arena_free(at->arena);
	nftw(at->root, place_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* A file of the vault, by its path. */
TAP_UNUSED static const char *
place_file(struct place *at, const char *name)
{
	return arena_printf(at->arena, "%s/%s", at->where, name);
}

TAP_UNUSED static void
write_file(struct place *at, const char *name, const uint8_t *p, size_t n)
{
	int fd = open(place_file(at, name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	check(fd >= 0 && write(fd, p, n) == (ssize_t)n);
	close(fd);
}

/* Locks, writes, unlocks. */
TAP_UNUSED static enum vault_result
put_record(struct place *at, struct bytes name, struct bytes record)
{
	struct vault_lock *l;
	enum vault_result r = vault_lock(at->vault, name, 1000, &l, &at->fault);

	if (r != VAULT_DONE)
		return r;
	r = vault_write(l, record, &at->fault);
	vault_unlock(l);
	return r;
}

TAP_UNUSED static enum vault_result
get_record(struct place *at, struct bytes name, struct bytes *record)
{
	*record = NONE;
	return vault_read(at->vault, name, at->arena, record, &at->fault);
}

/* Runs the body in a child; its exit status is the child's, or -1 - signal. */
TAP_UNUSED static int
in_child(void (*body)(void *), void *arg)
{
	int status = 0;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		body(arg);
		fflush(stdout);
		_exit(tap.failed);
	}
	check_int(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1 - WTERMSIG(status);
}

#endif
