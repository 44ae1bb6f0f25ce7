/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_resource.c - latchkey resource add|list|remove: an API that checks tokens
 * by introspection, with credentials of its own (RFC 7662 section 2.1).
 */
#include <stdio.h>

#include "base/clock.h"
#include "cli/client_fields.h"
#include "cli/commands.h"
#include "rules/wording.h"

static int
judge(struct cli *c, struct client_put *put, void *arg)
{
	struct bytes uri = put->client.resource_uri;

	(void)arg;
	if (!bytes_empty(uri) && catalogue_resource(c->catalogue, uri) != NULL)
		return cli_fail(c, "--uri %.*s already belongs to another resource",
			BYTES_FMT(uri));
	return client_fields_check(c, &put->client) ? 0 : 1;
}

static int
resource_add(struct cli *c)
{
	static const struct column columns[] = {
		{ "client_id", "Client id" }, { "client_secret", "Client secret" },
		{ "client_name", "Name" }, { "resource", "URI" }, { NULL, NULL },
	};
	const char *name = option_text(c, "name"), *what;
	struct client_put put = { .found = false };
	struct client *r = &put.client;
	struct bytes secret;
	int status;
	json_t *j;

	if (name == NULL)
		return cli_usage(c, "--name is missing: what operators call this API");
	what = wording_fault(c->arena, "--name", bytes_of(name), WORDING_NAME);
	if (what != NULL)
		return cli_usage(c, "%s", what);
	if (!cli_open(c))
		return 1;
	*r = (struct client){ .type = CLIENT_RESOURCE, .name = bytes_of(name),
		.client_id = random_name(c->arena, "lkr_"), .created_at = clock_now(),
		.resource_uri = bytes_of(option_text(c, "uri")) };
	secret = client_new_secret(c, r, 0);
	put.audit = cli_audit(c, "resource_added",
		arena_printf(c->arena, "client:%.*s", BYTES_FMT(r->client_id)), name);
	status = client_change_put(c, &put, judge, NULL);
	if (status != 0)
		return status;
	j = client_fields_json(c, r);
	json_object_set_new(j, "client_secret", json_of(secret));
	if (!c->json)
		puts("The secret is shown this once; it is kept as a digest only.");
	return cli_print_object(c, j, columns);
}

static int
resource_list(struct cli *c)
{
	static const struct column columns[] = {
		{ "client_id", "CLIENT" }, { "client_name", "NAME" },
		{ "resource", "URI" }, { "created_at", "SINCE" }, { NULL, NULL },
	};
	json_t *list;

	if (!cli_open(c))
		return 1;
	list = json_array();
	for (size_t i = 0; i < c->catalogue->client_count; i++)
		if (c->catalogue->clients[i].type == CLIENT_RESOURCE)
			json_array_append_new(list,
				client_fields_json(c, &c->catalogue->clients[i]));
	return cli_print_list(c, list, columns,
		"No resources yet. Register one: latchkey resource add --name ...");
}

static int
resource_remove(struct cli *c)
{
	struct client_put put = { .remove = true };
	const struct client *client;

	if (!cli_open(c))
		return 1;
	client = catalogue_client(c->catalogue, bytes_of(c->operands[0]));
	if (client == NULL || client->type != CLIENT_RESOURCE)
		return cli_fail(c, "there is no resource %s; see: latchkey resource list"
				   " --dir %s", c->operands[0], c->dir);
	put.client = *client;
	put.audit = cli_audit(c, "resource_removed",
		arena_printf(c->arena, "client:%s", c->operands[0]), "");
	return CLI_WAIT(c, store_client_put, &put) ? 0 : 1;
}

static const struct option add_options[] = {
	{ "name", OPTION_TEXT, "NAME", "what operators call this API" },
	{ "uri", OPTION_TEXT, "URI", "its identifier, for the resource parameter (RFC 8707)" },
	{ NULL, OPTION_FLAG, NULL, NULL },
};

const struct command command_resource_add = { "resource", "add", "",
	"register an API that may introspect; its secret is shown once", add_options,
	resource_add, false };
const struct command command_resource_list = { "resource", "list", "",
	"list the APIs that may introspect", NULL, resource_list, false };
const struct command command_resource_remove = { "resource", "remove", "CLIENT_ID",
	"remove an API", NULL, resource_remove, false };
