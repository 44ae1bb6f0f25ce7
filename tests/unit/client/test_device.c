/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of client/device.c and token_device.c: CL-33, RFC 8628. */
#include "client/device.h"

#include "as_server.h"
#include "text/form.h"

#define PENDING { ANSWERS, JSON_ANSWER("400", "{\"error\":\"authorization_pending\"}") }
#define SLOW_DOWN { ANSWERS, JSON_ANSWER("400", "{\"error\":\"slow_down\"}") }
#define TOKENS \
	{ ANSWERS, JSON_ANSWER("200", "{\"access_token\":\"a\",\"token_type\":\"Bearer\"," \
			   "\"refresh_token\":\"r\",\"id_token\":\"i\",\"expires_in\":60}") }
#define REFUSED(code) { ANSWERS, JSON_ANSWER("400", "{\"error\":\"" code "\"}") }

/* A clock that only waiting moves, and remembers how long each wait was. */
static int64_t now_ms, waits[16];
static size_t wait_count, give_up_at;

static int64_t
told_now(void *arg)
{
	(void)arg;
	return now_ms;
}

static int
told_wait(void *arg, int64_t ms)
{
	(void)arg;
	now_ms += ms;
	waits[wait_count++ % 16] = ms;
	return wait_count == give_up_at;
}

static const struct device_clock told = { told_now, told_wait, NULL };
static const struct credentials app = { .client_id = BI("app") };
static struct token_answer answer;
static struct token_ending ending;
static struct lk_error error;

static enum lk_status
poll_device(int64_t interval, int64_t expires_in, int64_t deadline_ms)
{
	struct device_answer device = { .device_code = B("dev code"), .interval = interval,
		.expires_in = expires_in };
	struct as as = server_as();

	as.timeout_ms = 300;
	now_ms = 1000000;
	wait_count = 0;
	error = (struct lk_error){ 0 };
	return device_poll(test_arena(), &as, &app, &device, B("a"), &told, deadline_ms,
		&answer, &ending, &error);
}

TEST(CL_33_the_interval_is_kept_until_the_person_has_decided)
{
	static const struct canned script[] = { PENDING, PENDING, TOKENS };
	struct form f = { 0 };

	give_up_at = 0;
	START(script);
	if (check_int(poll_device(5, 600, -1), LK_OK)) {
		check_bytes(answer.access_token, B("a"));
		check_bytes(answer.refresh_token, B("r"));
		check_bytes(answer.id_token, NONE);
		check_int(answer.expires_in, 60);
		check_int((int64_t)wait_count, 3);
		check(waits[0] == 5000 && waits[1] == 5000 && waits[2] == 5000);
		form_read(test_arena(), &f, bytes_of(body_of(0)), FORM_BODY);
		check_bytes(form_get(&f, B("grant_type")),
			B("urn:ietf:params:oauth:grant-type:device_code"));
		check_bytes(form_get(&f, B("device_code")), B("dev code"));
		check_bytes(form_get(&f, B("client_id")), B("app"));
	}
	server_stop();
}

TEST(CL_33_slow_down_adds_five_seconds_for_good)
{
	static const struct canned script[] = { SLOW_DOWN, PENDING, SLOW_DOWN, PENDING, TOKENS };
	static const int64_t want[] = { 5000, 10000, 10000, 15000, 15000 };

	START(script);
	check_int(poll_device(5, 600, -1), LK_OK);
	check_int((int64_t)wait_count, 5);
	for (size_t i = 0; i < 5; i++)
		check_int(waits[i], want[i]);
	server_stop();
}

TEST(CL_33_a_timeout_doubles_and_so_does_what_is_no_answer)
{
	static const struct canned script[] = { { HANGS, NULL }, PENDING,
		{ ANSWERS, ANSWER("502", "text/html", "<html>") },
		{ ANSWERS, "HTTP/1.1 503 X\r\nRetry-After: 100\r\nConnection: close\r\n\r\n" },
		TOKENS };
	static const int64_t want[] = { 5000, 10000, 10000, 20000, 100000 };

	START(script);
	check_int(poll_device(5, 600, -1), LK_OK);
	check_int((int64_t)wait_count, 5);
	for (size_t i = 0; i < 5; i++)
		check_int(waits[i], want[i]);
	server_stop();
}

