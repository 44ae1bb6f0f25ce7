/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_call.c - latchkey call NAME URL: one request with a fresh token, by the words of
 * curl where curl has them. As with curl the status of the answer is no failure, unless
 * --fail says so.
 *
 * A file of --output is there whole or not at all. What is no plain file (/dev/null, a
 * FIFO) is written to as it is.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/connections.h"

#define DATA_MAX ((size_t)64 * 1024 * 1024) /* a body to send is read as a whole */
#define KEPT_MAX ((size_t)64 * 1024 * 1024) /* so is an answer that is judged first */
#define HEAD_MAX ((size_t)1024 * 1024)      /* its fields; libcurl takes fewer */

struct answer {
	struct cli *c;
	int fd;
	int failed; /* errno of the write that was not done */
	const char *path; /* of --output; NULL: standard output */
	char *temporary;
};

/* ---- the request ---------------------------------------------------------------- */

static bool
read_header(struct cli *c, struct bytes line, struct lk_header *out)
{
	struct bytes value = line, name = bytes_cut(&value, ':');

	while (value.n > 0 && (value.p[0] == ' ' || value.p[0] == '\t'))
		value = bytes_slice(value, 1, value.n);
	if (name.n == 0 || name.n == line.n) {
		cli_usage(c, "--header '%.*s' is not NAME: VALUE", BYTES_FMT(line));
		return false;
	}
	if (bytes_equal_nocase(name, B("Authorization"))) {
		cli_usage(c, "the field Authorization is the connection's own");
		return false;
	}
	*out = (struct lk_header){ arena_cstr(c->arena, name),
		arena_cstr(c->arena, value) };
	return true;
}

static bool
has_header(const struct lk_request *r, struct bytes name)
{
	for (size_t i = 0; i < r->header_count; i++)
		if (bytes_equal_nocase(bytes_of(r->headers[i].name), name))
			return true;
	return false;
}

/* false: errno says why; too much is EFBIG. */
static bool
read_whole(struct cli *c, int fd, struct bytes *out)
{
	struct buf b = buf_new(c->arena, DATA_MAX);
	char some[65536];
	ssize_t n;

	while ((n = read(fd, some, sizeof some)) != 0) {
		if (n < 0 && errno != EINTR)
			return false;
		buf_put(&b, (struct bytes){ some, n > 0 ? (size_t)n : 0 });
	}
	*out = buf_bytes(&b);
	errno = EFBIG;
	return !b.failed;
}

/* curl's words: TEXT, @FILE, @- for standard input; sent as it is. */
static bool
read_data(struct cli *c, const char *data, struct bytes *out)
{
	const char *path = data + 1;
	bool input = bytes_equal(bytes_of(data), B("@-")), ok;
	int fd;

	if (data[0] != '@') {
		*out = bytes_of(data);
		return true;
	}
	fd = input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	ok = fd >= 0 && read_whole(c, fd, out);
	if (!ok)
		cli_fail(c, "%s: %s", input ? "standard input" : path, strerror(errno));
	if (fd >= 0 && !input)
		close(fd);
	return ok;
}

static bool
read_headers(struct cli *c, struct lk_request *r, bool with_data)
{
	static const struct lk_header form = { "Content-Type",
		"application/x-www-form-urlencoded" };
	struct strings given = option_list(c, "header");
	struct lk_header *headers =
		ARENA_ARRAY(c->arena, struct lk_header, given.n + 1);

	r->headers = headers;
	for (size_t i = 0; i < given.n; i++, r->header_count++)
		if (!read_header(c, given.p[i], &headers[i]))
			return false;
	if (with_data && !has_header(r, B("Content-Type")))
		headers[r->header_count++] = form;
	return true;
}

