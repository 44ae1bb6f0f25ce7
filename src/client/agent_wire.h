/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent_wire.h - what a program and the agent say to each other, as lines: both ends
 * read and write by the functions of this file, so that they never disagree.
 *
 *	{"ask":"token","name":"acme","min_ttl":30}
 *	{"ask":"token","name":"acme","min_ttl":0,"refused":"..."}
 *	{"status":"ok","access_token":"...","expires_at_ms":123456}
 *	{"status":"try_later","retry_after":7,"message":"..."}
 *	{"ask":"key"}    {"status":"ok","key":"..."}
 *	{"ask":"hello"}  {"status":"ok","pid":4711}
 *
 * Promises: a line ends with a newline, has AGENT_LINE_MAX bytes at most, and is one
 * flat JSON object of texts and whole numbers, written without a space; a line that is
 * anything else, or has a member twice, is not read. Nothing is copied anywhere but
 * into the arena, which is wiped. Numbers of the clock are CLOCK_BOOTTIME, which both
 * share.
 */
#ifndef LATCHKEY_CLIENT_AGENT_WIRE_H
#define LATCHKEY_CLIENT_AGENT_WIRE_H

#include "base/arena.h"
#include "client/status.h"

/* A token may be as long as a record of the vault (CL-40). */
#define AGENT_LINE_MAX (VAULT_RECORD_MAX + 4096)
#define AGENT_KEY_SIZE 32

enum agent_what { AGENT_TOKEN, AGENT_KEY, AGENT_HELLO };

struct agent_request {
	enum agent_what what;
	struct bytes name;
	int64_t min_ttl;
	struct bytes refused; /* NONE, or the token that an API refused */
};

struct agent_reply {
	enum lk_status status;
	struct lk_error error;     /* unless status is LK_OK */
	struct bytes access_token;
	int64_t expires_at_ms;     /* -1: the server did not say */
	struct bytes key;          /* AGENT_KEY_SIZE bytes, or NONE */
	int64_t pid;
};

struct bytes agent_request_write(struct arena *a, const struct agent_request *r);
struct bytes agent_reply_write(struct arena *a, const struct agent_reply *r);
/* A line, without its newline; false leaves *out undefined. */
bool agent_request_read(struct arena *a, struct bytes line, struct agent_request *out);
bool agent_reply_read(struct arena *a, struct bytes line, struct agent_reply *out);

#endif
