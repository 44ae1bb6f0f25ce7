/* SPDX-License-Identifier: Apache-2.0 */
/* peer.c - SO_PEERCRED, unix(7). */
#include "base/peer.h"

#include <unistd.h>

struct ucred
peer_of(int fd)
{
	const struct ucred nobody = { .uid = (uid_t)-1, .gid = (gid_t)-1 };
	struct ucred who = nobody;
	socklen_t size = sizeof(who);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0 ? who : nobody;
}

bool
peer_is_ours(int fd)
{
	return peer_of(fd).uid == geteuid();
}
