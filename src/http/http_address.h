/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_address.h - where to listen, and who is at the other end.
 */
#ifndef LATCHKEY_HTTP_HTTP_ADDRESS_H
#define LATCHKEY_HTTP_HTTP_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/bytes.h"
#include "base/outcome.h"

/* An IPv4 address is kept as ::ffff:a.b.c.d, so one form compares them all. */
struct http_address {
	uint8_t ip[16];
	bool is_unix; /* no address: a Unix socket */
};

/* "192.0.2.1", "2001:db8::1", "unix"; false: none of these. */
bool http_address_parse(struct bytes text, struct http_address *out);
void http_address_of(const struct sockaddr_storage *from, struct http_address *out);
const char *http_address_text(const struct http_address *a,
	char out[static INET6_ADDRSTRLEN]);
bool http_address_equal(const struct http_address *a, const struct http_address *b);
bool http_address_is_loopback(const struct http_address *a);
uint16_t http_port_of(const struct sockaddr_storage *a); /* 0: it has none */
/* "a.b.c.d:port" or "[v6]:port". */
enum outcome http_where_parse(const char *where, struct sockaddr_storage *out,
	struct fault *f) must_check;

struct http_listen {
	const char *where; /* as in http_config */
	bool join;
	bool plain;        /* loopback and Unix sockets only */
};

/* A listening socket, or -1 in *fd where a joined Unix socket is skipped. */
enum outcome http_listen(const struct http_listen *l, int *fd, struct fault *f) must_check;

#endif
