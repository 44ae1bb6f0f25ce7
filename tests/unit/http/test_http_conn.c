/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of http_conn.c, http_stream.c and http_reply.c: what is answered. The
 * deadlines have a file of their own, test_http_deadlines.c. */
#include "http/http.h"

#include <time.h>

#include "http_test.h"

static struct test_server server;
static struct client client;
static struct answer answer;

static bool
has(const char *field)
{
	return strstr(answer.head, field) != NULL;
}

/* ---- replies -------------------------------------------------------------- */

TEST(a_reply_carries_what_this_room_promises)
{
	if (!test_start(&server, test_config()))
		return;
	client_connect(&client, server.port);
	client_ask(&client, B("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"),
		&answer);
	check_int(answer.status, 200);
	check_bytes(answer.body, B("hello"));
	check(has("\r\nContent-Length: 5\r\n"));
	check(has("\r\nDate: ") && has(" GMT\r\n"));
	check(!has("Connection:"));
	/* H-01, H-04: HSTS only over TLS. */
	check(!has("Strict-Transport-Security"));
	client_next(&client, &answer);

	row("HEAD has the length, but no body");
	client_send(&client, B("HEAD /abc HTTP/1.1\r\nHost: a\r\n\r\n"));
	client_answer(&client, &answer, false);
	check_int((int64_t)answer.body_length, 4);

	row("204 has neither");
	client_ask(&client, GET("/204"), &answer);
	check_int(answer.status, 204);
	check(!has("Content-Length"));

	row("the handler's close");
	client_ask(&client, GET("/close"), &answer);
	check(has("\r\nConnection: close\r\n"));
	check(client_is_closed(&client));
	client_close(&client);
	test_stop(&server);
	check_int(server.refused_status, 0);
}

/* RFC 9110 section 9.3.2: a body of HEAD means nothing, and yet it is there (RFC 9112
 * section 6): what follows it on the connection is the next request. */
TEST(the_body_of_a_HEAD_is_not_the_next_request)
{
	static const struct { const char *name, *request; } rows[] = {
		{ "by length", "HEAD /one HTTP/1.1\r\nHost: a\r\nContent-Length: 36\r\n\r\n"
			"GET /two HTTP/1.1\r\nHost: a\r\nX: a\r\n\r\n" },
		{ "in chunks", "HEAD /one HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
			"\r\n1e\r\nGET /two HTTP/1.1\r\nHost: a\r\n\r\n\r\n0\r\n\r\n" },
		{ "none", "HEAD /one HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n" },
	};

	if (!test_start(&server, test_config()))
		return;
	for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		char text[400];
		struct bytes all = { text, (size_t)snprintf(text, sizeof(text),
			"%sGET /three HTTP/1.1\r\nHost: a\r\n\r\n", rows[i / 2].request) };

		row("%s, %s", rows[i / 2].name, i % 2 == 0 ? "at once" : "byte by byte");
		client_connect(&client, server.port);
		for (size_t n = 0; i % 2 == 1 && n + 1 < all.n; n++)
			client_send(&client, bytes_slice(all, n, 1));
		client_send(&client, i % 2 == 0 ? all : bytes_slice(all, all.n - 1, 1));
		client_answer(&client, &answer, false);
		check_int(answer.status, 200);
		check_int((int64_t)answer.body_length, 4); /* "/one" */
		client_next(&client, &answer);
		client_answer(&client, &answer, true);
		check_bytes(answer.body, B("/three"));
		client_close(&client);
	}
	test_stop(&server);
}

TEST(the_date_is_now_in_the_form_of_rfc_9110)
{
	struct tm tm = { 0 };
	const char *date;

	if (!test_start(&server, test_config()))
		return;
	client_connect(&client, server.port);
	client_ask(&client, GET("/"), &answer);
	date = strstr(answer.head, "Date: ");
	if (check(date != NULL) &&
	    check(strptime(date, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &tm) != NULL)) {
		int week_day = tm.tm_wday;
		int64_t then = timegm(&tm);

		check(clock_now() - then <= 5 && clock_now() >= then);
		check_int(tm.tm_wday, week_day);
	}
	client_close(&client);
	test_stop(&server);
}

TEST(a_field_that_would_break_out_of_its_line_is_not_sent)
{
	if (!test_start(&server, test_config()))
		return;
	client_connect(&client, server.port);
	client_ask(&client, GET("/split"), &answer);
	check_int(answer.status, 500);
	check(!has("Set-Cookie"));
	client_close(&client);
	test_stop(&server);
}

TEST(a_reply_larger_than_the_sockets_buffers_arrives_whole)
{
	size_t got = 0;

	if (!test_start(&server, test_config()))
		return;
	client_connect(&client, server.port);
	client_send(&client, GET("/big"));
	client_answer(&client, &answer, false);
	check_int((int64_t)answer.body_length, 8 << 20);
	do {
		got += client.n;
		client.n = 0;
	} while (got < answer.body_length && client_more(&client) > 0);
	check_int((int64_t)got, 8 << 20);
	client_ask(&client, GET("/after"), &answer);
	check_bytes(answer.body, B("/after"));
	client_close(&client);
	test_stop(&server);
}

