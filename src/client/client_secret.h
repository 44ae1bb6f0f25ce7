/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client_secret.h - a client secret as who registered the client gives it: in a file, or
 * by a descriptor.
 */
#ifndef LATCHKEY_CLIENT_CLIENT_SECRET_H
#define LATCHKEY_CLIENT_CLIENT_SECRET_H

#include "base/arena.h"
#include "client/status.h"

/* One line of text, without its end; "/dev/fd/3" is a descriptor. */
enum lk_status client_secret_read(struct arena *a, const char *path, struct bytes *out,
	struct lk_error *e) must_check;

#endif
