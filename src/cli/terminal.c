/* SPDX-License-Identifier: Apache-2.0 */
/*
 * terminal.c - what a person types, and what is made up at random for them.
 *
 * Promises: a password is never echoed, never taken from an argument or the
 * environment, and the terminal echoes again however asking for it ends; what is made
 * has at least 128 random bits (secrets: 256).
 */
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "base/secret.h"
#include "crypto/password.h"
#include "text/base64url.h"
#include "text/utf8.h"

/* Signals that end a command, and leave the terminal as it is. */
static const int endings[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
#define ENDINGS (sizeof endings / sizeof endings[0])

static volatile sig_atomic_t ending; /* the one that came, or 0 */

static void
note_ending(int signal)
{
	ending = signal;
}

/* Signals arrive while it waits and at no other time, so that none comes between the look
 * at `ending` and a read that then waits for ever. open: the mask meanwhile, or NULL. */
static bool
can_read(int fd, const sigset_t *open)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	int ready;

	do
		ready = ppoll(&wait, 1, NULL, open);
	while (ready < 0 && errno == EINTR && ending == 0);
	return ready > 0;
}

/* One line without its end; false: end of input, too long, or a signal that ends. */
static bool
read_line(int fd, const sigset_t *open, char *out, size_t max, size_t *n)
{
	*n = 0;
	while (can_read(fd, open)) {
		char ch;
		ssize_t got = read(fd, &ch, 1);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 || *n == max)
			return false;
		if (got == 0 || ch == '\n')
			return got == 1 || *n > 0;
		out[(*n)++] = ch;
	}
	return false;
}

/* Without echo, from before the prompt on: what is typed at once is not shown either, and
 * not thrown away. And nobody may stop us and be left at a silent terminal. */
static bool
ask_silently(int tty, const sigset_t *open, const char *prompt, char *out, size_t max,
	size_t *n)
{
	struct termios before, silent;
	bool ok;

	if (tcgetattr(tty, &before) != 0)
		return false;
	silent = before;
	silent.c_lflag &= (tcflag_t)~ECHO;
	silent.c_cc[VSUSP] = _POSIX_VDISABLE;
	tcsetattr(tty, TCSAFLUSH, &silent);
	ok = write(tty, prompt, strlen(prompt)) > 0 && read_line(tty, open, out, max, n);
	tcsetattr(tty, TCSAFLUSH, &before);
	return write(tty, "\n", 1) == 1 && ok;
}

/* A signal that ends us waits until the terminal is as it was, and then does; also where
 * the caller has blocked it (the agent has). */
static bool
ask(int tty, const char *prompt, char *out, size_t max, size_t *n)
{
	struct sigaction note = { .sa_handler = note_ending }, before[ENDINGS];
	sigset_t held, open, mask;
	bool ok;

	ending = 0;
	sigemptyset(&held);
	for (size_t i = 0; i < ENDINGS; i++)
		sigaddset(&held, endings[i]);
	pthread_sigmask(SIG_BLOCK, &held, &mask);
	open = mask;
	for (size_t i = 0; i < ENDINGS; i++) {
		sigdelset(&open, endings[i]);
		sigaction(endings[i], NULL, &before[i]);
		if (before[i].sa_handler != SIG_IGN)
			sigaction(endings[i], &note, NULL);
	}
	ok = ask_silently(tty, &open, prompt, out, max, n);
	for (size_t i = 0; i < ENDINGS; i++)
		sigaction(endings[i], &before[i], NULL);
	if (ending != 0) {
		secret_wipe(out, *n);
		raise(ending);
		pthread_sigmask(SIG_SETMASK, &open, NULL);
	}
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
	return ok;
}

