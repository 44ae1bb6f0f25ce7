/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of http_server.c, http_address.c and http_peers.c: where we listen, and
 * who may have a connection. */
#include "http/http.h"

#include <sys/resource.h>

#include "http_test.h"

static struct test_server server, second;
static struct client clients[12];
static struct answer answer;

static struct http_counts
counts(void)
{
	return http_server_counts(server.http);
}

/* The server takes connections when it comes to it. */
static void
wait_accepted(uint64_t want)
{
	for (int i = 0; i < 500 && counts().accepted < want; i++)
		usleep(10000);
	usleep(10000);
	check_int((int64_t)counts().accepted, (int64_t)want);
}

static int
ask(struct client *c)
{
	client_ask(c, GET("/"), &answer);
	client_next(c, &answer);
	return answer.status;
}

/* ---- limits --------------------------------------------------------------- */

TEST(the_oldest_idle_connection_goes_first)
{
	struct http_config config = test_config();

	config.limits.connections = 3;
	if (!test_start(&server, config))
		return;
	for (size_t i = 0; i < 3; i++) {
		client_connect(&clients[i], server.port);
		check_int(ask(&clients[i]), 200);
	}
	check_int(ask(&clients[0]), 200); /* now 1 is the oldest */
	client_connect(&clients[3], server.port);
	check_int(ask(&clients[3]), 200);
	check(client_is_closed(&clients[1]));
	check_int(ask(&clients[0]), 200);
	check_int(ask(&clients[2]), 200);
	check_int((int64_t)counts().evicted, 1);
	for (size_t i = 0; i < 4; i++)
		client_close(&clients[i]);
	test_stop(&server);
}

static void
slow_sender_gives_way(struct bytes sent)
{
	struct http_config config = test_config();

	config.limits.connections = 2;
	if (!test_start(&server, config))
		return;
	client_connect(&clients[0], server.port);
	client_send(&clients[0], GET("/wait"));
	wait_accepted(1);
	client_connect(&clients[1], server.port);
	client_send(&clients[1], sent);
	wait_accepted(2);
	client_connect(&clients[2], server.port);
	client_ask(&clients[2], GET("/release"), &answer);
	check_int(answer.status, 200);
	check(client_is_closed(&clients[1]));
	client_answer(&clients[0], &answer, true);
	check_bytes(answer.body, B("/wait"));
	for (size_t i = 0; i < 3; i++)
		client_close(&clients[i]);
	test_stop(&server);
}

TEST(slow_senders_go_before_those_that_are_being_answered)
{
	slow_sender_gives_way(B("GET /slow"));
	/* A body that never comes keeps nobody's place either. */
	slow_sender_gives_way(
		B("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"));
}

TEST(with_all_connections_busy_a_new_one_is_turned_away)
{
	struct http_config config = test_config();

	config.limits.connections = 1;
	if (!test_start(&server, config))
		return;
	client_connect(&clients[0], server.port);
	client_send(&clients[0], GET("/wait?"));
	wait_accepted(1);
	client_connect(&clients[1], server.port);
	check(client_is_closed(&clients[1]));
	client_answer(&clients[0], &answer, true);
	check_bytes(answer.body, B("/wait?"));
	check_int((int64_t)counts().refused, 1);
	client_close(&clients[0]);
	client_close(&clients[1]);
	test_stop(&server);
}

TEST(one_address_has_its_share_only)
{
	struct http_config config = test_config();

	config.limits.per_peer = 2;
	if (!test_start(&server, config))
		return;
	for (size_t i = 0; i < 3; i++)
		client_connect(&clients[i], server.port);
	check_int(ask(&clients[0]), 200);
	check_int(ask(&clients[1]), 200);
	check(client_is_closed(&clients[2]));
	client_close(&clients[2]);

	row("a place that was left can be taken");
	client_close(&clients[0]);
	for (int i = 0; i < 500 && counts().open_now > 1; i++)
		usleep(10000);
	client_connect(&clients[0], server.port);
	check_int(ask(&clients[0]), 200);
	client_close(&clients[0]);
	client_close(&clients[1]);
	test_stop(&server);
}

