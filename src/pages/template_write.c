/* SPDX-License-Identifier: Apache-2.0 */
/*
 * template_write.c - a tree and a struct become a page.
 *
 * Depth is bounded by the template (sections nest at most as deep as it was
 * read), never by the values.
 */
#include <assert.h>

#include "pages/html.h"
#include "pages/template_tree.h"

/* The things at hand, innermost first. */
struct frame {
	const void *thing;
	const struct frame *around;
};

static void write_nodes(const struct node *n, const struct frame *f, struct buf *out);

static const void *
at(const void *thing, size_t offset)
{
	return (const char *)thing + offset;
}

static struct bytes
text_of(const struct template_field *field, const void *thing)
{
	return *(const struct bytes *)at(thing, field->offset);
}

static size_t
count_of(const struct template_field *field, const void *thing)
{
	return *(const size_t *)at(thing, field->count_offset);
}

static void
write_text(struct bytes text, enum node_place place, struct buf *out)
{
	switch (place) {
	case PLACE_TEXT: html_text(out, text); break;
	case PLACE_URL: html_url(out, text); break;
	case PLACE_URL_PART: html_url_part(out, text); break;
	}
}

static void
write_made(const struct node *n, const void *thing, struct buf *out)
{
	char memory[TEMPLATE_MADE_MAX];
	struct buf made = buf_fixed(memory, sizeof(memory));

	n->field->make(thing, &made);
	out->failed |= made.failed;
	write_text(buf_bytes(&made), n->place, out);
}

static void
write_value(const struct node *n, const void *thing, struct buf *out)
{
	switch (n->field->kind) {
	case TEMPLATE_TEXT:
		write_text(text_of(n->field, thing), n->place, out);
		break;
	case TEMPLATE_EXACT:
		html_exact(out, text_of(n->field, thing));
		break;
	case TEMPLATE_MADE:
		write_made(n, thing, out);
		break;
	case TEMPLATE_FLAG:
	case TEMPLATE_LIST:
	case TEMPLATE_PART:
	case TEMPLATE_ASKED:
		break; /* template_read.c refuses them as values */
	}
}

static bool
is_there(const struct template_field *field, const void *thing)
{
	switch (field->kind) {
	case TEMPLATE_TEXT:
	case TEMPLATE_EXACT: return !bytes_empty(text_of(field, thing));
	case TEMPLATE_FLAG: return *(const bool *)at(thing, field->offset);
	case TEMPLATE_LIST: return count_of(field, thing) > 0;
	case TEMPLATE_ASKED: return field->ask(thing);
	case TEMPLATE_PART:
	case TEMPLATE_MADE: return true;
	}
	return false;
}

static void
write_list(const struct node *n, const void *thing, const struct frame *f,
	struct buf *out)
{
	const void *things = *(const void *const *)at(thing, n->field->offset);
	size_t count = count_of(n->field, thing);

	for (size_t i = 0; i < count; i++) {
		struct frame inner = { at(things, i * n->field->type->size), f };

		write_nodes(n->inside, &inner, out);
	}
}

static void
write_section(const struct node *n, const void *thing, const struct frame *f,
	struct buf *out)
{
	struct frame inner = { at(thing, n->field->offset), f };

	if (n->field->kind == TEMPLATE_LIST)
		write_list(n, thing, f, out);
	else if (n->field->kind == TEMPLATE_PART)
		write_nodes(n->inside, &inner, out);
	else if (is_there(n->field, thing))
		write_nodes(n->inside, f, out);
}

static const void *
thing_of(const struct node *n, const struct frame *f)
{
	for (unsigned i = 0; i < n->outward; i++) {
		f = f->around;
		assert(f != NULL); /* the reader counted how many there are */
	}
	return f->thing;
}

static void
write_nodes(const struct node *n, const struct frame *f, struct buf *out)
{
	for (; n != NULL; n = n->next) {
		switch (n->kind) {
		case NODE_LITERAL:
			buf_put(out, n->literal);
			break;
		case NODE_VALUE:
			write_value(n, thing_of(n, f), out);
			break;
		case NODE_SECTION:
			write_section(n, thing_of(n, f), f, out);
			break;
		case NODE_EMPTY_SECTION:
			if (!is_there(n->field, thing_of(n, f)))
				write_nodes(n->inside, f, out);
			break;
		}
	}
}

void
template_write(const struct template *t, const void *site, const void *page,
	struct buf *out)
{
	struct frame outer = { site, NULL };
	struct frame inner = { page, site != NULL ? &outer : NULL };

	write_nodes(t->first, &inner, out);
}
