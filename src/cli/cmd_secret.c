/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_secret.c - latchkey secret NAME: the server's operator has rotated the client's
 * secret; the new one is kept in place of the old, and tried at once. Nobody consents.
 */
#include <stdio.h>

#include "cli/connections.h"

/* A refresh, whatever the token in hand is still good for. */
static enum lk_status
refresh_now(struct lk_connection *connection, struct lk_error *e)
{
	struct lk_token *old, *new;
	enum lk_status status = lk_token(connection, &old, e);

	if (status != LK_OK)
		return status;
	status = lk_token_after(connection, old, &new, e);
	lk_token_free(old);
	if (status == LK_OK)
		lk_token_free(new);
	return status;
}

static int
print_kept(const struct cli *c, bool tried)
{
	if (c->json)
		return cli_print_object(c,
			json_pack("{s:s, s:b}", "name", c->operands[0], "tried", tried),
			NULL);
	printf("%s has its new secret%s.\n", c->operands[0],
		tried ? ", and the server takes it"
		      : "; it is needed when the person connects again");
	return EXIT_DONE;
}

static int
secret(struct cli *c)
{
	const char *file = NULL;
	struct lk_error e = { .status = LK_OK };
	enum lk_status status;
	int opened;

	if (!option_client_secret(c, &file))
		return EXIT_USAGE;
	if (file == NULL)
		return cli_usage(c, "the new secret is given by --client-secret-file or"
				    " --client-secret-fd");
	opened = cli_connection(c);
	if (opened != EXIT_DONE)
		return opened;
	if (lk_client_secret(c->connection, file, &e) != LK_OK)
		return cli_lk_failed(c, &e);
	status = refresh_now(c->connection, &e);
	/* Not the server's word: there is no refresh token to try it with. */
	if (status == LK_OK || (status == LK_RECONNECT && e.code[0] == '\0'))
		return print_kept(c, status == LK_OK);
	cli_fail(c, "the new secret is kept, and this came of trying it:");
	return cli_lk_failed(c, &e);
}

static const struct option options[] = {
	{ "client-secret-file", OPTION_TEXT, "FILE", "the new one, in a file" },
	{ "client-secret-fd", OPTION_TEXT, "N", "the same, from an open descriptor" },
	{ "client-secret", OPTION_TEXT, "",
		"refused: secrets never stand in arguments" },
	{ NULL, OPTION_FLAG, NULL, NULL },
};

const struct command command_secret = { NULL, "secret", "NAME",
	"replace the client secret of a connection, where the server's operator has rotated"
	" it",
	options, secret, true, COMMON_CONNECTION | COMMON_AGENT };