TEST(a_named_proxy_is_not_one_peer)
{
	static const char *const proxies[] = { "127.0.0.1" };
	struct http_config config = test_config();

	config.limits.per_peer = 1;
	config.proxies = proxies;
	config.proxy_count = 1;
	if (!test_start(&server, config))
		return;
	for (size_t i = 0; i < 3; i++) {
		client_connect(&clients[i], server.port);
		check_int(ask(&clients[i]), 200);
	}
	for (size_t i = 0; i < 3; i++)
		client_close(&clients[i]);
	test_stop(&server);
}

TEST(requests_a_connection_are_limited)
{
	struct http_config config = test_config();

	config.limits.requests = 2;
	if (!test_start(&server, config))
		return;
	client_connect(&clients[0], server.port);
	check_int(ask(&clients[0]), 200);
	check(strstr(answer.head, "Connection: close") == NULL);
	check_int(ask(&clients[0]), 200);
	check(strstr(answer.head, "Connection: close") != NULL);
	check(client_is_closed(&clients[0]));
	client_close(&clients[0]);
	test_stop(&server);
}

/* ---- descriptors run out -------------------------------------------------- */

enum { FREE = 3, CLIENTS = 8 };

/* Client sockets are made before the limit is drawn, so only accept meets it. */
static struct rlimit
leave_descriptors(int count)
{
	struct rlimit before, now;
	int highest = open("/dev/null", O_RDONLY);

	close(highest);
	getrlimit(RLIMIT_NOFILE, &before);
	now = before;
	now.rlim_cur = (rlim_t)(highest + count);
	setrlimit(RLIMIT_NOFILE, &now);
	return before;
}

static void
connect_made(struct client *c)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(server.port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	check(connect(c->fd, (struct sockaddr *)&to, sizeof(to)) == 0);
}

static void
make_clients(void)
{
	struct timeval patience = { .tv_sec = 5 };

	for (size_t i = 0; i < CLIENTS; i++) {
		clients[i] = (struct client){ .fd = socket(AF_INET, SOCK_STREAM, 0) };
		setsockopt(clients[i].fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
			sizeof(patience));
	}
}

TEST(without_descriptors_idle_connections_make_way)
{
	struct rlimit before;

	if (!test_start(&server, test_config()))
		return;
	make_clients();
	before = leave_descriptors(FREE);
	for (size_t i = 0; i < CLIENTS; i++) {
		connect_made(&clients[i]);
		row("client %zu", i);
		check_int(ask(&clients[i]), 200);
	}
	setrlimit(RLIMIT_NOFILE, &before);
	check_int((int64_t)counts().evicted, CLIENTS - FREE);
	for (size_t i = 0; i < CLIENTS; i++)
		client_close(&clients[i]);
	test_stop(&server);
}

TEST(without_descriptors_and_all_busy_new_ones_wait)
{
	struct rlimit before;

	if (!test_start(&server, test_config()))
		return;
	make_clients();
	before = leave_descriptors(1);
	connect_made(&clients[0]);
	client_send(&clients[0], GET("/wait?"));
	wait_accepted(1);
	connect_made(&clients[1]);
	client_send(&clients[1], GET("/patient"));
	client_answer(&clients[0], &answer, true); /* 100 ms later */
	check_bytes(answer.body, B("/wait?"));
	client_answer(&clients[1], &answer, true);
	check_bytes(answer.body, B("/patient"));
	setrlimit(RLIMIT_NOFILE, &before);
	for (size_t i = 0; i < CLIENTS; i++)
		client_close(&clients[i]);
	test_stop(&server);
}

/* ---- where we listen ------------------------------------------------------ */

static void
check_cannot_listen(const char *where, const char *why)
{
	struct http_config config = test_config();
	struct loop *loop = loop_new();
	struct http_server *s = NULL;
	struct fault f = { 0 };

	row("%s", where);
	config.listen = &where;
	config.handler = test_handle;
	if (check_int(http_server_new(loop, &config, &s, &f), FAULT))
		check(strstr(f.what, why) != NULL);
	http_server_free(s);
	loop_free(loop);
}

