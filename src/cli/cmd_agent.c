/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_agent.c - latchkey agent: options and the passphrase; the agent does the rest.
 */
#include <unistd.h>

#include "agent/agent.h"
#include "base/log.h"
#include "cli/connections.h"

/* Once from the descriptor, which has one line; or as often as it is asked for. */
static bool
ask_passphrase(void *arg, bool twice, char *text, size_t *n)
{
	struct cli *c = arg;
	int fd = -1;

	if (!option_descriptor(c, "passphrase-fd", &fd))
		return false;
	return fd < 0 ? terminal_passphrase(c, twice, text, n)
		      : descriptor_line(fd, text, n);
}

static int
agent(struct cli *c)
{
	struct agent_options o = { .lk = LK_INIT(struct lk_options) };
	struct lk_error e;
	int fd;

	if (!option_descriptor(c, "passphrase-fd", &fd))
		return EXIT_USAGE;
	o.lk.vault = option_text(c, "vault");
	o.lk.key = option_text(c, "key");
	o.passphrase = ask_passphrase;
	o.arg = c;
	o.words = words_of_command;
	log_open(STDERR_FILENO, option_given(c, "quiet") ? LOG_NOTICE : LOG_INFO);
	return agent_run(&o, &e) == LK_OK ? EXIT_DONE : cli_lk_failed(c, &e);
}

static const struct option options[] = {
	{ "passphrase-fd", OPTION_TEXT, "N",
		"read the vault's passphrase as one line of that descriptor, not from"
		" the terminal" },
	{ "key", OPTION_TEXT, "WHERE",
		"of a new vault: keyring, credential:NAME, file:PATH or passphrase"
		" (default: $LATCHKEY_KEY or the first that works)" },
	{ "quiet", OPTION_FLAG, NULL, "do not log what succeeded" },
	{ NULL, OPTION_FLAG, NULL, NULL },
};

const struct command command_agent = { NULL, "agent", "",
	"keep every connection's token fresh for this person's programs, until told"
	" to stop",
	options, agent, true, COMMON_VAULT };
