/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_token.c - latchkey token NAME: a fresh access token on standard output, and
 * nothing else there; whoever asked for it wants it, so nothing is said about
 * terminals.
 */
#include <stdio.h>

#include "cli/connections.h"

static int
print_token(struct cli *c, const struct lk_token *token)
{
	int64_t left = lk_token_expires_in(token);
	json_t *out;

	if (!c->json) {
		printf("%s%s\n",
			option_given(c, "header") ? "Authorization: Bearer " : "",
			lk_token_text(token));
		return EXIT_DONE;
	}
	out = json_pack("{s:s, s:s}", "access_token", lk_token_text(token),
		"token_type", "Bearer");
	if (left >= 0)
		json_object_set_new(out, "expires_in", json_integer(left));
	return cli_print_object(c, out, NULL);
}

static int
token(struct cli *c)
{
	struct lk_token *t;
	struct lk_error e;
	int64_t least = 0;
	int status;

	if (c->json && option_given(c, "header"))
		return cli_usage(c, "--header and --json cannot both be given");
	if (!option_seconds(c, "min-ttl", &least))
		return EXIT_USAGE;
	status = cli_connection(c);
	if (status != EXIT_DONE)
		return status;
	if (lk_token_for(c->connection, least, &t, &e) != LK_OK)
		return cli_lk_failed(c, &e);
	status = print_token(c, t);
	lk_token_free(t);
	return status;
}

static const struct option options[] = {
	{ "header", OPTION_FLAG, NULL,
		"print it as the field Authorization, for curl -H @-" },
	{ "min-ttl", OPTION_TEXT, "TIME",
		"good for that long at least, where the server's lifetimes allow it" },
	{ NULL, OPTION_FLAG, NULL, NULL },
};

const struct command command_token = { NULL, "token", "NAME",
	"print a fresh access token of a connection", options, token, true,
	COMMON_CONNECTION | COMMON_AGENT };