/* ---- requests ------------------------------------------------------------- */

TEST(a_request_may_come_byte_by_byte)
{
	struct bytes request = B("POST /echo HTTP/1.1\r\nHost: a\r\n"
		"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n");

	if (!test_start(&server, test_config()))
		return;
	client_connect(&client, server.port);
	for (size_t i = 0; i < request.n; i++) {
		client_send(&client, bytes_slice(request, i, 1));
		usleep(500);
	}
	client_answer(&client, &answer, true);
	check_bytes(answer.body, B("abc"));
	client_close(&client);
	test_stop(&server);
}

/* 100 requests in one piece; each tenth is answered late. */
TEST(pipelined_requests_are_answered_in_order)
{
	static char text[10000];
	struct buf b = buf_fixed(text, sizeof(text));

	if (!test_start(&server, test_config()))
		return;
	for (int i = 0; i < 100; i++)
		buf_printf(&b, "GET /%s?%d HTTP/1.1\r\nHost: a\r\n\r\n",
			i % 20 == 19 ? "wait" : "now", i);
	client_connect(&client, server.port);
	client_send(&client, buf_bytes(&b));
	for (int i = 0; i < 100; i++) {
		char want[20];

		snprintf(want, sizeof(want), "/%s?%d", i % 20 == 19 ? "wait" : "now", i);
		row("%s", want);
		client_answer(&client, &answer, true);
		if (!check_bytes(answer.body, bytes_of(want)))
			break;
		client_next(&client, &answer);
	}
	client_close(&client);
	test_stop(&server);
}

TEST(a_refusal_ends_what_was_pipelined_behind_it)
{
	if (!test_start(&server, test_config()))
		return;
	client_connect(&client, server.port);
	client_send(&client, B("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"
		"POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n"
		"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
		"GET /3 HTTP/1.1\r\nHost: a\r\n\r\n"));
	client_answer(&client, &answer, true);
	check_bytes(answer.body, B("/1"));
	client_next(&client, &answer);
	client_answer(&client, &answer, true);
	check_int(answer.status, 400);
	check(has("\r\nConnection: close\r\n"));
	check(has("\r\nContent-Type: application/json\r\n"));
	check(has("\r\nCache-Control: no-store\r\n"));
	check_bytes(answer.body, B("{\"error\":\"invalid_request\",\"error_description\":"
		"\"Transfer-Encoding beside Content-Length\"}"));
	client_next(&client, &answer);
	check(client_is_closed(&client));
	client_close(&client);
	test_stop(&server);
	check_int(server.refused_status, 400);
}

TEST(http_1_0_has_one_request_a_connection)
{
	if (!test_start(&server, test_config()))
		return;
	client_connect(&client, server.port);
	client_ask(&client, B("GET /old HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n"
		"GET /next HTTP/1.0\r\nHost: a\r\n\r\n"), &answer);
	check_bytes(answer.body, B("/old"));
	check(has("\r\nConnection: close\r\n"));
	client_next(&client, &answer);
	check(client_is_closed(&client));
	client_close(&client);
	test_stop(&server);
}

TEST(a_client_that_expects_100_gets_it_before_its_body)
{
	if (!test_start(&server, test_config()))
		return;
	client_connect(&client, server.port);
	client_send(&client, B("POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
		"Content-Length: 2\r\n\r\n"));
	client_answer(&client, &answer, false);
	check_int(answer.status, 100);
	client_ask(&client, B("ok"), &answer);
	check_int(answer.status, 200);
	check_bytes(answer.body, B("ok"));
	client_next(&client, &answer);
	client_ask(&client, B("POST /echo HTTP/1.1\r\nHost: a\r\nExpect: miracle\r\n"
		"Content-Length: 2\r\n\r\n"), &answer);
	check_int(answer.status, 417);
	client_close(&client);
	test_stop(&server);
}

/* ---- ends ----------------------------------------------------------------- */

TEST(a_half_closed_peer_is_still_answered)
{
	if (!test_start(&server, test_config()))
		return;
	client_connect(&client, server.port);
	client_send(&client, GET("/wait?"));
	shutdown(client.fd, SHUT_WR);
	client_answer(&client, &answer, true);
	check_bytes(answer.body, B("/wait?"));
	client_next(&client, &answer);
	check(client_is_closed(&client));
	client_close(&client);
	test_stop(&server);
}

TEST(a_reply_to_a_peer_that_has_gone_is_dropped)
{
	if (!test_start(&server, test_config()))
		return;
	client_connect(&client, server.port);
	client_send(&client, GET("/wait"));
	usleep(50000);
	client_reset(&client);
	usleep(50000);
	client_connect(&client, server.port);
	client_ask(&client, GET("/release"), &answer);
	check_bytes(answer.body, B("released"));
	client_close(&client);
	test_stop(&server);
	check_int((int64_t)server.drained, 1);
}

