/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_handshake.c - from accepted to established, in turn.
 *
 * A handshake is the dearest thing that a stranger may ask for: a hundred times what a
 * request costs, and 40 KiB while it goes on. So it begins once the whole ClientHello is
 * here, and who sends that slowly has a descriptor of ours and nothing else; and of
 * those that can go on a few do so in a turn of the loop, first come first served, after
 * the requests of that turn: some from addresses that are known, and some of strangers.
 * However many come at once, a connection that is established, or comes from where
 * others have been, hardly waits for them.
 */
#include "http/http_conn.h"

enum { STEPS_A_TURN = 2 };

static void
failed(struct http_conn *c)
{
	http_count(&c->server->counts.handshakes_failed);
	http_conn_end(c);
}

void
http_handshake_begin(struct http_conn *c)
{
	int first = http_wire_first_byte(&c->wire);

	if (first == WIRE_AGAIN)
		return;
	/* H-01: a method begins with a letter, a TLS record never does. */
	if (first >= 'A' && first <= 'Z') {
		http_refuse_plain(c);
		return;
	}
	if (first != WIRE_TLS) {
		failed(c);
		return;
	}
	http_conn_enter(c, STAGE_HANDSHAKE);
	http_handshake_wait(c);
}

void
http_handshake_wait(struct http_conn *c)
{
	struct http_server *s = c->server;

	loop_watch(s->loop, &c->watch, 0);
	http_queue_take(c);
	http_queue_put(&s->queues[c->known ? QUEUE_WELCOME : QUEUE_HANDSHAKE], c);
	loop_timer(s->loop, &s->handshaking, 0);
}

static int
step(struct http_conn *c)
{
	if (c->wire.ssl == NULL)
		c->wire.ssl = tls_accept(c->tls, c->wire.fd);
	return c->wire.ssl != NULL ? http_wire_handshake(&c->wire) : WIRE_BROKEN;
}

static void
go_on(struct http_conn *c)
{
	http_queue_take(c);
	http_queue_put(&c->server->queues[QUEUE_UNREADY], c);
	switch (step(c)) {
	case WIRE_BROKEN:
		failed(c);
		break;
	case WIRE_AGAIN:
		http_conn_listen(c);
		break;
	default:
		http_conn_established(c);
		break;
	}
}

static void
go_on_some(struct http_queue *waiting, int steps)
{
	for (int i = 0; i < steps && waiting->oldest != NULL; i++)
		go_on(waiting->oldest);
}

void
http_handshakes_go_on(struct timer *handshaking)
{
	struct http_server *s = (struct http_server *)((char *)handshaking -
		offsetof(struct http_server, handshaking));
	struct http_queue *known = &s->queues[QUEUE_WELCOME];
	struct http_queue *strangers = &s->queues[QUEUE_HANDSHAKE];

	go_on_some(known, STEPS_A_TURN);
	/* Whoever comes by next may be in a hurry; a crowd is mostly not. */
	go_on_some(strangers, s->crowded ? 1 : STEPS_A_TURN);
	if (known->oldest != NULL || strangers->oldest != NULL)
		loop_timer(s->loop, handshaking, 0);
}
