/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_init.c - latchkey init: fills a new or empty data directory, and takes
 * everything out again when something goes wrong. The database is made last.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/development.h"
#include "rules/metadata.h"
#include "rules/wording.h"
#include "server/server.h"
#include "text/uri.h"

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

/* A server on this machine alone, so it has to answer where its issuer says. */
static const char *
issuer_port(struct cli *c, const char *issuer)
{
	struct uri u;

	if (!uri_parse(bytes_of(issuer), &u) || bytes_empty(u.port))
		return "443"; /* RFC 9110 section 4.2.2 */
	return arena_cstr(c->arena, u.port);
}

static bool
write_config(struct cli *c, const char *dir, const char *issuer, const char *brand,
	struct fault *f)
{
	const char *path = arena_printf(c->arena, "%s/%s", dir, DIR_CONFIG);
	const char *database = option_text(c, "database");
	FILE *out = fopen(path, "wxe");

	if (out == NULL) {
		(void)FAULT_AT(f, "%s: %s", path, strerror(errno));
		return false;
	}
	fprintf(out,
		"# latchkey.conf - every key is in latchkey(1); `latchkey serve"
		" --show-config` prints what is in force.\n"
		"issuer = %s\nbrand = %s\n", issuer, brand);
	if (database != NULL)
		fprintf(out, "database = %s\n", database);
	if (option_given(c, "development"))
		fprintf(out, "listen = 127.0.0.1:%s\n", issuer_port(c, issuer));
	return fclose(out) == 0;
}

static bool
make_database(struct cli *c, const char *dir, const char *issuer, const char *brand,
	struct fault *f)
{
	const char *db = option_given(c, "database") ? option_text(c, "database")
		: arena_printf(c->arena, "%s/%s", dir, DIR_DATABASE);

	if (store_create(db, f) != DONE || store_open(db, &c->store, f) != DONE)
		return false;
	c->mailbox = mailbox_new();
	c->port = store_port_new(c->store, c->mailbox, f);
	return c->port != NULL && fill_database(c, issuer, brand);
}

/* The database last: what is made elsewhere is not taken out again. */
static bool
fill_directory(struct cli *c, const char *dir, const char *issuer, const char *brand,
	struct fault *f)
{
	const char *key = arena_printf(c->arena, "%s/%s", dir, DIR_MASTER_KEY);

	if (keys_create(key, f) != DONE || keys_open(key, &c->keys, f) != DONE)
		return false;
	if (option_given(c, "development")
		&& development_certificate(c->arena, dir, f) != DONE)
		return false;
	return write_config(c, dir, issuer, brand, f)
		&& make_database(c, dir, issuer, brand, f);
}

static bool
is_empty(const char *dir)
{
	DIR *d = opendir(dir);
	const struct dirent *e;
	size_t n = 0;

	while (d != NULL && (e = readdir(d)) != NULL)
		n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
	if (d != NULL)
		closedir(d);
	return d != NULL && n == 0;
}

/* A new directory, or an empty one that is there (made by install or systemd). */
static bool
make_directory(struct cli *c, bool *made)
{
	*made = mkdir(c->dir, 0700) == 0;
	if (*made)
		return true;
	if (errno != EEXIST)
		cli_fail(c, "%s cannot be made: %s", c->dir, strerror(errno));
	else if (access(c->dir, R_OK | W_OK | X_OK) != 0)
		cli_fail(c, "%s is there, but this user may not write it: %s", c->dir,
			strerror(errno));
	else if (!is_empty(c->dir))
		cli_fail(c, "%s exists and is not empty; nothing was changed", c->dir);
	else if (chmod(c->dir, 0700) != 0)
		cli_fail(c, "%s belongs to somebody else, who could read the keys in it;"
			    " run this as its owner", c->dir);
	else
		return true;
	return false;
}

/* Removes what a failed attempt left; only names that init itself makes. */
static void
undo(struct cli *c, bool made)
{
	static const char *const names[] = { DIR_DATABASE, DIR_DATABASE "-wal",
		DIR_DATABASE "-shm", DIR_MASTER_KEY, DIR_CONFIG, "dev-ca.pem",
		"dev-ca-key.pem", "tls-cert.pem", "tls-key.pem" };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		unlink(arena_printf(c->arena, "%s/%s", c->dir, names[i]));
	if (made)
		rmdir(c->dir);
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
	const char *brand = option_given(c, "brand") ? option_text(c, "brand") : "Latchkey";
	const char *what = NULL;
	bool made;
	struct fault f = { .what = "" };

	if (issuer == NULL)
		return cli_usage(c, "--issuer is missing: the URL people and clients will use,"
				    " such as https://auth.example.com");
	if (!issuer_valid(c->arena, bytes_of(issuer), &what))
		return cli_usage(c, "--issuer %s: %s", issuer, what);
	what = wording_fault(c->arena, "--brand", bytes_of(brand), WORDING_NAME);
	if (what != NULL)
		return cli_usage(c, "%s", what);
	if (option_given(c, "database") && strstr(option_text(c, "database"), "://") == NULL)
		return cli_usage(c, "--database: must be postgresql://...");
	if (option_given(c, "database")
		&& store_url_good(option_text(c, "database"), &f) != DONE)
		return cli_usage(c, "--database: %s", f.what);
	umask(077);
	if (!make_directory(c, &made))
		return 1;
	if (!fill_directory(c, c->dir, issuer, brand, &f)) {
		cli_fail(c, "%s; nothing was kept", f.what);
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
	{ "database", OPTION_TEXT, "URL", "postgresql://USER@HOST/DATABASE?passfile=/path;"
		" latchkey.db in the data directory when not given" },
	{ "development", OPTION_FLAG, NULL,
		"make a development CA and a certificate for localhost" },
	{ NULL, OPTION_FLAG, NULL, NULL },
};

const struct command command_init = { NULL, "init", "",
	"make a data directory: database, master key, configuration", options, init, false };
