/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines between a program and the agent: one that is read is written again as a line
 * that reads the same.
 */
#include "client/agent_wire.h"
#include "fuzz.h"

static struct bytes
without_newline(struct bytes line)
{
	holds(bytes_ends(line, B("\n")));
	return bytes_slice(line, 0, line.n - 1);
}

static void
request_again(struct arena *a, const struct agent_request *r)
{
	struct bytes line = agent_request_write(a, r);
	struct agent_request again;

	if (bytes_empty(line)) /* escapes made it too long */
		return;
	holds(agent_request_read(a, without_newline(line), &again));
	holds(again.what == r->what && bytes_equal(again.name, r->name));
	holds(bytes_equal(again.refused, r->refused));
	holds(r->what != AGENT_TOKEN || again.min_ttl == r->min_ttl);
}

static void
reply_again(struct arena *a, const struct agent_reply *r)
{
	struct bytes line = agent_reply_write(a, r);
	struct agent_reply again;

	if (bytes_empty(line))
		return;
	holds(agent_reply_read(a, without_newline(line), &again));
	holds(again.status == r->status && again.pid == r->pid);
	holds(bytes_equal(again.access_token, r->access_token));
	holds(bytes_equal(again.key, r->key));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes line = { (const char *)data, size };
	struct arena *a = arena_new();
	struct agent_request request;
	struct agent_reply reply;

	if (agent_request_read(a, line, &request))
		request_again(a, &request);
	if (agent_reply_read(a, line, &reply))
		reply_again(a, &reply);
	arena_free(a);
	return 0;
}
