/* SPDX-License-Identifier: Apache-2.0 */
/*
 * template.h - HTML with holes, filled from a struct. There is no logic in it.
 *
 *	{{name}}              the value, escaped for where it stands
 *	{{#name}} .. {{/name}}  for each thing of a list; within a part; or once, if
 *	                      a flag is set or a text is not empty
 *	{{^name}} .. {{/name}}  if it is empty, unset, or there is none
 *	{{>head}}             the file head.html, as if it stood here
 *	{{! a remark }}
 *
 * A tag other than a value that stands alone on its line takes the line with it.
 * Names are looked up in the thing at hand, then in what is around it.
 *
 * Promises: which names there are is a table over a struct, so a name that does
 * not exist is found when the template is read, not when somebody looks at the
 * page; where a value may not stand (markup.h) it is refused with file and line;
 * there is no way to write a value unescaped. A template that was read is
 * immutable and shared by threads.
 */
#ifndef LATCHKEY_PAGES_TEMPLATE_H
#define LATCHKEY_PAGES_TEMPLATE_H

#include "base/arena.h"
#include "base/outcome.h"

enum template_kind {
	TEMPLATE_TEXT,   /* struct bytes a person reads: cleaned and escaped */
	TEMPLATE_EXACT,  /* struct bytes that comes back to us: escaped only */
	TEMPLATE_FLAG,   /* bool */
	TEMPLATE_LIST,   /* pointer to things, and their number */
	TEMPLATE_PART,   /* a struct within the struct */
	TEMPLATE_MADE,   /* text that a function makes of the struct */
	TEMPLATE_ASKED,  /* flag that a function tells of the struct */
};

struct template_field {
	const char *name;
	enum template_kind kind;
	size_t offset, count_offset;
	const struct template_type *type;  /* of a list's things, of a part */
	/* Writes at most TEMPLATE_MADE_MAX. */
	void (*make)(const void *value, struct buf *out);
	bool (*ask)(const void *value);
};

struct template_type {
	const char *name; /* "consent": what messages call it */
	size_t size;
	const struct template_field *fields;
	size_t count;
	const char *const *needed; /* a page shows these, or is refused; NULL ends */
};

#define TEMPLATE_MADE_MAX 512

/* Rows of a table of fields; s is a struct tag, m its member. */
#define FIELD_TEXT(s, m) \
	{ .name = #m, .kind = TEMPLATE_TEXT, .offset = offsetof(struct s, m) }
#define FIELD_EXACT(s, m) \
	{ .name = #m, .kind = TEMPLATE_EXACT, .offset = offsetof(struct s, m) }
#define FIELD_FLAG(s, m) \
	{ .name = #m, .kind = TEMPLATE_FLAG, .offset = offsetof(struct s, m) }
#define FIELD_LIST(s, m, number, of) \
	{ .name = #m, .kind = TEMPLATE_LIST, .offset = offsetof(struct s, m), \
	  .count_offset = offsetof(struct s, number), .type = &(of) }
#define FIELD_PART(s, m, of) \
	{ .name = #m, .kind = TEMPLATE_PART, .offset = offsetof(struct s, m), \
	  .type = &(of) }
#define FIELD_MADE(n, function) \
	{ .name = n, .kind = TEMPLATE_MADE, .make = function }
#define FIELD_ASKED(n, function) \
	{ .name = n, .kind = TEMPLATE_ASKED, .ask = function }

#define TEMPLATE_TYPE(label, s, table) \
	{ .name = label, .size = sizeof(struct s), .fields = table, \
	  .count = sizeof(table) / sizeof((table)[0]) }
#define TEMPLATE_PAGE(label, s, table, names) \
	{ .name = label, .size = sizeof(struct s), .fields = table, \
	  .count = sizeof(table) / sizeof((table)[0]), .needed = names }

/* The files a template may be made of. */
struct template_source {
	const char *name; /* "consent.html" */
	struct bytes text;
};

struct template_read {
	const struct template_source *sources;
	size_t source_count;
	const char *name;                 /* which of them */
	const struct template_type *site; /* what is around the page; may be NULL */
	const struct template_type *page;
	bool may_script;                  /* one script with a nonce (U-13) */
};

struct template;

/* Memory is the arena's; sources are viewed, not copied, and must live as long.
 * REFUSED: f says file, line and reason. */
enum outcome template_read(struct arena *a, const struct template_read *r,
	struct template **out, struct fault *f) must_check;
void template_write(const struct template *t, const void *site, const void *page,
	struct buf *out);

#endif
