/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_conn.c - the life of a connection.
 *
 *	FIRST_BYTE -> HANDSHAKE -> IDLE -> HEAD -> BODY -> HANDLER -> REPLY
 *	(a plain one begins here)  ^ ^                      |          |
 *	                             +----------------------+----------+
 *	and from anywhere: -> LINGER -> end, or end at once
 *
 * Invariants:
 * 1. Every stage has a deadline, and none is moved by a byte that arrives: a
 *    drip gains nothing. IDLE begins anew with each request answered.
 * 2. One request at a time; while it is under way nothing more is read, so
 *    answers leave in order and a flood waits in the peer's own buffers.
 * 3. A request read and answered in one go passes through IDLE only: the other
 *    stages, with their timers, are for those that must wait.
 * 4. Only http_conn_end frees; whoever calls it, or what may call it, is done
 *    with the connection (functions that go on tell so by true).
 */
#include "http/http_conn.h"

#include <stdlib.h>
#include <sys/epoll.h>

enum {
	LINGER_MS = 5000, /* in all: a body much too long is still on its way */
	LINGER_BYTES = 16 << 20,
	REQUESTS_A_TURN = 16, /* of one connection, before others have theirs */
	READS_MANY = 8, /* for one request: somebody is slow, or has much to say */
	REST_MS = 200, /* idle for so long: it gives memory back */
	CROWD = 512, /* connections; of more, each gives memory back whenever it waits */
};

static void conn_ready(struct watch *w, uint32_t events);
static void conn_due(struct timer *t);
static void read_on(struct http_conn *c);
static bool advance(struct http_conn *c);
static bool hand_over(struct http_conn *c);
static bool after_reply(struct http_conn *c);
static void linger(struct http_conn *c);
static void discard(struct http_conn *c);

/* ---- stages --------------------------------------------------------------- */

static bool
rests_first(const struct http_conn *c)
{
	return c->wire.ssl != NULL && c->server->limits.idle_ms > 2 * REST_MS;
}

static int64_t
deadline(const struct http_conn *c)
{
	const struct http_limits *l = &c->server->limits;
	int64_t now = loop_now_ms(c->server->loop);
	int64_t whole = c->begun_ms + l->request_ms;
	int64_t due = whole;

	switch (c->stage) {
	case STAGE_FIRST_BYTE:
	case STAGE_HANDSHAKE:
		return c->begun_ms + l->handshake_ms;
	case STAGE_IDLE:
		return now + (rests_first(c) ? REST_MS : l->idle_ms);
	case STAGE_LINGER:
		return now + LINGER_MS;
	case STAGE_HEAD:
		due = c->begun_ms + l->headers_ms;
		break;
	case STAGE_BODY:
		due = now + l->body_ms;
		break;
	case STAGE_HANDLER:
	case STAGE_REPLY:
		break;
	}
	return due < whole ? due : whole;
}

static void
arm(struct http_conn *c)
{
	struct loop *loop = c->server->loop;

	c->resume = false;
	loop_timer(loop, &c->timer, deadline(c) - loop_now_ms(loop));
}

static void
set_stage(struct http_conn *c, enum http_stage stage)
{
	atomic_size_t *handshakes = c->server->handshakes;
	bool was = c->stage == STAGE_HANDSHAKE, is = stage == STAGE_HANDSHAKE;

	c->stage = stage;
	if (handshakes == NULL || was == is || !c->known)
		return;
	if (is)
		atomic_fetch_add_explicit(handshakes, 1, memory_order_relaxed);
	else
		atomic_fetch_sub_explicit(handshakes, 1, memory_order_relaxed);
}

void
http_conn_enter(struct http_conn *c, enum http_stage stage)
{
	static const int queue_of[] = {
		[STAGE_FIRST_BYTE] = QUEUE_UNREADY,
		[STAGE_HANDSHAKE] = QUEUE_UNREADY,
		[STAGE_IDLE] = QUEUE_IDLE,
		[STAGE_HEAD] = QUEUE_UNREADY,
		[STAGE_BODY] = QUEUE_UNREADY,
		[STAGE_HANDLER] = QUEUE_BUSY,
		[STAGE_REPLY] = QUEUE_BUSY,
		[STAGE_LINGER] = QUEUE_UNREADY,
	};

	set_stage(c, stage);
	c->rested = false;
	http_queue_take(c);
	http_queue_put(&c->server->queues[queue_of[stage]], c);
	arm(c);
}

static enum rank
rank_of(const struct http_conn *c)
{
	if (c->stage == STAGE_LINGER || c->reads > READS_MANY)
		return RANK_LAST;
	return c->known ? RANK_FIRST : RANK_NEXT;
}

