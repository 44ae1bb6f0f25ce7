/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of http_fetch.c: R2.4. */
#include "http/http_fetch.h"

#include <fcntl.h>
#include <sys/socket.h>

#include "base/asan.h"
#include "http_test.h"

#if defined(__SANITIZE_THREAD__)
#define UNDER_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define UNDER_SANITIZER 1
#endif
#endif
#ifndef UNDER_SANITIZER
#define UNDER_SANITIZER UNDER_ASAN
#endif

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
	check_fault((struct http_fetch){ .url = "http://127.0.0.1/" }, "LK_DEVELOPMENT");
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
	check_fault((struct http_fetch){ .url = url("https", "localhost",
		"/.well-known/oauth-authorization-server") }, "not trusted");
	/* What to do is the end of the sentence, and is not cut off. */
	check_fault((struct http_fetch){ .url = url("https", "localhost",
		"/.well-known/oauth-authorization-server") }, "(ca_file)");
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

TEST(how_far_a_request_came_is_known)
{
	struct http_fetch request = { .ca_file = test_path("cert") };

	if (!start_tls())
		return;
	check_int(fetch((struct http_fetch){ .url = "http://a.example/" }), FAULT);
	check_int(answer.failure, HTTP_NOT_ASKED);
	check_int(fetch((struct http_fetch){ .url = "https://a.example/", .method = "G T" }),
		FAULT);
	check_int(answer.failure, HTTP_NOT_ASKED);
	request.url = url("https", "localhost", "/");
	request.ca_file = test_path("none");
	check_int(fetch(request), FAULT);
	check_int(answer.failure, HTTP_NOT_ASKED);
	request.ca_file = NULL;
	check_int(fetch(request), FAULT);
	check_int(answer.failure, HTTP_UNTRUSTED);
	request.ca_file = test_path("cert");
	request.url = "https://127.0.0.1:1/";
	check_int(fetch(request), FAULT);
	check_int(answer.failure, HTTP_NOT_REACHED);
	request.url = "https://no-such-host.invalid/";
	check_int(fetch(request), FAULT);
	check_int(answer.failure, HTTP_NOT_REACHED);
	request.url = url("https", "localhost", "/big");
	check_int(fetch(request), FAULT);
	check_int(answer.failure, HTTP_TOO_LARGE);
	check_int(answer.status, 200);
	request.url = url("https", "localhost", "/wait");
	request.timeout_ms = 200;
	check_int(fetch(request), FAULT);
	check_int(answer.failure, HTTP_UNANSWERED);
	request.url = url("https", "localhost", "/release");
	check_int(fetch(request), DONE);
	check_int(answer.failure, HTTP_ANSWERED);
	stop();
}

TEST(a_method_is_sent_as_it_is_and_head_has_no_body)
{
	static const struct {
		const char *method;
		struct bytes body, want;
	} rows[] = {
		{ "GET", BI_NONE, BI_NONE }, { "POST", BI("b"), BI("b") }, { "PUT", BI("b"), BI("b") },
		{ "DELETE", BI_NONE, BI_NONE }, { "DELETE", BI("b"), BI("b") },
		{ "POST", BI_NONE, BI_NONE },
	};
	struct http_fetch request = { .ca_file = test_path("cert") };

	if (!start_tls())
		return;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].method);
		request.url = url("https", "localhost", "/echo");
		request.method = rows[i].method;
		request.body = rows[i].body;
		check_int(fetch(request), DONE);
		check_bytes(answer.body, rows[i].want);
	}
	request.method = "HEAD";
	request.url = url("https", "localhost", "/abc");
	check_int(fetch(request), DONE);
	check_bytes(answer.body, NONE);
	check_bytes(http_answer_header(&answer, B("Content-Length")), B("4"));
	stop();
}

struct taken {
	size_t n, limit;
	bool only_404;
};

static int
take(void *arg, const void *p, size_t n)
{
	struct taken *taken = arg;

	(void)p;
	taken->n += n;
	return taken->limit > 0 && taken->n > taken->limit;
}

static bool
takes(void *arg, int status)
{
	return !((struct taken *)arg)->only_404 || status == 404;
}

