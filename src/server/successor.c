/* SPDX-License-Identifier: Apache-2.0 */
/*
 * successor.c - starts the program that now stands where ours stood, with our command
 * line and --replace: an upgrade is the new package and one SIGUSR2.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "server/handover.h"

#define ARGUMENTS_MAX ((size_t)131072)
#define REPLACE "--replace"

/* The kernel says "/usr/bin/latchkey (deleted)" once a package was unpacked over it. */
static enum outcome
program_path(char out[static PATH_MAX], struct fault *f)
{
	static const char gone[] = " (deleted)";
	ssize_t n = readlink("/proc/self/exe", out, PATH_MAX - 1);

	if (n <= 0)
		return FAULT_AT(f, "/proc/self/exe: %s", strerror(errno));
	out[n] = '\0';
	if (bytes_ends(bytes_of(out), B(" (deleted)")))
		out[(size_t)n - (sizeof(gone) - 1)] = '\0';
	return DONE;
}

static enum outcome
read_arguments(struct arena *a, struct bytes *out, struct fault *f)
{
	char *text = arena_alloc(a, ARGUMENTS_MAX);
	int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
	size_t n = 0;
	ssize_t got = -1;

	while (fd >= 0 && n < ARGUMENTS_MAX &&
		(got = read(fd, text + n, ARGUMENTS_MAX - n)) > 0)
		n += (size_t)got;
	if (fd >= 0)
		close(fd);
	if (got != 0)
		return FAULT_AT(f, "/proc/self/cmdline cannot be read");
	*out = (struct bytes){ text, n };
	return DONE;
}

/* NUL behind each; --replace once. */
static char **
argument_list(struct arena *a, struct bytes text)
{
	char **list = ARENA_ARRAY(a, char *, text.n + 2);
	size_t n = 0;
	bool replaces = false;

	while (text.n > 0) {
		struct bytes one = bytes_cut(&text, '\0');

		replaces = replaces || bytes_equal(one, B(REPLACE));
		list[n++] = arena_copy(a, arena_cstr(a, one), one.n + 1);
	}
	if (!replaces)
		list[n] = arena_copy(a, REPLACE, sizeof(REPLACE));
	return list;
}

static enum outcome
spawn(const char *path, char **arguments, struct fault *f)
{
	posix_spawnattr_t how;
	sigset_t none, ignored;
	pid_t pid;
	int error;

	sigemptyset(&none);
	sigemptyset(&ignored);
	sigaddset(&ignored, SIGCHLD); /* by us, not by it: it may wait for children */
	sigaddset(&ignored, SIGPIPE);
	signal(SIGCHLD, SIG_IGN); /* one that fails leaves nothing to wait for */
	posix_spawnattr_init(&how);
	posix_spawnattr_setsigmask(&how, &none);
	posix_spawnattr_setsigdefault(&how, &ignored);
	posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	error = posix_spawn(&pid, path, NULL, &how, arguments, environ);
	posix_spawnattr_destroy(&how);
	return error == 0 ? DONE : FAULT_AT(f, "%s: %s", path, strerror(error));
}

enum outcome
handover_start_successor(struct fault *f)
{
	struct arena *a = arena_new();
	char path[PATH_MAX];
	struct bytes text;
	enum outcome o = program_path(path, f);

	if (o == DONE)
		o = read_arguments(a, &text, f);
	if (o == DONE)
		o = spawn(path, argument_list(a, text), f);
	arena_free(a);
	return o;
}
