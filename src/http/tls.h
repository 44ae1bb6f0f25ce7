/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls.h - what the rest of this room sees of tls.c; see http.h for the promise.
 */
#ifndef LATCHKEY_HTTP_TLS_H
#define LATCHKEY_HTTP_TLS_H

#include <openssl/types.h>

#include "http/http.h"

struct tls_config *tls_config_ref(struct tls_config *c);
/* A server's end of a connection on fd; the config must outlive it. */
SSL *tls_accept(struct tls_config *c, int fd);

#endif