TEST(CL_33_any_other_error_stops)
{
	static const struct canned script[] = { REFUSED("access_denied"),
		REFUSED("expired_token"), REFUSED("invalid_grant"), REFUSED("invalid_client"),
		REFUSED("something"), { ANSWERS, JSON_ANSWER("200", "{}") } };
	static const enum lk_status want[] = { LK_DENIED, LK_TRY_LATER, LK_RECONNECT,
		LK_CONFIGURATION, LK_CONFIGURATION, LK_REJECTED };

	START(script);
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		row("answer %zu", i);
		check_int(poll_device(5, 600, -1), want[i]);
		check_int((int64_t)wait_count, 1);
		if (want[i] == LK_TRY_LATER)
			check(strstr(error.message, "ran out") != NULL);
	}
	server_stop();
}

TEST(CL_33_polling_ends_with_the_code_or_the_callers_patience)
{
	static const struct canned script[] = { PENDING, PENDING, PENDING, PENDING };

	START(script);
	check_int(poll_device(5, 11, -1), LK_TRY_LATER);
	check_int((int64_t)server.asked, 2);
	check(strstr(error.message, "ran out") != NULL);
	check_int(poll_device(5, 600, 1000000 + 6000), LK_TRY_LATER);
	check_int((int64_t)server.asked, 4); /* who decided in the sixth second is heard */
	check(strstr(error.message, "ran out") == NULL);
	check(strstr(error.message, "timeout_s") != NULL);
	give_up_at = 1;
	check_int(poll_device(5, 600, -1), LK_DENIED);
	check_int((int64_t)server.asked, 4);
	give_up_at = 0;
	server_stop();
}

TEST(CL_33_patience_below_the_interval_is_patience)
{
	static const struct canned script[] = { TOKENS };

	START(script);
	check_int(poll_device(5, 600, 1000000 + 1000), LK_OK);
	check_int((int64_t)wait_count, 1);
	check(waits[0] == 5000);
	server_stop();
}

TEST(CL_33_a_device_answer_is_whole_or_refused)
{
#define CODES "\"device_code\":\"d\",\"user_code\":\"WDJB-MJHT\""
#define PLACE "\"verification_uri\":\"https://as.example/device\""
	static const struct {
		const char *body;
		enum lk_status status;
		int64_t interval, expires_in;
	} rows[] = {
		{ "{" CODES "," PLACE ",\"expires_in\":1800,\"interval\":7}", LK_OK, 7, 1800 },
		{ "{" CODES "," PLACE ",\"expires_in\":1800}", LK_OK, 5, 1800 },
		{ "{" CODES "," PLACE ",\"interval\":0,\"expires_in\":-1}", LK_OK, 5, 600 },
		{ "{" CODES "," PLACE ",\"interval\":\"9\",\"expires_in\":99999}", LK_OK, 5, 3600 },
		{ "{" CODES "," PLACE ",\"verification_uri_complete\":\"https://a.example/?c=1\"}",
			LK_OK, 5, 600 },
		{ "{" CODES "," PLACE ",\"verification_uri_complete\":\"javascript:1\"}",
			LK_REJECTED, 0, 0 },
		{ "{" CODES "}", LK_REJECTED, 0, 0 },
		{ "{" CODES ",\"verification_uri\":\"http://as.example/\"}", LK_REJECTED, 0, 0 },
		{ "{" CODES ",\"verification_uri\":\"https://u:p@as.example/\"}", LK_REJECTED, 0, 0 },
		{ "{\"user_code\":\"W\"," PLACE "}", LK_REJECTED, 0, 0 },
		{ "{\"device_code\":\"d\"," PLACE "}", LK_REJECTED, 0, 0 },
		{ "{\"device_code\":\"d\",\"user_code\":\"\\u001b[2J\"," PLACE "}", LK_REJECTED, 0, 0 },
		{ "{" CODES "," PLACE ",\"user_code\":\"x\"}", LK_REJECTED, 0, 0 },
		{ "[]", LK_REJECTED, 0, 0 }, { "<html>", LK_REJECTED, 0, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct canned script[] = { { ANSWERS, arena_printf(test_arena(),
			JSON_ANSWER("200", "%s"), rows[i].body) } };
		struct device_answer device = { 0 };
		struct as as;

		START(script);
		as = server_as();
		row("%s", rows[i].body);
		check_int(device_request(test_arena(), &as, &app, B("a"), NONE, &device, &error),
			rows[i].status);
		check_int(device.interval, rows[i].interval);
		check_int(device.expires_in, rows[i].expires_in);
		server_stop();
	}
}

TEST(a_server_without_the_device_flow_is_told_of)
{
	struct as as = { .issuer = B("https://as.example") };
	struct device_answer device;

	check_int(device_request(test_arena(), &as, &app, NONE, NONE, &device, &error),
		LK_CONFIGURATION);
	check(strstr(error.message, "RFC 8628") != NULL);
}
