/* SPDX-License-Identifier: Apache-2.0 */
/*
 * handover.c - control.sock: a SOCK_SEQPACKET socket that only the owner of the data
 * directory can reach. Packets with HELLO carry sockets, END closes the row, TAKEN is
 * the successor's word; closing answers it, and LATE is for who may not take over.
 */
#include "server/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "base/notify.h"
#include "base/peer.h"
#include "http/http_inherit.h"

#define HELLO B("latchkey sockets 1")
#define END B("latchkey end 1")
#define TAKEN B("latchkey taken 1")
#define LATE B("latchkey late 1")
#define PACKET_MAX 64
#define FDS_A_PACKET 64 /* below SCM_MAX_FD */
#define LISTENERS_MAX 4096
#define WAIT_S 5
#define EPOLL_READ ((uint32_t)EPOLLIN)

/* ---- the socket ------------------------------------------------------------------- */

/* A path of any length by way of its directory; sun_path has 108 bytes. */
static struct sockaddr_un
address_in(int dir, const char *name)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	snprintf(a.sun_path, sizeof(a.sun_path), "/proc/self/fd/%d/%s", dir, name);
	return a;
}

static enum outcome
open_dir(const char *dir, int *out, struct fault *f)
{
	*out = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *out >= 0 ? DONE : FAULT_AT(f, "%s: %s", dir, strerror(errno));
}

/* The same person, or root: nobody else has business here. */
static bool
may_talk(int fd)
{
	return peer_is_ours(fd) || peer_of(fd).uid == 0;
}

/* ---- packets ---------------------------------------------------------------------- */

union rights {
	struct cmsghdr head;
	char space[CMSG_SPACE(sizeof(int) * FDS_A_PACKET)];
};

static bool
send_packet(int to, struct bytes word, const int *fds, size_t count)
{
	struct iovec text = { (void *)(uintptr_t)word.p, word.n };
	union rights rights = { .space = { 0 } };
	struct msghdr m = { .msg_iov = &text, .msg_iovlen = 1 };
	ssize_t sent;

	if (count > 0) {
		m.msg_control = &rights;
		m.msg_controllen = CMSG_SPACE(sizeof(int) * count);
		rights.head.cmsg_level = SOL_SOCKET;
		rights.head.cmsg_type = SCM_RIGHTS;
		rights.head.cmsg_len = CMSG_LEN(sizeof(int) * count);
		memcpy(CMSG_DATA(&rights.head), fds, sizeof(int) * count);
	}
	do
		sent = sendmsg(to, &m, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent == (ssize_t)text.iov_len;
}

static void
keep_rights(const struct msghdr *m, struct http_inherited *out)
{
	const struct cmsghdr *c = CMSG_FIRSTHDR(m);
	size_t count;
	int fds[FDS_A_PACKET];

	if (c == NULL || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
		return;
	count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	memcpy(fds, CMSG_DATA(c), count * sizeof(int));
	for (size_t i = 0; i < count; i++)
		http_inherit_add(out, fds[i]);
}

/* The word of the next packet; its sockets are kept. false: none came in time. A signal
 * (SIGCONT, for one) interrupts whoever waits with a time limit: he waits again. */
static bool
receive_packet(int from, struct bytes *word, char memory[static PACKET_MAX],
	struct http_inherited *out)
{
	struct iovec text = { memory, PACKET_MAX };
	union rights rights;
	struct msghdr m = { .msg_iov = &text, .msg_iovlen = 1, .msg_control = &rights,
		.msg_controllen = sizeof(rights) };
	ssize_t got;

	do
		got = recvmsg(from, &m, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got <= 0)
		return false;
	*word = (struct bytes){ memory, (size_t)got };
	keep_rights(&m, out);
	return true;
}

/* ---- the successor ----------------------------------------------------------------- */

static bool
connect_to(int fd, const struct sockaddr_un *a)
{
	int failed;

	do
		failed = connect(fd, (const struct sockaddr *)a, sizeof(*a));
	while (failed != 0 && errno == EINTR);
	return failed == 0;
}

static enum outcome
connect_in(const char *dir, int *out, struct fault *f)
{
	const struct timeval wait = { .tv_sec = WAIT_S };
	struct sockaddr_un a;
	int dir_fd, fd, why;
	bool connected;

	TRY(open_dir(dir, &dir_fd, f));
	a = address_in(dir_fd, DIR_CONTROL);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	connected = fd >= 0 &&
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) == 0 &&
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) == 0 &&
		connect_to(fd, &a);
	why = errno;
	close(dir_fd);
	if (connected) {
		*out = fd;
		return DONE;
	}
	if (fd >= 0)
		close(fd);
	/* Nobody there, or what somebody who was killed left: nothing to replace. */
	if (why == ENOENT || why == ECONNREFUSED)
		return DONE;
	return FAULT_AT(f, "%s/" DIR_CONTROL ": %s", dir, strerror(why));
}

