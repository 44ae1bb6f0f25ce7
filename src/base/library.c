/* SPDX-License-Identifier: Apache-2.0 */
/*
 * library.c - the dynamic linker's work, done later and for one library.
 */
#include "base/library.h"

#include <dlfcn.h>

bool
library_load(const char *file, const struct library_symbol *wanted, size_t count)
{
	void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);

	if (library == NULL)
		return false;
	for (size_t i = 0; i < count; i++) {
		void *found = dlsym(library, wanted[i].name);

		if (found == NULL)
			return false;
		*(void **)wanted[i].place = found;
	}
	return true;
}
