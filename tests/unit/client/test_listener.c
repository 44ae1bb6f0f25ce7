/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of client/listener.c, listener_bind.c and listener_page.c: CL-14, CL-15. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "client/person.h"
#include "client_test.h"
#include "text/base64url.h"
#include "text/uri.h"

#define STATE "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define OTHER "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE"

/* ---- the program's side, on a thread --------------------------------------------- */

static struct {
	struct listener *listener;
	struct arena *arena;
	struct bytes redirect_uri, query;
	uint16_t port;
	int64_t patience_ms, close_ms;
	enum lk_status status;
	struct lk_error error;
	bool good;
	const char *sentence;
	pthread_t thread;
} program;

static void *
run_program(void *arg)
{
	int64_t began_ms;

	(void)arg;
	program.status = listener_wait(program.listener, program.arena, B(STATE),
		clock_monotonic_ms() + program.patience_ms, &program.query, &program.error);
	began_ms = clock_monotonic_ms();
	listener_close(program.listener, program.good, program.sentence);
	program.close_ms = clock_monotonic_ms() - began_ms;
	return NULL;
}

static bool
begin(const char *redirect_uri, int64_t patience_ms)
{
	struct uri u;

	program.query = NONE;
	program.patience_ms = patience_ms;
	program.good = true;
	program.sentence = "You can close <this> window & go on.";
	program.arena = arena_new();
	if (!check_int(listener_open(test_arena(), bytes_of(redirect_uri), &program.listener,
			&program.redirect_uri, &program.error), LK_OK)) {
		printf("# %s\n", program.error.message);
		return false;
	}
	return check(uri_parse(program.redirect_uri, &u) && uri_port(&u, &program.port)) &&
		check(pthread_create(&program.thread, NULL, run_program, NULL) == 0);
}

static void
end(enum lk_status want)
{
	pthread_join(program.thread, NULL);
	check_int(program.status, want);
	program.query = arena_bytes(test_arena(), program.query);
	arena_free(program.arena);
}

/* ---- the browser's side ------------------------------------------------------------ */

static int
connect_to(uint16_t port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct timeval patience = { .tv_sec = 8 };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0)
		return fd;
	close(fd);
	return -1;
}

/* Sends, and reads to the end of what was announced. */
static const char *
exchange(int fd, const char *request)
{
	static char answers[4][9000];
	static int turn;
	char *text = answers[turn++ % 4];
	size_t n = 0;
	ssize_t got;

	text[0] = '\0';
	(void)!send(fd, request, strlen(request), MSG_NOSIGNAL);
	while (n < sizeof(answers[0]) - 1) {
		const char *head = strstr(text, "\r\n\r\n");
		const char *length = strstr(text, "Content-Length: ");
		uint64_t body = 0;

		if (head != NULL && length != NULL && bytes_to_u64((struct bytes){ length + 16,
				strcspn(length + 16, "\r") }, &body) && strlen(head + 4) >= body)
			break;
		got = recv(fd, text + n, sizeof(answers[0]) - 1 - n, 0);
		if (got <= 0)
			break;
		n += (size_t)got;
		text[n] = '\0';
	}
	return text;
}

static const char *
ask(const char *request)
{
	int fd = connect_to(program.port);
	const char *answer = exchange(fd, request);

	close(fd);
	return answer;
}

static const char *
get(const char *target)
{
	return ask(arena_printf(test_arena(), "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n",
		target, program.port));
}

static int
status_of(const char *answer)
{
	uint64_t status = 0;

	if (strlen(answer) > 12)
		bytes_to_u64((struct bytes){ answer + 9, 3 }, &status);
	return (int)status;
}

#define check_has(answer, part) check(strstr((answer), (part)) != NULL)

TEST(CL_15_the_answer_is_taken_and_the_browser_ends_at_a_clean_url)
{
	const char *answer, *clean;

	if (!begin("http://127.0.0.1/callback", 10000))
		return;
	check(bytes_ends(program.redirect_uri, B("/callback")));
	answer = get("/callback?code=c1&state=" STATE);
	check_int(status_of(answer), 303);
	clean = arena_printf(test_arena(), "Location: http://127.0.0.1:%d/callback/done\r\n",
		program.port);
	check_has(answer, clean);
	answer = get("/callback/done");
	check_int(status_of(answer), 200);
	check_has(answer, "<h1>Connected</h1>");
	check_has(answer, "close &lt;this&gt; window &amp; go on.");
	check(strstr(answer, "c1") == NULL && strstr(answer, STATE) == NULL);
	end(LK_OK);
	check_bytes(program.query, B("code=c1&state=" STATE));
	check(program.close_ms < 2500);
	check_int(connect_to(program.port), -1);
}