/* Asks the loop for what this stage can use. */
void
http_conn_listen(struct http_conn *c)
{
	bool reads = c->stage != STAGE_HANDLER && c->stage != STAGE_REPLY;
	bool writes = c->wire.out != NULL || c->wire.wants_write;

	c->watch.rank = rank_of(c);
	if (c->server->open > CROWD)
		http_wire_rest(&c->wire);
	loop_watch(c->server->loop, &c->watch,
		(reads ? (uint32_t)EPOLLIN : 0) | (writes ? (uint32_t)EPOLLOUT : 0));
}

static void
drop_stream(struct http_conn *c)
{
	if (c->stream != NULL)
		http_stream_give(c->server, c->stream);
	c->stream = NULL;
}

/* ---- beginning and end ---------------------------------------------------- */

static void
set_open(struct http_server *s, size_t open)
{
	s->open = open;
	atomic_store_explicit(&s->counts.open_now, open, memory_order_relaxed);
}

void
http_conn_new(struct http_server *s, int fd, const struct http_address *address,
	struct http_peer *peer)
{
	struct http_conn *c = must_calloc(1, sizeof(*c));

	c->server = s;
	c->watch = (struct watch){ .fd = fd, .ready = conn_ready };
	c->timer.due = conn_due;
	c->wire.fd = fd;
	c->tls = tls_config_ref(s->tls);
	c->peer = peer;
	c->address = *address;
	http_address_text(address, c->address_text);
	c->begun_ms = loop_now_ms(s->loop);
	c->known = http_peers_know(s->peers, address, c->begun_ms);
	set_open(s, s->open + 1);
	http_conn_enter(c, s->tls != NULL ? STAGE_FIRST_BYTE : STAGE_IDLE);
	http_conn_listen(c);
}

/* The request is its handler's until that replies; it will find no connection. */
static void
leave_handler(struct http_conn *c)
{
	if (c->stream == NULL || c->stream->replied)
		return;
	c->stream->conn = NULL;
	c->stream = NULL;
}

void
http_conn_end(struct http_conn *c)
{
	struct http_server *s = c->server;

	loop_unwatch(s->loop, &c->watch);
	loop_timer_stop(s->loop, &c->timer);
	http_queue_take(c);
	http_peers_leave(s->peers, c->peer);
	if (c->stage == STAGE_HANDLER)
		leave_handler(c);
	set_stage(c, STAGE_LINGER);
	drop_stream(c);
	http_wire_close(&c->wire);
	tls_config_free(c->tls);
	free(c);
	set_open(s, s->open - 1);
	http_server_check_drained(s);
}

static void
conn_ready(struct watch *w, uint32_t events)
{
	struct http_conn *c = (struct http_conn *)w;

	/* Both directions are gone: there is nobody to answer. */
	if (events & (EPOLLERR | EPOLLHUP)) {
		http_conn_end(c);
		return;
	}
	if ((events & EPOLLOUT) && c->wire.out != NULL)
		http_wire_send(&c->wire, NONE);
	if (c->wire.broken) {
		http_conn_end(c);
		return;
	}
	switch (c->stage) {
	case STAGE_FIRST_BYTE:
		http_handshake_begin(c);
		return;
	case STAGE_HANDSHAKE:
		http_handshake_wait(c);
		return;
	case STAGE_IDLE:
	case STAGE_HEAD:
	case STAGE_BODY:
		c->reads++;
		read_on(c);
		return;
	case STAGE_HANDLER:
		http_conn_listen(c); /* what comes next has to wait */
		return;
	case STAGE_REPLY:
		http_conn_replied(c);
		return;
	case STAGE_LINGER:
		discard(c);
		return;
	}
}

/* The handler took too long. */
static void
give_up(struct http_conn *c)
{
	leave_handler(c);
	http_refuse(c, 503, "the answer took too long");
}

/* It has idled for a moment: the rest of its time it does so with less memory. */
static void
rest(struct http_conn *c)
{
	http_wire_rest(&c->wire);
	c->rested = true;
	loop_timer(c->server->loop, &c->timer, c->server->limits.idle_ms - REST_MS);
}

static void
conn_due(struct timer *t)
{
	struct http_conn *c =
		(struct http_conn *)((char *)t - offsetof(struct http_conn, timer));

	if (c->resume) {
		arm(c);
		if (c->stream == NULL || c->stream->n == 0 || advance(c))
			read_on(c);
		return;
	}
	if (c->stage == STAGE_IDLE && rests_first(c) && !c->rested) {
		rest(c);
		return;
	}
	if (c->stage != STAGE_IDLE && c->stage != STAGE_LINGER)
		http_count(&c->server->counts.timed_out);
	switch (c->stage) {
	case STAGE_FIRST_BYTE:
	case STAGE_HANDSHAKE:
	case STAGE_REPLY:
		c->wire.broken = true;
		http_conn_end(c);
		return;
	case STAGE_IDLE:
	case STAGE_LINGER:
		http_conn_end(c);
		return;
	case STAGE_HEAD:
		http_refuse(c, 408, "the header fields took too long");
		return;
	case STAGE_BODY:
		http_refuse(c, 408, "the body took too long");
		return;
	case STAGE_HANDLER:
		give_up(c);
		return;
	}
}

