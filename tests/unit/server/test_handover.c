/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_handover.c - who may replace a running server: whoever says so first and in time,
 * however many others say nothing. That the sockets work is tests/ops/handover.test.mjs.
 */
#include "server/handover.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "tap.h"

#define END "latchkey end 1"
#define LATE "latchkey late 1"

static char dir[] = "/tmp/handover-test-XXXXXX", path[64];
static struct server_options options = { .dir = dir };
static struct config config = { .idle_timeout = 1, .drain_timeout = 1 };
static struct server server;
static struct letter stop;
static pthread_t thread;

__attribute__((constructor)) static void
prepare(void)
{
	if (mkdtemp(dir) == NULL)
		abort();
	snprintf(path, sizeof(path), "%s/control.sock", dir);
}

__attribute__((destructor)) static void
clean(void)
{
	unlink(path);
	rmdir(dir);
}

/* ---- a server without workers: it has no sockets to give, but gives them ------------ */

static void *
run(void *arg)
{
	(void)arg;
	loop_run(server.loop);
	return NULL;
}

static void
stop_opened(struct letter *l)
{
	(void)l;
	loop_stop(server.loop);
}

static void
serve(int64_t wait_ms)
{
	struct fault f;

	server = (struct server){ .options = &options, .config = &config, .control.fd = -1,
		.successor_wait_ms = wait_ms, .loop = loop_new() };
	stop = (struct letter){ .open = stop_opened };
	if (handover_offer(&server, &f) != DONE ||
		pthread_create(&thread, NULL, run, NULL) != 0)
		abort();
}

static void
end(void)
{
	mailbox_post(loop_mailbox(server.loop), &stop);
	pthread_join(thread, NULL);
	handover_end(&server);
	loop_free(server.loop);
}

static enum outcome
ask(int *control)
{
	struct http_inherited sockets = { NULL, 0 };
	struct fault f = { .what = "" };
	enum outcome o;

	*control = -1;
	o = handover_ask(dir, &sockets, control, &f);
	http_inherit_close(&sockets);
	if (o != DONE)
		printf("# %s\n", f.what);
	return o;
}

static enum outcome
take(int *control)
{
	struct fault f;

	return handover_take(control, &f);
}

TEST(one_that_says_nothing_keeps_nobody_from_asking_and_the_first_word_counts)
{
	int silent, second, third;

	serve(60000);
	check_int(ask(&silent), DONE);
	check_int(ask(&second), DONE);
	check_int(ask(&third), DONE);
	check_int(take(&second), DONE);
	check_int(take(&silent), FAULT);
	check_int(take(&third), FAULT);
	check_int(second, -1);
	end();
}

TEST(who_says_nothing_for_too_long_is_told_and_does_not_serve_beside_the_other)
{
	struct pollfd told = { .events = POLLIN };

	serve(100);
	check_int(ask(&told.fd), DONE);
	check_int(poll(&told, 1, 60000), 1);
	check_int(take(&told.fd), FAULT);
	check_int(ask(&told.fd), DONE); /* it may try again */
	end();
	close(told.fd);
}

TEST(of_too_many_the_one_that_was_silent_longest_gives_way)
{
	int one[SUCCESSORS_MAX + 1];

	serve(60000);
	for (size_t i = 0; i <= SUCCESSORS_MAX; i++)
		check_int(ask(&one[i]), DONE);
	check_int(take(&one[0]), FAULT);
	check_int(take(&one[SUCCESSORS_MAX]), DONE);
	for (size_t i = 1; i < SUCCESSORS_MAX; i++)
		check_int(take(&one[i]), FAULT);
	end();
}

TEST(who_is_starting_while_the_other_ends_takes_over)
{
	int control;

	serve(60000);
	check_int(ask(&control), DONE);
	end();
	check_int(take(&control), DONE);
}

/* ---- a server played by hand -------------------------------------------------------- */

static int
listen_by_hand(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	unlink(path);
	memcpy(a.sun_path, path, sizeof(path));
	if (fd < 0 || bind(fd, (const struct sockaddr *)&a, sizeof(a)) != 0 ||
		listen(fd, 1) != 0)
		abort();
	return fd;
}

static void
say(int fd, const char *word)
{
	if (send(fd, word, strlen(word), MSG_NOSIGNAL) != (ssize_t)strlen(word))
		abort();
}

/* Gives up at the moment in which it is told "taken", which it never reads. */
static void *
give_up_unheard(void *arg)
{
	struct pollfd one = { .fd = accept(*(int *)arg, NULL, NULL), .events = POLLIN };

	say(one.fd, END);
	poll(&one, 1, 60000);
	say(one.fd, LATE);
	close(one.fd);
	return NULL;
}

TEST(a_word_that_crosses_the_others_is_not_taken_for_heard)
{
	int listener = listen_by_hand(), control;

	if (pthread_create(&thread, NULL, give_up_unheard, &listener) != 0)
		abort();
	check_int(ask(&control), DONE);
	check_int(take(&control), FAULT);
	pthread_join(thread, NULL);
	close(listener);
}

static atomic_int signals;

static void
count_signal(int number)
{
	(void)number;
	signals++;
}

static void *
answer_after_signals(void *arg)
{
	int fd = accept(*(int *)arg, NULL, NULL);
	int until = signals + 5;

	while (signals < until)
		poll(NULL, 0, 1);
	say(fd, END);
	close(fd);
	return NULL;
}

/* signal(7): a socket with a time limit is interrupted, by SIGCONT even without a handler. */
TEST(a_signal_while_it_waits_for_the_sockets_is_no_refusal)
{
	const struct itimerval every = { { 0, 10000 }, { 0, 10000 } }, never = { 0 };
	struct sigaction counting = { .sa_handler = count_signal };
	int listener = listen_by_hand(), control;
	sigset_t alarm_only;

	sigemptyset(&alarm_only);
	sigaddset(&alarm_only, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &alarm_only, NULL); /* for the thread */
	if (pthread_create(&thread, NULL, answer_after_signals, &listener) != 0)
		abort();
	sigaction(SIGALRM, &counting, NULL);
	setitimer(ITIMER_REAL, &every, NULL);
	pthread_sigmask(SIG_UNBLOCK, &alarm_only, NULL);
	check_int(ask(&control), DONE);
	pthread_join(thread, NULL);
	setitimer(ITIMER_REAL, &never, NULL);
	check_int(take(&control), DONE);
	close(listener);
}
