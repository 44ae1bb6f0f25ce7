/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server_state.h - what the main thread has: the workers and what it tends for them.
 */
#ifndef LATCHKEY_SERVER_SERVER_STATE_H
#define LATCHKEY_SERVER_SERVER_STATE_H

#include <stdatomic.h>
#include <sys/stat.h>

#include "http/http_inherit.h"
#include "server/server.h"
#include "server/worker.h"

/* By which a changed file is recognised without reading it. */
struct file_mark { struct timespec changed; off_t size; ino_t inode; };

/* Has copies of our sockets and is starting; handover.h. */
struct successor {
	struct server *server; /* NULL: the place is free */
	struct watch watch;
	struct timer limit;
};

#define SUCCESSORS_MAX 8 /* one is usual, two are two operators */
#define SUCCESSOR_WAIT_MS 60000 /* a start with a slow database has half a minute */

struct server {
	const struct server_options *options;
	struct config *config;
	struct shared shared;
	struct worker **workers;
	size_t worker_count, running;

	struct loop *loop;
	struct store_port *port;
	struct snapshot *snapshot;
	struct http_server *health;

	struct arena *load_arena;       /* of the catalogue being read */
	struct catalogue_load load;
	bool loading;
	struct file_mark cert, key;

	struct watch signals;           /* a signalfd; -1: the caller handles signals */
	struct http_inherited inherited; /* until we listen ourselves */
	int predecessor;                /* whose sockets we were given; -1: nobody's */
	struct watch control;           /* handover.h; -1: none */
	struct successor successors[SUCCESSORS_MAX];
	int64_t successor_wait_ms;      /* for the word of one of them */
	struct timer tick, drain_limit;
	unsigned ticks;
	struct letter stop;             /* server_stop posts it */
	atomic_flag stop_asked;
	bool draining;
	bool handed_over;               /* draining because a successor answers */
	bool forced;                    /* the drain took too long */

	bool store_lost;                /* removed or replaced, and said so */
	uint64_t commits_seen, faults_seen; /* is the writer alive? */
	int64_t commits_changed_ms;
	bool failing;                   /* the last write was a fault, */
	bool doubtful;                  /* or may have been one: */
	struct fact heartbeat;          /* one more, every second until one succeeds */
	bool beating;
	int64_t beat_ms;
	int64_t started_at;
};

/* ---- server.c --------------------------------------------------------------- */
enum outcome server_settle(struct server *s, struct config *c, struct fault *f) must_check;

/* ---- tend.c: everything that happens on the main thread while it runs --------- */
void tend(struct server *s);         /* until the last worker has ended */
void tend_worker_ended(struct worker *w);
void tend_handed_over(struct server *s, int64_t successor); /* a process id */

/* ---- health.c ------------------------------------------------------------------ */
enum outcome health_listen(struct server *s, struct fault *f) must_check;
void health_watch_writer(struct server *s); /* with every tick */

#endif
