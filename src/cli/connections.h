/* SPDX-License-Identifier: Apache-2.0 */
/*
 * connections.h - what the integrator's commands share: the vault, the connection that
 * is named first, how they end, and time in words.
 */
#ifndef LATCHKEY_CLI_CONNECTIONS_H
#define LATCHKEY_CLI_CONNECTIONS_H

#include "cli/commands.h"
#include "latchkey/latchkey.h"

enum exit_code {
#define EXIT(name, status, sentence) EXIT_##name = status,
#include "cli/exits.def"
#undef EXIT
};

#define COMMON_CONNECTION (COMMON_JSON | COMMON_VAULT)

/* Opens the vault as c->lk, or says why not; an exit status. One that is not there is not
 * made. Closed by main. */
int cli_vault(struct cli *c);
/* The same, and makes one, whose key is to live where --key says. */
int cli_vault_new(struct cli *c);
/* The first operand, if it can be a connection's name; else EXIT_USAGE, and said. */
int cli_name(const struct cli *c);
/* Opens the vault, and the connection of the first operand as c->connection. */
int cli_connection(struct cli *c);
void cli_vault_close(struct cli *c);

/* Says what failed, and gives the exit status for it. */
int cli_lk_failed(const struct cli *c, const struct lk_error *e);
int exit_code(enum lk_status status);

/* A sentence of the library, with the command's names for what it speaks of; what is longer
 * than out is cut. */
void words_of_command(const char *message, char *out, size_t size);
json_t *json_of_sentence(const char *message);

/* "in 7 min", "3 h ago", "now"; "" for 0. */
const char *when_in_words(struct arena *a, int64_t at, int64_t now);
/* "5m", "300" of an option to seconds; false: said what is wrong with it. Not given:
 * *out stays. */
bool option_seconds(const struct cli *c, const char *name, int64_t *out);
/* The open descriptor of an option, which stays -1 where it is not given; false: said what
 * is wrong with it. */
bool option_descriptor(const struct cli *c, const char *name, int *out);
/* --client-secret-file or --client-secret-fd as the name of a file, NULL where neither is
 * given; false: said what is wrong with them. */
bool option_client_secret(struct cli *c, const char **file);
/* All of it, or false with errno. */
bool write_all(int fd, const void *p, size_t n);

#endif
