/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of http_fetch.c: R2.4. */
#include "http/http_fetch.h"

#include "http_test.h"

static struct test_server server;
static struct arena *arena;
static struct http_answer answer;
static struct fault fault;

static bool
start_tls(void)
{
	struct http_config config = test_config();
	struct tls_config *tls = test_tls(1);
	bool started;

	config.tls = tls;
	started = test_start(&server, config);
	tls_config_free(tls);
	arena = arena_new();
	return started;
}

static void
stop(void)
{
	arena_free(arena);
	test_stop(&server);
}

static const char *
url(const char *scheme, const char *host, const char *path)
{
	return arena_printf(arena, "%s://%s:%d%s", scheme, host, server.port, path);
}

static enum outcome
fetch(struct http_fetch request)
{
	memset(&fault, 0, sizeof(fault));
	if (request.method == NULL)
		request.method = "GET";
	return http_fetch(arena, &request, &answer, &fault);
}

static void
check_fault(struct http_fetch request, const char *why)
{
	row("%s: %s", request.url, why);
	if (check_int(fetch(request), FAULT) && !check(strstr(fault.what, why) != NULL))
		printf("# %s\n", fault.what);
}

TEST(an_answer_comes_with_status_fields_and_body)
{
	struct http_header fields[] = {
		{ BI("Content-Type"), BI("application/x-www-form-urlencoded") },
		{ BI("X-Empty"), BI("") },
	};
	struct http_fetch request = { .method = "POST", .ca_file = test_path("cert"),
		.headers = fields, .header_count = 2, .body = B("a=b\0c") };

	if (!start_tls())
		return;
	request.url = url("https", "localhost", "/echo");
	if (check_int(fetch(request), DONE)) {
		check_int(answer.status, 200);
		check_bytes(answer.body, B("a=b\0c"));
		check_bytes(http_answer_header(&answer, B("content-LENGTH")), B("5"));
		check_bytes(http_answer_header(&answer, B("Location")), NONE);
		check(answer.ms >= 0);
	}
	request.body = NONE;
	if (check_int(fetch(request), DONE))
		check_int((int64_t)answer.body.n, 0);
	stop();
}

TEST(a_redirect_is_an_answer_and_not_followed)
{
	struct http_header location = { BI("Host"), BI("a.example") };

	if (!start_tls())
		return;
	check_int(fetch((struct http_fetch){ .url = url("https", "127.0.0.1", "/204"),
		.ca_file = test_path("cert"), .headers = &location, .header_count = 1 }), DONE);
	check_int(answer.status, 204);
	stop();
}

TEST(what_is_not_safe_is_not_fetched)
{
	struct http_header bad = { BI("X"), BI("a\r\nY: b") };
	struct http_header bad_name = { BI("X: a\r\nY"), BI("b") };

	if (!start_tls())
		return;
	check_fault((struct http_fetch){ .url = "http://a.example/" }, "only https");
	check_fault((struct http_fetch){ .url = "http://a.example/", .allow_loopback = true },
		"only https");
	check_fault((struct http_fetch){ .url = "http://127.0.0.1/" }, "only https");
	check_fault((struct http_fetch){ .url = "http://localhost.a.example/",
		.allow_loopback = true }, "only https");
	check_fault((struct http_fetch){ .url = "https://u:p@a.example/" }, "not a URL");
	check_fault((struct http_fetch){ .url = "file:///etc/passwd" }, "not a URL");
	check_fault((struct http_fetch){ .url = "ftp://a.example/" }, "only https");
	check_fault((struct http_fetch){ .url = "nonsense" }, "not a URL");
	check_fault((struct http_fetch){ .url = url("https", "localhost", "/"),
		.headers = &bad, .header_count = 1 }, "character");
	check_fault((struct http_fetch){ .url = url("https", "localhost", "/"),
		.headers = &bad_name, .header_count = 1 }, "character");
	check_int((int64_t)http_server_counts(server.http).accepted, 0);
	stop();
}

TEST(a_certificate_must_be_trusted_and_for_that_name)
{
	if (!start_tls())
		return;
	test_certificate("other", "other-key");
	check_fault((struct http_fetch){ .url = url("https", "localhost", "/") },
		"not trusted");
	check_fault((struct http_fetch){ .url = url("https", "localhost", "/"),
		.ca_file = test_path("other") }, "not trusted");
	check_fault((struct http_fetch){ .url = url("https", "127.0.0.2", "/"),
		.ca_file = test_path("cert") }, "");
	check_fault((struct http_fetch){ .url = url("https", "localhost", "/"),
		.ca_file = test_path("none") }, "not a file of CA certificates");
	stop();
}

TEST(why_there_is_no_answer_is_said)
{
	struct http_fetch request = { .ca_file = test_path("cert") };

	if (!start_tls())
		return;
	request.url = "https://127.0.0.1:1/";
	check_fault(request, "nothing answers");
	request.url = "https://no-such-host.invalid/";
	check_fault(request, "no such host name");
	request.url = url("https", "localhost", "/wait");
	request.timeout_ms = 200;
	check_fault(request, "no answer in time");
	request.timeout_ms = 0;
	request.url = url("https", "localhost", "/big");
	check_fault(request, "too large");
	request.max_body = 8 << 20;
	check_int(fetch(request), DONE);
	check_int((int64_t)answer.body.n, 8 << 20);
	request.url = url("https", "localhost", "/release");
	check_int(fetch(request), DONE);
	stop();
}

TEST(plain_http_is_for_this_machine_and_unix_sockets)
{
	const char *path = test_path("socket");
	char where[120];
	const char *listen[] = { "127.0.0.1:0", where };
	struct http_config config = test_config();

	snprintf(where, sizeof(where), "unix:%s", path);
	config.listen = listen;
	config.listen_count = 2;
	if (!test_start(&server, config))
		return;
	arena = arena_new();
	check_int(fetch((struct http_fetch){ .url = url("http", "localhost", "/a"),
		.allow_loopback = true }), DONE);
	check_bytes(answer.body, B("/a"));
	check_int(fetch((struct http_fetch){ .url = "http://localhost/peer",
		.unix_socket = path, .allow_loopback = true }), DONE);
	check_bytes(answer.body, B("unix"));
	stop();
}

/* NULL when all went well. */
static void *
fetch_many(void *arg)
{
	struct arena *a = arena_new();
	struct http_answer got;
	void *failed = NULL;

	for (int i = 0; i < 10; i++)
		if (http_fetch(a, arg, &got, NULL) != DONE || got.status != 200)
			failed = arg;
	arena_free(a);
	return failed;
}

TEST(several_threads_may_fetch_at_once)
{
	struct http_fetch request = { .method = "GET" };
	pthread_t threads[4];
	void *failed;

	if (!start_tls())
		return;
	request.url = url("https", "localhost", "/t");
	request.ca_file = test_path("cert");
	for (size_t i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, fetch_many, &request);
	for (size_t i = 0; i < 4; i++) {
		pthread_join(threads[i], &failed);
		check(failed == NULL);
	}
	stop();
}
