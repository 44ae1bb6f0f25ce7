/* SPDX-License-Identifier: Apache-2.0 */
/*
 * connections.c - one way to open a vault, and one to say how it ended.
 */
#include "cli/connections.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "vault/vault.h"

int
exit_code(enum lk_status status)
{
	switch (status) {
	case LK_OK: return EXIT_DONE;
	case LK_RECONNECT: return EXIT_RECONNECT;
	case LK_TRY_LATER: return EXIT_LATER;
	case LK_DENIED: return EXIT_DENIED;
	case LK_LOCKED: return EXIT_LOCKED;
	case LK_STORAGE: return EXIT_STORE;
	case LK_NOT_FOUND: return EXIT_NOT_FOUND;
	case LK_CONFIGURATION:
	case LK_REJECTED:
	case LK_MEMORY:
	case LK_BUG: return EXIT_FAILED;
	}
	return EXIT_FAILED;
}

/* The library speaks of itself; who uses the command has other names for that. Whole words,
 * because what a person named (a file, a URL) may hold any of them. */
static const struct {
	struct bytes library, command;
} words[] = {
	{ BI("lk_client_secret"), BI("latchkey secret") },
	{ BI("lk_options.vault"), BI("--vault") },
	{ BI("lk_options.key"), BI("--key") },
	{ BI("lk_registration.scope"), BI("--scope") },
	{ BI("client_secret_file"), BI("--client-secret-file") },
	{ BI("ca_file"), BI("--ca-file") },
	{ BI("timeout_s"), BI("--timeout") },
	{ BI("LK_DEVELOPMENT"), BI("--development") },
	{ BI("LK_PUBLIC_CLIENT"), BI("--public") },
	{ BI("LK_S256_UNADVERTISED"), BI("--s256-unadvertised") },
	{ BI("LK_WAY_PASTE"), BI("--paste") },
};

/* The word, or what parts two, at the beginning of text. */
static struct bytes
next_word(struct bytes text)
{
	size_t n = strcspn(text.p, " (),;");

	while (n > 0 && (text.p[n - 1] == '.' || text.p[n - 1] == ':'))
		n--;
	return bytes_slice(text, 0, n > 0 ? n : 1);
}

static struct bytes
in_words_of_command(struct bytes word)
{
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (bytes_equal(word, words[i].library))
			return words[i].command;
	return word;
}

void
words_of_command(const char *message, char *out, size_t size)
{
	struct bytes rest = bytes_of(message);
	struct buf b = buf_fixed(out, size - 1);

	while (rest.n > 0 && !b.failed) {
		struct bytes word = next_word(rest);

		buf_put(&b, in_words_of_command(word));
		rest = bytes_slice(rest, word.n, rest.n);
	}
	out[b.n] = '\0';
}

#define WORDS_MAX 1024

json_t *
json_of_sentence(const char *message)
{
	char text[WORDS_MAX];

	words_of_command(message, text, sizeof(text));
	return json_string(text);
}

/* What the person does next, where the library cannot know that there is a command. */
static void
say_hint(const struct cli *c, const struct lk_error *e)
{
	if (e->status == LK_NOT_FOUND && c->lk != NULL)
		fputs("See: latchkey status\n", stderr);
	else if (e->status == LK_RECONNECT && c->connection != NULL)
		fprintf(stderr,
			"The person must connect it again: latchkey connect %s\n",
			c->operands[0]);
	else if (strstr(e->message, "(lk_client_secret)") != NULL &&
		 c->connection != NULL)
		fprintf(stderr,
			"With a new secret nobody needs to consent again: latchkey secret %s"
			" --client-secret-file FILE\n",
			c->operands[0]);
}

int
cli_lk_failed(const struct cli *c, const struct lk_error *e)
{
	char message[WORDS_MAX];

	words_of_command(e->message, message, sizeof(message));
	if (e->status == LK_TRY_LATER && e->retry_after > 0)
		cli_fail(c, "%s (try again in %" PRId64 " s)", message, e->retry_after);
	else
		cli_fail(c, "%s", message);
	say_hint(c, e);
	return exit_code(e->status);
}

