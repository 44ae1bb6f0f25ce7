/* SPDX-License-Identifier: Apache-2.0 */
/*
 * home.c - the environment's word on the home directory, then the user database's.
 */
#include "base/home.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ENTRY_MAX ((size_t)16384)

bool
home_directory(char *out, size_t size)
{
	const char *home = secure_getenv("HOME");
	struct passwd entry, *found = NULL;
	char memory[ENTRY_MAX];
	int n;

	if (home == NULL || home[0] != '/') {
		if (getpwuid_r(getuid(), &entry, memory, sizeof(memory), &found) != 0 ||
			found == NULL)
			return false;
		home = found->pw_dir;
	}
	n = snprintf(out, size, "%s", home);
	return n > 0 && (size_t)n < size;
}
