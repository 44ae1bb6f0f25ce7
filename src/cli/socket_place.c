/* SPDX-License-Identifier: Apache-2.0 */
/*
 * socket_place.c - latchkey-exec-XXXXXX/token below the session's directory.
 *
 * The lock is the directory's own (flock), taken before the socket is made: a directory
 * that has a socket and no lock is a dead process's.
 */
#include "cli/socket_place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX "latchkey-exec-"
#define SOCKET "token"

static const char *
base(void)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");

	return runtime != NULL && runtime[0] == '/' && strlen(runtime) < 40 ? runtime
									    : "/tmp";
}

static int
open_directory(int at, const char *name)
{
	return openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* ---- what others have left ------------------------------------------------------ */

static bool
is_left(int directory)
{
	struct stat st;

	return fstat(directory, &st) == 0 && st.st_uid == geteuid() &&
		fstatat(directory, SOCKET, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		S_ISSOCK(st.st_mode) && flock(directory, LOCK_EX | LOCK_NB) == 0;
}

/* Best effort: what cannot be cleared away now stays until it can. */
static void
clear_left(const char *above)
{
	DIR *d = opendir(above);
	const struct dirent *entry;

	while (d != NULL && (entry = readdir(d)) != NULL) {
		int left = strncmp(entry->d_name, PREFIX, sizeof PREFIX - 1) == 0
			? open_directory(dirfd(d), entry->d_name)
			: -1;

		if (left < 0)
			continue;
		if (is_left(left) && unlinkat(left, SOCKET, 0) == 0)
			unlinkat(dirfd(d), entry->d_name, AT_REMOVEDIR);
		close(left);
	}
	if (d != NULL)
		closedir(d);
}

/* ---- ours ----------------------------------------------------------------------- */

bool
socket_place_make(struct socket_place *p)
{
	*p = (struct socket_place){ .directory = -1, .at = { .sun_family = AF_UNIX } };
	clear_left(base());
	snprintf(p->path, sizeof p->path, "%s/" PREFIX "XXXXXX", base());
	if (mkdtemp(p->path) == NULL) {
		p->path[0] = '\0';
		return false;
	}
	snprintf(p->at.sun_path, sizeof p->at.sun_path, "%s/" SOCKET, p->path);
	p->directory = open_directory(AT_FDCWD, p->path);
	return p->directory >= 0 && flock(p->directory, LOCK_EX) == 0;
}

void
socket_place_remove(struct socket_place *p)
{
	if (p->path[0] == '\0')
		return;
	unlink(p->at.sun_path);
	rmdir(p->path);
	if (p->directory >= 0)
		close(p->directory);
}
