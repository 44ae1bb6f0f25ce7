/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_explain.c - latchkey explain ID: exactly why a request was refused, from
 * the note that was kept with it, and what to do. The public answer stays short;
 * this is the rest, for the operator.
 */
#include <string.h>

#include "cli/commands.h"
#include "rules/redirect_uri.h"
#include "text/json.h"

/* What became of the grant that the request was about. */
static void
explain_grant(struct cli *c, json_t *out, const struct refusal_note *note)
{
	struct grant_find find = { .found = false };
	const struct grant *g = &find.grant;

	if (!note->has_grant)
		return;
	json_object_set_new(out, "grant", json_string(arena_hex(c->arena, note->grant, 4)));
	memcpy(find.key, note->grant, GRANT_KEY_SIZE);
	if (!CLI_WAIT(c, store_grant_find, &find))
		return;
	if (!find.found) {
		json_object_set_new(out, "grant_state",
			json_string("not known (any more): it was never issued, or ended so"
				    " long ago that its row was reclaimed"));
		return;
	}
	json_object_set_new(out, "grant_state",
		json_string(g->state == GRANT_ENDED ? end_reason_sentence(g->end_reason)
			: g->state == GRANT_LIVE ? "alive" : "code not redeemed yet"));
	json_object_set_new(out, "grant_generation", json_integer(g->generation));
	json_object_set_new(out, "grant_issued_at", json_of_time(g->issued_at));
	if (g->state != GRANT_ENDED)
		return;
	json_object_set_new(out, "grant_ended_at", json_of_time(g->ended_at));
	json_object_set_new(out, "grant_ended_by_generation",
		json_integer(g->ended_generation));
	json_object_set_new(out, "grant_ended_from", json_of(g->ended_from));
}

/* The facts noted with the refusal, each as a line of its own. */
static void
explain_facts(struct cli *c, json_t *out, const struct refusal_note *note)
{
	const char *why = NULL, *key;
	json_t *facts = json_read(note->facts, note->facts.n, &why), *value;
	json_t *lines = json_array();

	if (facts == NULL)
		facts = json_object();
	json_object_foreach(facts, key, value) {
		if (json_is_integer(value))
			json_array_append_new(lines,
				json_string(arena_printf(c->arena, "%s: %lld", key,
					(long long)json_integer_value(value))));
		else if (json_is_string(value))
			json_array_append_new(lines,
				json_string(arena_printf(c->arena, "%s: %s", key,
					json_string_value(value))));
	}
	json_object_set_new(out, "facts", facts);
	json_object_set_new(out, "fact_lines", lines);
}

static int
explain(struct cli *c)
{
	static const struct column columns[] = {
		{ "id", "Error id" }, { "at", "At" }, { "endpoint", "Endpoint" },
		{ "client_id", "Client" }, { "from", "From" }, { "error", "Answered" },
		{ "error_description", "Said" }, { "meaning", "Because" },
		{ "fact_lines", "Facts" }, { "grant", "Grant" },
		{ "grant_state", "Grant now" }, { "grant_generation", "Generation now" },
		{ "grant_issued_at", "Issued" }, { "grant_ended_at", "Ended" },
		{ "grant_ended_by_generation", "By a token of" },
		{ "grant_ended_from", "From" }, { "remedy", "What to do" },
		{ NULL, NULL },
	};
	struct refusal_find find = { .id = bytes_of(c->operands[0]) };
	const struct refusal_note *n = &find.note;
	enum reason reason;
	json_t *out;

	if (!cli_open(c) || !CLI_WAIT(c, store_refusal_find, &find))
		return 1;
	if (!find.found)
		return cli_fail(c, "no refusal with the id %s is kept. The newest 20,000 are;"
				   " one of the last second may still be on its way."
				   " Is it this server's (--dir)?", c->operands[0]);
	reason = reason_by_name(n->reason);
	out = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:s, s:s, s:s}", "id",
		json_of((struct bytes){ n->id, ERROR_ID_SIZE }), "at", json_of_time(n->at),
		"endpoint", json_of(n->endpoint), "client_id", json_of(n->client_id), "from",
		json_of(n->from), "reason", json_of(n->reason), "error",
		oauth_error_name(reason_error(reason)), "error_description",
		reason_why(reason), "meaning", reason_meaning(reason), "remedy",
		reason_remedy(reason));
	explain_facts(c, out, n);
	explain_grant(c, out, n);
	return cli_print_object(c, out, columns);
}

const struct command command_explain = { NULL, "explain", "ID",
	"say exactly why a request was refused (header Latchkey-Error-Id)", NULL, explain,
	false };