static bool
receive_all(int control, struct http_inherited *out)
{
	char memory[PACKET_MAX];
	struct bytes word;

	while (receive_packet(control, &word, memory, out)) {
		if (bytes_equal(word, END))
			return true;
		if (!bytes_equal(word, HELLO))
			return false;
	}
	return false;
}

enum outcome
handover_ask(const char *dir, struct http_inherited *out, int *control, struct fault *f)
{
	TRY(connect_in(dir, control, f));
	if (*control < 0)
		return DONE;
	if (!may_talk(*control))
		return FAULT_AT(f, "%s/" DIR_CONTROL " is another user's", dir);
	if (receive_all(*control, out))
		return DONE;
	return FAULT_AT(f, "the server that runs in %s did not hand over its sockets within "
			   "%d s; stop it and start this one without --replace", dir, WAIT_S);
}

/* It closes when it has heard us, or has gone: then there is nothing left to replace. If
 * it closed without reading our word, the socket says so before it gives out its last. */
static bool
is_late(int control)
{
	char memory[PACKET_MAX];
	struct bytes word;
	struct http_inherited none = { NULL, 0 };
	bool heard;

	(void)!send_packet(control, TAKEN, NULL, 0);
	heard = receive_packet(control, &word, memory, &none) ||
		(errno == ECONNRESET && receive_packet(control, &word, memory, &none));
	http_inherit_close(&none);
	return heard && bytes_equal(word, LATE);
}

enum outcome
handover_take(int *control, struct fault *f)
{
	bool late;

	if (*control < 0)
		return DONE;
	late = is_late(*control);
	close(*control);
	*control = -1;
	return late ? FAULT_AT(f, "the server that was to be replaced serves on: another "
				  "successor was faster, or this one took too long")
		    : DONE;
}

/* ---- the running server ------------------------------------------------------------ */

static void
part_with(struct successor *one)
{
	loop_timer_stop(one->server->loop, &one->limit);
	loop_unwatch(one->server->loop, &one->watch);
	close(one->watch.fd);
	one->server = NULL;
}

/* It may not take over any more. */
static void
give_up_on(struct successor *one)
{
	(void)!send_packet(one->watch.fd, LATE, NULL, 0);
	part_with(one);
}

static void
each_successor(struct server *s, void (*what)(struct successor *))
{
	for (size_t i = 0; i < SUCCESSORS_MAX; i++)
		if (s->successors[i].server != NULL)
			what(&s->successors[i]);
}

static size_t
listeners_of(const struct server *s, int *fds, size_t max)
{
	size_t n = http_server_listeners(s->health, fds, max);

	for (size_t i = 0; i < s->worker_count; i++) {
		n += http_server_listeners(s->workers[i]->https, fds + n, max - n);
		n += http_server_listeners(s->workers[i]->proxied, fds + n, max - n);
	}
	return n;
}

