/* SPDX-License-Identifier: Apache-2.0 */
/*
 * place.c - directory, then lock, then socket.
 */
#include "agent/place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "client/agent_ask.h"

#define BACKLOG 128 /* programs that ask within the moment it takes to accept one */

/* Everything up to the last slash, made if its parent is there. */
static enum outcome
private_directory(const char *path, struct fault *f)
{
	char directory[108];
	size_t n = (size_t)(strrchr(path, '/') - path);
	struct stat st;

	memcpy(directory, path, n);
	directory[n] = '\0';
	if (mkdir(directory, 0700) != 0 && errno != EEXIST)
		return FAULT_AT(f, "%s cannot be made: %s", directory, strerror(errno));
	if (lstat(directory, &st) != 0 || !S_ISDIR(st.st_mode))
		return FAULT_AT(f, "%s is not a directory", directory);
	if (st.st_uid != geteuid() || (st.st_mode & 077) != 0)
		return FAULT_AT(f, "%s must be yours alone: owner and mode 0700",
			directory);
	return DONE;
}

static enum outcome
take_lock(struct place *p, struct fault *f)
{
	char path[sizeof(p->socket) + 8];

	snprintf(path, sizeof path, "%s.lock", p->socket);
	p->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (p->lock_fd < 0)
		return FAULT_AT(f, "%s: %s", path, strerror(errno));
	if (flock(p->lock_fd, LOCK_EX | LOCK_NB) == 0)
		return DONE;
	if (errno == EWOULDBLOCK)
		return REFUSED;
	return FAULT_AT(f, "%s cannot be locked: %s", path, strerror(errno));
}

/* The holder of the lock; what stands under the name is a dead agent's. */
static enum outcome
listen_there(struct place *p, struct fault *f)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	mode_t before;
	int bound;

	memcpy(at.sun_path, p->socket, strlen(p->socket));
	p->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (p->listener < 0)
		return FAULT_AT(f, "no socket can be made: %s", strerror(errno));
	if (unlink(p->socket) != 0 && errno != ENOENT)
		return FAULT_AT(f, "%s cannot be replaced: %s", p->socket,
			strerror(errno));
	before = umask(0177);
	bound = bind(p->listener, (struct sockaddr *)&at, sizeof(at));
	umask(before);
	if (bound != 0 || listen(p->listener, BACKLOG) != 0)
		return FAULT_AT(f, "cannot listen at %s: %s", p->socket,
			strerror(errno));
	return DONE;
}

static enum outcome
take(struct place *p, struct fault *f)
{
	TRY(private_directory(p->socket, f));
	TRY(take_lock(p, f));
	return listen_there(p, f);
}

static void
let_go(struct place *p)
{
	if (p->listener >= 0)
		close(p->listener);
	if (p->lock_fd >= 0)
		close(p->lock_fd);
}

enum outcome
place_take(const char *where, struct place *out, struct fault *f)
{
	struct place p = { .lock_fd = -1, .listener = -1 };
	enum outcome o;

	if (!agent_socket_path(where, p.socket))
		return FAULT_AT(f, "there is no place for the agent's socket: set"
				   " XDG_RUNTIME_DIR to a directory of yours");
	o = take(&p, f);
	if (o != DONE)
		let_go(&p);
	else
		*out = p;
	return o;
}

void
place_leave(struct place *p)
{
	unlink(p->socket);
	let_go(p);
}
