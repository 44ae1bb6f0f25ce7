/* SPDX-License-Identifier: Apache-2.0 */
/*
 * child_socket.c - one thread waits for signals and the child, one answers the socket.
 */
#include "cli/child_socket.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/peer.h"
#include "cli/socket_place.h"

struct answering {
	struct cli *c;
	int64_t least;
	int listener;
	struct socket_place place;
	bool said; /* why nobody can be answered */
};

/* ---- the socket ----------------------------------------------------------------- */

/* One line, or none and a sentence on standard error. */
static void
answer(struct answering *a, int fd)
{
	static const char field[] = "Authorization: Bearer ";
	struct lk_token *token;
	struct lk_error e;
	const char *text;

	if (lk_token_for(a->c->connection, a->least, &token, &e) != LK_OK) {
		cli_lk_failed(a->c, &e);
		return;
	}
	text = lk_token_text(token);
	/* A child that does not read on has its own reasons. */
	(void)!((!option_given(a->c, "header") ||
			write_all(fd, field, sizeof field - 1)) &&
		write_all(fd, text, strlen(text)) && write_all(fd, "\n", 1));
	lk_token_free(token);
}

/* What keeps us from answering may pass, as when descriptors have run out: who waits is
 * answered then. Said once; false: it is for ever. */
static bool
passes(struct answering *a, int error)
{
	const struct timespec moment = { .tv_nsec = 100000000 };

	if (error == EINTR || error == ECONNABORTED)
		return true;
	if (!a->said)
		cli_fail(a->c, "the socket cannot be answered now: %s", strerror(error));
	a->said = true;
	nanosleep(&moment, NULL);
	return error != EBADF && error != EINVAL && error != ENOTSOCK;
}

static void *
answer_all(void *arg)
{
	const struct timeval patience = { .tv_sec = 5 };
	struct answering *a = arg;

	for (;;) {
		int fd = accept4(a->listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0 && !passes(a, errno))
			return NULL;
		if (fd < 0)
			continue;
		a->said = false;
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
		if (peer_is_ours(fd))
			answer(a, fd);
		close(fd);
	}
}

static bool
open_socket(struct answering *a)
{
	if (!socket_place_make(&a->place))
		return false;
	a->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return a->listener >= 0 &&
		bind(a->listener, (struct sockaddr *)&a->place.at, sizeof a->place.at) == 0 &&
		listen(a->listener, 16) == 0 &&
		setenv("LATCHKEY_TOKEN_SOCKET", a->place.at.sun_path, 1) == 0;
}

/* ---- the child ------------------------------------------------------------------ */

/* What a person or a manager may send to end or to tell a program something. */
static const int passed_on[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2,
	SIGALRM, SIGWINCH };

static void
watched_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGCHLD);
	for (size_t i = 0; i < sizeof passed_on / sizeof passed_on[0]; i++)
		sigaddset(set, passed_on[i]);
}

/* Signals of the terminal (Ctrl-C) reach the child without us: it is in our group. */
static int
wait_for_child(pid_t child, const sigset_t *set)
{
	siginfo_t got;
	int status;

	for (;;) {
		int number = sigwaitinfo(set, &got);

		if (number > 0 && number != SIGCHLD && got.si_code != SI_KERNEL)
			kill(child, number);
		if (number == SIGCHLD && waitpid(child, &status, WNOHANG) == child)
			return status;
	}
}

/* As a shell has it. */
static int
exit_status_of(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static pid_t
start_child(struct cli *c, const char *const *command, const sigset_t *before,
	int (*become)(const struct cli *, const char *const *command))
{
	pid_t child = fork();

	if (child == 0) {
		sigprocmask(SIG_SETMASK, before, NULL);
		_exit(become(c, command));
	}
	return child;
}

int
child_with_socket(struct cli *c, const char *const *command, int64_t least,
	int (*become)(const struct cli *, const char *const *command))
{
	struct answering a = { .c = c, .least = least, .listener = -1 };
	sigset_t watched, before;
	pthread_t thread;
	pid_t child;
	int status;

	if (!open_socket(&a)) {
		status = cli_fail(c, "no socket can be made: %s", strerror(errno));
		socket_place_remove(&a.place);
		return status;
	}
	watched_signals(&watched);
	sigprocmask(SIG_BLOCK, &watched, &before);
	child = start_child(c, command, &before, become);
	if (child < 0 || pthread_create(&thread, NULL, answer_all, &a) != 0) {
		status = cli_fail(
			c, "the command cannot be started: %s", strerror(errno));
		if (child > 0)
			kill(child, SIGTERM);
		socket_place_remove(&a.place);
		return status;
	}
	status = exit_status_of(wait_for_child(child, &watched));
	socket_place_remove(&a.place);
	/* The other thread may wait for a server: nobody waits for it any more. */
	fflush(NULL);
	_exit(status);
}
