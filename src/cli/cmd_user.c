/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_user.c - latchkey user add|passwd|disable|enable|remove: people who can
 * sign in. A change that ends trust ends sessions and authorisations with it.
 */
#include <string.h>

#include "base/clock.h"
#include "cli/commands.h"
#include "crypto/password.h"

/* URN:NAME, cut at the last colon, so that the URN keeps its own. */
static bool
read_context(struct cli *c, struct bytes text, enum subject_type type,
	struct context *out)
{
	size_t cut = text.n;

	while (cut > 0 && text.p[cut - 1] != ':')
		cut--;
	if (cut > 0)
		*out = (struct context){ bytes_slice(text, 0, cut - 1),
			bytes_slice(text, cut, text.n), type };
	if (cut > 0 && bytes_starts(out->urn, B("urn:")) && out->urn.n > 4
		&& out->name.n > 0 && bytes_index(out->urn, ' ') == out->urn.n)
		return true;
	cli_usage(c, "'%.*s' is not URN:NAME, such as"
		     " urn:acme:company:42:Example Trading Ltd", BYTES_FMT(text));
	return false;
}

static bool
read_contexts(struct cli *c, struct user *u)
{
	struct strings companies = option_list(c, "company");
	struct strings entities = option_list(c, "entity");
	struct context *list =
		ARENA_ARRAY(c->arena, struct context, companies.n + entities.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < companies.n; i++)
		if (!read_context(c, companies.p[i], SUBJECT_COMPANY, &list[n++]))
			return false;
	for (size_t i = 0; i < entities.n; i++)
		if (!read_context(c, entities.p[i], SUBJECT_ENTITY, &list[n++]))
			return false;
	u->contexts = list;
	u->context_count = n;
	return true;
}

static bool
read_password(struct cli *c, struct user *u)
{
	char *hash = arena_alloc(c->arena, PASSWORD_HASH_MAX);
	struct bytes password;
	struct fault f;

	if (!terminal_password(c, option_given(c, "password-stdin"), &password))
		return false;
	if (password_hash(password, hash, &f) != DONE) {
		cli_fail(c, "%s", f.what);
		return false;
	}
	u->password_hash = bytes_of(hash);
	return true;
}

static struct audit
user_audit(struct cli *c, const char *event, struct bytes username)
{
	return cli_audit(c, event,
		arena_printf(c->arena, "user:%.*s", BYTES_FMT(username)), "");
}

static int
user_add(struct cli *c)
{
	struct user_put put = { .taken = false };
	struct user *u = &put.user;
	const char *what = NULL;

	u->username = bytes_of(option_text(c, "username"));
	u->name = bytes_of(option_text(c, "name"));
	if (bytes_empty(u->username) || bytes_empty(u->name))
		return cli_usage(c, "--username and --name are both needed");
	if (!read_contexts(c, u))
		return 2;
	if (!user_check(c->arena, u, &what))
		return cli_usage(c, "%s", what);
	if (!read_password(c, u))
		return 2;
	if (!cli_open(c))
		return 1;
	u->sub = random_name(c->arena, "lku_");
	u->created_at = clock_now();
	put.audit = user_audit(c, "user_added", u->username);
	if (!CLI_WAIT(c, store_user_put, &put))
		return 1;
	if (put.taken)
		return cli_fail(c, "the username %.*s is in use", BYTES_FMT(u->username));
	if (!c->json)
		return 0;
	return cli_print_object(c,
		json_pack("{s:o, s:o, s:o}", "sub", json_of(u->sub), "username",
			json_of(u->username), "name", json_of(u->name)), NULL);
}

/* The user named by the first operand, as of now, ready to be put back. */
static bool
find_user(struct cli *c, struct user_put *put, const char *event)
{
	struct user_find find = { .username = bytes_of(c->operands[0]) };

	if (!CLI_WAIT(c, store_user_find, &find))
		return false;
	if (!find.found) {
		cli_fail(c, "there is no user %s", c->operands[0]);
		return false;
	}
	put->user = find.user;
	put->audit = user_audit(c, event, find.user.username);
	return true;
}

/*
 * Lays a change over the account as it is and puts it back; if another command changed
 * it in between, once more over what is there then, so that neither is lost.
 */
static int
change_put(struct cli *c, struct user_put *put, const char *event,
	void (*change)(struct user *u, const void *arg), const void *arg)
{
	struct user from;

	for (int i = 0; i < CLI_TRIES; i++) {
		if (!find_user(c, put, event))
			return 1;
		from = put->user;
		put->from = &from;
		if (change != NULL)
			change(&put->user, arg);
		if (!CLI_WAIT(c, store_user_put, put))
			return 1;
		if (put->found && !put->stale)
			return 0;
	}
	return cli_fail(c, "other commands change %s all the time; nothing was changed by "
			   "this one: try again", c->operands[0]);
}

static void
set_password(struct user *u, const void *typed)
{
	u->password_hash = ((const struct user *)typed)->password_hash;
}

/* The user is looked for before the password is asked for. */
static int
user_passwd(struct cli *c)
{
	struct user_put put = { .end_sessions = true, .end_grants = true };
	struct user typed = { .id = 0 };

	if (!cli_open(c) || !find_user(c, &put, "password_changed") ||
		!read_password(c, &typed))
		return 1;
	return change_put(c, &put, "password_changed", set_password, &typed);
}

static void
set_disabled(struct user *u, const void *disabled)
{
	u->disabled = *(const bool *)disabled;
}

static int
user_disable(struct cli *c)
{
	struct user_put put = { .end_sessions = true, .end_grants = true };
	const bool disabled = true;

	return cli_open(c) ?
		change_put(c, &put, "user_disabled", set_disabled, &disabled) : 1;
}

static int
user_enable(struct cli *c)
{
	struct user_put put = { .found = false };
	const bool disabled = false;

	return cli_open(c) ?
		change_put(c, &put, "user_enabled", set_disabled, &disabled) : 1;
}

static int
user_remove(struct cli *c)
{
	struct user_put put = { .remove = true, .end_sessions = true, .end_grants = true };

	return cli_open(c) ? change_put(c, &put, "user_removed", NULL, NULL) : 1;
}

static const struct option password_options[] = {
	{ "password-stdin", OPTION_FLAG, NULL, "read the password as one line of standard input" },
	{ NULL, OPTION_FLAG, NULL, NULL },
};
static const struct option add_options[] = {
	{ "username", OPTION_TEXT, "NAME", "what the person types to sign in" },
	{ "name", OPTION_TEXT, "NAME", "the person's name" },
	{ "company", OPTION_LIST, "URN:NAME", "a company the person may act for (repeat)" },
	{ "entity", OPTION_LIST, "URN:NAME", "one entity of an organisation (repeat)" },
	{ "password-stdin", OPTION_FLAG, NULL, "read the password as one line of standard input" },
	{ NULL, OPTION_FLAG, NULL, NULL },
};

const struct command command_user_add = { "user", "add", "",
	"add a person; the password is asked for", add_options, user_add, false };
const struct command command_user_passwd = { "user", "passwd", "USERNAME",
	"set a new password; ends sessions and authorisations", password_options,
	user_passwd, false };
const struct command command_user_disable = { "user", "disable", "USERNAME",
	"no more sign-in; ends sessions and authorisations", NULL, user_disable, false };
const struct command command_user_enable = { "user", "enable", "USERNAME",
	"undo disable", NULL, user_enable, false };
const struct command command_user_remove = { "user", "remove", "USERNAME",
	"remove the person; ends sessions and authorisations", NULL, user_remove, false };
