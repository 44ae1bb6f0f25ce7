/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of base/log.c. */
#include "base/log.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "tap.h"

static char written[400000];

/* What was written to the pipe so far, as a string. */
static const char *
read_pipe(int fd)
{
	size_t n = 0;
	ssize_t got;

	while ((got = read(fd, written + n, sizeof(written) - 1 - n)) > 0)
		n += (size_t)got;
	written[n] = '\0';
	return written;
}

static void
open_pipe(int ends[2], enum log_level least)
{
	if (pipe2(ends, O_NONBLOCK) != 0)
		abort();
	fcntl(ends[1], F_SETPIPE_SZ, 1 << 20);
	log_open(ends[1], least);
}

static void
close_pipe(const int ends[2])
{
	log_open(STDERR_FILENO, LOG_INFO);
	close(ends[0]);
	close(ends[1]);
}

/* The line without its time, which is checked for its form. */
static const char *
after_time(const char *line)
{
	if (!check(strncmp(line, "{\"time\":\"20", 11) == 0) ||
	    !check(strlen(line) > 31 && strncmp(line + 28, "Z\",", 3) == 0))
		return "";
	return line + 31;
}

static const char *
one_value(int fd, struct bytes value)
{
	log_begin(EVENT_fault);
	log_bytes("what", value);
	log_end();
	log_flush();
	return after_time(read_pipe(fd));
}

TEST(a_line_is_one_json_object_in_the_order_given)
{
	int ends[2];

	open_pipe(ends, LOG_INFO);
	log_begin(EVENT_request);
	log_str("method", "GET");
	log_int("status", 200);
	log_int("ms", INT64_MIN);
	log_bytes("client", NONE);
	log_str("error", NULL);
	log_end();
	check_str(read_pipe(ends[0]), ""); /* gathered */
	log_flush();
	check_str(after_time(read_pipe(ends[0])),
		"\"level\":\"info\",\"event\":\"request\",\"method\":\"GET\","
		"\"status\":200,\"ms\":-9223372036854775808}\n");
	close_pipe(ends);
}

TEST(what_could_break_a_line_or_a_terminal_is_escaped)
{
	static const struct {
		struct bytes in;
		const char *out;
	} rows[] = {
		{ BI("plain"), "plain" },
		{ BI("\"quoted\" \\ back"), "\\\"quoted\\\" \\\\ back" },
		{ BI("a\nb\r\tc\0d"), "a\\u000ab\\u000d\\u0009c\\u0000d" },
		{ BI("\x1b[31m\x7f"), "\\u001b[31m\\u007f" },
		{ BI("\xC2\x9B"), "\\u009b" },
		{ BI("Stra\xC3\x9F" "e \xE2\x82\xAC \xF0\x9F\x94\x91"),
		  "Stra\xC3\x9F" "e \xE2\x82\xAC \xF0\x9F\x94\x91" },
		{ BI("\xC0\xAF"), "\\ufffd\\ufffd" },         /* overlong */
		{ BI("\xE0\x80\x80"), "\\ufffd\\ufffd\\ufffd" },
		{ BI("\xED\xA0\x80"), "\\ufffd\\ufffd\\ufffd" }, /* surrogate */
		{ BI("\xF4\x90\x80\x80"), "\\ufffd\\ufffd\\ufffd\\ufffd" },
		{ BI("\xE2\x82"), "\\ufffd\\ufffd" },         /* cut short */
		{ BI("\xFF"), "\\ufffd" },
	};
	int ends[2];

	open_pipe(ends, LOG_INFO);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char want[200];

		snprintf(want, sizeof(want),
			"\"level\":\"error\",\"event\":\"fault\",\"what\":\"%s\"}\n",
			rows[i].out);
		row("%zu: %s", i, rows[i].out);
		check_str(one_value(ends[0], rows[i].in), want);
	}
	close_pipe(ends);
}

TEST(a_value_over_512_bytes_is_cut_between_characters)
{
	char long_value[700], want[700];
	int ends[2];

	open_pipe(ends, LOG_INFO);
	memset(long_value, 'x', sizeof(long_value));
	memcpy(long_value + 511, "\xC3\x9F", 2);
	snprintf(want, sizeof(want),
		"\"level\":\"error\",\"event\":\"fault\",\"what\":\"%.511s...\"}\n",
		long_value);
	check_str(one_value(ends[0], (struct bytes){ long_value, sizeof(long_value) }),
		want);
	close_pipe(ends);
}

TEST(a_level_that_is_off_leaves_nothing)
{
	int ends[2];

	open_pipe(ends, LOG_WARNING);
	log_begin(EVENT_request);
	log_int("status", 200);
	log_end();
	log_flush();
	check_str(read_pipe(ends[0]), "");
	close_pipe(ends);
}

/* 40 values of 512 control characters cannot fit: fields go, the end stays. */
TEST(a_line_too_long_loses_fields_but_stays_whole)
{
	char nasty[512] = { 0 };
	int ends[2];
	const char *line;

	open_pipe(ends, LOG_INFO);
	log_begin(EVENT_fault);
	for (int i = 0; i < 40; i++)
		log_bytes("what", (struct bytes){ nasty, sizeof(nasty) });
	log_int("line", 7);
	log_end();
	log_flush();
	line = read_pipe(ends[0]);
	check(strlen(line) > 3000 && strlen(line) <= 8192);
	check_str(line + strlen(line) - 12, "\",\"line\":7}\n");
	close_pipe(ends);
}

static void *
log_many(void *arg)
{
	for (int i = 0; i < 500; i++) {
		log_begin(EVENT_fault);
		log_str("what", arg);
		log_int("line", i);
		log_end();
	}
	log_flush();
	return NULL;
}

TEST(lines_of_several_threads_are_never_torn)
{
	static char names[2][200];
	pthread_t threads[2];
	int ends[2], lines = 0;
	char *rest;

	open_pipe(ends, LOG_INFO);
	memset(names[0], 'a', sizeof(names[0]) - 1);
	memset(names[1], 'b', sizeof(names[1]) - 1);
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, log_many, names[i]);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	(void)read_pipe(ends[0]);
	for (char *line = strtok_r(written, "\n", &rest); line != NULL;
	     line = strtok_r(NULL, "\n", &rest), lines++) {
		check(strncmp(line, "{\"time\":", 8) == 0);
		check(line[strlen(line) - 1] == '}');
		check((strstr(line, names[0]) != NULL) != (strstr(line, names[1]) != NULL));
	}
	check_int(lines, 1000);
	close_pipe(ends);
}

TEST(every_event_has_a_name_and_a_sentence)
{
	for (enum event e = 0; e < EVENT_COUNT; e++) {
		check(event_name(e)[0] != '\0');
		check(event_sentence(e)[0] != '\0');
		check(event_fields(e) != NULL);
	}
	check_str(event_name(EVENT_request), "request");
	check_int(event_level(EVENT_fault), LOG_ERROR);
}
