/* SPDX-License-Identifier: Apache-2.0 */
/*
 * person.c - is there a browser in front of the person, and starting it.
 *
 * The URL is an argument of the browser's, which other people on the machine can see
 * in the list of processes. It holds state and a challenge, or only the reference of a
 * pushed request; the verifier and the tokens never go that way (CL-06).
 */
#include "client/person.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PROGRAMS "xdg-open"
#define WORDS_MAX 32
#define COMMAND_MAX 24576 /* a URL and what stands around it */
#define PATIENCE_MS 1500 /* whoever has no browser to start says so sooner than that */

/* ---- which way ------------------------------------------------------------------ */

/* A display of ours, or one that SSH brought along: then the browser runs here and is
 * seen there. Another display of this machine is in front of somebody else, or nobody. */
static bool
has_display(const struct surroundings *s)
{
	if (s->ssh)
		return s->display.n > 0 && s->display.p[0] != ':';
	return s->display.n > 0 || s->wayland_display.n > 0;
}

/* In a container there is no browser, unless somebody took the pains to name one. */
bool
person_has_browser(const struct surroundings *s)
{
	if (s->container && bytes_empty(s->browser))
		return false;
	return has_display(s) || (s->container && !s->ssh && !bytes_empty(s->browser));
}

static bool
is_set(const char *name)
{
	return !bytes_empty(bytes_of(getenv(name)));
}

enum lk_way
person_best_way(bool device_offered, bool paste_offered)
{
	struct surroundings s = {
		.display = bytes_of(getenv("DISPLAY")),
		.wayland_display = bytes_of(getenv("WAYLAND_DISPLAY")),
		.browser = bytes_of(getenv("BROWSER")),
		.ssh = is_set("SSH_CONNECTION") || is_set("SSH_TTY"),
		.container = is_set("container") || access("/.dockerenv", F_OK) == 0 ||
			access("/run/.containerenv", F_OK) == 0,
	};

	if (person_has_browser(&s))
		return LK_WAY_BROWSER;
	if (device_offered)
		return LK_WAY_DEVICE;
	return paste_offered ? LK_WAY_PASTE : LK_WAY_BROWSER;
}

/* ---- starting a browser ------------------------------------------------------------ */

struct browser {
	char text[COMMAND_MAX];
	char *argv[WORDS_MAX + 2];
};

/* false: there is no %s in it. */
static bool
put_word(struct buf *b, struct bytes word, struct bytes url)
{
	bool named = false;

	for (size_t i = 0; i < word.n; i++) {
		struct bytes two = bytes_slice(word, i, 2);
		bool is_url = bytes_equal(two, B("%s"));

		if (is_url)
			buf_put(b, url);
		else
			buf_putc(b, word.p[i]);
		if (is_url || bytes_equal(two, B("%%")))
			i++;
		named |= is_url;
	}
	buf_putc(b, '\0');
	return named;
}

/* A program and its arguments, a space between; %s is the URL, which stands last where
 * there is none; %% is %. No shell reads it: quotes and variables mean nothing (CL-09). */
static bool
browser_read(struct bytes line, const char *url, struct browser *out)
{
	struct buf b = buf_fixed(out->text, sizeof(out->text));
	bool named = false;
	size_t n = 0;

	while (line.n > 0 && n < WORDS_MAX) {
		struct bytes word = bytes_cut(&line, ' ');

		if (word.n == 0)
			continue;
		out->argv[n++] = out->text + b.n;
		named |= put_word(&b, word, bytes_of(url));
	}
	if (n == 0 || b.failed || line.n > 0)
		return false;
	if (!named)
		out->argv[n++] = (char *)(uintptr_t)url;
	out->argv[n] = NULL;
	return true;
}

/* A session of its own, so that our terminal's signals are not its; no terminal. */
static bool
start(char *const *argv, pid_t *pid)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t none;
	int failed;

	sigemptyset(&none);
	if (posix_spawnattr_init(&attributes) != 0)
		return false;
	if (posix_spawn_file_actions_init(&files) != 0) {
		posix_spawnattr_destroy(&attributes);
		return false;
	}
	failed = posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0) |
		posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0) |
		posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0) |
		posix_spawnattr_setsigmask(&attributes, &none) |
		posix_spawnattr_setflags(&attributes,
			POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);
	if (failed == 0)
		failed = posix_spawnp(pid, argv[0], &files, &attributes, argv, environ);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attributes);
	return failed == 0;
}

static void *
reap(void *arg)
{
	pid_t pid = (pid_t)(intptr_t)arg;

	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return NULL;
}

/* A browser may live as long as we do: somebody must wait for it, or a zombie stays. */
static void
reap_later(pid_t pid)
{
	sigset_t all, before;
	pthread_t thread;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	if (pthread_create(&thread, NULL, reap, (void *)(intptr_t)pid) == 0)
		pthread_detach(thread);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* Did it start? One that ends soon says so by its status; one that runs on has. */
static bool
settles(pid_t pid)
{
	const struct timespec moment = { .tv_nsec = 25000000 };
	int status;

	for (int ms = 0; ms < PATIENCE_MS; ms += 25) {
		pid_t ended = waitpid(pid, &status, WNOHANG);

		if (ended < 0) /* the host has reaped it: believe it */
			return true;
		if (ended == pid)
			return WIFEXITED(status) && WEXITSTATUS(status) == 0;
		nanosleep(&moment, NULL);
	}
	reap_later(pid);
	return true;
}

/* A URL is never taken for an option: it begins with its scheme. */
static bool
is_for_browsers(struct bytes url)
{
	return bytes_starts(url, B("https://")) || bytes_starts(url, B("http://"));
}

bool
person_open_with(const char *programs, const char *url)
{
	struct bytes rest = bytes_of(programs);
	struct browser browser;
	pid_t pid;

	if (!is_for_browsers(bytes_of(url)))
		return false;
	while (rest.n > 0)
		if (browser_read(bytes_cut(&rest, ':'), url, &browser) &&
			start(browser.argv, &pid) && settles(pid))
			return true;
	return false;
}

bool
person_open_browser(const char *url)
{
	return person_open_with(getenv("BROWSER"), url) || person_open_with(PROGRAMS, url);
}
