/* SPDX-License-Identifier: Apache-2.0 */
/*
 * markup.c - a small state machine over HTML, one function a state.
 */
#include "pages/markup.h"

#include <string.h>

static const char *const elements_refused[] = {
	"style", "iframe", "frame", "object", "embed", "base", "template", "portal",
	"noscript", "math", "svg", "xmp", "plaintext", "textarea",
};

static const char *const url_attributes[] = {
	"href", "src", "action", "formaction", "cite", "data", "poster",
};

static const char *const attributes_refused[] = {
	"style", "srcdoc", "srcset", "http-equiv", "ping", "background",
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define HAS(list, name) named(list, COUNT(list), name)

static bool
named(const char *const *list, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(list[i], name) == 0)
			return true;
	return false;
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_name(char c)
{
	return is_letter(c) || (c >= '0' && c <= '9') || c == '-';
}

static const char *
extend(char name[MARKUP_NAME_MAX], char c)
{
	size_t n = strlen(name);

	if (n + 1 >= MARKUP_NAME_MAX)
		return "no element or attribute has so long a name";
	name[n] = c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
	name[n + 1] = '\0';
	return NULL;
}

static const char *
in_open(struct markup *m, char c)
{
	m->element[0] = '\0';
	m->attribute[0] = '\0';
	m->nonce = false;
	if (c == '!') {
		m->state = MARKUP_DECLARATION;
		return NULL;
	}
	if (c != '/' && !is_letter(c))
		return "'<' in text is written &lt;";
	m->state = MARKUP_ELEMENT;
	return extend(m->element, c);
}

static const char *
in_declaration(struct markup *m, char c)
{
	if (c == '-')
		return "a comment is written {{! like this }}";
	if (c == '>')
		m->state = MARKUP_TEXT;
	return NULL;
}

static const char *
tag_ends(struct markup *m)
{
	bool script = strcmp(m->element, "script") == 0;

	if (script && !m->nonce)
		return "no page has a script";
	m->state = script ? MARKUP_SCRIPT : MARKUP_TEXT;
	return NULL;
}

static const char *
in_tag(struct markup *m, char c)
{
	m->state = MARKUP_TAG;
	if (c == '>')
		return tag_ends(m);
	if (is_space(c) || c == '/')
		return NULL;
	if (!is_letter(c))
		return "an attribute begins with a letter";
	m->state = MARKUP_ATTRIBUTE;
	m->attribute[0] = '\0';
	return extend(m->attribute, c);
}

static const char *
in_element(struct markup *m, char c)
{
	if (is_name(c))
		return extend(m->element, c);
	if (HAS(elements_refused, m->element))
		return "this element is never part of a page";
	if (strcmp(m->element, "script") == 0 && !m->may_script)
		return "no page has a script";
	return in_tag(m, c);
}

static const char *
attribute_ends(struct markup *m)
{
	if (strncmp(m->attribute, "on", 2) == 0)
		return "no page has a script, nor a handler of events";
	if (HAS(attributes_refused, m->attribute))
		return "this attribute is never part of a page";
	return NULL;
}

static const char *
in_attribute(struct markup *m, char c)
{
	const char *problem;

	if (is_name(c))
		return extend(m->attribute, c);
	problem = attribute_ends(m);
	if (problem != NULL)
		return problem;
	if (c != '=')
		return in_tag(m, c);
	m->state = MARKUP_EQUALS;
	return NULL;
}

static const char *
in_equals(struct markup *m, char c)
{
	if (c != '"')
		return "the value of an attribute stands in double quotes";
	m->state = MARKUP_VALUE;
	m->value_length = 0;
	return NULL;
}

static const char *
in_value(struct markup *m, char c)
{
	size_t at = m->value_length++;

	if (c == '"') {
		m->state = MARKUP_TAG;
		return NULL;
	}
	/* U-03: no page leads to, or fetches from, another origin. */
	if (at == 0 && markup_in_url(m) && c != '/' && c != '#')
		return "a link of ours begins with / or #";
	if (at == 1 && markup_in_url(m) && (c == '/' || c == '\\'))
		return "a link of ours stays on our own origin";
	return NULL;
}

/* Nothing of ours holds a '<' in a script, so the first one ends it. */
static const char *
in_script(struct markup *m, char c)
{
	if (c == '<')
		m->state = MARKUP_OPEN;
	return NULL;
}

const char *
markup_feed(struct markup *m, char c)
{
	switch (m->state) {
	case MARKUP_TEXT:
		m->state = c == '<' ? MARKUP_OPEN : MARKUP_TEXT;
		return NULL;
	case MARKUP_OPEN: return in_open(m, c);
	case MARKUP_ELEMENT: return in_element(m, c);
	case MARKUP_TAG: return in_tag(m, c);
	case MARKUP_ATTRIBUTE: return in_attribute(m, c);
	case MARKUP_EQUALS: return in_equals(m, c);
	case MARKUP_VALUE: return in_value(m, c);
	case MARKUP_DECLARATION: return in_declaration(m, c);
	case MARKUP_SCRIPT: return in_script(m, c);
	}
	return NULL;
}

const char *
markup_value(struct markup *m)
{
	if (m->state == MARKUP_VALUE) {
		m->value_length++;
		m->nonce |= strcmp(m->attribute, "nonce") == 0;
		return NULL;
	}
	if (m->state == MARKUP_TEXT)
		return NULL;
	return "a value stands in text or between the double quotes of an attribute";
}

bool
markup_in_url(const struct markup *m)
{
	return m->state == MARKUP_VALUE && HAS(url_attributes, m->attribute);
}

bool
markup_same(const struct markup *x, const struct markup *y)
{
	if (x->state != y->state)
		return false;
	if (x->state == MARKUP_VALUE && strcmp(x->attribute, y->attribute) != 0)
		return false;
	return x->state == MARKUP_TEXT || strcmp(x->element, y->element) == 0;
}
