/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent.h - the refresh service of one person: keeps every connection of a vault
 * ahead of its expiry and hands tokens to that person's programs, which work the same
 * without it.
 *
 * Promises: one agent a vault; no other user is answered; tokens and the key never
 * reach the log, the disk in the clear, or a core dump; a signal ends it when what is
 * under way has ended, and kill -9 loses nothing (the library's journal).
 */
#ifndef LATCHKEY_AGENT_AGENT_H
#define LATCHKEY_AGENT_AGENT_H

#include "client/status.h"

struct agent_options {
	struct lk_options lk; /* vault and key; the rest is the agent's */
	/* Asks the person for the passphrase of a vault that has one. */
	bool (*passphrase)(void *arg, bool twice, char *text, size_t *n);
	void *arg;
	/* A sentence of the library, for the log, in the words of who reads that. */
	void (*words)(const char *message, char *out, size_t size);
};

/* Until SIGTERM or SIGINT: LK_OK. Anything else: it did not begin, and e says why.
 * Blocks those two signals in the calling thread. */
enum lk_status agent_run(const struct agent_options *options, struct lk_error *e)
	must_check;

#endif