/* Its memory is still the handler's, whatever an earlier request left on it. */
TEST(a_request_that_waits_is_its_own_after_one_that_closed)
{
	if (!test_start(&server, test_config()))
		return;
	client_connect(&client, server.port);
	client_ask(&client, GET("/close"), &answer);
	check(client_is_closed(&client));
	client_close(&client);
	usleep(50000);
	client_connect(&client, server.port);
	client_ask(&client, GET("/wait?"), &answer);
	check_bytes(answer.body, B("/wait?"));
	client_close(&client);
	test_stop(&server);
}

TEST(a_drain_answers_what_is_under_way_and_closes_the_rest)
{
	static struct client idle, busy;

	if (!test_start(&server, test_config()))
		return;
	client_connect(&idle, server.port);
	client_ask(&idle, GET("/"), &answer);
	client_next(&idle, &answer);
	client_connect(&busy, server.port);
	client_send(&busy, GET("/wait?"));
	usleep(50000);
	test_drain(&server);
	check(client_is_closed(&idle));
	client_answer(&busy, &answer, true);
	check_bytes(answer.body, B("/wait?"));
	check(has("\r\nConnection: close\r\n"));
	client_next(&busy, &answer);
	check(client_is_closed(&busy));
	client_close(&idle);
	client_close(&busy);
	test_join(&server);
}

TEST(a_drain_waits_for_a_reply_nobody_will_read)
{
	if (!test_start(&server, test_config()))
		return;
	client_connect(&client, server.port);
	client_send(&client, GET("/wait?"));
	usleep(30000);
	client_close(&client);
	test_stop(&server);
	check(server.waiting == NULL);
}

/* ---- who asks: R2.2, H-06 ------------------------------------------------- */

static const struct {
	const char *name, *fields, *peer;
} forwarded[] = {
	{ "no field", "", "127.0.0.1" },
	{ "one address", "X-Forwarded-For: 192.0.2.7\r\n", "192.0.2.7" },
	{ "the last one counts", "X-Forwarded-For: 6.6.6.6, 192.0.2.7\r\n", "192.0.2.7" },
	{ "the last field counts",
	  "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For: 192.0.2.7\r\n", "192.0.2.7" },
	{ "named proxies are passed over",
	  "X-Forwarded-For: 192.0.2.7, 10.0.0.1, 127.0.0.1\r\n", "192.0.2.7" },
	{ "IPv6 in its one form", "X-Forwarded-For: 2001:DB8:0::7\r\n", "2001:db8::7" },
	{ "IPv4 as IPv6", "X-Forwarded-For: ::ffff:192.0.2.7\r\n", "192.0.2.7" },
	{ "not an address", "X-Forwarded-For: 192.0.2.7, evil\r\n", "127.0.0.1" },
	{ "not an address before a proxy", "X-Forwarded-For: evil, 10.0.0.1\r\n", "10.0.0.1" },
	{ "unix is not an address", "X-Forwarded-For: unix\r\n", "127.0.0.1" },
	{ "empty", "X-Forwarded-For:\r\n", "127.0.0.1" },
};

static void
ask_peer(const char *fields)
{
	char request[300];

	snprintf(request, sizeof(request), "GET /peer HTTP/1.1\r\nHost: a\r\n%s\r\n", fields);
	client_ask(&client, bytes_of(request), &answer);
}

TEST(a_named_proxy_says_who_asks)
{
	static const char *const proxies[] = { "127.0.0.1", "10.0.0.1" };
	struct http_config config = test_config();

	config.local = false;
	config.proxies = proxies;
	config.proxy_count = 2;
	if (!test_start(&server, config))
		return;
	client_connect(&client, server.port);
	for (size_t i = 0; i < sizeof(forwarded) / sizeof(forwarded[0]); i++) {
		row("%s", forwarded[i].name);
		ask_peer(forwarded[i].fields);
		check_bytes(answer.body, bytes_of(forwarded[i].peer));
		client_next(&client, &answer);
	}
	client_close(&client);
	test_stop(&server);
}

TEST(anybody_else_is_refused_or_not_believed)
{
	static const char *const proxies[] = { "192.0.2.1", "unix" };
	struct http_config config = test_config();

	config.proxies = proxies;
	config.proxy_count = 2;
	config.local = false;
	if (!test_start(&server, config))
		return;
	client_connect(&client, server.port);
	ask_peer("X-Forwarded-For: 192.0.2.1\r\n");
	check_int(answer.status, 403);
	client_close(&client);
	test_stop(&server);

	if (!test_start(&server, test_config()))
		return;
	client_connect(&client, server.port);
	ask_peer("X-Forwarded-For: 192.0.2.7\r\nForwarded: for=192.0.2.7\r\n");
	check_bytes(answer.body, B("127.0.0.1"));
	client_close(&client);
	test_stop(&server);
}
