/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_disconnect.c - latchkey disconnect NAME: tells the server, then forgets; forgets
 * all the same when the server cannot be told, and says where it can be done by hand.
 */
#include <stdio.h>

#include "cli/connections.h"

struct named {
	struct cli *c;
	const char *issuer;
};

static int
note_issuer(void *arg, const struct lk_info *info)
{
	struct named *n = arg;

	n->issuer = arena_cstr(n->c->arena, bytes_of(info->issuer));
	return 0;
}

static int
disconnect(struct cli *c)
{
	struct named n = { c, "the server" };
	struct lk_error e;
	int status = cli_connection(c);

	if (status != EXIT_DONE)
		return status;
	/* Only for the sentence below: what cannot be read can still be forgotten. */
	(void)!lk_info(c->connection, note_issuer, &n, NULL);
	status = exit_code(lk_disconnect(c->connection, &e));
	if (status == EXIT_LATER) /* there is nothing left to be tried again */
		cli_fail(c, "%s", e.message);
	else if (status != EXIT_DONE)
		cli_lk_failed(c, &e);
	if (status != EXIT_DONE)
		return status;
	if (c->json)
		return cli_print_object(c,
			json_pack("{s:s, s:b}", "name", c->operands[0], "revoked", 1),
			NULL);
	printf("%s is disconnected, and %s knows it.\n", c->operands[0], n.issuer);
	return EXIT_DONE;
}

const struct command command_disconnect = { NULL, "disconnect", "NAME",
	"end a connection: revoke it at the server, then forget it", NULL, disconnect,
	true, COMMON_CONNECTION };
