/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of client/agent_wire.c. */
#include "client/agent_wire.h"

#include "tap.h"

static struct arena *a;

/* A line as the other end gets it, without its newline. */
static struct bytes
line_of(struct bytes written)
{
	check(bytes_ends(written, B("\n")));
	return bytes_slice(written, 0, written.n - 1);
}

TEST(a_request_reads_as_it_was_written)
{
	static const struct agent_request rows[] = {
		{ AGENT_TOKEN, BI("acme"), 300, BI_NONE },
		{ AGENT_TOKEN, BI("a.b@c-d_e"), 0, BI("lk_at_\"\\\t\x01") },
		{ AGENT_KEY, BI_NONE, 0, BI_NONE },
		{ AGENT_HELLO, BI_NONE, 0, BI_NONE },
	};

	a = arena_new();
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct agent_request got;

		row("%zu", i);
		if (!check(agent_request_read(
			    a, line_of(agent_request_write(a, &rows[i])), &got)))
			continue;
		check_int(got.what, rows[i].what);
		check_bytes(got.name, rows[i].name);
		check_int(got.min_ttl, rows[i].min_ttl);
		check_bytes(got.refused, rows[i].refused);
	}
	arena_free(a);
}

TEST(a_reply_reads_as_it_was_written)
{
	uint8_t key[AGENT_KEY_SIZE];
	struct agent_reply r = { .status = LK_TRY_LATER, .pid = 4711 }, got;

	a = arena_new();
	memset(key, 0xA5, sizeof key);
	r.error = (struct lk_error){ LK_TRY_LATER, 7, "temporarily_unavailable",
		"it says \"later\", in \xC3\xA4 way" };
	check(agent_reply_read(a, line_of(agent_reply_write(a, &r)), &got));
	check_int(got.status, LK_TRY_LATER);
	check_int(got.error.retry_after, 7);
	check_str(got.error.code, r.error.code);
	check_str(got.error.message, r.error.message);
	check_int(got.pid, 4711);
	check(bytes_empty(got.access_token) && bytes_empty(got.key));

	r = (struct agent_reply){ .status = LK_OK,
		.access_token = B("lk_at_x"),
		.expires_at_ms = -1,
		.key = { (const char *)key, sizeof key } };
	check(agent_reply_read(a, line_of(agent_reply_write(a, &r)), &got));
	check_int(got.status, LK_OK);
	check_bytes(got.access_token, B("lk_at_x"));
	check_int(got.expires_at_ms, -1);
	check_memory(got.key.p, key, sizeof key);
	arena_free(a);
}

TEST(every_status_has_its_way_over_the_wire)
{
	a = arena_new();
	for (int i = LK_OK; i <= LK_BUG; i++) {
		struct agent_reply r = { .status = (enum lk_status)i }, got;

		row("%s", lk_status_name(r.status));
		check(agent_reply_read(a, line_of(agent_reply_write(a, &r)), &got));
		check_int(got.status, i);
		check_int(got.error.status, i);
	}
	arena_free(a);
}

TEST(a_long_token_fits_and_a_longer_one_is_not_sent)
{
	char *text = malloc(VAULT_RECORD_MAX + 8192);
	struct agent_reply r = { .status = LK_OK }, got;

	a = arena_new();
	memset(text, 'x', VAULT_RECORD_MAX + 8192);
	r.access_token = (struct bytes){ text, VAULT_RECORD_MAX };
	check(agent_reply_read(a, line_of(agent_reply_write(a, &r)), &got));
	check(got.access_token.n == VAULT_RECORD_MAX);
	r.access_token.n += 8192;
	check(bytes_empty(agent_reply_write(a, &r)));
	arena_free(a);
	free(text);
}

TEST(any_other_line_is_not_read)
{
	static const char *const rows[] = {
		"",
		"{}",
		"{",
		"[]",
		"null",
		"{\"ask\":\"token\"}",
		"{\"ask\":\"token\",\"name\":\"a b\"}",
		"{\"ask\":\"token\",\"name\":\".a\"}",
		"{\"ask\":\"token\",\"name\":\"a\",\"min_ttl\":-1}",
		"{\"ask\":\"token\",\"name\":\"a\",\"min_ttl\":1.5}",
		"{\"ask\":\"token\",\"name\":\"a\",\"min_ttl\":99999999999999999999}",
		"{\"ask\":\"token\",\"name\":\"a\"} ",
		"{\"ask\":\"hello\"}x",
		"{\"ask\":\"hello\",\"ask\":\"hello\"}",
		"{\"ask\":\"what\"}",
		"{\"ask\":\"hello\",\"x\":true}",
		"{\"ask\":\"hello\",\"x\":null}",
		"{\"ask\":\"hello\",\"x\":{}}",
		"{\"ask\":\"hello\",}",
		"{\"ask\":\"hello\"",
		"{\"ask\":\"hel\\u006co\",\"x\":\"\\u0000\"}",
		"{\"ask\":\"hello\",\"x\":\"\\n\"}",
		"{\"ask\":\"hello\",\"x\":\"\\u00\"}",
		"{\"ask\":\"hello\",\"x\":\"\xFF\"}",
		"{\"ask\":\"hello\",\"x\":\"a\x01\"}",
		"{\"ask\":\"hello\",\"x\":\"\\",
		("{\"ask\":\"hello\",\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,"
			"\"g\":1,\"h\":1}"),
	};
	struct agent_request request;
	struct agent_reply reply;

	a = arena_new();
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		row("%s", rows[i]);
		check(!agent_request_read(a, bytes_of(rows[i]), &request));
	}
	check(!agent_reply_read(a, B("{\"status\":\"fine\"}"), &reply));
	check(!agent_reply_read(a, B("{\"pid\":1}"), &reply));
	check(agent_reply_read(a, B("{\"status\":\"ok\",\"key\":\"short\"}"), &reply) &&
		bytes_empty(reply.key));
	arena_free(a);
}