static bool
send_all(const struct server *s, int to)
{
	static int fds[LISTENERS_MAX];
	size_t n = listeners_of(s, fds, LISTENERS_MAX);

	for (size_t i = 0; i < n; i += FDS_A_PACKET) {
		size_t some = n - i < FDS_A_PACKET ? n - i : FDS_A_PACKET;

		if (!send_packet(to, HELLO, fds + i, some))
			return false;
	}
	return send_packet(to, END, NULL, 0);
}

/* Its word, or its end: then it failed, and we go on as if nothing had been. */
static void
successor_ready(struct watch *w, uint32_t events)
{
	struct successor *one =
		(struct successor *)((char *)w - offsetof(struct successor, watch));
	struct server *s = one->server;
	char memory[PACKET_MAX];
	struct bytes word;
	struct http_inherited none = { NULL, 0 };
	bool taken = receive_packet(w->fd, &word, memory, &none) &&
		bytes_equal(word, TAKEN);
	pid_t pid = peer_of(w->fd).pid;

	(void)events;
	http_inherit_close(&none);
	part_with(one);
	if (!taken)
		return;
	each_successor(s, give_up_on);
	log_begin(EVENT_handed_over);
	log_int("pid", pid);
	log_end();
	tend_handed_over(s, pid);
}

static void
successor_late(struct timer *t)
{
	give_up_on((struct successor *)((char *)t - offsetof(struct successor, limit)));
}

/* A free place, or that of who has been silent for longest. */
static struct successor *
place_for_successor(struct server *s)
{
	struct successor *place = &s->successors[0];

	for (size_t i = 0; i < SUCCESSORS_MAX; i++) {
		struct successor *one = &s->successors[i];

		if (one->server == NULL)
			return one;
		if (one->limit.due_ms < place->limit.due_ms)
			place = one;
	}
	give_up_on(place);
	return place;
}

static void
control_ready(struct watch *w, uint32_t events)
{
	struct server *s = (struct server *)((char *)w - offsetof(struct server, control));
	int fd = accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct successor *one;

	(void)events;
	if (fd < 0)
		return;
	/* None once we are on our way out. */
	if (s->draining || !may_talk(fd) || !send_all(s, fd)) {
		close(fd);
		return;
	}
	one = place_for_successor(s);
	*one = (struct successor){ .server = s, .limit.due = successor_late,
		.watch = { .fd = fd, .ready = successor_ready } };
	loop_watch(s->loop, &one->watch, EPOLL_READ);
	loop_timer(s->loop, &one->limit, s->successor_wait_ms);
}

/* Under a name of its own first: the old server's socket answers until ours does. */
static bool
listen_in(int dir, int fd)
{
	char name[32];
	struct sockaddr_un a;

	snprintf(name, sizeof(name), DIR_CONTROL ".%ld", (long)getpid());
	a = address_in(dir, name);
	unlinkat(dir, name, 0);
	return bind(fd, (const struct sockaddr *)&a, sizeof(a)) == 0 &&
		fchmodat(dir, name, 0600, 0) == 0 && listen(fd, 8) == 0 &&
		renameat(dir, name, dir, DIR_CONTROL) == 0;
}

enum outcome
handover_offer(struct server *s, struct fault *f)
{
	int dir, fd, why;
	bool listens;

	TRY(open_dir(s->options->dir, &dir, f));
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	listens = fd >= 0 && listen_in(dir, fd);
	why = errno;
	close(dir);
	if (!listens) {
		if (fd >= 0)
			close(fd);
		return FAULT_AT(f, "%s/" DIR_CONTROL ": %s", s->options->dir, strerror(why));
	}
	s->control = (struct watch){ .fd = fd, .ready = control_ready };
	loop_watch(s->loop, &s->control, EPOLL_READ);
	return DONE;
}

void
handover_end(struct server *s)
{
	each_successor(s, part_with); /* we end: whoever is on the way may serve */
	if (s->control.fd < 0)
		return;
	loop_unwatch(s->loop, &s->control);
	close(s->control.fd);
	s->control.fd = -1;
}
