/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of http_conn.c: no peer holds a connection longer than its stage may
 * last, whatever it does meanwhile. */
#include "http/http.h"

#include "http_test.h"

static struct test_server server;
static struct client client, other;
static struct answer answer;

/* Short, and each different, so that it shows which one ended it. */
static struct http_config
hasty(void)
{
	struct http_config config = test_config();

	config.limits.handshake_ms = 400;
	config.limits.headers_ms = 600;
	config.limits.body_ms = 800;
	config.limits.request_ms = 1500;
	config.limits.idle_ms = 1000;
	return config;
}

/* Sends a byte every 30 ms until the server has had enough; how long that took. */
static int64_t
drip(struct client *c, const char *byte)
{
	int64_t begun = clock_monotonic_ms();
	struct pollfd p = { .fd = c->fd, .events = POLLIN };

	while (poll(&p, 1, 30) == 0 && clock_monotonic_ms() - begun < 5000)
		if (send(c->fd, byte, 1, MSG_NOSIGNAL) != 1)
			break;
	return clock_monotonic_ms() - begun;
}

/* The wheel is 50 ms coarse; the machine may be busy. */
static void
check_took(int64_t took, int64_t limit)
{
	check(took >= limit - 20);
	check(took <= limit + 1000);
}

static int64_t
until_closed(struct client *c)
{
	int64_t begun = clock_monotonic_ms();

	while (client_more(c) > 0)
		c->n = 0;
	return clock_monotonic_ms() - begun;
}

TEST(header_fields_that_drip_are_answered_408)
{
	if (!test_start(&server, hasty()))
		return;
	client_connect(&client, server.port);
	client_send(&client, B("GET / HTTP/1.1\r\nHost: a\r\nX: "));
	check_took(drip(&client, "x"), 600);
	client_answer(&client, &answer, true);
	check_int(answer.status, 408);
	client_close(&client);
	test_stop(&server);
	check_int(server.refused_status, 408);
}

TEST(empty_lines_that_drip_gain_nothing)
{
	if (!test_start(&server, hasty()))
		return;
	client_connect(&client, server.port);
	client_send(&client, B("\r"));
	check_took(drip(&client, "\r"), 600);
	client_close(&client);
	test_stop(&server);
}

TEST(a_body_that_drips_is_answered_408)
{
	if (!test_start(&server, hasty()))
		return;
	client_connect(&client, server.port);
	client_send(&client, B("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n"));
	check_took(drip(&client, "x"), 800);
	client_answer(&client, &answer, true);
	check_int(answer.status, 408);
	client_close(&client);

	row("chunks");
	client_connect(&client, server.port);
	client_send(&client, B("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
		"FFF\r\n"));
	check_took(drip(&client, "1"), 800);
	client_close(&client);
	test_stop(&server);
}

TEST(the_whole_request_has_a_deadline_beside_its_parts)
{
	struct http_config config = hasty();

	config.limits.request_ms = 300;
	if (!test_start(&server, config))
		return;
	client_connect(&client, server.port);
	client_send(&client, B("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n"));
	check_took(drip(&client, "x"), 300);
	client_close(&client);
	test_stop(&server);
}

TEST(an_idle_connection_is_closed_without_a_word)
{
	if (!test_start(&server, hasty()))
		return;
	client_connect(&client, server.port);
	client_ask(&client, GET("/"), &answer);
	client_next(&client, &answer);
	check_took(until_closed(&client), 1000);
	check_int((int64_t)client.n, 0);
	client_close(&client);

	row("and so is one that never asked");
	client_connect(&client, server.port);
	check_took(until_closed(&client), 1000);
	client_close(&client);
	test_stop(&server);
}

TEST(each_request_begins_the_idle_time_anew)
{
	if (!test_start(&server, hasty()))
		return;
	client_connect(&client, server.port);
	for (int i = 0; i < 4; i++) {
		client_ask(&client, GET("/"), &answer);
		check_int(answer.status, 200);
		client_next(&client, &answer);
		usleep(500000);
	}
	client_close(&client);
	test_stop(&server);
}

