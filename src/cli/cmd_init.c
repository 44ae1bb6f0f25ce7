/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_init.c - latchkey init: a new data directory, whole or not at all. It is
 * made under another name and renamed when everything in it is there.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/development.h"
#include "rules/metadata.h"
#include "server/server.h"

static bool
put_fact(struct cli *c, const char *name, struct bytes value)
{
	struct fact fact = { .name = bytes_of(name), .value = value };

	return CLI_WAIT(c, store_fact_put, &fact);
}

/* The facts by which a server knows what it serves. */
static bool
fill_database(struct cli *c, const char *issuer, const char *brand)
{
	struct audit_add add = { .audit = cli_audit(c, "initialised", "server", issuer) };

	return put_fact(c, "issuer", bytes_of(issuer))
		&& put_fact(c, "brand", bytes_of(brand))
		&& put_fact(c, "key_check", bytes_of(c->keys->check))
		&& CLI_WAIT(c, store_audit_add, &add);
}

static bool
write_config(struct cli *c, const char *dir, const char *issuer, const char *brand,
	struct fault *f)
{
	const char *path = arena_printf(c->arena, "%s/%s", dir, DIR_CONFIG);
	FILE *out = fopen(path, "wxe");

	if (out == NULL) {
		(void)FAULT_AT(f, "%s: %s", path, strerror(errno));
		return false;
	}
	fprintf(out,
		"# latchkey.conf - every key is in latchkey(1); `latchkey serve"
		" --show-config` prints what is in force.\n"
		"issuer = %s\nbrand = %s\n", issuer, brand);
	return fclose(out) == 0;
}

static bool
fill_directory(struct cli *c, const char *dir, const char *issuer, const char *brand,
	struct fault *f)
{
	const char *db = arena_printf(c->arena, "%s/%s", dir, DIR_DATABASE);
	const char *key = arena_printf(c->arena, "%s/%s", dir, DIR_MASTER_KEY);

	if (keys_create(key, f) != DONE || keys_open(key, &c->keys, f) != DONE
		|| store_create(db, f) != DONE || store_open(db, &c->store, f) != DONE)
		return false;
	c->mailbox = mailbox_new();
	c->port = store_port_new(c->store, c->mailbox, f);
	if (c->port == NULL || !fill_database(c, issuer, brand)
		|| !write_config(c, dir, issuer, brand, f))
		return false;
	return !option_given(c, "development")
		|| development_certificate(c->arena, dir, f) == DONE;
}

/* Removes what a failed attempt left; only names that init itself makes. */
static void
undo(struct cli *c, const char *dir)
{
	static const char *const names[] = { DIR_DATABASE, DIR_DATABASE "-wal",
		DIR_DATABASE "-shm", DIR_MASTER_KEY, DIR_CONFIG, "dev-ca.pem",
		"dev-ca-key.pem", "tls-cert.pem", "tls-key.pem" };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		unlink(arena_printf(c->arena, "%s/%s", dir, names[i]));
	rmdir(dir);
}

static void
say_next(struct cli *c)
{
	printf("Made %s: database, master key, configuration%s.\n", c->dir,
		option_given(c, "development") ? ", development certificate" : "");
	if (option_given(c, "development"))
		printf("To let browsers trust it: latchkey dev trust --dir %s\n", c->dir);
	else
		printf("Put the certificate and key for this name at %s/tls-cert.pem and"
		       " tls-key.pem,\nor name others with --tls-cert and --tls-key.\n",
			c->dir);
	printf("Keep a copy of %s/%s apart from the database's backups.\n"
	       "Then: latchkey scope add, user add, client add; latchkey serve --dir %s\n",
		c->dir, DIR_MASTER_KEY, c->dir);
}

static int
init(struct cli *c)
{
	const char *issuer = option_text(c, "issuer");
	const char *brand = option_text(c, "brand");
	const char *what = NULL, *made;
	struct fault f = { .what = "" };

	if (issuer == NULL)
		return cli_usage(c, "--issuer is missing: the URL people and clients will use,"
				    " such as https://auth.example.com");
	if (!issuer_valid(c->arena, bytes_of(issuer), &what))
		return cli_usage(c, "--issuer %s: %s", issuer, what);
	made = arena_printf(c->arena, "%s.new-%ld", c->dir, (long)getpid());
	umask(077);
	/* An empty directory that is there already may be taken over. */
	if (access(c->dir, F_OK) == 0 && rmdir(c->dir) != 0)
		return cli_fail(c, "%s exists and is not empty; nothing was changed", c->dir);
	if (mkdir(made, 0700) != 0)
		return cli_fail(c, "%s: %s", made, strerror(errno));
	if (!fill_directory(c, made, issuer, brand != NULL ? brand : "Latchkey", &f)
		|| rename(made, c->dir) != 0) {
		cli_fail(c, "%s", f.what[0] != '\0' ? f.what : strerror(errno));
		undo(c, made);
		return 1;
	}
	if (c->json)
		return cli_print_object(c,
			json_pack("{s:s, s:s}", "dir", c->dir, "issuer", issuer), NULL);
	say_next(c);
	return 0;
}

static const struct option options[] = {
	{ "issuer", OPTION_TEXT, "URL", "https URL that names this server" },
	{ "brand", OPTION_TEXT, "NAME", "the platform's name, shown to people" },
	{ "development", OPTION_FLAG, NULL,
		"make a development CA and a certificate for localhost" },
	{ NULL, OPTION_FLAG, NULL, NULL },
};

const struct command command_init = { NULL, "init", "",
	"make a data directory: database, master key, configuration", options, init, false };
