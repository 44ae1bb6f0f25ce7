/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_client_list.c - latchkey client list|show. A weakness that an operator
 * allowed is shown wherever the client is (R1.3, TR-13).
 */
#include "cli/client_fields.h"
#include "cli/commands.h"

static int
client_list(struct cli *c)
{
	static const struct column columns[] = {
		{ "client_id", "CLIENT" }, { "client_name", "NAME" }, { "client_type", "TYPE" },
		{ "scope", "SCOPE" }, { "disabled", "DISABLED" }, { "warnings", "WARNINGS" },
		{ NULL, NULL },
	};
	json_t *list;

	if (!cli_open(c))
		return 1;
	list = json_array();
	for (size_t i = 0; i < c->catalogue->client_count; i++)
		if (c->catalogue->clients[i].type != CLIENT_RESOURCE)
			json_array_append_new(list,
				client_fields_json(c, &c->catalogue->clients[i]));
	return cli_print_list(c, list, columns,
		"No clients yet. Register one: latchkey client add --name ... --type ...");
}

static int
client_show(struct cli *c)
{
	static const struct column columns[] = {
		{ "client_id", "Client id" }, { "client_name", "Name" },
		{ "client_type", "Type" }, { "disabled", "Disabled" },
		{ "redirect_uris", "Redirect URIs" }, { "scope", "Scope" },
		{ "default_scope", "Default scope" }, { "grant_types", "Grant types" },
		{ "origins", "Origins" }, { "client_uri", "Home page" },
		{ "tos_uri", "Terms" }, { "policy_uri", "Privacy policy" },
		{ "contacts", "Contacts" }, { "created_at", "Since" },
		{ "warnings", "Warning" }, { NULL, NULL },
	};
	const struct client *client;

	if (!cli_open(c) || (client = cli_client(c, c->operands[0])) == NULL)
		return 1;
	return cli_print_object(c, client_fields_json(c, client), columns);
}

const struct command command_client_list = { "client", "list", "",
	"list the registered clients", NULL, client_list, false };
const struct command command_client_show = { "client", "show", "CLIENT_ID",
	"show everything about one client, secrets aside", NULL, client_show, false };
