/* SPDX-License-Identifier: Apache-2.0 */
/*
 * privileges.h - what the process may do, given up before it hears a peer.
 */
#ifndef LATCHKEY_SERVER_PRIVILEGES_H
#define LATCHKEY_SERVER_PRIVILEGES_H

#include <stddef.h>

#include "base/outcome.h"

/* Started as root: becomes `user` ("": the owner of dir), keeping only the right
 * to bind a low port; *warning is set when that leaves it root. Otherwise checks
 * that we may use dir. Before any thread is made. */
enum outcome privileges_become(const char *dir, const char *user, const char **warning,
	struct fault *f) must_check;
/* No capability is left and none can be gained; after binding, before threads. */
enum outcome privileges_drop(struct fault *f) must_check;
/* As many descriptors as the system lets us have; returns how many. */
size_t privileges_descriptors(void);

#endif
