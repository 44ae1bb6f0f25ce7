/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_audit.c - latchkey audit: who did what that matters for security, newest
 * first. Entries were written in the same transaction as what they tell of.
 */
#include <stdio.h>

#include "base/clock.h"
#include "cli/commands.h"

#define AUDIT_LIMIT 50

static bool
read_bounds(struct cli *c, struct audit_list *list)
{
	const char *since = option_text(c, "since");
	const char *limit = option_text(c, "limit");
	uint64_t n = AUDIT_LIMIT;
	int64_t ago = 0;

	if (since != NULL && !clock_duration(bytes_of(since), &ago)) {
		cli_usage(c, "--since %s is not a duration such as 15m, 24h or 60d", since);
		return false;
	}
	if (limit != NULL && (!bytes_to_u64(bytes_of(limit), &n) || n == 0 || n > 100000)) {
		cli_usage(c, "--limit %s is not a number from 1 to 100000", limit);
		return false;
	}
	list->since = since != NULL ? clock_now() - ago : 0;
	list->limit = (size_t)n;
	list->event = bytes_of(option_text(c, "event"));
	list->object = bytes_of(option_text(c, "object"));
	return true;
}

static int
audit_run(struct cli *c)
{
	static const struct column columns[] = {
		{ "at", "AT" }, { "event", "EVENT" }, { "actor", "BY" },
		{ "object", "WHAT" }, { "from", "FROM" }, { "detail", "DETAIL" },
		{ NULL, NULL },
	};
	struct audit_list list = { .since = 0 };
	json_t *out;

	if (!read_bounds(c, &list))
		return 2;
	if (!cli_open(c) || !CLI_WAIT(c, store_audit_list, &list))
		return 1;
	out = json_array();
	for (size_t i = 0; i < list.count; i++) {
		const struct audit *a = &list.entries[i];
		json_array_append_new(out,
			json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "at", json_of_time(a->at),
				"event", json_of(a->event), "actor", json_of(a->actor),
				"object", json_of(a->object), "from", json_of(a->from),
				"detail", json_of(a->detail)));
	}
	return cli_print_list(c, out, columns, "Nothing has happened that matches.");
}

static const struct option audit_options[] = {
	{ "since", OPTION_TEXT, "DURATION", "only the last 15m, 24h, 60d ..." },
	{ "event", OPTION_TEXT, "EVENT", "only this event, such as grant_ended" },
	{ "object", OPTION_TEXT, "WHAT", "only about this, such as client:lkc_..." },
	{ "limit", OPTION_TEXT, "N", "at most N entries (default 50)" },
	{ NULL, OPTION_FLAG, NULL, NULL },
};

const struct command command_audit = { NULL, "audit", "",
	"list security events, newest first", audit_options, audit_run, false };
