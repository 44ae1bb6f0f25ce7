/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_wire.h - bytes to and from a peer, in clear or by TLS; never blocks.
 */
#ifndef LATCHKEY_HTTP_HTTP_WIRE_H
#define LATCHKEY_HTTP_HTTP_WIRE_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/bytes.h"

struct http_wire {
	int fd;
	SSL *ssl;          /* NULL: in clear */
	bool established;  /* the handshake is over */
	bool broken;       /* nothing more can be said, not even goodbye */
	bool finished;     /* goodbye has been said */
	bool wants_write;  /* the last read or handshake waits for EPOLLOUT */
	int wakes_at;      /* SO_RCVLOWAT, where it was set */
	char *out;         /* what the peer has not taken yet; NULL mostly */
	size_t out_n, out_at;
};

enum { WIRE_END = 0, WIRE_AGAIN = -1, WIRE_BROKEN = -2 };
enum { WIRE_TLS = 22 }; /* RFC 8446 section 5.1: the first byte of a ClientHello */

/* 1: established; otherwise WIRE_AGAIN or WIRE_BROKEN. */
int http_wire_handshake(struct http_wire *w);
/* How many bytes, or one of the above. */
ssize_t http_wire_read(struct http_wire *w, void *p, size_t n);
/* Sends after what is still to be sent, and keeps what cannot be sent now;
 * with NONE it goes on with what was kept. A failure is noted in .broken. */
void http_wire_send(struct http_wire *w, struct bytes b);
/* Something has been taken from the socket that was not read yet. */
bool http_wire_pending(const struct http_wire *w);
/* Gives back the memory for records (33 KB), wiped, until there is one again. */
void http_wire_rest(struct http_wire *w);
/* The first byte of a connection, not taken; or one of the above. Where TLS begins it is
 * told once the whole first record is here: until then the kernel keeps what there is,
 * and a peer that is slow with it costs us no TLS. */
int http_wire_first_byte(struct http_wire *w);
/* Says that we are done (close_notify, FIN); what the peer still sends may be
 * discarded until it is done, too. */
void http_wire_finish(struct http_wire *w);
ssize_t http_wire_discard(const struct http_wire *w);
void http_wire_close(struct http_wire *w);

#endif
