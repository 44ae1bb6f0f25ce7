/* SPDX-License-Identifier: Apache-2.0 */
/*
 * template_read.c - a template's text becomes a tree whose every name is known
 * and whose every value knows how it is escaped.
 */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "pages/markup.h"
#include "pages/template_tree.h"

#define NESTING_MAX 12 /* of sections and files; also ends files that hold each other */

/* The types of the things at hand, innermost first. */
struct scope {
	const struct template_type *type;
	const struct scope *around;
};

/* The tag at hand: {{#name}} has sigil '#', {{name}} a space; '\0': end of file. */
struct tag {
	char sigil;
	struct bytes name;
};

struct reader {
	struct arena *arena;
	const struct template_read *asked;
	const struct template_source *file;
	struct bytes rest;  /* of the file's text */
	const char *where;  /* in it, for complaints */
	unsigned nesting;
	struct markup markup;
	bool *seen;         /* of the page's fields, those that were written */
	struct fault *fault;
};

/* A list of nodes as it grows. */
struct nodes {
	struct node *first, **end;
};

static enum outcome read_nodes(struct reader *r, const struct scope *s,
	struct bytes section, struct nodes *out) must_check;

/* "consent.html:12: there is no {{nmae}} here" */
__attribute__((format(printf, 2, 3))) static enum outcome
complain(struct reader *r, const char *format, ...)
{
	char why[144];
	va_list args;
	int line = 1;

	for (const char *c = r->file->text.p; c < r->where; c++)
		line += *c == '\n';
	va_start(args, format);
	vsnprintf(why, sizeof(why), format, args);
	va_end(args);
	(void)fault_note(r->fault, r->file->name, line, "%s:%d: %s", r->file->name,
		line, why);
	return REFUSED;
}

static struct node *
append(struct reader *r, struct nodes *list, struct node node)
{
	struct node *n = arena_copy(r->arena, &node, sizeof(node));

	*list->end = n;
	list->end = &n->next;
	return n;
}

