/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listener_bind.h - where the listener on loopback listens (RFC 8252 7.3 and 8.3).
 *
 * Promises: loopback addresses alone, shared with nobody.
 */
#ifndef LATCHKEY_CLIENT_LISTENER_BIND_H
#define LATCHKEY_CLIENT_LISTENER_BIND_H

#include "base/bytes.h"

/* Listens at "127.0.0.1", "[::1]" or "localhost"; port 0: the kernel's choice. How many
 * sockets there are; 0: errno says why. They do not block. */
size_t listener_bind(struct bytes host, uint16_t port, int fds[static 2]);
uint16_t listener_port(int fd);

#endif
