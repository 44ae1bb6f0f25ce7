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
	const char *given = option_text(c, "passphrase-fd");
	uint64_t fd;

	if (given == NULL)
		return terminal_passphrase(c, twice, text, n);
	if (!bytes_to_u64(bytes_of(given), &fd) || fd > 1023)
		return false;
	return descriptor_line((int)fd, text, n);
}

static int
agent(struct cli *c)
{
	struct agent_options o = { .lk = LK_INIT(struct lk_options) };
	const char *fd = option_text(c, "passphrase-fd");
	struct lk_error e;
	uint64_t number;

	if (fd != NULL && (!bytes_to_u64(bytes_of(fd), &number) || number > 1023))
		return cli_usage(
			c, "--passphrase-fd is the number of an open descriptor");
	o.lk.vault = option_text(c, "vault");
	o.lk.key = option_text(c, "key");
	o.passphrase = ask_passphrase;
	o.arg = c;
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
