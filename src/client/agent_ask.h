/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent_ask.h - asking a running `latchkey agent` (RFC 9700 knows no such thing; the
 * wire is ours and is described in agent_ask.c): one line of JSON each way over a
 * Unix socket that only the owner can reach.
 *
 * Promises: peer credentials are checked on both sides before a byte is believed; every
 * wait is bounded; an agent that is not there, or says nothing in time, costs no more
 * than that, and the caller does the work itself.
 */
#ifndef LATCHKEY_CLIENT_AGENT_ASK_H
#define LATCHKEY_CLIENT_AGENT_ASK_H

#include "client/status.h"

/* Where the agent for the vault at `where` listens, in out (108 bytes: sun_path). It
 * follows from $XDG_RUNTIME_DIR (or the vault's directory) and the vault's place. */
bool agent_socket_path(const char *where, char out[static 108]);

enum agent_result { AGENT_NONE, AGENT_ANSWERED };

struct agent_token {
	struct bytes access_token;
	int64_t expires_at_ms; /* CLOCK_BOOTTIME; -1: the server did not say */
};
/* refused: NONE, or the token that an API refused. AGENT_ANSWERED: *status and *out or
 * *e are the agent's. */
enum agent_result agent_ask_token(struct arena *a, const char *socket_path,
	struct bytes name, int64_t min_ttl, struct bytes refused, int wait_ms,
	struct agent_token *out, enum lk_status *status, struct lk_error *e);
/* The vault's data key, for a process of the same person with no other way to it. */
bool agent_ask_key(const char *socket_path, uint8_t key[static 32]);
/* Its process id, or 0: none answers. */
int64_t agent_ask_pid(const char *socket_path);

#endif