TEST(a_body_can_go_to_a_sink_that_may_give_up)
{
	struct taken taken = { 0 };
	struct http_fetch request = { .ca_file = test_path("cert"), .sink = take,
		.streams = takes, .arg = &taken };

	if (!start_tls())
		return;
	request.url = url("https", "localhost", "/big");
	check_int(fetch(request), DONE);
	check_int((int64_t)taken.n, 8 << 20);
	check_bytes(answer.body, NONE);
	taken = (struct taken){ .limit = 100000 };
	check_int(fetch(request), FAULT);
	check_int(answer.failure, HTTP_GIVEN_UP);
	taken = (struct taken){ .only_404 = true };
	request.url = url("https", "localhost", "/a");
	check_int(fetch(request), DONE);
	check_int((int64_t)taken.n, 0);
	check_bytes(answer.body, B("/a"));
	stop();
}

/* Of the sockets to a network, how many would a program inherit that is started now? */
static int
inheritable_sockets(void)
{
	int count = 0;

	for (int fd = 3; fd < 1024; fd++) {
		struct sockaddr_storage a;
		socklen_t size = sizeof(a);

		count += getsockname(fd, (struct sockaddr *)&a, &size) == 0 &&
			(a.ss_family == AF_INET || a.ss_family == AF_INET6) &&
			(fcntl(fd, F_GETFD) & FD_CLOEXEC) == 0;
	}
	return count;
}

TEST(no_program_inherits_a_line)
{
	struct http_lines *lines = http_lines_new();
	struct http_fetch request = { .ca_file = test_path("cert"), .lines = lines };
	int before;

	if (!start_tls())
		return;
	before = inheritable_sockets();
	request.url = url("https", "localhost", "/echo");
	check_int(fetch(request), DONE);
	check_int(inheritable_sockets(), before);
	http_lines_free(lines);
	stop();
}

TEST(lines_are_used_again_for_what_may_be_asked_twice)
{
	struct http_lines *lines = http_lines_new();
	struct http_fetch request = { .ca_file = test_path("cert"), .lines = lines };
	uint64_t before;

	if (!start_tls())
		return;
	request.url = url("https", "localhost", "/echo");
	for (int i = 0; i < 5; i++)
		check_int(fetch(request), DONE);
	check_int((int64_t)http_server_counts(server.http).accepted, 1);
	request.method = "POST";
	request.body = B("b");
	before = http_server_counts(server.http).accepted;
	for (int i = 0; i < 3; i++)
		check_int(fetch(request), DONE);
	check_int((int64_t)(http_server_counts(server.http).accepted - before), 3);
	http_lines_free(lines);
	http_lines_free(NULL);
	stop();
}

/* ---- what stays in memory ----------------------------------------------------------- */

/* How often the needle, said backwards, stands in this process's writable memory. */
static int
copies_in_memory(const char *backwards)
{
	size_t n = strlen(backwards);
	char line[512], needle[64];
	FILE *maps = fopen("/proc/self/maps", "r");
	int found = 0;

	while (maps != NULL && fgets(line, sizeof(line), maps) != NULL) {
		char *rest;
		char *p = (char *)strtoull(line, &rest, 16);
		char *end = (char *)strtoull(rest + 1, &rest, 16);

		if (strncmp(rest, " rw-p", 5) != 0 || strstr(rest, "[stack]") != NULL)
			continue;
		while (p != NULL && p < end) {
			for (size_t i = 0; i < n; i++)
				needle[i] = backwards[n - 1 - i];
			p = memmem(p, (size_t)(end - p), needle, n);
			found += p != NULL && p != needle;
			p = p != NULL ? p + 1 : NULL;
		}
	}
	if (maps != NULL)
		fclose(maps);
	return found;
}

TEST(neither_a_credential_nor_a_body_stays_behind_in_freed_memory)
{
	static const char backwards[] = "enodnahwetihwyrevlaitnederc";
	char text[3000]; /* so long that its copies are not reused at once */
	struct http_header field = { BI("Authorization"), { text, sizeof(text) } };
	struct http_fetch request = { .method = "POST", .ca_file = test_path("cert"),
		.headers = &field, .header_count = 1, .body = { text, sizeof(text) } };

	if (UNDER_SANITIZER) {
		skip("a sanitizer's own memory cannot be searched");
		return;
	}
	if (!start_tls())
		return;
	memset(text, 'x', sizeof(text));
	for (size_t i = 0; i < sizeof(backwards) - 1; i++)
		text[2000 + i] = backwards[sizeof(backwards) - 2 - i];
	request.url = url("https", "localhost", "/echo");
	check_int(fetch(request), DONE);
	check(bytes_equal(answer.body, request.body));
	check(copies_in_memory(backwards) > 0); /* the arena has it: the search works */
	stop();
	for (size_t i = 0; i < sizeof(text); i++)
		((volatile char *)text)[i] = 0;
	check_int(copies_in_memory(backwards), 0);
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
