/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - `latchkey GROUP VERB ...`: one table; each command is a file.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "cli/connections.h"
#include "crypto/digest.h"

static const struct command *const commands[] = {
#define COMMAND(name) &command_##name,
#include "cli/commands.def"
#undef COMMAND
};
#define COMMAND_COUNT (sizeof commands / sizeof commands[0])

static bool
same(const char *a, const char *b)
{
	return a != NULL && b != NULL && strcmp(a, b) == 0;
}

static void
usage(FILE *to, const char *group)
{
	fprintf(to, "usage: latchkey %s%s [options]\n\n", group != NULL ? group : "COMMAND",
		group != NULL ? " VERB" : "");
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		const struct command *m = commands[i];
		char left[48];

		if (group != NULL && !same(group, m->group))
			continue;
		snprintf(left, sizeof left, "%s%s%s", m->group != NULL ? m->group : "",
			m->group != NULL ? " " : "", m->verb);
		fprintf(to, "  %-22s %s\n", left, m->sentence);
	}
	fputs("\nlatchkey COMMAND --help tells the options; latchkey(1) and latchkey-connect(1)"
	      " tell\nthe rest.\n", to);
}

/* Finds the command and how many words name it. */
static const struct command *
find(int argc, char **argv, int *words)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		const struct command *m = commands[i];

		*words = m->group != NULL ? 2 : 1;
		if (argc > *words && same(argv[*words], m->verb)
			&& (m->group == NULL || same(argv[1], m->group)))
			return m;
	}
	return NULL;
}

static int
not_found(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < COMMAND_COUNT; i++)
		if (same(commands[i]->group, argv[1])) {
			bool help = argc > 2 && same(argv[2], "--help");
			if (!help)
				fprintf(stderr, "latchkey: there is no command '%s %s'\n\n",
					argv[1], argc > 2 ? argv[2] : "");
			usage(help ? stdout : stderr, argv[1]);
			return help ? 0 : 2;
		}
	if (argc > 1 && (same(argv[1], "--help") || same(argv[1], "help"))) {
		usage(stdout, NULL);
		return 0;
	}
	if (argc > 1 && same(argv[1], "--version")) {
		puts("latchkey " LATCHKEY_VERSION);
		return 0;
	}
	if (argc > 1)
		fprintf(stderr, "latchkey: there is no command '%s'\n\n", argv[1]);
	usage(stderr, NULL);
	return 2;
}

static int
run(struct cli *c, int argc, char **argv)
{
	struct fault f;

	if (!options_read(c, argc, argv))
		return 2;
	if (option_given(c, "help")) {
		command_help(c->command);
		return 0;
	}
	if (crypto_start(&f) != DONE)
		return cli_fail(c, "%s", f.what);
	return c->command->run(c);
}

/* What was printed has arrived, or the command has not done its work. */
static int
written(int status)
{
	if ((fflush(stdout) == 0 && ferror(stdout) == 0) || status != 0)
		return status;
	fputs("latchkey: what was to be printed could not be written to standard output; "
	      "is it full, or closed?\n", stderr);
	return 1;
}

int
main(int argc, char **argv)
{
	struct cli c = { .command = NULL };
	int words, status;

	secret_process();
	json_set_alloc_funcs(malloc, secret_free); /* tokens pass through jansson */
	signal(SIGPIPE, SIG_IGN);
	c.command = find(argc, argv, &words);
	if (c.command == NULL)
		return written(not_found(argc, argv));
	c.arena = arena_new();
	status = run(&c, argc - words - 1, argv + words + 1);
	cli_vault_close(&c);
	cli_close(&c);
	arena_free(c.arena);
	return written(status);
}