/* ---- a request comes in --------------------------------------------------- */

void
http_conn_established(struct http_conn *c)
{
	http_conn_enter(c, STAGE_IDLE);
	/* The first request may have come with the last flight. */
	if (http_wire_pending(&c->wire))
		read_on(c);
	else
		http_conn_listen(c);
}

static void
read_on(struct http_conn *c)
{
	ssize_t got;

	do {
		if (c->stream == NULL)
			c->stream = http_stream_take(c->server, c);
		http_stream_room(c->stream);
		got = http_wire_read(&c->wire, c->stream->in + c->stream->n,
			c->stream->size - c->stream->n);
		if (got == WIRE_AGAIN)
			break;
		if (got < 0 || got == WIRE_END) {
			http_conn_end(c);
			return;
		}
		c->stream->n += (size_t)got;
		if (c->stage == STAGE_IDLE)
			c->begun_ms = loop_now_ms(c->server->loop);
		if (!advance(c))
			return;
	} while (http_wire_pending(&c->wire));
	if (c->stage == STAGE_IDLE)
		drop_stream(c);
	http_conn_listen(c);
}

static void
resume_soon(struct http_conn *c)
{
	c->resume = true;
	loop_timer(c->server->loop, &c->timer, 0);
}

/* Reads messages out of what has arrived and hands them over, one after the
 * other; true: more bytes are wanted. */
static bool
advance(struct http_conn *c)
{
	for (int turn = 0; turn < REQUESTS_A_TURN;) {
		struct http_stream *stream = c->stream;

		switch (http_parse(&stream->parse, stream->in, &stream->n)) {
		case HTTP_NEED_MORE:
			if (stream->parse.head_done && c->stage != STAGE_BODY)
				http_conn_enter(c, STAGE_BODY);
			else if (c->stage == STAGE_IDLE)
				http_conn_enter(c, STAGE_HEAD);
			return true;
		case HTTP_HEAD_DONE:
			/* RFC 9110 section 10.1.1. */
			if (stream->parse.expects_continue)
				http_wire_send(&c->wire, B("HTTP/1.1 100 Continue\r\n\r\n"));
			break;
		case HTTP_BAD:
			http_refuse(c, stream->parse.status, stream->parse.why);
			return false;
		case HTTP_MESSAGE_DONE:
			if (!hand_over(c))
				return false;
			if (stream->n == 0)
				return true;
			turn++;
			break;
		}
	}
	resume_soon(c);
	return false;
}

static bool
hand_over(struct http_conn *c)
{
	struct http_server *s = c->server;
	struct http_stream *stream = c->stream;

	http_stream_request(stream);
	/* R2.2: in clear only from a proxy the operator named, or our own. */
	if (c->tls == NULL && !s->local && !stream->request.through_proxy) {
		http_refuse(c, 403, "not a named proxy");
		return false;
	}
	c->requests++;
	c->handling = true;
	s->handler(&stream->request, s->arg);
	c->handling = false;
	if (stream->replied)
		return after_reply(c);
	http_conn_enter(c, STAGE_HANDLER);
	return false;
}

/* ---- and a reply goes out ------------------------------------------------- */

/* What follows a reply; true: this connection reads on. */
static bool
after_reply(struct http_conn *c)
{
	if (c->wire.broken) {
		http_conn_end(c);
		return false;
	}
	if (c->wire.out != NULL) {
		if (c->stage != STAGE_REPLY)
			http_conn_enter(c, STAGE_REPLY);
		http_conn_listen(c);
		return false;
	}
	if (c->close || c->server->draining) {
		linger(c);
		return false;
	}
	http_stream_next(c->stream, &c->server->limits);
	c->reads = 0;
	c->begun_ms = loop_now_ms(c->server->loop);
	http_conn_enter(c, c->stream->n > 0 ? STAGE_HEAD : STAGE_IDLE);
	return true;
}

void
http_conn_replied(struct http_conn *c)
{
	if (!after_reply(c))
		return;
	if (c->stream->n > 0 || http_wire_pending(&c->wire)) {
		resume_soon(c);
		return;
	}
	drop_stream(c);
	http_conn_listen(c);
}

/*
 * Closing a socket with unread bytes in it makes the kernel reset the
 * connection, and the peer may lose our reply (RFC 9112 section 9.6).
 */
static void
linger(struct http_conn *c)
{
	drop_stream(c);
	http_wire_finish(&c->wire);
	http_conn_enter(c, STAGE_LINGER);
	http_conn_listen(c);
}

static void
discard(struct http_conn *c)
{
	ssize_t got = http_wire_discard(&c->wire);

	if (got > 0)
		c->discarded += (size_t)got;
	if (got == WIRE_END || got == WIRE_BROKEN || c->discarded > LINGER_BYTES)
		http_conn_end(c);
}
