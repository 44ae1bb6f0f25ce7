/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_user_list.c - latchkey user list|show: people and what they may act for. */
#include "cli/commands.h"

static json_t *
user_json(const struct user *u)
{
	json_t *contexts = json_array();

	for (size_t i = 0; i < u->context_count; i++)
		json_array_append_new(contexts,
			json_pack("{s:o, s:o, s:s}", "urn", json_of(u->contexts[i].urn),
				"name", json_of(u->contexts[i].name), "type",
				subject_type_name(u->contexts[i].type)));
	return json_pack("{s:o, s:o, s:o, s:b, s:o, s:o}", "username", json_of(u->username),
		"name", json_of(u->name), "sub", json_of(u->sub), "disabled",
		(int)u->disabled, "created_at", json_of_time(u->created_at), "contexts",
		contexts);
}

/* The contexts as lines for a table. */
static json_t *
with_lines(struct cli *c, json_t *user)
{
	json_t *lines = json_array(), *context;
	size_t i;

	json_array_foreach(json_object_get(user, "contexts"), i, context)
		json_array_append_new(lines,
			json_string(arena_printf(c->arena, "%s (%s)",
				json_string_value(json_object_get(context, "name")),
				json_string_value(json_object_get(context, "urn")))));
	json_object_set_new(user, "context_lines", lines);
	return user;
}

static int
user_list(struct cli *c)
{
	static const struct column columns[] = {
		{ "username", "USERNAME" }, { "name", "NAME" }, { "disabled", "DISABLED" },
		{ "context_lines", "MAY ACT FOR" }, { NULL, NULL },
	};
	struct user_list list = { .users = NULL };
	json_t *out;

	if (!cli_open(c) || !CLI_WAIT(c, store_user_list, &list))
		return 1;
	out = json_array();
	for (size_t i = 0; i < list.count; i++) {
		json_t *user = user_json(&list.users[i]);
		json_array_append_new(out, c->json ? user : with_lines(c, user));
	}
	return cli_print_list(c, out, columns,
		"No users yet. Add one: latchkey user add --username ... --name ...");
}

static int
user_show(struct cli *c)
{
	static const struct column columns[] = {
		{ "username", "Username" }, { "name", "Name" }, { "sub", "Subject" },
		{ "disabled", "Disabled" }, { "created_at", "Since" },
		{ "context_lines", "May act for" }, { NULL, NULL },
	};
	struct user_find find = { .username = bytes_of(c->operands[0]) };
	json_t *user;

	if (!cli_open(c) || !CLI_WAIT(c, store_user_find, &find))
		return 1;
	if (!find.found)
		return cli_fail(c, "there is no user %s", c->operands[0]);
	user = user_json(&find.user);
	return cli_print_object(c, c->json ? user : with_lines(c, user), columns);
}

const struct command command_user_list = { "user", "list", "", "list the people", NULL,
	user_list, false };
const struct command command_user_show = { "user", "show", "USERNAME",
	"show one person", NULL, user_show, false };
