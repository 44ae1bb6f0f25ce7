/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server.h - `latchkey serve`: a data directory answered for over HTTPS.
 *
 * Promises: says everything that is wrong in sentences before it starts
 * anything; gives up privileges before it reads a byte from a peer; on SIGTERM
 * answers what is under way and returns.
 */
#ifndef LATCHKEY_SERVER_SERVER_H
#define LATCHKEY_SERVER_SERVER_H

#include "server/config.h"

struct server_options {
	const char *dir;
	/* Settings of the command line; they stand above latchkey.conf. */
	const struct setting *settings;
	size_t setting_count;
	/* Called once everything answers, with the port of the first listener (for
	 * "listen = 127.0.0.1:0"); NULL: nobody asks. On the main thread. */
	void (*ready)(uint16_t port, void *arg);
	void *arg;
	bool replace; /* take over from the server that runs in dir, if one does */
	bool keep_signals; /* the caller handles SIGTERM and ends us by server_stop */
};

/* Returns the exit status; sentences go to standard error. Call secret_process,
 * crypto_start first (main does). */
int server_run(const struct server_options *o);
/* From any thread: as SIGTERM does. */
void server_stop(void);
/* `serve --check`: everything server_run would refuse, without listening. */
int server_check(const struct server_options *o);

/* Files of a data directory. */
#define DIR_DATABASE "latchkey.db"
#define DIR_MASTER_KEY "master.key"
#define DIR_CONFIG "latchkey.conf"
#define DIR_CONTROL "control.sock"

#endif
