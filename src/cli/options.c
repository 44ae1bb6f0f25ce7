/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options.c - --name VALUE, --name=VALUE, --flag, operands; and --help from the
 * same table, so that the two never disagree.
 */
#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_VALUES 256

struct cli_value {
	const char *name, *value;
};

struct cli_values {
	struct cli_value given[MAX_VALUES];
	size_t count;
};

static const struct option common[] = {
	{ "dir", OPTION_TEXT, "DIR",
		"the installation's directory (default: $LATCHKEY_DIR or /var/lib/latchkey)" },
	{ "json", OPTION_FLAG, NULL, "print JSON instead of a table" },
	{ "help", OPTION_FLAG, NULL, "print this" },
	{ NULL, OPTION_FLAG, NULL, NULL },
};

static const struct option *
find_in(const struct option *list, struct bytes name)
{
	for (; list != NULL && list->name != NULL; list++)
		if (bytes_equal(bytes_of(list->name), name))
			return list;
	return NULL;
}

static const struct option *
find(const struct command *command, struct bytes name)
{
	const struct option *found = find_in(command->options, name);

	if (found == NULL)
		found = find_in(common, name);
	if (found != NULL && command->without_dir
		&& bytes_equal(name, B("dir")) && found == &common[0])
		return NULL;
	return found;
}

static bool
keep(struct cli *c, const struct option *o, const char *value)
{
	struct cli_values *v = c->values;

	if (o->kind != OPTION_LIST && option_given(c, o->name)) {
		cli_usage(c, "--%s is given twice", o->name);
		return false;
	}
	if (v->count == MAX_VALUES) {
		cli_usage(c, "more than %d options", MAX_VALUES);
		return false;
	}
	v->given[v->count++] = (struct cli_value){ o->name, value };
	return true;
}

/* Reads one option at argv[*i]; moves *i past a value that stands apart. */
static bool
read_option(struct cli *c, int argc, char **argv, int *i)
{
	struct bytes rest = bytes_of(argv[*i] + 2);
	bool joined = bytes_index(rest, '=') < rest.n;
	struct bytes name = bytes_cut(&rest, '=');
	const struct option *o = find(c->command, name);

	if (o == NULL) {
		cli_usage(c, "there is no option --%.*s", BYTES_FMT(name));
		return false;
	}
	if (o->kind == OPTION_FLAG) {
		if (joined) {
			cli_usage(c, "--%s takes no value", o->name);
			return false;
		}
		return keep(c, o, "");
	}
	if (joined)
		return keep(c, o, rest.p);
	if (*i + 1 >= argc) {
		cli_usage(c, "--%s needs a value: %s", o->name, o->value);
		return false;
	}
	return keep(c, o, argv[++*i]);
}

/* "CLIENT_ID [URI]": how many operands at least and at most. */
static void
operand_bounds(const char *operands, size_t *least, size_t *most)
{
	struct bytes rest = bytes_of(operands);

	*least = *most = 0;
	while (rest.n > 0) {
		struct bytes word = bytes_cut(&rest, ' ');
		(*most)++;
		if (word.n > 0 && word.p[0] != '[')
			(*least)++;
	}
}

bool
options_read(struct cli *c, int argc, char **argv)
{
	const char **operands = ARENA_ARRAY(c->arena, const char *, (size_t)argc + 1);
	bool only_operands = false;
	size_t least, most;

	c->values = ARENA_NEW(c->arena, struct cli_values);
	for (int i = 0; i < argc; i++) {
		if (!only_operands && strcmp(argv[i], "--") == 0)
			only_operands = true;
		else if (only_operands || strncmp(argv[i], "--", 2) != 0)
			operands[c->operand_count++] = argv[i];
		else if (!read_option(c, argc, argv, &i))
			return false;
	}
	c->operands = operands;
	c->json = option_given(c, "json");
	if (option_given(c, "help"))
		return true;
	operand_bounds(c->command->operands, &least, &most);
	if (c->operand_count < least || c->operand_count > most) {
		cli_usage(c, c->operand_count < least ? "%s is missing"
						      : "too many words; expected: %s",
			most > 0 ? c->command->operands : "options only");
		return false;
	}
	if (!c->command->without_dir) {
		c->dir = option_text(c, "dir");
		if (c->dir == NULL)
			c->dir = getenv("LATCHKEY_DIR");
		if (c->dir == NULL || c->dir[0] == '\0')
			c->dir = "/var/lib/latchkey";
	}
	return true;
}

bool
option_given(const struct cli *c, const char *name)
{
	return option_text(c, name) != NULL;
}

bool
options_given(const struct cli *c)
{
	for (size_t i = 0; i < c->values->count; i++)
		if (find_in(common, bytes_of(c->values->given[i].name)) == NULL)
			return true;
	return false;
}

const char *
option_text(const struct cli *c, const char *name)
{
	for (size_t i = 0; i < c->values->count; i++)
		if (strcmp(c->values->given[i].name, name) == 0)
			return c->values->given[i].value;
	return NULL;
}

struct strings
option_list(struct cli *c, const char *name)
{
	struct bytes *list = ARENA_ARRAY(c->arena, struct bytes, c->values->count + 1);
	size_t n = 0;

	for (size_t i = 0; i < c->values->count; i++)
		if (strcmp(c->values->given[i].name, name) == 0)
			list[n++] = bytes_of(c->values->given[i].value);
	return (struct strings){ list, n };
}

static void
help_options(const struct option *list, bool without_dir)
{
	for (; list != NULL && list->name != NULL; list++) {
		char left[64];

		if (without_dir && list == &common[0])
			continue;
		snprintf(left, sizeof left, "--%s%s%s%s", list->name,
			list->kind == OPTION_FLAG ? "" : " ",
			list->kind == OPTION_FLAG ? "" : list->value,
			list->kind == OPTION_LIST ? "..." : "");
		printf("  %-28s %s\n", left, list->sentence);
	}
}

void
command_help(const struct command *command)
{
	printf("usage: latchkey %s%s%s%s%s [options]\n\n%s\n\noptions:\n",
		command->group != NULL ? command->group : "",
		command->group != NULL ? " " : "", command->verb,
		command->operands[0] != '\0' ? " " : "", command->operands,
		command->sentence);
	help_options(command->options, false);
	help_options(common, command->without_dir);
}
