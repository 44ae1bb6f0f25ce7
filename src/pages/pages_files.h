/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pages_files.h - the templates and the style sheet: those built in, and those an
 * operator put in their place.
 */
#ifndef LATCHKEY_PAGES_PAGES_FILES_H
#define LATCHKEY_PAGES_PAGES_FILES_H

#include "base/arena.h"
#include "base/outcome.h"
#include "pages/template.h"

/* Built in (made from templates/ and style.css by embed.py). */
extern const struct template_source pages_built_in[];
extern const size_t pages_built_in_count;

struct pages_files {
	struct template_source *sources; /* as many as are built in, in their order */
	struct bytes brand;              /* brand.json; NONE: there is none */
	bool has_brand;
};

/* dir NULL: what is built in. An .html file that stands in for nothing is refused:
 * its name is misspelt. */
enum outcome pages_files_read(struct arena *a, const char *dir, struct pages_files *out,
	struct fault *f) must_check;
/* One file of dir, at most max bytes; *found is false when it does not exist. */
enum outcome pages_file(struct arena *a, const char *dir, const char *name, size_t max,
	struct bytes *out, bool *found, struct fault *f) must_check;

#endif