static bool
ask_twice(struct cli *c, char *first, size_t *n)
{
	char second[PASSWORD_MAX];
	size_t m;
	bool ok;
	int tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (tty < 0) {
		cli_fail(c, "there is no terminal to ask for the password;"
			    " use --password-stdin and give it as one line");
		return false;
	}
	ok = ask(tty, "Password: ", first, PASSWORD_MAX, n)
		&& ask(tty, "The same again: ", second, sizeof second, &m);
	close(tty);
	if (ok && (m != *n || !secret_equal(first, second, m))) {
		cli_fail(c, "the two passwords differ; nothing was changed");
		ok = false;
	}
	secret_wipe(second, sizeof second);
	return ok;
}

bool
terminal_password(struct cli *c, bool from_stdin, struct bytes *out)
{
	char *line = arena_alloc(c->arena, PASSWORD_MAX + 2);
	size_t n = 0;

	if (!from_stdin) {
		if (!ask_twice(c, line, &n))
			return false;
	} else if (!read_line(STDIN_FILENO, NULL, line, PASSWORD_MAX + 2, &n)) {
		cli_fail(c, "no password on standard input: expected one line of 8 to %d"
			    " bytes", PASSWORD_MAX);
		return false;
	}
	if (n > 0 && line[n - 1] == '\r')
		n--;
	/* NIST SP 800-63B 5.1.1.2: at least 8; length is what counts. */
	if (n < 8 || n > PASSWORD_MAX || !utf8_text((struct bytes){ line, n })) {
		cli_fail(c, n < 8 ? "the password has fewer than 8 characters"
			: n > PASSWORD_MAX ? "the password has more than 1024 bytes"
			: "the password is not UTF-8, or holds control characters");
		return false;
	}
	*out = (struct bytes){ line, n };
	return true;
}

bool
terminal_passphrase(struct cli *c, bool twice, char *text, size_t *n)
{
	char again[PASSWORD_MAX];
	size_t m = 0, most = *n < sizeof again ? *n : sizeof again;
	int tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	bool ok;

	if (tty < 0) {
		cli_fail(c, "there is no terminal to ask for the passphrase; use"
			    " --passphrase-fd and give it as one line");
		return false;
	}
	ok = ask(tty, "Passphrase of the vault: ", text, most, n)
		&& (!twice || ask(tty, "The same again: ", again, most, &m));
	close(tty);
	if (ok && twice && (m != *n || !secret_equal(text, again, m))) {
		cli_fail(c, "the two passphrases differ");
		ok = false;
	}
	secret_wipe(again, sizeof again);
	return ok;
}

bool
descriptor_line(int fd, char *text, size_t *n)
{
	return read_line(fd, NULL, text, *n, n);
}

static struct bytes
random_text(struct arena *a, const char *prefix, size_t size)
{
	uint8_t raw[32];
	struct buf b = buf_new(a, 64);
	char text[BASE64URL_SIZE(sizeof raw)];

	secret_random(raw, size);
	buf_put(&b, bytes_of(prefix));
	buf_put(&b, (struct bytes){ text, base64url_encode(raw, size, text) });
	secret_wipe(raw, sizeof raw);
	secret_wipe(text, sizeof text);
	return buf_bytes(&b);
}

struct bytes
random_name(struct arena *a, const char *prefix)
{
	return random_text(a, prefix, 16);
}

struct bytes
random_secret(struct arena *a)
{
	return random_text(a, "lk_cs_", 32);
}

bool
read_file(struct arena *a, const char *path, size_t max, struct bytes *out,
	struct fault *f)
{
	char *p = arena_alloc(a, max + 1);
	size_t n = 0;
	ssize_t got = 1;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		(void)FAULT_AT(f, "%s: %s", path, strerror(errno));
		return false;
	}
	while (n <= max && (got = read(fd, p + n, max + 1 - n)) > 0)
		n += (size_t)got;
	close(fd);
	if (got < 0 || n > max) {
		(void)FAULT_AT(f, "%s: %s", path,
			got < 0 ? strerror(errno) : "is too large");
		return false;
	}
	*out = (struct bytes){ p, n };
	return true;
}
