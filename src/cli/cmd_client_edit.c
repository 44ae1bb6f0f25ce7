/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_client_edit.c - latchkey client edit|rotate-secret|disable|enable|remove.
 * The type never changes (R3.5); secrets rotate with an overlap (R3.4).
 */
#include <stdio.h>

#include "base/clock.h"
#include "cli/client_fields.h"
#include "cli/commands.h"

/* The client named by the first operand, as it is now. */
static bool
find(struct cli *c, struct client_put *put)
{
	const struct client *client = cli_client(c, c->operands[0]);

	if (client != NULL)
		put->client = *client;
	return client != NULL;
}

/* Opens the installation and lays the change over that client, with its audit entry. */
static int
change_put(struct cli *c, struct client_put *put, client_change *change, void *arg,
	const char *event, const char *detail)
{
	if (!cli_open(c))
		return 1;
	put->audit = cli_audit(c, event,
		arena_printf(c->arena, "client:%s", c->operands[0]), detail);
	return client_change_put(c, put, change, arg);
}

static int
edit(struct cli *c, struct client_put *put, void *arg)
{
	struct client *client = &put->client;

	(void)arg;
	if (!find(c, put))
		return 1;
	if (option_given(c, "name"))
		client->name = bytes_of(option_text(c, "name"));
	if (!client_fields_read(c, client, &put->logo))
		return 2;
	if (option_given(c, "no-development"))
		client->development = false;
	if (option_given(c, "no-pkce-exempt"))
		client->pkce_exempt = false;
	if (option_given(c, "revoke-client-tokens"))
		client->not_before = clock_now();
	return client_fields_check(c, client) ? 0 : 1;
}

static int
client_edit(struct cli *c)
{
	struct client_put put = { .found = false };

	if (!options_given(c))
		return cli_usage(c, "nothing to change was given");
	return change_put(c, &put, edit, NULL, "client_edited", "");
}

struct rotation {
	int64_t old_until;
	struct bytes secret;
};

static int
rotate(struct cli *c, struct client_put *put, void *arg)
{
	struct rotation *r = arg;

	if (!find(c, put))
		return 1;
	if (put->client.type == CLIENT_PUBLIC)
		return cli_fail(c, "%s is a public client and has no secret", c->operands[0]);
	r->secret = client_new_secret(c, &put->client, r->old_until);
	return 0;
}

static int
rotate_secret(struct cli *c)
{
	static const struct column columns[] = {
		{ "client_id", "Client id" }, { "client_secret", "New secret" },
		{ "old_secret_expires_at", "Old secret until" }, { NULL, NULL },
	};
	struct client_put put = { .found = false };
	const char *text = option_text(c, "overlap");
	int64_t overlap = 0;
	struct rotation r;
	int status;

	if (text != NULL && !clock_duration(bytes_of(text), &overlap))
		return cli_usage(c, "--overlap %s is not a duration such as 24h", text);
	r.old_until = clock_now() + overlap;
	status = change_put(c, &put, rotate, &r, "client_secret_rotated",
		text != NULL ? text : "no overlap");
	if (status != 0)
		return status;
	if (!c->json)
		puts("The secret is shown this once; it is kept as a digest only.");
	return cli_print_object(c,
		json_pack("{s:o, s:o, s:o}", "client_id", json_of(put.client.client_id),
			"client_secret", json_of(r.secret), "old_secret_expires_at",
			json_of_time(r.old_until)), columns);
}

static int
disable(struct cli *c, struct client_put *put, void *disabled)
{
	if (!find(c, put))
		return 1;
	put->client.disabled = *(const bool *)disabled;
	return 0;
}

static int
client_disable(struct cli *c)
{
	struct client_put put = { .found = false };
	bool disabled = true;

	return change_put(c, &put, disable, &disabled, "client_disabled", "");
}

static int
client_enable(struct cli *c)
{
	struct client_put put = { .found = false };
	bool disabled = false;

	return change_put(c, &put, disable, &disabled, "client_enabled", "");
}

static int
take_away(struct cli *c, struct client_put *put, void *arg)
{
	(void)arg;
	return find(c, put) ? 0 : 1;
}

static int
client_remove(struct cli *c)
{
	struct client_put put = { .remove = true };

	return change_put(c, &put, take_away, NULL, "client_removed", "");
}

static const struct option edit_options[] = {
	{ "name", OPTION_TEXT, "NAME", "what people read on the consent page" },
	CLIENT_FIELD_OPTIONS,
	{ "no-development", OPTION_FLAG, NULL, "no longer a development client" },
	{ "no-pkce-exempt", OPTION_FLAG, NULL, "PKCE is required again" },
	{ "revoke-client-tokens", OPTION_FLAG, NULL,
		"end every client_credentials token issued until now" },
	{ NULL, OPTION_FLAG, NULL, NULL },
};
static const struct option rotate_options[] = {
	{ "overlap", OPTION_TEXT, "DURATION",
		"how long the old secret stays good, such as 24h (default: not at all)" },
	{ NULL, OPTION_FLAG, NULL, NULL },
};

const struct command command_client_edit = { "client", "edit", "CLIENT_ID",
	"change what is given; the type cannot be changed", edit_options, client_edit, false };
const struct command command_client_rotate_secret = { "client", "rotate-secret",
	"CLIENT_ID", "make a new secret, shown once", rotate_options, rotate_secret, false };
const struct command command_client_disable = { "client", "disable", "CLIENT_ID",
	"refuse everything it asks for; its tokens are not honoured", NULL, client_disable,
	false };
const struct command command_client_enable = { "client", "enable", "CLIENT_ID",
	"undo disable", NULL, client_enable, false };
const struct command command_client_remove = { "client", "remove", "CLIENT_ID",
	"remove it; all its authorisations end", NULL, client_remove, false };