/* EXIT_DONE, or why not. */
static int
read_request(struct cli *c, struct lk_request *r)
{
	const char *data = option_text(c, "data");
	struct bytes body = NONE;
	int64_t seconds = 0;

	*r = (struct lk_request)LK_INIT(struct lk_request);
	r->url = c->operands[1];
	r->method = option_text(c, "request");
	if (r->method == NULL && data != NULL) /* an empty body is one, too */
		r->method = "POST";
	r->ca_file = option_text(c, "ca-file");
	if (!option_seconds(c, "max-time", &seconds) ||
		!read_headers(c, r, data != NULL))
		return EXIT_USAGE;
	if (option_given(c, "max-time") && (seconds < 1 || seconds > 86400))
		return cli_usage(c, "--max-time is a second at least and a day at most");
	r->timeout_ms = (int)seconds * 1000;
	if (data != NULL && !read_data(c, data, &body))
		return EXIT_FAILED;
	r->body = data != NULL && body.n == 0 ? "" : body.p;
	r->body_size = body.n;
	return EXIT_DONE;
}

/* ---- the answer ----------------------------------------------------------------- */

static int
take_body(void *arg, const void *p, size_t n)
{
	struct answer *a = arg;

	if (write_all(a->fd, p, n))
		return 0;
	a->failed = errno;
	return 1;
}

/* For a signal that ends us before the file has come to its name. */
static const char *volatile unfinished;

static void
remove_unfinished(int number)
{
	if (unfinished != NULL)
		unlink(unfinished);
	signal(number, SIG_DFL);
	raise(number);
}

/* Opened under a name of its own, where a file of that name can be replaced. */
static int
open_temporary(struct answer *a)
{
	mode_t mask = umask(077);
	int fd;

	umask(mask);
	a->temporary =
		(char *)(uintptr_t)arena_printf(a->c->arena, "%s.XXXXXX", a->path);
	fd = mkostemp(a->temporary, O_CLOEXEC);
	if (fd < 0)
		return fd;
	unfinished = a->temporary;
	signal(SIGINT, remove_unfinished);
	signal(SIGTERM, remove_unfinished);
	(void)fchmod(fd, 0666 & ~mask);
	return fd;
}

