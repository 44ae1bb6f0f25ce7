/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_log.c - latchkey log NAME: what was tried for a connection, and how it ended; also
 * of one that is gone, which is said.
 */
#include <stdio.h>

#include "cli/connections.h"

struct gathered {
	struct cli *c;
	json_t *list;
};

static int
gather(void *arg, const struct lk_attempt *attempt)
{
	struct gathered *g = arg;
	json_t *one = json_pack("{s:o, s:s, s:s, s:I, s:o}", "at",
		json_of_time(attempt->at), "event", attempt->event, "outcome",
		lk_status_name(attempt->status), "took_ms",
		(json_int_t)attempt->took_ms, "detail",
		json_of_sentence(attempt->detail));

	json_array_append_new(g->list, one);
	return 0;
}

/* On standard error: the list stays one value. */
static void
say_if_gone(struct cli *c)
{
	struct lk_error e;

	if (lk_connection_open(c->lk, c->operands[0], &c->connection, &e) == LK_NOT_FOUND)
		fprintf(stderr, "%s is not connected now; this is what was tried before.\n",
			c->operands[0]);
}

static int
show_log(struct cli *c)
{
	static const struct column columns[] = {
		{ "at", "AT" },
		{ "event", "EVENT" },
		{ "outcome", "OUTCOME" },
		{ "took_ms", "MS" },
		{ "detail", "DETAIL" },
		{ NULL, NULL },
	};
	struct gathered g = { c, NULL };
	struct lk_error e;
	int status = cli_name(c);

	if (status == EXIT_DONE)
		status = cli_vault(c);
	if (status != EXIT_DONE)
		return status;
	g.list = json_array();
	if (lk_log(c->lk, c->operands[0], gather, &g, &e) != LK_OK) {
		json_decref(g.list);
		return cli_lk_failed(c, &e);
	}
	say_if_gone(c);
	return cli_print_list(c, g.list, columns, "Nothing was tried yet.");
}

const struct command command_log = { NULL, "log", "NAME",
	"what was tried for a connection, oldest first, without tokens; also when it is"
	" gone",
	NULL, show_log, true, COMMON_CONNECTION };