TEST(CL_14_nothing_foreign_nothing_kept_no_referer)
{
	static const char *const fields[] = {
		"Referrer-Policy: no-referrer\r\n", "Cache-Control: no-store\r\n",
		"X-Content-Type-Options: nosniff\r\n",
		"Content-Security-Policy: default-src 'none'; ", "frame-ancestors 'none'",
		"Connection: close\r\n",
	};
	const char *targets[] = { "/callback", "/favicon.ico",
		("/callback?error=access_denied&state=" STATE), "/callback/done" };
	uint8_t digest[DIGEST_SIZE];

	if (!begin("http://127.0.0.1/callback", 10000))
		return;
	for (size_t t = 0; t < 4; t++) {
		const char *answer = get(targets[t]);
		const char *style = strstr(answer, "<style>");
		struct bytes hash;

		for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
			row("%s: %s", targets[t], fields[i]);
			check_has(answer, fields[i]);
		}
		check(strcasestr(answer, "<script") == NULL && strstr(answer, "http://w") == NULL);
		if (style == NULL)
			continue;
		sha256((struct bytes){ style + 7,
			(size_t)(strstr(answer, "</style>") - style) - 7 }, digest);
		hash = base64_encode(test_arena(),
			(struct bytes){ (const char *)digest, sizeof(digest) });
		check_has(answer, arena_printf(test_arena(), "'sha256-%.*s'", BYTES_FMT(hash)));
	}
	end(LK_OK);
}

TEST(CL_15_what_is_not_the_awaited_answer_is_refused_and_waiting_goes_on)
{
	static const struct {
		const char *request; /* with the port for %d, where it stands */
		int status;
	} rows[] = {
		{ "GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n", 404 },
		{ "GET /favicon.ico HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n", 404 },
		{ "GET /callback/ HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n", 404 },
		{ "GET /callback/done HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n", 404 },
		{ "GET /%%63allback?state=" STATE " HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n", 404 },
		{ "GET /callback?state=" STATE " HTTP/1.1\r\nHost: localhost:%d\r\n\r\n", 404 },
		{ "GET /callback?state=" STATE " HTTP/1.1\r\nHost: evil.example:%d\r\n\r\n", 404 },
		{ "GET /callback?state=" STATE " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 404 },
		{ "GET /callback?state=" STATE " HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n", 404 },
		{ "GET /callback?state=" STATE " HTTP/1.1\r\n\r\n", 400 },
		{ "GET /callback?state=" STATE " HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
		  "Host: 127.0.0.1:%d\r\n\r\n", 400 },
		{ "GET http://evil.example/callback?state=" STATE
		  " HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n", 400 },
		{ "HEAD /callback?state=" STATE " HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n", 405 },
		{ "POST /callback?state=" STATE " HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n", 405 },
		{ "OPTIONS /callback HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n", 405 },
		{ "POST /callback HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Length: 3\r\n\r\na=b",
			413 },
		{ "GET /callback HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n", 400 },
		{ "GET /callback?code=c HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n", 400 },
		{ "GET /callback?code=c&state=" OTHER " HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n",
			400 },
		{ "GET /callback?error=x&state=" OTHER " HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n",
			400 },
		{ "GET /callback?code=c&state=" STATE "&state=" STATE
		  " HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n", 400 },
		{ "\x16\x03\x01\x02 TLS", 400 }, { "nonsense\r\n\r\n", 400 },
	};

	if (!begin("http://127.0.0.1/callback", 10000))
		return;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf b = buf_new(test_arena(), 1000);
		const char *answer;

		row("%s", rows[i].request);
		for (const char *c = rows[i].request; *c != '\0'; c++) {
			if (bytes_starts(bytes_of(c), B("%d")))
				buf_putu(&b, program.port);
			if (*c == '%')
				c++;
			if (*c != 'd' || c[-1] != '%')
				buf_putc(&b, *c);
		}
		/* A line end: what is no HTTP at all is then seen to be none. */
		buf_put(&b, B("\r\n"));
		answer = ask(buf_cstr(&b));
		check_int(status_of(answer), rows[i].status);
		check_int(strstr(answer, "<!doctype html>") != NULL,
			rows[i].request[0] != 'H');
	}
	check_int(status_of(get("/callback?code=right&state=" STATE)), 303);
	check_int(status_of(get("/callback/done")), 200);
	end(LK_OK);
	check_bytes(program.query, B("code=right&state=" STATE));
}

TEST(CL_15_slow_huge_and_many_connections_do_not_stop_it)
{
	int idle[40], slow;
	char *huge = arena_alloc(test_arena(), 60001);

	if (!begin("http://127.0.0.1/callback", 10000))
		return;
	for (size_t i = 0; i < 40; i++)
		idle[i] = connect_to(program.port);
	slow = connect_to(program.port);
	(void)!send(slow, "GET /callb", 10, MSG_NOSIGNAL);
	memset(huge, 'a', 60000);
	check_int(status_of(ask(arena_printf(test_arena(),
		"GET /callback?state=%s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n", huge,
		program.port))), 414);
	check_int(status_of(ask(arena_printf(test_arena(),
		"GET /callback HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nCookie: %s\r\n\r\n",
		program.port, huge))), 431);
	check_int(status_of(get("/callback?code=c&state=" STATE)), 303);
	/* The slow one is not waited for, nor those that say nothing. */
	check_int(status_of(get("/callback/done")), 200);
	end(LK_OK);
	check(program.close_ms < 2500);
	for (size_t i = 0; i < 40; i++)
		close(idle[i]);
	close(slow);
}