static bool
open_output(struct answer *a)
{
	struct stat st;

	a->fd = STDOUT_FILENO;
	if (a->path == NULL)
		return true;
	if (stat(a->path, &st) == 0 && !S_ISREG(st.st_mode))
		a->fd = open(a->path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	else
		a->fd = open_temporary(a);
	if (a->fd < 0)
		cli_fail(a->c, "%s: %s", a->path, strerror(errno));
	return a->fd >= 0;
}

/* The file comes to its name when all of it was written, or goes. */
static bool
close_output(struct answer *a, bool good)
{
	if (a->path == NULL)
		return true;
	good = close(a->fd) == 0 && good;
	if (a->temporary == NULL)
		return good;
	if (good && rename(a->temporary, a->path) != 0)
		good = cli_fail(a->c, "%s: %s", a->path, strerror(errno)) == 0;
	if (!good)
		unlink(a->temporary);
	unfinished = NULL;
	return good;
}

static bool
write_head(const struct answer *a, const struct lk_response *response)
{
	struct buf b = buf_new(a->c->arena, HEAD_MAX);
	const char *name, *value;

	buf_printf(&b, "HTTP %d\r\n", lk_response_status(response));
	for (size_t i = 0; (name = lk_response_header_at(response, i, &value)) != NULL;
		i++)
		buf_printf(&b, "%s: %s\r\n", name, value);
	buf_put(&b, B("\r\n"));
	return write_all(a->fd, b.p, b.n);
}

static int
print_json(struct cli *c, const struct lk_response *response)
{
	json_t *headers = json_object(), *body;
	const char *name, *value, *text;
	size_t n;

	for (size_t i = 0; (name = lk_response_header_at(response, i, &value)) != NULL;
		i++)
		json_object_set_new(headers, name, json_of(bytes_of(value)));
	text = lk_response_body(response, &n);
	body = json_of((struct bytes){ text, n });
	return cli_print_object(c,
		json_pack("{s:i, s:o, s:o}", "status", lk_response_status(response),
			"headers", headers, "body", body),
		NULL);
}

/* What was kept until it could be judged. */
static bool
write_kept(struct answer *a, const struct lk_response *response)
{
	size_t n;
	const char *body = lk_response_body(response, &n);

	if (option_given(a->c, "include") && !write_head(a, response))
		return false;
	return write_all(a->fd, body, n);
}

static int
give(struct answer *a, const struct lk_response *response, bool kept)
{
	struct cli *c = a->c;
	int status = lk_response_status(response);
	bool refused = option_given(c, "fail") && status >= 400;

	if (refused) {
		close_output(a, false);
		return option_given(c, "silent")
			? EXIT_FAILED
			: cli_fail(c, "%s answered %d", c->operands[1], status);
	}
	if (c->json)
		return print_json(c, response);
	if (kept && !write_kept(a, response)) {
		int why = errno;
		close_output(a, false);
		return cli_fail(c, "%s: %s",
			a->path != NULL ? a->path : "standard output", strerror(why));
	}
	return close_output(a, true) ? EXIT_DONE : EXIT_FAILED;
}

static int
call_failed(struct answer *a, const struct lk_error *e)
{
	close_output(a, false);
	if (a->failed != 0)
		return cli_fail(a->c, "%s: %s",
			a->path != NULL ? a->path : "standard output",
			strerror(a->failed));
	return cli_lk_failed(a->c, e);
}

/* With --include, --fail and --json on standard output nothing may be written before
 * the status is known; everything else goes out as it comes. */
static int
call_api(struct cli *c)
{
	struct answer a = { .c = c, .path = option_text(c, "output") };
	bool kept = c->json || option_given(c, "include") ||
		(option_given(c, "fail") && a.path == NULL);
	struct lk_response *response;
	struct lk_request request;
	struct lk_error e;
	int status;

	if (c->json && (a.path != NULL || option_given(c, "include")))
		return cli_usage(c,
			"--json is all of the answer: not with --output or --include");
	status = read_request(c, &request);
	if (status == EXIT_DONE)
		status = cli_connection(c);
	if (status != EXIT_DONE)
		return status;
	if (!open_output(&a))
		return EXIT_FAILED;
	request.max_body = kept ? KEPT_MAX : 0;
	request.sink = kept ? NULL : take_body;
	request.arg = &a;
	if (lk_call(c->connection, &request, &response, &e) != LK_OK)
		return call_failed(&a, &e);
	status = give(&a, response, kept);
	lk_response_free(response);
	return status;
}

static const struct option options[] = {
	{ "request", OPTION_TEXT, "METHOD", "GET, or POST with --data, unless it says",
		'X' },
	{ "header", OPTION_LIST, "'NAME: VALUE'", "a field more (repeat)", 'H' },
	{ "data", OPTION_TEXT, "TEXT|@FILE|@-", "the body, as it is", 'd' },
	{ "output", OPTION_TEXT, "FILE", "where the answer goes, whole or not at all",
		'o' },
	{ "include", OPTION_FLAG, NULL, "its status and fields before it", 'i' },
	{ "fail", OPTION_FLAG, NULL, "a status of 400 and more is exit status 1", 'f' },
	{ "silent", OPTION_FLAG, NULL, "with --fail: say nothing of that status", 's' },
	{ "max-time", OPTION_TEXT, "TIME", "for the whole call (default: 10s)", 'm' },
	{ "ca-file", OPTION_TEXT, "FILE", "PEM, trusted beside the system's CAs" },
	{ NULL, OPTION_FLAG, NULL, NULL },
};

const struct command command_call = { NULL, "call", "NAME URL",
	"call an API with a fresh token; repeats once when the token was refused",
	options, call_api, true, COMMON_CONNECTION | COMMON_AGENT };
