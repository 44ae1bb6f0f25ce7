/* SPDX-License-Identifier: Apache-2.0 */
/*
 * markup.h - where in an HTML document we are, so that a value is escaped for the
 * place it stands in, and what no page of ours may hold.
 *
 * It reads our own templates and an operator's, not the web's HTML: attribute
 * values are double-quoted, comments are the template's. Refused are scripts
 * (but one with a nonce, where allowed), styles, handlers, frames, and anything
 * that comes from or leads to another origin (RULEBOOK U-01, U-03): the
 * content security policy would block it silently, so it is said here aloud.
 */
#ifndef LATCHKEY_PAGES_MARKUP_H
#define LATCHKEY_PAGES_MARKUP_H

#include <stdbool.h>
#include <stddef.h>

enum markup_state {
	MARKUP_TEXT,
	MARKUP_OPEN,        /* behind < */
	MARKUP_ELEMENT,     /* in its name */
	MARKUP_TAG,         /* between attributes */
	MARKUP_ATTRIBUTE,   /* in its name */
	MARKUP_EQUALS,      /* behind = */
	MARKUP_VALUE,       /* between the quotes */
	MARKUP_DECLARATION, /* <!doctype html> */
	MARKUP_SCRIPT,      /* in the body of a script */
};

#define MARKUP_NAME_MAX 24

struct markup {
	enum markup_state state;
	bool may_script;
	bool nonce;                       /* this tag has one */
	size_t value_length;              /* behind the quote; 0: nothing yet */
	char element[MARKUP_NAME_MAX];    /* lower case; "/p" for a closing tag */
	char attribute[MARKUP_NAME_MAX];
};

/* One character of a template. NULL, or what is wrong, as a sentence. */
const char *markup_feed(struct markup *m, char c);
/* A value stands here. NULL, or why it must not. */
const char *markup_value(struct markup *m);
/* Is the value of a link, source or action being written? */
bool markup_in_url(const struct markup *m);
/* The same place: what a section leaves as it found it. */
bool markup_same(const struct markup *x, const struct markup *y);

#endif