TEST(a_peer_that_does_not_read_is_cut_off)
{
	int small = 4096;
	int64_t begun = clock_monotonic_ms();
	struct pollfd p = { .events = 0 }; /* POLLHUP, POLLERR */

	if (!test_start(&server, hasty()))
		return;
	client_connect(&client, server.port);
	setsockopt(client.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	client_send(&client, GET("/big"));
	p.fd = client.fd;
	while (poll(&p, 1, 100) == 0 && clock_monotonic_ms() - begun < 5000 &&
	       http_server_counts(server.http).open_now > 0)
		;
	check_took(clock_monotonic_ms() - begun, 1500);
	check_int((int64_t)http_server_counts(server.http).timed_out, 1);
	client_close(&client);
	test_stop(&server);
}

TEST(a_handler_that_takes_too_long_is_answered_for)
{
	int64_t begun = clock_monotonic_ms();

	if (!test_start(&server, hasty()))
		return;
	client_connect(&client, server.port);
	client_ask(&client, GET("/wait"), &answer);
	check_took(clock_monotonic_ms() - begun, 1500);
	check_int(answer.status, 503);
	check(strstr(answer.head, "\r\nRetry-After: 5\r\n") != NULL);
	check_bytes(answer.body, B("{\"error\":\"temporarily_unavailable\","
		"\"error_description\":\"the answer took too long\"}"));
	client_next(&client, &answer);
	check(client_is_closed(&client));
	client_close(&client);

	row("its late reply goes nowhere");
	client_connect(&client, server.port);
	client_ask(&client, GET("/release"), &answer);
	check_bytes(answer.body, B("released"));
	client_close(&client);
	test_stop(&server);
}

/* The server sleeps twice: the deadline passes in the first nap, the peer goes in the
 * second, and the loop learns of both at once. */
TEST(a_peer_that_goes_just_when_its_deadline_passes_is_no_trouble)
{
	static struct client sleeper;
	struct http_config config = hasty();

	config.limits.request_ms = 300;
	if (!test_start(&server, config))
		return;
	client_connect(&client, server.port);
	client_connect(&sleeper, server.port);
	client_connect(&other, server.port);
	client_send(&client, GET("/wait"));
	usleep(50000);
	client_send(&sleeper, GET("/nap"));
	usleep(50000);
	client_send(&other, GET("/nap"));
	usleep(500000);
	client_reset(&client);
	client_answer(&other, &answer, true);
	check_bytes(answer.body, B("slept"));
	client_close(&sleeper);
	client_close(&other);
	client_connect(&other, server.port);
	client_ask(&other, GET("/release"), &answer);
	check_bytes(answer.body, B("released"));
	client_close(&other);
	test_stop(&server);
}

TEST(a_peer_that_goes_on_sending_after_a_refusal_is_left_after_5_seconds)
{
	int64_t begun;

	if (!test_start(&server, hasty()))
		return;
	client_connect(&client, server.port);
	client_ask(&client, B("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n"),
		&answer);
	begun = clock_monotonic_ms();
	check_int(answer.status, 413); /* readable, though more was on its way */
	while (client_send(&client, B("xxxx")) && clock_monotonic_ms() - begun < 9000)
		usleep(20000);
	check_took(clock_monotonic_ms() - begun, 5000);
	client_close(&client);
	test_stop(&server);
}

/* ---- TLS ------------------------------------------------------------------ */

TEST(a_handshake_has_a_deadline)
{
	struct http_config config = hasty();
	struct tls_config *tls = test_tls(1);

	config.tls = tls;
	if (!test_start(&server, config))
		return;
	row("silence");
	client_connect(&client, server.port);
	check_took(until_closed(&client), 400);
	client_close(&client);
	row("a ClientHello that drips");
	client_connect(&client, server.port);
	client_send(&client, B("\x16\x03\x01\x10\x00\x01"));
	check_took(drip(&client, "x"), 400);
	client_close(&client);
	check_int((int64_t)http_server_counts(server.http).timed_out, 2);
	test_stop(&server);
	tls_config_free(tls);
}

/* ---- a crowd -------------------------------------------------------------- */

enum { CROWD = 300 };

static void *
drip_crowd(void *arg)
{
	int *fds = arg;

	for (int round = 0; round < 100; round++) {
		usleep(20000);
		for (int i = 0; i < CROWD; i++)
			(void)!send(fds[i], "x", 1, MSG_NOSIGNAL);
	}
	return NULL;
}

TEST(honest_requests_are_answered_while_a_crowd_drips)
{
	static int fds[CROWD];
	struct http_config config = hasty();
	pthread_t thread;

	config.limits.per_peer = 0;
	if (!test_start(&server, config))
		return;
	for (int i = 0; i < CROWD; i++) {
		client_connect(&client, server.port);
		client_send(&client, B("GET / HTTP/1.1\r\nX: "));
		fds[i] = client.fd;
	}
	pthread_create(&thread, NULL, drip_crowd, fds);
	for (int i = 0; i < 50; i++) {
		int64_t begun = clock_monotonic_ms();

		client_connect(&other, server.port);
		client_ask(&other, GET("/echo"), &answer);
		check_int(answer.status, 200);
		check(clock_monotonic_ms() - begun < 1000);
		client_close(&other);
		usleep(40000);
	}
	check_int((int64_t)http_server_counts(server.http).timed_out, CROWD);
	pthread_join(thread, NULL);
	for (int i = 0; i < CROWD; i++)
		close(fds[i]);
	test_stop(&server);
}
