/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http.h - requests in, replies out; how bytes travel is this room's secret.
 *
 * Promises: a handler sees only whole, unambiguous requests (RULEBOOK section
 * 1, RFC 9112 read strictly) within their limits, over TLS, or from a proxy the
 * operator named; every connection and request has a deadline that a drip
 * cannot defeat; one hostile peer cannot take the place of honest ones.
 *
 * A request and a connection are separate objects (HTTP/2 will put several
 * requests on one connection). One http_server belongs to one loop and thread;
 * several servers listen on the same address by SO_REUSEPORT.
 */
#ifndef LATCHKEY_HTTP_HTTP_H
#define LATCHKEY_HTTP_HTTP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/loop.h"
#include "base/outcome.h"

struct http_inherited;
struct http_server;
struct tls_config;

enum http_method {
	HTTP_GET = 1 << 0,
	HTTP_HEAD = 1 << 1,
	HTTP_POST = 1 << 2,
	HTTP_PUT = 1 << 3,
	HTTP_DELETE = 1 << 4,
	HTTP_OPTIONS = 1 << 5,
	HTTP_OTHER = 1 << 6, /* a valid token, but none of these */
};

struct http_header {
	struct bytes name;  /* as sent; compare with bytes_equal_nocase */
	struct bytes value; /* without surrounding white space */
};

/* All views point into the request's arena and live until http_reply returns. */
struct http_request {
	struct arena *arena; /* the handler may use it; wiped after the reply */
	enum http_method method;
	struct bytes method_name;
	struct bytes target; /* as sent, origin-form */
	struct bytes path;   /* before '?'; not decoded */
	struct bytes query;  /* after '?', or NONE */
	bool has_query;      /* a '?' was there */
	struct bytes host;   /* the one Host field */
	struct bytes peer;   /* text address of the person or program that asks, without
	                        port: from the named proxy's X-Forwarded-For if it is
	                        one, otherwise of the socket */
	bool through_proxy;
	const struct http_header *headers;
	size_t header_count;
	struct bytes body;
	int64_t started_ms; /* monotonic; for the log line */
	struct http_server *server;
	void *user;         /* the handler's own, NULL at first */
};

/* First header of that name (RFC 9110: case-insensitive), NONE if absent. */
struct bytes http_header(const struct http_request *r, struct bytes name);
size_t http_header_occurrences(const struct http_request *r, struct bytes name);

/* The reply: status, headers in order, body. Content-Length, Date, Connection,
 * Strict-Transport-Security (never over plain HTTP) are added by this room. */
struct http_reply {
	int status;
	const struct http_header *headers;
	size_t header_count;
	struct bytes body; /* not sent for HEAD, 204, 304 */
	bool close;        /* end the connection after this */
	bool known;        /* a credential was shown: this address goes before strangers */
};

/* Answers, exactly once a request, on the server's thread, at once or later.
 * Copies what it needs: header and body memory may go after it returns. If the
 * peer has gone meanwhile the reply is dropped; the request is freed either way. */
void http_reply(struct http_request *r, const struct http_reply *reply);

/* Called with each whole request. */
typedef void http_handler(struct http_request *r, void *arg);
/* Called for each request this room refused itself (400, 408, 413, 414, 415 is the
 * handler's, 431, 501, 505, 421 is the handler's): for the log. May be NULL. */
typedef void http_refused(struct bytes peer, int status, const char *why, void *arg);

struct http_limits {             /* defaults of http_limits_default() in brackets */
	int handshake_ms;        /* [10000] from accept to TLS established */
	int headers_ms;          /* [10000] first byte of a request to its last header */
	int body_ms;             /* [20000] end of headers to end of body */
	int request_ms;          /* [60000] first byte of the request to the last of the
	                            reply; a handler that takes longer is answered 503 by
	                            this room and its late reply dropped */
	int idle_ms;             /* [60000] between requests on one connection */
	size_t header_bytes;     /* [32768] request line and headers -> 431 (target -> 414) */
	size_t target_bytes;     /* [17408] request line's target -> 414 */
	size_t body_bytes;       /* [65536] -> 413 */
	size_t headers;          /* [100] count -> 431 */
	size_t connections;      /* [10000] in this server; the oldest idle one goes first */
	size_t per_peer;         /* [256] connections of one address; 0: no limit */
	size_t requests;         /* [0] a connection; 0: no limit */
};
struct http_limits http_limits_default(void);

