/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_grant.c - latchkey grant list|show|end: authorisations, by the first hex
 * digits of their key, which is what logs and pages show of them.
 */
#include <string.h>

#include "base/clock.h"
#include "cli/commands.h"

static const char *
state_name(const struct grant *g)
{
	switch (g->state) {
	case GRANT_OPEN:
		return "open";
	case GRANT_LIVE:
		return "live";
	case GRANT_ENDED:
		return "ended";
	}
	return "";
}

/* The username of a row, NONE when the person is gone. */
static struct bytes
username_of(struct cli *c, int64_t id)
{
	struct user_find find = { .id = id };

	return id != 0 && CLI_WAIT(c, store_user_find, &find) && find.found
		? find.user.username : NONE;
}

static json_t *
grant_json(struct cli *c, const struct grant *g)
{
	const struct client *client = catalogue_client_by_row(c->catalogue, g->client);
	json_t *j = json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:I}", "grant",
		arena_hex(c->arena, g->key, GRANT_KEY_SIZE), "state", state_name(g), "client_id",
		json_of(client != NULL ? client->client_id : NONE), "client_name",
		json_of(client != NULL ? client->name : NONE), "username",
		json_of(username_of(c, g->user)), "subject", json_of(g->subject), "scope",
		json_of(g->scope), "generation", (json_int_t)g->generation);

	json_object_set_new(j, "created_at", json_of_time(g->created_at));
	json_object_set_new(j, "issued_at", json_of_time(g->issued_at));
	json_object_set_new(j, "last_used_at", json_of_time(g->last_used_at));
	json_object_set_new(j, "access_expires_at", json_of_time(g->access_expires_at));
	json_object_set_new(j, "refresh_expires_at", json_of_time(g->refresh_expires_at));
	json_object_set_new(j, "expires_at", json_of_time(g->expires_at));
	if (g->state == GRANT_ENDED) {
		json_object_set_new(j, "ended_at", json_of_time(g->ended_at));
		json_object_set_new(j, "end_reason",
			json_string(end_reason_name(g->end_reason)));
		json_object_set_new(j, "ended_generation",
			json_integer((json_int_t)g->ended_generation));
		json_object_set_new(j, "ended_from", json_of(g->ended_from));
		json_object_set_new(j, "why",
			json_string(end_reason_sentence(g->end_reason)));
	}
	return j;
}

/* --user and --client into rows; false: a sentence was printed. */
static bool
read_filter(struct cli *c, struct grant_list *list)
{
	const char *username = option_text(c, "user");
	const char *client_id = option_text(c, "client");

	if (username != NULL) {
		struct user_find find = { .username = bytes_of(username) };
		if (!CLI_WAIT(c, store_user_find, &find))
			return false;
		if (!find.found) {
			cli_fail(c, "there is no user %s", username);
			return false;
		}
		list->user = find.user.id;
	}
	if (client_id != NULL) {
		const struct client *client = cli_client(c, client_id);
		if (client == NULL)
			return false;
		list->client = client->id;
	}
	return true;
}

static int
grant_list(struct cli *c)
{
	static const struct column columns[] = {
		{ "short", "GRANT" }, { "state", "STATE" }, { "client_name", "CLIENT" },
		{ "username", "USER" }, { "subject", "FOR" }, { "scope", "SCOPE" },
		{ "generation", "GENERATION" }, { "issued_at", "ISSUED" },
		{ "end_reason", "ENDED BY" }, { NULL, NULL },
	};
	struct grant_list list = { .limit = 1000,
		.ended_too = option_given(c, "ended") };
	json_t *out;

	if (!cli_open(c) || !read_filter(c, &list)
		|| !CLI_WAIT(c, store_grant_list, &list))
		return 1;
	out = json_array();
	for (size_t i = 0; i < list.count; i++) {
		json_t *j = grant_json(c, &list.grants[i]);
		json_object_set_new(j, "short",
			json_string(arena_hex(c->arena, list.grants[i].key, 4)));
		json_array_append_new(out, j);
	}
	return cli_print_list(c, out, columns, "No authorisations match.");
}

/* The one grant whose key begins with the first operand. */
static const struct grant *
find_one(struct cli *c)
{
	struct grant_list list = { .limit = 2, .ended_too = true,
		.key_prefix = bytes_of(c->operands[0]) };

	if (list.key_prefix.n < 4) {
		cli_usage(c, "give at least 4 hex digits of the grant");
		return NULL;
	}
	if (!cli_open(c) || !CLI_WAIT(c, store_grant_list, &list))
		return NULL;
	if (list.count == 1)
		return &list.grants[0];
	cli_fail(c, list.count == 0 ? "there is no authorisation %s"
				    : "more than one authorisation begins with %s;"
				      " give more digits", c->operands[0]);
	return NULL;
}

static int
grant_show(struct cli *c)
{
	static const struct column columns[] = {
		{ "grant", "Grant" }, { "state", "State" }, { "client_name", "Client" },
		{ "client_id", "Client id" }, { "username", "User" }, { "subject", "For" },
		{ "scope", "Scope" }, { "generation", "Generation" },
		{ "created_at", "Consent" }, { "issued_at", "Tokens issued" },
		{ "last_used_at", "Last used" }, { "access_expires_at", "Access until" },
		{ "refresh_expires_at", "Refresh until" }, { "expires_at", "Ends" },
		{ "ended_at", "Ended" }, { "end_reason", "Because" }, { "why", "That is" },
		{ "ended_generation", "Token presented" }, { "ended_from", "From" },
		{ NULL, NULL },
	};
	const struct grant *g = find_one(c);

	return g == NULL ? 1 : cli_print_object(c, grant_json(c, g), columns);
}

static int
grant_end_run(struct cli *c)
{
	const struct grant *g = find_one(c);
	struct grant_change change = { .event = GRANT_END, .now = clock_now() };

	if (g == NULL)
		return 1;
	memcpy(change.key, g->key, GRANT_KEY_SIZE);
	change.end.why = END_OPERATOR;
	change.end.from = cli_audit(c, "", "", "").actor;
	if (!CLI_WAIT(c, store_grant_change, &change))
		return 1;
	if (!change.verdict.changed)
		return cli_fail(c, "it had ended before: %s",
			end_reason_sentence(g->end_reason));
	return 0;
}

static const struct option list_options[] = {
	{ "user", OPTION_TEXT, "USERNAME", "only this person's" },
	{ "client", OPTION_TEXT, "CLIENT_ID", "only this client's" },
	{ "ended", OPTION_FLAG, NULL, "also those that ended and are still kept" },
	{ NULL, OPTION_FLAG, NULL, NULL },
};

const struct command command_grant_list = { "grant", "list", "",
	"list authorisations, newest first", list_options, grant_list, false };
const struct command command_grant_show = { "grant", "show", "GRANT",
	"show one authorisation by the first digits of its key", NULL, grant_show, false };
const struct command command_grant_end = { "grant", "end", "GRANT",
	"end one authorisation: its tokens are dead at once", NULL, grant_end_run, false };