static enum outcome
read_literal(struct reader *r, struct bytes text, struct nodes *out)
{
	for (size_t i = 0; i < text.n; i++) {
		const char *problem = markup_feed(&r->markup, text.p[i]);

		r->where = text.p + i;
		if (problem != NULL)
			return complain(r, "%s", problem);
	}
	if (!bytes_empty(text))
		append(r, out, (struct node){ .kind = NODE_LITERAL, .literal = text });
	return DONE;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct bytes
trimmed(struct bytes b)
{
	while (b.n > 0 && is_blank(b.p[0]))
		b = bytes_slice(b, 1, b.n);
	while (b.n > 0 && is_blank(b.p[b.n - 1]))
		b.n--;
	return b;
}

/* A tag that stands alone takes its line with it: the blanks before, and the break. */
static void
take_line(struct reader *r, struct bytes *before)
{
	const char *start = before->p + before->n, *file = r->file->text.p;
	size_t end = 0;

	while (start > file && is_blank(start[-1]))
		start--;
	while (end < r->rest.n && is_blank(r->rest.p[end]))
		end++;
	if (start > file && start[-1] != '\n')
		return;
	if (end < r->rest.n && r->rest.p[end] != '\n')
		return;
	before->n = start > before->p ? (size_t)(start - before->p) : 0;
	r->rest = bytes_slice(r->rest, end < r->rest.n ? end + 1 : end, r->rest.n);
}

static size_t
index_of(struct bytes text, const char what[static 2])
{
	const char *found = text.n > 0 ? memmem(text.p, text.n, what, 2) : NULL;

	return found != NULL ? (size_t)(found - text.p) : text.n;
}

/* What kind of tag it is; a space where the name begins at once. */
static char
sigil_of(struct bytes name)
{
	static const struct bytes sigils = BI("#^/>!");

	for (size_t i = 0; i < sigils.n; i++)
		if (bytes_starts(name, bytes_slice(sigils, i, 1)))
			return sigils.p[i];
	return ' ';
}

/* Reads what stands before the next tag, then the tag. */
static enum outcome
next_tag(struct reader *r, struct nodes *out, struct tag *tag)
{
	struct bytes before = bytes_slice(r->rest, 0, index_of(r->rest, "{{"));
	struct bytes behind = bytes_slice(r->rest, before.n, r->rest.n);
	size_t close = index_of(behind, "}}");

	*tag = (struct tag){ '\0', NONE };
	r->rest = bytes_slice(behind, close + 2, behind.n);
	if (bytes_empty(behind))
		return read_literal(r, before, out);
	r->where = behind.p;
	if (close == behind.n)
		return complain(r, "{{ without }}");
	tag->name = trimmed(bytes_slice(behind, 2, close - 2));
	tag->sigil = sigil_of(tag->name);
	if (tag->sigil != ' ') {
		tag->name = trimmed(bytes_slice(tag->name, 1, tag->name.n));
		take_line(r, &before);
	}
	TRY(read_literal(r, before, out));
	r->where = behind.p;
	return DONE;
}

static const struct template_field *
field_in(const struct template_type *type, struct bytes name)
{
	for (size_t i = 0; i < type->count; i++)
		if (bytes_equal(bytes_of(type->fields[i].name), name))
			return &type->fields[i];
	return NULL;
}

/* The innermost thing that has such a name. */
static enum outcome
find_field(struct reader *r, const struct scope *s, struct bytes name, struct node *n)
{
	for (n->outward = 0; s != NULL; s = s->around, n->outward++) {
		n->field = field_in(s->type, name);
		if (n->field == NULL)
			continue;
		if (s->type == r->asked->page &&
			(n->kind == NODE_VALUE || n->field->kind == TEMPLATE_LIST))
			r->seen[n->field - s->type->fields] = true;
		return DONE;
	}
	return complain(r, "there is no {{%.*s}} here", BYTES_FMT(name));
}

static enum outcome
read_value(struct reader *r, const struct scope *s, struct bytes name,
	struct nodes *out)
{
	struct node n = { .kind = NODE_VALUE };
	bool whole = r->markup.value_length == 0, url = markup_in_url(&r->markup);
	const char *problem = markup_value(&r->markup);

	TRY(find_field(r, s, name, &n));
	assert(n.field != NULL);
	if (problem != NULL)
		return complain(r, "%s", problem);
	n.place = !url ? PLACE_TEXT : whole ? PLACE_URL : PLACE_URL_PART;
	switch (n.field->kind) {
	case TEMPLATE_EXACT:
		if (url)
			return complain(r, "{{%s}} is no link", n.field->name);
		break;
	case TEMPLATE_TEXT:
	case TEMPLATE_MADE:
		break;
	case TEMPLATE_FLAG:
	case TEMPLATE_LIST:
	case TEMPLATE_PART:
	case TEMPLATE_ASKED:
		return complain(r, "{{%s}} is no text: write {{#%s}}", n.field->name,
			n.field->name);
	}
	append(r, out, n);
	return DONE;
}

/* Things of a list, and parts, come within reach; texts and flags do not. */
static enum outcome
read_inside(struct reader *r, const struct scope *s, struct bytes name,
	const struct node *section, struct nodes *out)
{
	struct scope inner = { section->field->type, s };
	bool enters = section->kind == NODE_SECTION &&
		(section->field->kind == TEMPLATE_LIST ||
			section->field->kind == TEMPLATE_PART);

	return read_nodes(r, enters ? &inner : s, name, out);
}

static enum outcome
read_section(struct reader *r, const struct scope *s, const struct tag *tag,
	struct nodes *out)
{
	bool when_empty = tag->sigil == '^';
	struct node n = { .kind = when_empty ? NODE_EMPTY_SECTION : NODE_SECTION };
	struct markup before = r->markup;
	struct nodes inside = { NULL, &inside.first };

	TRY(find_field(r, s, tag->name, &n));
	if (++r->nesting > NESTING_MAX)
		return complain(r, "it nests deeper than %d", NESTING_MAX);
	TRY(read_inside(r, s, tag->name, &n, &inside));
	r->nesting--;
	if (!markup_same(&before, &r->markup))
		return complain(r, "{{%c%s}} ends within other markup than it began",
			tag->sigil, n.field->name);
	n.inside = inside.first;
	append(r, out, n);
	return DONE;
}

static const struct template_source *
find_source(const struct template_read *asked, struct bytes name)
{
	for (size_t i = 0; i < asked->source_count; i++) {
		struct bytes file = bytes_of(asked->sources[i].name);

		if (bytes_starts(file, name) &&
			bytes_equal(bytes_slice(file, name.n, file.n), B(".html")))
			return &asked->sources[i];
	}
	return NULL;
}

/* The file is read where it is used, so its names are the ones within reach there. */
static enum outcome
read_partial(struct reader *r, const struct scope *s, struct bytes name,
	struct nodes *out)
{
	const struct template_source *back = r->file;
	const struct template_source *file = find_source(r->asked, name);
	struct bytes rest = r->rest;
	const char *where = r->where;

	if (file == NULL)
		return complain(r, "there is no file %.*s.html", BYTES_FMT(name));
	if (++r->nesting > NESTING_MAX)
		return complain(r, "it nests deeper than %d", NESTING_MAX);
	r->file = file;
	r->rest = file->text;
	TRY(read_nodes(r, s, NONE, out));
	r->nesting--;
	r->file = back;
	r->rest = rest;
	r->where = where;
	return DONE;
}

static enum outcome
read_tag(struct reader *r, const struct scope *s, const struct tag *tag,
	struct nodes *out)
{
	switch (tag->sigil) {
	case '#':
	case '^': return read_section(r, s, tag, out);
	case '>': return read_partial(r, s, tag->name, out);
	case '!': return DONE;
	default: return read_value(r, s, tag->name, out);
	}
}

/* Up to {{/section}}, or to the end of the file where section is NONE. */
static enum outcome
read_nodes(struct reader *r, const struct scope *s, struct bytes section,
	struct nodes *out)
{
	struct tag tag;

	for (;;) {
		TRY(next_tag(r, out, &tag));
		if (tag.sigil == '\0' && bytes_empty(section))
			return DONE;
		if (tag.sigil == '\0')
			return complain(r, "{{#%.*s}} is never closed",
				BYTES_FMT(section));
		if (tag.sigil == '/' && !bytes_empty(section) &&
			bytes_equal(tag.name, section))
			return DONE;
		if (tag.sigil == '/')
			return complain(r, "{{/%.*s}} closes nothing",
				BYTES_FMT(tag.name));
		TRY(read_tag(r, s, &tag, out));
	}
}

/* What a page must show, it shows: an operator cannot hide who receives the answer. */
static enum outcome
check_needed(struct reader *r)
{
	const struct template_type *page = r->asked->page;

	r->where = r->file->text.p;
	for (const char *const *name = page->needed; name && *name; name++)
		if (!r->seen[field_in(page, bytes_of(*name)) - page->fields])
			return complain(r, "the page must show {{%s}}", *name);
	return DONE;
}

enum outcome
template_read(struct arena *a, const struct template_read *asked,
	struct template **out, struct fault *f)
{
	struct scope site = { asked->site, NULL };
	struct scope page = { asked->page, asked->site != NULL ? &site : NULL };
	struct nodes nodes = { NULL, &nodes.first };
	struct bytes name = bytes_of(asked->name);
	struct reader r = { .arena = a, .asked = asked, .fault = f };

	r.file = find_source(asked, bytes_slice(name, 0, name.n - strlen(".html")));
	if (r.file == NULL)
		return fault_note(f, asked->name, 0, "%s is not there", asked->name);
	r.rest = r.file->text;
	r.markup.may_script = asked->may_script;
	r.seen = ARENA_ARRAY(a, bool, asked->page->count + 1);
	TRY(read_nodes(&r, &page, NONE, &nodes));
	if (r.markup.state != MARKUP_TEXT)
		return complain(&r, "the file ends within a tag");
	TRY(check_needed(&r));
	*out = ARENA_NEW(a, struct template);
	(*out)->first = nodes.first;
	return DONE;
}
