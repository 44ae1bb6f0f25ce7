/* SPDX-License-Identifier: Apache-2.0 */
/*
 * demo.h - the whole story on one machine: an authorisation server, a partner's
 * web app that connects to it, and an API that honours its tokens.
 *
 * Promises: the server is the real one, set up by its own commands and run as
 * a process of its own; all talk is over HTTPS with certificates checked;
 * nothing is left behind unless asked for. Shows the flow, and is the first
 * code to read: partner.c is the client's side, api.c the API's.
 */
#ifndef LATCHKEY_DEMO_DEMO_H
#define LATCHKEY_DEMO_DEMO_H

#include <stdbool.h>
#include <stdint.h>

struct demo_options {
	const char *dir; /* NULL: a fresh one, removed at the end */
	uint16_t port, app_port, api_port; /* 0: any that is free */
	bool script; /* walk the story here, without a browser */
	bool keep; /* leave the fresh directory behind */
};

/* Returns the exit status; sentences go to standard error. Call secret_process and
 * crypto_start first (main does). */
int demo_run(const struct demo_options *o);

#endif
