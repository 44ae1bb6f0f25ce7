/* SPDX-License-Identifier: Apache-2.0 */
/*
 * template_tree.h - a template that was read: between template_read.c, which
 * grows the tree, and template_write.c, which walks it.
 */
#ifndef LATCHKEY_PAGES_TEMPLATE_TREE_H
#define LATCHKEY_PAGES_TEMPLATE_TREE_H

#include "pages/template.h"

enum node_kind { NODE_LITERAL, NODE_VALUE, NODE_SECTION, NODE_EMPTY_SECTION };

enum node_place { PLACE_TEXT, PLACE_URL, PLACE_URL_PART };

struct node {
	enum node_kind kind;
	enum node_place place;              /* of a value */
	struct bytes literal;
	const struct template_field *field;
	unsigned outward;                   /* how many things further out it lives */
	const struct node *inside;          /* of a section */
	struct node *next;
};

struct template {
	const struct node *first;
};

#endif
