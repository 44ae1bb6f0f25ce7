/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_scope.c - latchkey scope add|list|remove (R4.4): what clients may ask for,
 * each with the sentence a person reads on the consent page.
 */
#include "cli/commands.h"
#include "rules/scope.h"
#include "rules/wording.h"

static int
scope_add(struct cli *c)
{
	struct bytes name = bytes_of(c->operands[0]);
	const char *describe = option_text(c, "describe"), *what;
	struct scope_put put = { .scope = { .name = name } };

	if (!scope_name_valid(name))
		return cli_usage(c, "'%s' is not of the form resource:permission,"
				    " such as export-jobs:read", c->operands[0]);
	if (describe == NULL || describe[0] == '\0')
		return cli_usage(c, "--describe is missing: the sentence a person reads"
				    " on the consent page");
	put.scope.description = bytes_of(describe);
	what = wording_fault(c->arena, "--describe", put.scope.description,
		WORDING_DESCRIPTION);
	if (what != NULL)
		return cli_usage(c, "%s", what);
	if (!cli_open(c))
		return 1;
	put.audit = cli_audit(c, "scope_added",
		arena_printf(c->arena, "scope:%s", c->operands[0]), describe);
	if (!CLI_WAIT(c, store_scope_put, &put))
		return 1;
	if (!c->json)
		return 0;
	return cli_print_object(c,
		json_pack("{s:o, s:o}", "name", json_of(name), "description",
			json_of(put.scope.description)), NULL);
}

static int
scope_list(struct cli *c)
{
	static const struct column columns[] = {
		{ "name", "SCOPE" }, { "description", "WHAT A PERSON READS" }, { NULL, NULL },
	};
	json_t *list;

	if (!cli_open(c))
		return 1;
	list = json_array();
	for (size_t i = 0; i < c->catalogue->scope_count; i++) {
		const struct scope_entry *s = &c->catalogue->scopes[i];
		json_array_append_new(list,
			json_pack("{s:o, s:o}", "name", json_of(s->name), "description",
				json_of(s->description)));
	}
	return cli_print_list(c, list, columns,
		"No scopes yet. Add one: latchkey scope add export-jobs:read --describe ...");
}

static int
scope_remove(struct cli *c)
{
	struct scope_put put = { .scope = { .name = bytes_of(c->operands[0]) },
		.remove = true };

	if (!cli_open(c))
		return 1;
	put.audit = cli_audit(c, "scope_removed",
		arena_printf(c->arena, "scope:%s", c->operands[0]), "");
	if (!CLI_WAIT(c, store_scope_put, &put))
		return 1;
	if (put.in_use)
		return cli_fail(c, "%s is still registered by a client; take it away there"
				   " first: latchkey client edit CLIENT_ID --scope ...",
			c->operands[0]);
	return put.found ? 0 : cli_fail(c, "there is no scope %s", c->operands[0]);
}

static const struct option add_options[] = {
	{ "describe", OPTION_TEXT, "SENTENCE", "what a person reads on the consent page" },
	{ NULL, OPTION_FLAG, NULL, NULL },
};

const struct command command_scope_add = { "scope", "add", "SCOPE",
	"add a scope, or change its description", add_options, scope_add, false };
const struct command command_scope_list = { "scope", "list", "",
	"list the scopes clients may be registered for", NULL, scope_list, false };
const struct command command_scope_remove = { "scope", "remove", "SCOPE",
	"remove a scope that no client is registered for", NULL, scope_remove, false };
