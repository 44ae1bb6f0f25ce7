/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli.h - what every subcommand stands on: its options, the installation it
 * works on, and one way to print.
 *
 * A command is one file and one struct command; main.c is the table of them.
 * Exit status: 0 done, 1 refused or failed (a sentence on standard error),
 * 2 used wrongly; the integrator's commands tell more apart (exits.def). With --json
 * standard output is one JSON value and nothing else.
 */
#ifndef LATCHKEY_CLI_CLI_H
#define LATCHKEY_CLI_CLI_H

#include <jansson.h>

#include "base/arena.h"
#include "base/outcome.h"
#include "server/config.h"
#include "server/keys.h"
#include "store/store.h"

enum option_kind { OPTION_FLAG, OPTION_TEXT, OPTION_LIST };

struct option {
	const char *name;     /* without dashes; NULL ends the list */
	enum option_kind kind;
	const char *value;    /* what stands for the value in --help */
	const char *sentence;
	char letter;          /* -X, where it has one */
};

struct cli;
struct lk;
struct lk_connection;

/* Which options a command shares with others, beside --help. */
enum common {
	COMMON_DIR = 1,
	COMMON_JSON = 2,
	COMMON_VAULT = 4,  /* an integrator's command: --vault, and exits.def in --help */
	COMMON_AGENT = 8,  /* --no-agent */
};

struct command {
	const char *group;    /* "client", or NULL */
	const char *verb;     /* "add" */
	const char *operands; /* "CLIENT_ID", "[GRANT]", "NAME -- COMMAND...", "" */
	const char *sentence;
	const struct option *options; /* its own */
	int (*run)(struct cli *);
	bool without_dir;     /* needs no installation: no --dir */
	unsigned common;      /* enum common; 0: --json, and --dir unless without_dir */
};

struct cli {
	const struct command *command;
	struct arena *arena;
	struct cli_values *values;
	const char *const *operands;
	size_t operand_count;
	bool json;
	const char *dir;

	/* after cli_open: */
	const char *operator; /* who runs this, before root became the owner of dir */
	struct config *config;
	struct keys *keys;
	struct store *store;
	struct store_port *port;
	struct mailbox *mailbox;
	struct catalogue *catalogue;

	/* after cli_vault and cli_connection (connections.h): */
	struct lk *lk;
	struct lk_connection *connection;
};

/* ---- options (options.c) ---------------------------------------------------- */

/* Reads argv after the command's name; prints what is wrong and returns false. */
bool options_read(struct cli *c, int argc, char **argv);
bool option_given(const struct cli *c, const char *name);
bool options_given(const struct cli *c); /* any of the command's own */
const char *option_text(const struct cli *c, const char *name); /* NULL: not given */
struct strings option_list(struct cli *c, const char *name);
void command_help(const struct command *command);

/* ---- the installation (installation.c) ---------------------------------------- */

/* Opens configuration, keys, store and catalogue of --dir; says what is wrong and
 * returns false. Closed by main. */
bool cli_open(struct cli *c);
void cli_close(struct cli *c);
/* Root becomes the directory's owner, so that no file is made that the server cannot
 * use; cli_open does it. */
bool cli_become_owner(struct cli *c);
/* Reads the catalogue again, after a change. */
bool cli_reload(struct cli *c);
/* A zeroed call in the command's arena; CLI_WAIT runs the verb and waits for it. */
#define CLI_WAIT(c, verb, request)                                           \
	((request)->call.arena = (c)->arena, verb((c)->port, (request)),     \
		cli_waited((c), &(request)->call))
bool cli_waited(struct cli *c, struct store_call *call);
/* An audit entry by the operator who runs this command. */
struct audit cli_audit(struct cli *c, const char *event, const char *object,
	const char *detail);
/* How often a change is made anew because another command was quicker. One of them
 * always gets through, so that many commands at once are none too many. */
#define CLI_TRIES 100
/* The client named by the first operand, or NULL and a sentence. */
const struct client *cli_client(struct cli *c, const char *client_id);

/* ---- printing (print.c) -------------------------------------------------------- */

/* Prints "latchkey client add: ..." on standard error; returns 1 (or 2). */
int cli_fail(const struct cli *c, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
int cli_usage(const struct cli *c, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

struct column {
	const char *key;      /* member of each object; NULL ends the list */
	const char *heading;
};
/* An array of objects: a table, or with --json as it is. Takes the reference. */
int cli_print_list(const struct cli *c, json_t *list, const struct column *columns,
	const char *when_empty);
/* One object: "heading  value" lines, or with --json as it is. Takes the reference. */
int cli_print_object(const struct cli *c, json_t *object, const struct column *columns);
json_t *json_of(struct bytes b);          /* a string; "" for NONE */
json_t *json_of_time(int64_t unix_seconds); /* RFC 3339, or null for 0 */

/* ---- people at the terminal (terminal.c) ----------------------------------------- */

/* A password: a line of standard input, or asked for twice without echo. */
bool terminal_password(struct cli *c, bool from_stdin, struct bytes *out);
/* The passphrase of a vault into text, *n bytes at most and then what it has; asked on the
 * terminal without echo, or a line of a descriptor. */
bool terminal_passphrase(struct cli *c, bool twice, char *text, size_t *n);
bool descriptor_line(int fd, char *text, size_t *n);
/* 22 unreserved characters of 128 random bits behind a prefix; secrets have 43. */
struct bytes random_name(struct arena *a, const char *prefix);
struct bytes random_secret(struct arena *a);
bool read_file(struct arena *a, const char *path, size_t max, struct bytes *out,
	struct fault *f);

#endif
