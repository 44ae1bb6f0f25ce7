/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_log.c - latchkey log NAME: what was tried for a connection, and how it ended. */
#include "cli/connections.h"

struct gathered {
	struct cli *c;
	json_t *list;
};

static int
gather(void *arg, const struct lk_attempt *attempt)
{
	struct gathered *g = arg;
	json_t *one = json_pack("{s:o, s:s, s:s, s:I, s:s}", "at",
		json_of_time(attempt->at), "event", attempt->event, "outcome",
		lk_status_name(attempt->status), "took_ms",
		(json_int_t)attempt->took_ms, "detail", attempt->detail);

	json_array_append_new(g->list, one);
	return 0;
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
	int status = cli_connection(c);

	if (status != EXIT_DONE)
		return status;
	g.list = json_array();
	if (lk_log(c->connection, gather, &g, &e) == LK_OK)
		return cli_print_list(c, g.list, columns, "Nothing was tried yet.");
	json_decref(g.list);
	return cli_lk_failed(c, &e);
}

const struct command command_log = { NULL, "log", "NAME",
	"what was tried for a connection, oldest first, without tokens", NULL, show_log,
	true, COMMON_CONNECTION };
