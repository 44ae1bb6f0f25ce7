/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_peers.h - what is known of an address: how many connections it has, so that one
 * hostile peer cannot take the place of honest ones; and whether somebody has lately
 * shown a credential from there, so that honest ones go before a crowd of strangers.
 */
#ifndef LATCHKEY_HTTP_HTTP_PEERS_H
#define LATCHKEY_HTTP_HTTP_PEERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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
/* A credential came from there: it is known for an hour. Some 1,000 addresses are; of two
 * that want one place the later has it. */
void http_peers_learn(struct http_peers *p, const struct http_address *a, int64_t now_ms);
bool http_peers_know(const struct http_peers *p, const struct http_address *a,
	int64_t now_ms);

#endif