TEST(CL_15_a_request_in_pieces_is_one_request)
{
	const char *parts[] = { "GET /callback?co", "de=c&state=" STATE " HT",
		arena_printf(test_arena(), "TP/1.1\r\nHost: 127.0.") };
	int fd;

	if (!begin("http://127.0.0.1/callback", 10000))
		return;
	fd = connect_to(program.port);
	for (size_t i = 0; i < 3; i++) {
		(void)!send(fd, parts[i], strlen(parts[i]), MSG_NOSIGNAL);
		usleep(20000);
	}
	check_int(status_of(exchange(fd, arena_printf(test_arena(), "0.1:%d\r\n\r\n",
		program.port))), 303);
	close(fd);
	check_int(status_of(get("/callback/done")), 200);
	end(LK_OK);
}

TEST(CL_15_it_ends_at_the_deadline)
{
	if (!begin("http://127.0.0.1/callback", 200))
		return;
	check_int(status_of(get("/callback?code=c&state=" OTHER)), 400);
	end(LK_TRY_LATER);
	check(strstr(program.error.message, "in time") != NULL);
	check(program.close_ms < 100);
	check_int(connect_to(program.port), -1);
}

TEST(a_browser_that_never_comes_back_for_the_page_is_waited_for_a_moment_only)
{
	if (!begin("http://127.0.0.1/callback", 5000))
		return;
	check_int(status_of(get("/callback?code=c&state=" STATE)), 303);
	end(LK_OK);
	check(program.close_ms >= 2500 && program.close_ms < 4500);
}

TEST(CL_15_it_listens_on_loopback_alone_and_shares_its_port_with_nobody)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	struct listener *second;
	struct lk_error e = { 0 };
	struct bytes uri;
	const int on = 1;
	int fd;

	if (!begin("http://127.0.0.1/callback", 300))
		return;
	check_int(listener_open(test_arena(), program.redirect_uri, &second, &uri, &e),
		LK_CONFIGURATION);
	check(strstr(e.message, "in use") != NULL);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	any.sin_port = htons(program.port);
	check(bind(fd, (struct sockaddr *)&any, sizeof(any)) != 0 && errno == EADDRINUSE);
	any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	check(bind(fd, (struct sockaddr *)&any, sizeof(any)) != 0 && errno == EADDRINUSE);
	any.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
	check(connect(fd, (struct sockaddr *)&any, sizeof(any)) != 0);
	close(fd);
	end(LK_TRY_LATER);
}

TEST(CL_15_which_addresses_it_can_be)
{
	static const struct {
		const char *uri;
		bool good;
	} rows[] = {
		{ "http://127.0.0.1", true }, { "http://127.0.0.1/", true },
		{ "http://localhost/cb", true }, { "http://[::1]/cb", true },
		{ "https://127.0.0.1/cb", false }, { "http://127.0.0.2/cb", false },
		{ "http://0.0.0.0/cb", false }, { "http://app.example/cb", false },
		{ "http://127.0.0.1/cb?x=1", false }, { "http://127.0.0.1/cb#x", false },
		{ "http://u@127.0.0.1/cb", false }, { "com.example:/cb", false }, { "", false },
		{ "http://127.0.0.1:99999/cb", false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct listener *l = NULL;
		struct bytes actual = NONE;
		enum lk_status status = listener_open(test_arena(), bytes_of(rows[i].uri), &l,
			&actual, &program.error);

		row("%s", rows[i].uri);
		if (status == LK_CONFIGURATION && rows[i].good && strstr(rows[i].uri, "::1"))
			continue; /* a machine without IPv6 */
		check_int(status, rows[i].good ? LK_OK : LK_CONFIGURATION);
		if (rows[i].good)
			check(bytes_starts(actual, bytes_slice(bytes_of(rows[i].uri), 0, 12)));
		listener_close(l, true, "");
	}
}

TEST(the_same_port_can_be_listened_at_again_at_once)
{
	const char *uri;

	if (!begin("http://127.0.0.1/cb", 5000))
		return;
	uri = arena_cstr(test_arena(), program.redirect_uri);
	check_int(status_of(get("/cb?code=c&state=" STATE)), 303);
	check_int(status_of(get("/cb/done")), 200);
	end(LK_OK);
	if (!begin(uri, 5000))
		return;
	check_str(arena_cstr(test_arena(), program.redirect_uri), uri);
	check_int(status_of(get("/cb?code=c&state=" STATE)), 303);
	check_int(status_of(get("/cb/done")), 200);
	end(LK_OK);
}
