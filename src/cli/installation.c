/* SPDX-License-Identifier: Apache-2.0 */
/*
 * installation.c - the data directory a command works on: configuration, keys,
 * store and catalogue, opened once and closed by main.
 *
 * Promises: the wrong master key is found out before anything is changed; a
 * command run as root leaves no file behind that the server's user cannot use.
 */
#include "cli/cli.h"

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mailbox.h"
#include "server/server.h"

/* Who runs this command, before it becomes anybody else. */
static const char *
operator_name(struct cli *c)
{
	const struct passwd *who = getpwuid(getuid());

	return who != NULL ? arena_printf(c->arena, "%s", who->pw_name) : "unknown";
}

/* Root would make WAL files that the owner of the directory cannot write: so
 * root becomes the owner, whose rights are all a command needs. */
bool
cli_become_owner(struct cli *c)
{
	struct stat st;

	if (stat(c->dir, &st) != 0) {
		cli_fail(c, "%s does not exist or may not be entered; make it with:"
			    " latchkey init --dir %s --issuer https://...", c->dir, c->dir);
		return false;
	}
	if (geteuid() != 0 || st.st_uid == 0)
		return true;
	if (setgroups(0, NULL) == 0 && setgid(st.st_gid) == 0 && setuid(st.st_uid) == 0)
		return true;
	cli_fail(c, "cannot become the owner of %s", c->dir);
	return false;
}

static bool
open_store(struct cli *c, struct fault *f)
{
	if (store_open(config_database(c->config, c->dir), &c->store, f) != DONE)
		return false;
	c->mailbox = mailbox_new();
	c->port = store_port_new(c->store, c->mailbox, f);
	return c->port != NULL;
}

static bool
keys_match(struct cli *c, struct fault *f)
{
	struct fact fact = { .name = B("key_check") };

	if (!CLI_WAIT(c, store_fact_find, &fact))
		return false;
	return keys_belong(c->keys, fact.value, f) == DONE;
}

bool
cli_open(struct cli *c)
{
	struct fault f = { .what = "" };
	const char *key = arena_printf(c->arena, "%s/%s", c->dir, DIR_MASTER_KEY);

	c->operator = operator_name(c);
	if (!cli_become_owner(c))
		return false;
	if (config_open(c->dir, NULL, 0, &c->config, &f) != DONE
		|| keys_open(key, &c->keys, &f) != DONE || !open_store(c, &f)
		|| !keys_match(c, &f)) {
		if (f.what[0] != '\0')
			cli_fail(c, "%s", f.what);
		return false;
	}
	return cli_reload(c);
}

bool
cli_reload(struct cli *c)
{
	struct catalogue_load load = { .catalogue = NULL };

	if (!CLI_WAIT(c, store_catalogue_load, &load))
		return false;
	catalogue_release(c->catalogue);
	c->catalogue = load.catalogue;
	return true;
}

void
cli_close(struct cli *c)
{
	catalogue_release(c->catalogue);
	if (c->port != NULL)
		store_port_free(c->port);
	if (c->store != NULL)
		store_close(c->store);
	mailbox_free(c->mailbox);
	keys_free(c->keys);
	config_release(c->config);
}

bool
cli_waited(struct cli *c, struct store_call *call)
{
	if (store_wait(c->port, call) == DONE)
		return true;
	cli_fail(c, "%s", call->fault.what);
	return false;
}

struct audit
cli_audit(struct cli *c, const char *event, const char *object, const char *detail)
{
	const char *name = c->operator != NULL ? c->operator : operator_name(c);

	return (struct audit){
		.at = clock_now(),
		.event = bytes_of(event),
		.actor = bytes_of(arena_printf(c->arena, "operator:%s", name)),
		.object = bytes_of(object),
		.detail = bytes_of(detail),
		.from = B("command line"),
	};
}

const struct client *
cli_client(struct cli *c, const char *client_id)
{
	const struct client *found = catalogue_client(c->catalogue, bytes_of(client_id));

	if (found == NULL)
		cli_fail(c, "there is no client %s; see: latchkey client list --dir %s",
			client_id, c->dir);
	return found;
}
