/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copy.h - a whole store moved to another back end, among the files that do it.
 *
 * A table is a list of columns; a row is that many cells. Whoever gives rows holds
 * everybody else off until it is retired: from then on nothing is answered from it.
 */
#ifndef LATCHKEY_STORE_COPY_H
#define LATCHKEY_STORE_COPY_H

#include "base/bytes.h"
#include "base/outcome.h"

#define COPY_COLUMNS_MAX 24
#define COPY_ROWS 500 /* at a time */

enum cell_type { CELL_INT = 'i', CELL_TEXT = 't', CELL_BLOB = 'b' };

struct cell {
	bool null;
	int64_t number;
	struct bytes bytes;
};

struct copy_table {
	const char *name;
	const char *columns; /* by the names they have in both, or in SQLite */
	const char *types;   /* a letter each, enum cell_type */
	bool counted; /* its numbers are given once and never again */
};

struct copy_rows {
	struct arena *arena; /* of the cells */
	size_t n;
	struct cell cells[COPY_ROWS][COPY_COLUMNS_MAX];
};

/* Where rows come from, and where they go to. */
struct copy_source {
	void *self;
	/* The next rows of the table; n is 0 after the last. */
	enum outcome (*rows)(void *self, const struct copy_table *t,
		struct copy_rows *out, struct fault *f);
	/* The highest number ever given in a counted table. */
	enum outcome (*counter)(void *self, const struct copy_table *t, int64_t *out,
		struct fault *f);
	/* It is the source no more, durably. */
	enum outcome (*retire)(void *self, struct fault *f);
	void (*close)(void *self);
};

struct copy_sink {
	void *self;
	enum outcome (*add)(void *self, const struct copy_table *t,
		const struct copy_rows *rows, struct fault *f);
	enum outcome (*counter)(void *self, const struct copy_table *t, int64_t last,
		struct fault *f);
	enum outcome (*commit)(void *self, struct fault *f); /* all of it, durably */
	void (*close)(void *self); /* without commit: nothing of it is left */
};

enum outcome sqlite_copy_source(const char *path, struct copy_source *out,
	struct fault *f) must_check;
enum outcome sqlite_copy_sink(const char *path, struct copy_sink *out, struct fault *f)
	must_check;
enum outcome pg_copy_source(const char *url, struct copy_source *out, struct fault *f)
	must_check;
enum outcome pg_copy_sink(const char *url, struct copy_sink *out, struct fault *f)
	must_check;

#endif
