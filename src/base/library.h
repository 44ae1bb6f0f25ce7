/* SPDX-License-Identifier: Apache-2.0 */
/*
 * library.h - a library that is loaded when it is first used, because most runs never
 * do: its memory, its start and its code stay away from the others.
 *
 *	static const struct library_symbol wanted[] = {
 *	#define ROW(name) { "curl_" #name, &functions.name },
 *		CURL_FUNCTIONS(ROW)
 *	};
 *         loaded = library_load("libcurl.so.4", wanted, sizeof(wanted) /
 * sizeof(wanted[0]));
 */
#ifndef LATCHKEY_BASE_LIBRARY_H
#define LATCHKEY_BASE_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>

struct library_symbol {
	const char *name;
	void *place; /* a pointer of that function's type */
};

/* Sets every place, or gives false: the library or a function is missing. It stays
 * loaded, since it may have threads by then. Call it once (pthread_once). */
bool library_load(const char *file, const struct library_symbol *wanted, size_t count);

#endif
