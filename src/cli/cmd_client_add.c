/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_client_add.c - latchkey client add (R3, R4): registers a client. A
 * confidential one gets a secret, shown this once and stored as a digest.
 */
#include <stdio.h>

#include "base/clock.h"
#include "cli/client_fields.h"
#include "cli/commands.h"

static bool
read_type(struct cli *c, struct client *client)
{
	const char *type = option_text(c, "type");
	struct bytes given = bytes_of(type);

	if (bytes_equal(given, B("public")))
		client->type = CLIENT_PUBLIC;
	else if (bytes_equal(given, B("confidential")))
		client->type = CLIENT_CONFIDENTIAL;
	else {
		cli_usage(c, type == NULL
				? "--type is missing: public (browser, mobile, desktop,"
				  " command line) or confidential (a server that keeps a secret)%s"
				: "--type %s: expected public or confidential",
			type == NULL ? "" : type);
		return false;
	}
	return true;
}

static bool
read_client(struct cli *c, struct client *client, struct bytes *logo)
{
	const char *name = option_text(c, "name");

	if (name == NULL) {
		cli_usage(c, "--name is missing: what people read on the consent page");
		return false;
	}
	client->name = bytes_of(name);
	client->client_id = random_name(c->arena, "lkc_");
	client->created_at = clock_now();
	client->grant_types = GRANT_TYPE_AUTHORIZATION_CODE | GRANT_TYPE_REFRESH_TOKEN;
	return read_type(c, client) && client_fields_read(c, client, logo);
}

static int
print_new(struct cli *c, const struct client *client, struct bytes secret)
{
	static const struct column columns[] = {
		{ "client_id", "Client id" }, { "client_secret", "Client secret" },
		{ "client_type", "Type" }, { "redirect_uris", "Redirect URIs" },
		{ "scope", "Scope" }, { "warnings", "Warning" }, { NULL, NULL },
	};
	json_t *j = client_fields_json(c, client);

	if (!bytes_empty(secret)) {
		json_object_set_new(j, "client_secret", json_of(secret));
		if (!c->json)
			puts("The secret is shown this once; it is kept as a digest only.");
	}
	return cli_print_object(c, j, columns);
}

static int
judge(struct cli *c, struct client_put *put, void *arg)
{
	(void)arg;
	return client_fields_check(c, &put->client) ? 0 : 1;
}

static int
client_add(struct cli *c)
{
	struct client_put put = { .found = false };
	struct bytes secret = NONE;
	int status;

	if (!read_client(c, &put.client, &put.logo))
		return 2;
	if (!cli_open(c))
		return 1;
	if (put.client.type == CLIENT_CONFIDENTIAL)
		secret = client_new_secret(c, &put.client, 0);
	put.audit = cli_audit(c, "client_added",
		arena_printf(c->arena, "client:%.*s", BYTES_FMT(put.client.client_id)),
		option_text(c, "name"));
	status = client_change_put(c, &put, judge, NULL);
	return status != 0 ? status : print_new(c, &put.client, secret);
}

static const struct option options[] = {
	{ "name", OPTION_TEXT, "NAME", "what people read on the consent page" },
	{ "type", OPTION_TEXT, "TYPE", "public or confidential; cannot be changed later" },
	CLIENT_FIELD_OPTIONS,
	{ NULL, OPTION_FLAG, NULL, NULL },
};

const struct command command_client_add = { "client", "add", "",
	"register a client; a confidential one gets a secret, shown once", options,
	client_add, false };
