/* SPDX-License-Identifier: Apache-2.0 */
/* peer.h - whose process is at the other end of a Unix socket. */
#ifndef LATCHKEY_BASE_PEER_H
#define LATCHKEY_BASE_PEER_H

#include <stdbool.h>
#include <sys/socket.h>

/* As the kernel noted it at connect(2) or listen(2); uid -1 when it does not say. */
struct ucred peer_of(int fd);
/* Is it the person we are? Not even root is. */
bool peer_is_ours(int fd);

#endif
