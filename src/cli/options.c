/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options.c - --name VALUE, --name=VALUE, --flag, -X VALUE, operands; and --help from
 * the same table, so that the two never disagree.
 *
 * What follows "--" is operands, whatever it looks like. A command whose operands are
 * "NAME -- COMMAND..." wants the "--" to stand where it says.
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
	{ "vault", OPTION_TEXT, "PLACE",
		"directory or postgresql:// URL of the vault (default: $LATCHKEY_VAULT or"
		" ~/.local/state/latchkey)" },
	{ "no-agent", OPTION_FLAG, NULL, "do not ask a running agent" },
	{ "json", OPTION_FLAG, NULL, "print JSON instead of a table" },
	{ "help", OPTION_FLAG, NULL, "print this" },
	{ NULL, OPTION_FLAG, NULL, NULL },
};
/* Which enum common each of them is; --help is everybody's. */
static const unsigned common_of[] = { COMMON_DIR, COMMON_VAULT, COMMON_AGENT, COMMON_JSON,
	~0U };

static const struct exit_status {
	int status;
	const char *sentence;
} exits[] = {
#define EXIT(name, status, sentence) { status, sentence },
#include "cli/exits.def"
#undef EXIT
};

static bool
shared_by(const struct command *command, const struct option *o)
{
	unsigned which = command->common != 0 ? command->common
		: command->without_dir ? COMMON_JSON : COMMON_JSON | COMMON_DIR;

	return (common_of[o - common] & which) != 0;
}

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

	if (found == NULL && (found = find_in(common, name)) != NULL
		&& !shared_by(command, found))
		return NULL;
	return found;
}

static const struct option *
find_letter(const struct command *command, char letter)
{
	const struct option *o = command->options;

	while (o != NULL && o->name != NULL && (letter == '\0' || o->letter != letter))
		o++;
	return o != NULL && o->name != NULL ? o : NULL;
}

/* Without letters a word that begins with one dash is an operand. */
static bool
has_letters(const struct command *command)
{
	for (const struct option *o = command->options; o != NULL && o->name != NULL; o++)
		if (o->letter != '\0')
			return true;
	return false;
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

/* The value that stands in the next argument. */
static bool
keep_next(struct cli *c, const struct option *o, int argc, char **argv, int *i)
{
	if (*i + 1 >= argc) {
		cli_usage(c, "--%s needs a value: %s", o->name, o->value);
		return false;
	}
	return keep(c, o, argv[++*i]);
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
	return keep_next(c, o, argc, argv, i);
}

/* -s, -si, -XPOST, -X POST. */
static bool
read_letters(struct cli *c, int argc, char **argv, int *i)
{
	for (const char *p = argv[*i] + 1; *p != '\0'; p++) {
		const struct option *o = find_letter(c->command, *p);

		if (o == NULL) {
			cli_usage(c, "there is no option -%c", *p);
			return false;
		}
		if (o->kind != OPTION_FLAG)
			return p[1] != '\0' ? keep(c, o, p + 1)
					    : keep_next(c, o, argc, argv, i);
		if (!keep(c, o, ""))
			return false;
	}
	return true;
}

/* "CLIENT_ID [URI]": how many operands at least and at most, and how many of them stand
 * before "--" (SIZE_MAX: wherever it stands). */
static void
operand_bounds(const char *operands, size_t *least, size_t *most, size_t *before)
{
	struct bytes rest = bytes_of(operands);

	*least = *most = 0;
	*before = SIZE_MAX;
	while (rest.n > 0) {
		struct bytes word = bytes_cut(&rest, ' ');

		if (bytes_equal(word, B("--"))) {
			*before = *most;
			continue;
		}
		if (word.n > 0 && word.p[0] != '[')
			(*least)++;
		*most = bytes_ends(word, B("...")) ? SIZE_MAX : *most + 1;
	}
}

/* dashes: how many operands stood before "--", or SIZE_MAX. */
static bool
operands_fit(struct cli *c, size_t dashes)
{
	const char *wanted = c->command->operands;
	size_t least, most, before;

	operand_bounds(wanted, &least, &most, &before);
	if (c->operand_count < least && most == 1) {
		cli_usage(c, "%s is missing", wanted);
		return false;
	}
	if (c->operand_count < least || c->operand_count > most) {
		cli_usage(c, "too %s words; expected: %s",
			c->operand_count < least ? "few" : "many",
			most > 0 ? wanted : "options only");
		return false;
	}
	if (before != SIZE_MAX && dashes != before) {
		cli_usage(c, "-- is missing, or not where it belongs; expected: %s", wanted);
		return false;
	}
	return true;
}

static bool
read_all(struct cli *c, int argc, char **argv, size_t *dashes)
{
	const char **operands = ARENA_ARRAY(c->arena, const char *, (size_t)argc + 1);
	bool letters = has_letters(c->command);

	c->operands = operands;
	for (int i = 0; i < argc; i++) {
		if (*dashes == SIZE_MAX && strcmp(argv[i], "--") == 0)
			*dashes = c->operand_count;
		else if (*dashes != SIZE_MAX || argv[i][0] != '-' || argv[i][1] == '\0'
			|| (argv[i][1] != '-' && !letters))
			operands[c->operand_count++] = argv[i];
		else if (argv[i][1] == '-' ? !read_option(c, argc, argv, &i)
					   : !read_letters(c, argc, argv, &i))
			return false;
	}
	return true;
}

bool
options_read(struct cli *c, int argc, char **argv)
{
	size_t dashes = SIZE_MAX;

	c->values = ARENA_NEW(c->arena, struct cli_values);
	if (!read_all(c, argc, argv, &dashes))
		return false;
	c->json = option_given(c, "json");
	if (option_given(c, "help"))
		return true;
	if (!operands_fit(c, dashes))
		return false;
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
help_option(const struct option *o)
{
	char letter[] = "-?, ", left[64];

	letter[1] = o->letter;
	snprintf(left, sizeof left, "%s--%s%s%s%s", o->letter != '\0' ? letter : "", o->name,
		o->kind == OPTION_FLAG ? "" : " ", o->kind == OPTION_FLAG ? "" : o->value,
		o->kind == OPTION_LIST ? "..." : "");
	printf("  %-28s  %s\n", left, o->sentence);
}

void
command_help(const struct command *command)
{
	printf("usage: latchkey %s%s%s [options]%s%s\n\n%s\n\noptions:\n",
		command->group != NULL ? command->group : "",
		command->group != NULL ? " " : "", command->verb,
		command->operands[0] != '\0' ? " " : "", command->operands,
		command->sentence);
	for (const struct option *o = command->options; o != NULL && o->name != NULL; o++)
		help_option(o);
	for (const struct option *o = common; o->name != NULL; o++)
		if (shared_by(command, o))
			help_option(o);
	if ((command->common & COMMON_VAULT) == 0)
		return;
	puts("\nexit status:");
	for (size_t i = 0; i < sizeof exits / sizeof exits[0]; i++)
		printf("  %d  %s\n", exits[i].status, exits[i].sentence);
	puts("\nlatchkey-connect(1) tells the rest.");
}
