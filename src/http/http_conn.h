/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_conn.h - the objects of this room, as its own files see them.
 *
 * A server has connections; a connection has a stream while a request is being
 * read, judged or answered, and none while it is idle. A stream whose peer has
 * gone lives on without a connection until its handler replies.
 *
 * Whose turn it is. A turn of the loop serves all who are known and ready, and a few of
 * each other kind, so that those who are known wait for a few at most, however many
 * there are of the others:
 *	known: a credential was shown from their address (http_peers.h)   all
 *	strangers                                                         16
 *	whoever needs many reads for one request, or is to be gone         8
 *	accepted                                                          16
 *	handshakes: steps of the known, and then of strangers            2, 2
 *	deadlines (loop.c)                                                16
 */
#ifndef LATCHKEY_HTTP_HTTP_CONN_H
#define LATCHKEY_HTTP_HTTP_CONN_H

#include <netinet/in.h>
#include <stdatomic.h>

#include "http/http_address.h"
#include "http/http_parse.h"
#include "http/http_peers.h"
#include "http/http_wire.h"
#include "http/tls.h"

/* One request, from its first byte to its reply; pooled by the server. */
struct http_stream {
	struct http_request request; /* first: http_reply gets back from it */
	struct http_parse parse;
	struct http_conn *conn;      /* NULL: the peer has gone */
	struct http_stream *next;    /* in the pool */
	char *in;                    /* the message as it arrived, and what follows it */
	size_t n, size, dirty;       /* used, allocated, to be wiped */
	bool replied;
	char peer[INET6_ADDRSTRLEN];  /* what request.peer shows */
};

enum http_stage {
	STAGE_FIRST_BYTE, /* TLS or, by mistake, plain HTTP? */
	STAGE_HANDSHAKE,
	STAGE_IDLE,       /* no byte of a request yet */
	STAGE_HEAD,
	STAGE_BODY,
	STAGE_HANDLER,    /* the handler has the request */
	STAGE_REPLY,      /* written as fast as the peer reads */
	STAGE_LINGER,     /* all is said; the peer's last bytes are thrown away */
};

/* Connections in the order they came to it; each is in exactly one. */
struct http_queue {
	struct http_conn *oldest, *newest;
};

/* HANDSHAKE: a step of it can be taken, and waits for its turn; WELCOME: likewise, of
 * those whose address is known. */
enum { QUEUE_IDLE, QUEUE_UNREADY, QUEUE_HANDSHAKE, QUEUE_WELCOME, QUEUE_BUSY, QUEUE_COUNT };

struct http_conn {
	struct watch watch; /* first: the loop gets back from it */
	struct timer timer; /* the deadline of the stage, or `resume` at once */
	struct http_server *server;
	struct http_queue *queue;
	struct http_conn *older, *newer;
	struct http_wire wire;
	struct tls_config *tls;
	struct http_stream *stream;
	struct http_peer *peer;
	int64_t begun_ms; /* accepted; later: first byte of the request under way */
	uint64_t requests;
	size_t discarded;
	unsigned reads; /* times that something came, for one request */
	enum http_stage stage;
	bool known;    /* its address had shown a credential when it came, or has since */
	bool handling; /* the handler is being called just now */
	bool rested;   /* has given memory back since it idles */
	bool resume;   /* the timer stands for "go on reading" */
	bool close;    /* after this reply */
	struct http_address address;
	char address_text[INET6_ADDRSTRLEN];
};

struct http_listener {
	struct watch watch;
	struct http_server *server;
};

struct http_server {
	struct loop *loop;
	struct http_limits limits;
	http_handler *handler;
	http_refused *refused;
	void *arg;
	struct tls_config *tls;
	atomic_size_t *handshakes; /* http_config's */
	char hsts[48]; /* behind max-age */
	bool local;
	struct http_address *proxies;
	size_t proxy_count;
	struct http_listener *listeners;
	size_t listener_count;
	struct timer pause; /* accepting stopped for want of descriptors */
	int64_t complained_ms;
	struct http_queue queues[QUEUE_COUNT];
	struct timer handshaking; /* some wait for their turn */
	bool crowded; /* more wait to be accepted than one turn takes */
	struct http_peers *peers;
	size_t open;
	struct http_stream *spare; /* a pool */
	size_t spare_count, streams;
	char *scratch; /* a reply is put together here */
	size_t scratch_size;
	char date[40]; /* the Date field line of second `date_of` */
	int64_t date_of;
	bool draining;
	void (*drained)(void *);
	void *drained_arg;
	struct timer drain, patience;
	struct {
		atomic_uint_fast64_t accepted, handshakes_failed, requests, refused,
			timed_out, evicted, open_now;
	} counts;
};

/* Only the server's thread writes, so no locked instruction is needed. */
static inline void
http_count(atomic_uint_fast64_t *counter)
{
	uint_fast64_t now = atomic_load_explicit(counter, memory_order_relaxed);

	atomic_store_explicit(counter, now + 1, memory_order_relaxed);
}

/* ---- http_conn.c ---------------------------------------------------------- */

/* Takes over fd; peer is already counted. */
void http_conn_new(struct http_server *s, int fd, const struct http_address *address,
	struct http_peer *peer);
void http_conn_end(struct http_conn *c);
void http_conn_enter(struct http_conn *c, enum http_stage stage);
/* Asks the loop for what its stage can use. */
void http_conn_listen(struct http_conn *c);
/* The handshake is over: the first request. */
void http_conn_established(struct http_conn *c);
/* The reply to the request under way has been sent or kept. */
void http_conn_replied(struct http_conn *c);

/* ---- http_handshake.c ----------------------------------------------------- */

/* Something of a connection that has just begun may be there. */
void http_handshake_begin(struct http_conn *c);
/* A step can be taken: in its turn. */
void http_handshake_wait(struct http_conn *c);
void http_handshakes_go_on(struct timer *handshaking);

/* ---- http_stream.c -------------------------------------------------------- */

struct http_stream *http_stream_take(struct http_server *s, struct http_conn *c);
void http_stream_give(struct http_server *s, struct http_stream *stream);
/* Room for at least one more byte, or a bug: the limits are below it. */
void http_stream_room(struct http_stream *stream);
/* Ready for the next message: what followed the last one is now at the front. */
void http_stream_next(struct http_stream *stream, const struct http_limits *limits);
/* Fills in the request, who asks included, from the whole message. */
void http_stream_request(struct http_stream *stream);
void http_streams_free(struct http_server *s);

/* ---- http_reply.c --------------------------------------------------------- */

/* A refusal of this room, told to the server's owner and to the peer; the
 * connection is to close. */
void http_refuse(struct http_conn *c, int status, const char *why);
/* H-01: plain HTTP where TLS is spoken. */
void http_refuse_plain(struct http_conn *c);

/* ---- http_server.c -------------------------------------------------------- */

void http_queue_put(struct http_queue *q, struct http_conn *c);
void http_queue_take(struct http_conn *c);
bool http_server_is_proxy(const struct http_server *s, const struct http_address *a);
/* A connection or a stream has ended; a drain may be over. */
void http_server_check_drained(struct http_server *s);

#endif
