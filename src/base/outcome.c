/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outcome.c - where a fault is noted; TRY then carries it up untouched.
 */
#include "base/outcome.h"

#include <stdarg.h>
#include <stdio.h>

enum outcome
fault_note(struct fault *f, const char *file, int line, const char *format, ...)
{
	va_list args;

	if (f == NULL)
		return FAULT;
	f->file = file;
	f->line = line;
	va_start(args, format);
	vsnprintf(f->what, sizeof(f->what), format, args);
	va_end(args);
	return FAULT;
}