TEST(plain_http_stays_on_this_machine)
{
	/* R2.2 */
	check_cannot_listen("0.0.0.0:0", "plain HTTP");
	check_cannot_listen("[::]:0", "plain HTTP");
	check_cannot_listen("192.0.2.1:80", "plain HTTP");
}

TEST(what_is_not_an_address_is_said_to_be_none)
{
	check_cannot_listen("", "not an address");
	check_cannot_listen("8443", "not an address");
	check_cannot_listen(":8443", "not an address");
	check_cannot_listen("localhost:8443", "not an address");
	check_cannot_listen("127.0.0.1:", "not an address");
	check_cannot_listen("127.0.0.1:65536", "not an address");
	check_cannot_listen("127.0.0.1:-1", "not an address");
	check_cannot_listen("[127.0.0.1]:1", "not an address");
	check_cannot_listen("::1:8443", "not an address");
	check_cannot_listen("[::1]", "not an address");
	check_cannot_listen("[", "not an address");
	check_cannot_listen("]:1", "not an address");
	check_cannot_listen("unix:", "1 to 107 bytes");
	check_cannot_listen("unix:/nowhere/at/all", "No such file");
}

TEST(a_proxy_that_is_no_address_is_refused)
{
	static const char *const proxies[] = { "proxy.example" };
	struct http_config config = test_config();
	struct loop *loop = loop_new();
	struct http_server *s = NULL;
	struct fault f = { 0 };

	config.proxies = proxies;
	config.proxy_count = 1;
	check_int(http_server_new(loop, &config, &s, &f), FAULT);
	check(strstr(f.what, "proxy.example") != NULL);
	loop_free(loop);
}

TEST(a_port_is_shared_on_request_only)
{
	char where[40];
	const char *listen = where;
	struct http_config config = test_config();

	if (!test_start(&server, config))
		return;
	snprintf(where, sizeof(where), "127.0.0.1:%d", server.port);
	check_cannot_listen(where, "Address already in use");
	config.listen = &listen;
	config.join = true;
	if (!test_start(&second, config))
		return;
	/* The kernel deals connections out; both threads must get some. */
	for (int i = 0; i < 200; i++) {
		client_connect(&clients[0], server.port);
		check_int(ask(&clients[0]), 200);
		client_close(&clients[0]);
	}
	check_int((int64_t)(counts().requests + http_server_counts(second.http).requests), 200);
	check(counts().requests > 0);
	check(http_server_counts(second.http).requests > 0);
	test_stop(&second);
	test_stop(&server);
}

static int
connect_unix(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(to.sun_path, path, strlen(path) + 1);
	check(connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0);
	return fd;
}

TEST(a_unix_socket_serves_and_outlives_a_crash)
{
	static const char *const proxies[] = { "unix" };
	const char *path = test_path("socket");
	struct http_config config = test_config();
	char where[100];
	const char *listen = where;

	snprintf(where, sizeof(where), "unix:%s", path);
	config.listen = &listen;
	config.local = false;
	config.proxies = proxies;
	config.proxy_count = 1;
	for (int life = 0; life < 2; life++) { /* the file stays behind */
		row("life %d", life);
		if (!test_start(&server, config))
			return;
		check_cannot_listen(where, "Address already in use");
		clients[0] = (struct client){ .fd = connect_unix(path) };
		client_ask(&clients[0], B("GET /peer HTTP/1.1\r\nHost: a\r\n"
			"X-Forwarded-For: 192.0.2.7\r\n\r\n"), &answer);
		check_bytes(answer.body, B("192.0.2.7"));
		client_next(&clients[0], &answer);
		client_ask(&clients[0], GET("/peer"), &answer);
		check_bytes(answer.body, B("unix"));
		client_close(&clients[0]);
		test_stop(&server);
	}
}