struct http_config {
	const char *const *listen; /* "127.0.0.1:8443", "[::]:443", "unix:/path"; IPv6 does
	                              not take IPv4 along */
	size_t listen_count;
	bool join;                 /* another server of this process listens there already,
	                              share it (Unix sockets stay with the first); otherwise
	                              an address in use is a fault */
	const struct http_inherited *inherited; /* sockets that listen already; NULL: none */
	size_t nth, of;            /* which of how many servers shares them */
	struct tls_config *tls;    /* NULL: plain HTTP, for loopback and Unix sockets only:
	                              http_server_new refuses another address; counted, the
	                              caller frees its own */
	const char *const *proxies; /* addresses whose X-Forwarded-For counts; "unix" */
	size_t proxy_count;         /* when tls is NULL and the listener is for a proxy, a
	                               request from a peer not named here is answered 403 */
	bool local;                 /* plain HTTP of our own on loopback (health, metrics):
	                               no proxy needed */
	const char *hsts;           /* what Strict-Transport-Security says behind max-age:
	                               "; includeSubDomains; preload"; NULL: nothing more */
	struct http_limits limits;
	http_handler *handler;
	http_refused *refused;
	void *arg;
	atomic_size_t *handshakes;  /* counts those of known addresses under way, of all
	                               servers that share it: whose requests will be here
	                               soon; NULL: nobody wants to know */
};

/* Could one listen there, as far as the words go? For a check of configuration. */
enum outcome http_listen_check(const char *where, bool plain, struct fault *f) must_check;
/* Binds and listens; the sentence for the operator is in *f. */
enum outcome http_server_new(struct loop *l, const struct http_config *c,
	struct http_server **out, struct fault *f) must_check;
/* Stops listening, answers what is under way with Connection: close, then calls
 * drained(arg) on the loop's thread. A connection on which nothing is under way may ask
 * once more within patience_ms, since its request may be on the way, and is closed
 * then. Again: with the new patience. */
#define HTTP_PATIENCE_MS 1000
void http_server_drain(struct http_server *s, int64_t patience_ms,
	void (*drained)(void *), void *arg);
/* Once drained, or while no handler holds a request. NULL is fine. */
void http_server_free(struct http_server *s);
/* The first listener's port, for servers that asked for port 0. */
uint16_t http_server_port(const struct http_server *s);
/* The descriptors it listens with, still its own; at most max. Any thread, before a
 * drain. NULL has none. */
size_t http_server_listeners(const struct http_server *s, int *fds, size_t max);
/* For new connections; counted, the caller frees its own. */
void http_server_set_tls(struct http_server *s, struct tls_config *tls);

struct http_counts { /* for /metrics; read from any thread, values may lag */
	uint64_t accepted, handshakes_failed, requests, refused, timed_out, evicted;
	uint64_t open_now;
};
struct http_counts http_server_counts(const struct http_server *s);

/* A plain-HTTP request on the TLS port is recognised by its first byte and
 * answered 400 with one sentence and no Location (RULEBOOK H-01). */

/* ---- TLS (tls.c) ---------------------------------------------------------- */

/* Certificate and key for one thread: TLS 1.2 (ECDHE with AEAD only) and 1.3, no
 * compression, no renegotiation, no early data (H-02, H-03), its own OSSL_LIB_CTX,
 * TLS_AES_128_GCM_SHA256 preferred, one session ticket, ticket keys shared with
 * the other threads by ticket_secret (32 bytes, rotated by time inside). ALPN
 * http/1.1. Refuses a key that others may read, and a certificate that does not
 * belong to the key; the sentence is in *f. */
enum outcome tls_config_new(const char *cert_file, const char *key_file,
	const uint8_t ticket_secret[static 32], struct tls_config **out,
	struct fault *f) must_check;
/* Counted: a server and its connections keep theirs. It may be made on any thread;
 * the last to let go is the loop's thread, or another once that one has ended. */
void tls_config_free(struct tls_config *c);

#endif
