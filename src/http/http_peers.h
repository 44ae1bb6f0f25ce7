/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_peers.h - how many connections each address has, so that one hostile
 * peer cannot take the place of honest ones.
 */
#ifndef LATCHKEY_HTTP_HTTP_PEERS_H
#define LATCHKEY_HTTP_HTTP_PEERS_H

#include <stddef.h>

#include "http/http_address.h"

struct http_peers;
struct http_peer;

struct http_peers *http_peers_new(void);
void http_peers_free(struct http_peers *p);
/* Counts one more connection; NULL if the address has `limit` already. An IPv6
 * address counts by its /64, because one host commands all of it. */
struct http_peer *http_peers_enter(struct http_peers *p, const struct http_address *a,
	size_t limit);
void http_peers_leave(struct http_peers *p, struct http_peer *peer); /* NULL is fine */

#endif
