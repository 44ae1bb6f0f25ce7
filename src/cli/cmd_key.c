/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_key.c - latchkey key list|rotate: the epochs of the token keys. All are
 * derived from the master key; a rotation begins a new one for new tokens.
 */
#include <stdio.h>

#include "base/clock.h"
#include "cli/commands.h"

static int
key_list(struct cli *c)
{
	static const struct column columns[] = {
		{ "epoch", "EPOCH" }, { "state", "STATE" }, { "created_at", "SINCE" },
		{ "retired_at", "RETIRED" }, { NULL, NULL },
	};
	json_t *list;

	if (!cli_open(c))
		return 1;
	list = json_array();
	for (size_t i = 0; i < c->catalogue->epoch_count; i++) {
		const struct epoch_entry *e = &c->catalogue->epochs[i];
		const char *state = e->retired_at != 0 ? "retired"
			: e->epoch == c->catalogue->epoch ? "current" : "honoured";
		json_array_append_new(list,
			json_pack("{s:i, s:s, s:o, s:o}", "epoch", (int)e->epoch, "state",
				state, "created_at", json_of_time(e->created_at),
				"retired_at", json_of_time(e->retired_at)));
	}
	return cli_print_list(c, list, columns, "There is no key epoch.");
}

static int
key_rotate(struct cli *c)
{
	static const struct column columns[] = {
		{ "epoch", "Current epoch" }, { "retired", "Older epochs" }, { NULL, NULL },
	};
	const char *retire = option_text(c, "retire");
	struct epoch_put put = { .now = clock_now() };
	int64_t age = 0;

	if (retire != NULL && !clock_duration(bytes_of(retire), &age))
		return cli_usage(c, "--retire %s is not a duration such as 60d", retire);
	if (!cli_open(c))
		return 1;
	put.retire_before = retire != NULL ? put.now - age : 0;
	put.audit = cli_audit(c, "key_rotated", "key", retire != NULL ? retire : "");
	if (!CLI_WAIT(c, store_epoch_put, &put))
		return 1;
	return cli_print_object(c,
		json_pack("{s:i, s:s}", "epoch", (int)put.epoch, "retired",
			retire != NULL ? "those begun before the given age are retired"
				       : "all stay honoured"), columns);
}

static const struct option rotate_options[] = {
	{ "retire", OPTION_TEXT, "DURATION",
		"stop honouring epochs begun longer ago than this (their tokens die)" },
	{ NULL, OPTION_FLAG, NULL, NULL },
};

const struct command command_key_list = { "key", "list", "",
	"list the epochs of the token keys", NULL, key_list, false };
const struct command command_key_rotate = { "key", "rotate", "",
	"begin a new key epoch for all new tokens", rotate_options, key_rotate, false };
