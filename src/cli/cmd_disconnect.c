/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_disconnect.c - latchkey disconnect NAME: forgets a connection when the server has
 * ended it, and not before (RULEBOOK CL-39), so that what failed can be tried again. With
 * --forget it is forgotten in any case, and what still stands at the server is said.
 */
#include <stdio.h>

#include "base/clock.h"
#include "cli/connections.h"

/* What is known of it before it goes. */
struct ending {
	struct cli *c;
	const char *issuer;
	int64_t expires_at; /* of the access token; 0: nobody said */
};

static int
note(void *arg, const struct lk_info *info)
{
	struct ending *n = arg;

	n->issuer = arena_cstr(n->c->arena, bytes_of(info->issuer));
	n->expires_at = info->expires_at;
	return 0;
}

static enum lk_status
end_at_server(struct ending *n, struct lk_error *e)
{
	struct cli *c = n->c;

	enum lk_status status =
		lk_connection_open(c->lk, c->operands[0], &c->connection, e);

	if (status == LK_OK)
		status = lk_info(c->connection, note, n, e);
	return status == LK_OK ? lk_disconnect(c->connection, e) : status;
}

static int
say_ended(const struct ending *n)
{
	const char *name = n->c->operands[0];

	if (n->c->json)
		return cli_print_object(n->c, json_pack("{s:s, s:s, s:b}", "name", name,
			"issuer", n->issuer, "revoked", 1), NULL);
	printf("%s is disconnected, and %s knows it.\n", name, n->issuer);
	return EXIT_DONE;
}

static int
say_not_ended(const struct ending *n, const struct lk_error *e)
{
	int status = cli_lk_failed(n->c, e);

	if (e->status != LK_NOT_FOUND)
		fprintf(stderr, "Nothing was forgotten%s. To forget it here, whatever stands at"
			" the server: latchkey disconnect %s --forget\n",
			status == EXIT_LATER ? ": try again later" : "", n->c->operands[0]);
	return status;
}

static const char *
life(const struct ending *n)
{
	int64_t now = clock_now();

	if (n->expires_at == 0)
		return "lives nobody knows how long";
	if (n->expires_at <= now)
		return "has expired";
	return arena_printf(n->c->arena, "expires %s",
		when_in_words(n->c->arena, n->expires_at, now));
}

static int
say_forgotten(const struct ending *n, const struct lk_error *e)
{
	const char *name = n->c->operands[0];
	json_t *why = json_of_sentence(e->message);

	(void)cli_fail(n->c, "%s; so %s goes on honouring what it granted until that is"
		" ended there by hand (its access token %s)", json_string_value(why),
		n->issuer, life(n));
	if (n->c->json)
		return cli_print_object(n->c, json_pack("{s:s, s:s, s:b, s:o, s:o}", "name",
			name, "issuer", n->issuer, "revoked", 0, "detail", why,
			"expires_at", json_of_time(n->expires_at)), NULL);
	json_decref(why);
	printf("%s is forgotten here.\n", name);
	return EXIT_DONE;
}

static int
end(struct ending *n)
{
	struct lk_error e, again;

	if (end_at_server(n, &e) == LK_OK)
		return say_ended(n);
	if (e.status == LK_NOT_FOUND || !option_given(n->c, "forget"))
		return say_not_ended(n, &e);
	if (lk_forget(n->c->lk, n->c->operands[0], &again) != LK_OK)
		return cli_lk_failed(n->c, &again);
	return say_forgotten(n, &e);
}

static int
disconnect(struct cli *c)
{
	struct ending n = { c, "the server", 0 };
	int status = cli_name(c);

	if (status == EXIT_DONE)
		status = cli_vault(c);
	return status == EXIT_DONE ? end(&n) : status;
}

static const struct option options[] = {
	{ "forget", OPTION_FLAG, NULL,
		"forget it here also when the server cannot end it, which is then said" },
	{ NULL, OPTION_FLAG, NULL, NULL },
};

const struct command command_disconnect = { NULL, "disconnect", "NAME",
	"end a connection: revoke it at the server; when that is done, forget it here",
	options, disconnect, true, COMMON_CONNECTION };
