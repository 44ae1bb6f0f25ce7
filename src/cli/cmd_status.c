/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_status.c - latchkey status [NAME]: the vault, and every connection in it or one.
 * Nothing is asked of any server.
 */
#include <stdio.h>

#include "base/clock.h"
#include "cli/connections.h"
#include "client/open.h"

struct gathered {
	struct cli *c;
	json_t *list;
	bool reconnect; /* one of them needs the person */
};

/* What the table shows beside what the JSON has. */
static void
add_words(struct cli *c, json_t *one, const struct lk_info *info)
{
	int64_t now = clock_now();
	const char *last = "";

	if (info->refreshed_at != 0)
		last = arena_printf(c->arena, "%s, %s", info->outcome,
			when_in_words(c->arena, info->refreshed_at, now));
	else if (bytes_equal(bytes_of(info->outcome), B("none")))
		last = "none yet";
	json_object_set_new(one, "last", json_string(last));
	json_object_set_new(one, "expires",
		json_string(when_in_words(c->arena, info->expires_at, now)));
}

static json_t *
info_json(const struct lk_info *info)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:s, s:o, s:b}",
		"name", info->name, "state", info->state, "issuer", info->issuer,
		"client_id", info->client_id, "scope", info->scope, "subject",
		info->subject, "connected_at", json_of_time(info->connected_at),
		"expires_at", json_of_time(info->expires_at), "refreshed_at",
		json_of_time(info->refreshed_at), "outcome", info->outcome, "detail",
		json_of_sentence(info->detail), "unanswered", info->unanswered != 0);
}

static int
gather(void *arg, const struct lk_info *info)
{
	struct gathered *g = arg;
	json_t *one = info_json(info);

	if (!g->c->json)
		add_words(g->c, one, info);
	if (!bytes_equal(bytes_of(info->state), B("connected")))
		g->reconnect = true;
	json_array_append_new(g->list, one);
	return 0;
}

/* ---- all of them ---------------------------------------------------------------- */

static json_t *
vault_json(const struct cli *c)
{
	const char *agent = lk_agent_place(c->lk);

	return json_pack("{s:o, s:o, s:s}", "vault",
		json_of(bytes_of(lk_vault_place(c->lk))), "key",
		json_of(bytes_of(lk_vault_key_place(c->lk))), "agent",
		agent[0] != '\0' || c->json ? agent : "none runs");
}

static int
print_all(struct cli *c, json_t *list)
{
	static const struct column vault[] = {
		{ "vault", "Vault" },
		{ "key", "Its key" },
		{ "agent", "Agent" },
		{ NULL, NULL },
	};
	static const struct column columns[] = {
		{ "name", "NAME" },
		{ "state", "STATE" },
		{ "issuer", "SERVER" },
		{ "scope", "MAY" },
		{ "subject", "FOR" },
		{ "expires", "TOKEN EXPIRES" },
		{ "last", "LAST REFRESH" },
		{ "unanswered", "UNANSWERED" },
		{ NULL, NULL },
	};
	json_t *out = vault_json(c);

	if (c->json) {
		json_object_set_new(out, "connections", list);
		return cli_print_object(c, out, NULL);
	}
	cli_print_object(c, out, vault);
	putchar('\n');
	return cli_print_list(c, list, columns,
		"No connections yet. Make one:"
		" latchkey connect NAME --issuer URL --client-id ID");
}

static int
status_of_all(struct cli *c)
{
	struct gathered g = { c, json_array(), false };
	struct lk_error e;
	int status = cli_vault(c);

	if (status == EXIT_DONE && lk_list(c->lk, gather, &g, &e) != LK_OK)
		status = cli_lk_failed(c, &e);
	if (status == EXIT_DONE)
		return print_all(c, g.list);
	json_decref(g.list);
	return status;
}

/* ---- one ------------------------------------------------------------------------ */

static int
print_one(struct cli *c, json_t *one)
{
	static const struct column columns[] = {
		{ "name", "Name" },
		{ "state", "State" },
		{ "issuer", "Server" },
		{ "client_id", "Client" },
		{ "scope", "May" },
		{ "subject", "For" },
		{ "connected_at", "Connected" },
		{ "expires", "Token expires" },
		{ "last", "Last refresh" },
		{ "detail", "It said" },
		{ "unanswered", "Unanswered" },
		{ "vault", "Vault" },
		{ "key", "Its key" },
		{ "agent", "Agent" },
		{ NULL, NULL },
	};
	json_t *where = vault_json(c);

	json_object_update(one, where);
	json_decref(where);
	return cli_print_object(c, one, columns);
}

/* Ends 3 when the connection needs the person, so that a script can tell. */
static int
status_of_one(struct cli *c)
{
	struct gathered g = { c, NULL, false };
	struct lk_error e;
	int status = cli_name(c);

	if (status == EXIT_DONE)
		status = cli_vault(c);
	if (status != EXIT_DONE)
		return status;
	g.list = json_array();
	if (lk_look(c->lk, c->operands[0], gather, &g, &e) != LK_OK)
		status = cli_lk_failed(c, &e);
	else
		print_one(c, json_incref(json_array_get(g.list, 0)));
	json_decref(g.list);
	return status != EXIT_DONE ? status : g.reconnect ? EXIT_RECONNECT : EXIT_DONE;
}

static int
show_status(struct cli *c)
{
	return c->operand_count == 0 ? status_of_all(c) : status_of_one(c);
}

const struct command command_status = { NULL, "status", "[NAME]",
	"every connection of the vault, or one; with NAME it ends 3 if that needs the"
	" person",
	NULL, show_status, true, COMMON_CONNECTION | COMMON_AGENT };