static int
open_vault(struct cli *c, unsigned flags)
{
	struct lk_options o = LK_INIT(struct lk_options);
	struct lk_error e;

	o.vault = option_text(c, "vault");
	o.key = option_text(c, "key");
	o.flags = flags | (option_given(c, "no-agent") ? LK_NO_AGENT : 0);
	if (lk_open(&o, &c->lk, &e) == LK_OK)
		return EXIT_DONE;
	c->lk = NULL;
	return cli_lk_failed(c, &e);
}

int
cli_vault(struct cli *c)
{
	return open_vault(c, LK_EXISTING);
}

int
cli_vault_new(struct cli *c)
{
	return open_vault(c, 0);
}

int
cli_name(const struct cli *c)
{
	if (vault_name_valid(bytes_of(c->operands[0])))
		return EXIT_DONE;
	return cli_usage(c,
		"'%s' is no name of a connection, which is 1 to %d of A-Z a-z 0-9 . _ - @"
		" and does not begin with a dot",
		c->operands[0], VAULT_NAME_MAX);
}

int
cli_connection(struct cli *c)
{
	int status = cli_name(c);
	struct lk_error e;

	if (status == EXIT_DONE)
		status = cli_vault(c);
	if (status != EXIT_DONE)
		return status;
	if (lk_connection_open(c->lk, c->operands[0], &c->connection, &e) == LK_OK)
		return EXIT_DONE;
	c->connection = NULL;
	return cli_lk_failed(c, &e);
}

void
cli_vault_close(struct cli *c)
{
	lk_connection_close(c->connection);
	lk_close(c->lk);
}

const char *
when_in_words(struct arena *a, int64_t at, int64_t now)
{
	static const struct {
		int64_t least, unit;
		const char *name;
	} units[] = {
		{ 172800, 86400, "days" },
		{ 7200, 3600, "h" },
		{ 120, 60, "min" },
		{ 1, 1, "s" },
	};
	int64_t span = at > now ? at - now : now - at;

	if (at == 0)
		return "";
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
		if (span >= units[i].least)
			return arena_printf(a, "%s%" PRId64 " %s%s",
				at > now ? "in " : "", span / units[i].unit,
				units[i].name, at > now ? "" : " ago");
	return "now";
}

bool
option_seconds(const struct cli *c, const char *name, int64_t *out)
{
	const char *text = option_text(c, name);

	if (text == NULL || clock_duration(bytes_of(text), out))
		return true;
	cli_usage(c, "--%s '%s' is no time: 300, 5m, 2h, 1d", name, text);
	return false;
}

bool
option_descriptor(const struct cli *c, const char *name, int *out)
{
	const char *text = option_text(c, name);
	uint64_t number;

	if (text == NULL)
		return true;
	if (!bytes_to_u64(bytes_of(text), &number) || number > 1023) {
		cli_usage(c, "--%s '%s' is not the number of a descriptor", name, text);
		return false;
	}
	if (fcntl((int)number, F_GETFD) == -1) {
		cli_usage(c, "--%s %s: that descriptor is not open", name, text);
		return false;
	}
	*out = (int)number;
	return true;
}

bool
option_client_secret(struct cli *c, const char **file)
{
	int fd = -1;

	if (option_given(c, "client-secret")) {
		cli_usage(c,
			"a secret in an argument can be read by everyone on this"
			" machine, and this one may have been: rotate it, and give the new"
			" one by --client-secret-file or --client-secret-fd");
		return false;
	}
	*file = option_text(c, "client-secret-file");
	if (*file != NULL && (*file)[0] == '\0') {
		cli_usage(c, "--client-secret-file names no file");
		return false;
	}
	if (*file != NULL && option_given(c, "client-secret-fd")) {
		cli_usage(c,
			"of --client-secret-file and --client-secret-fd one at most");
		return false;
	}
	if (!option_descriptor(c, "client-secret-fd", &fd))
		return false;
	if (fd >= 0)
		*file = arena_printf(c->arena, "/dev/fd/%d", fd);
	return true;
}

bool
write_all(int fd, const void *p, size_t n)
{
	struct pollfd full = { .fd = fd, .events = POLLOUT };
	const char *from = p;

	while (n > 0) {
		ssize_t wrote = write(fd, from, n);

		if (wrote > 0) {
			from += wrote;
			n -= (size_t)wrote;
		} else if (errno == EAGAIN) {
			(void)poll(&full, 1, -1);
		} else if (errno != EINTR) {
			return false;
		}
	}
	return true;
}
