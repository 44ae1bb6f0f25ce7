/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sqlite_store.c - the SQLite back end as store.c sees it: a writer for the whole
 * process, and for each port a connection that reads at once, on its own thread.
 */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/loop.h"
#include "store/sqlite.h"

struct sqlite_store {
	struct store store;
	struct writer *writer;
	struct sqlite_file file;
	char path[]; /* for ports to come */
};

struct sqlite_port {
	struct store_port port;
	struct sqlite db;
};

struct writer *
sqlite_writer_of(const struct store *s)
{
	return ((const struct sqlite_store *)(const void *)s)->writer;
}

/* ---- verbs --------------------------------------------------------------- */

#define READ false
#define WRITE true
#define LATE true

#define VERB(name, type, way)                                                   \
	static enum outcome run_##name(struct sqlite *db, struct store_call *c) \
	{                                                                       \
		return sqlite_##name(db, (struct type *)(void *)c);             \
	}
#include "store/verbs.def"
#undef VERB

static const struct {
	enum outcome (*run)(struct sqlite *db, struct store_call *c);
	bool writes;
	size_t size;
} verbs[VERB_COUNT] = {
#define VERB(name, type, way) [VERB_##name] = { run_##name, way, sizeof(struct type) },
#include "store/verbs.def"
#undef VERB
};

enum outcome
sqlite_verb_run(struct sqlite *db, struct store_call *c)
{
	return verbs[c->verb].run(db, c);
}

size_t
sqlite_verb_size(const struct store_call *c)
{
	return verbs[c->verb].size;
}

static void
port_ask(struct store_port *p, struct store_call *c)
{
	struct sqlite_port *port = (struct sqlite_port *)(void *)p;

	if (verbs[c->verb].writes) {
		writer_post(sqlite_writer_of(p->store), c);
		return;
	}
	port->db.fault = &c->fault;
	c->outcome = sqlite_verb_run(&port->db, c);
	store_finish(c);
}

static void
port_ask_late(struct store_port *p, struct store_call *c)
{
	writer_post_late(sqlite_writer_of(p->store), c);
}

static int64_t
port_catalogue_version(struct store_port *p)
{
	struct sqlite_port *port = (struct sqlite_port *)(void *)p;
	int64_t version;

	port->db.fault = NULL;
	return catalogue_read_version(&port->db, &version) == DONE ? version : -1;
}

/* ---- life ---------------------------------------------------------------- */

static enum outcome
open_store(const char *path, struct store **out, struct fault *f)
{
	size_t size = strlen(path) + 1;
	struct sqlite_store *s;

	TRY(sqlite_inspect(path, f));
	s = must_calloc(1, sizeof(*s) + size);
	memcpy(s->path, path, size);
	s->store.backend = &sqlite_backend; /* the writer asks it */
	if (sqlite_file_open(&s->file, s->path, f) != DONE ||
		writer_start(&s->store, &s->file, &s->writer, f) != DONE) {
		free(s);
		return FAULT;
	}
	*out = &s->store;
	return DONE;
}

static enum outcome
check_store(struct store *store, struct fault *f)
{
	return sqlite_file_check(&((struct sqlite_store *)(void *)store)->file, f);
}

static void
close_store(struct store *store)
{
	writer_stop(sqlite_writer_of(store));
	free(store);
}

static struct store_port *
open_port(struct store *store, struct mailbox *m, struct fault *f)
{
	struct sqlite_store *s = (struct sqlite_store *)(void *)store;
	struct sqlite_port *p = must_calloc(1, sizeof(*p));

	if (sqlite_connect(&p->db, s->path, SQLITE_FOR_READING, f) != DONE) {
		free(p);
		return NULL;
	}
	p->db.store = store;
	if (sqlite_cache(&p->db) != DONE) {
		sqlite_disconnect(&p->db);
		free(p);
		return NULL;
	}
	p->port.store = store;
	p->port.mailbox = m;
	return &p->port;
}

static void
turn_over(void *arg)
{
	sqlite_locks_turn_over(((struct sqlite_port *)arg)->db.db);
}

static enum outcome
join_port(struct store_port *port, struct loop *l, struct fault *f)
{
	struct sqlite_port *p = (struct sqlite_port *)(void *)port;

	(void)f;
	sqlite_locks_keep(p->db.db);
	loop_after_turn(l, turn_over, p);
	return DONE;
}

static void
close_port(struct store_port *port)
{
	struct sqlite_port *p = (struct sqlite_port *)(void *)port;

	writer_drain(sqlite_writer_of(port->store));
	sqlite_disconnect(&p->db);
	free(p);
}

const struct backend sqlite_backend = {
	.create = sqlite_create,
	.upgrade = sqlite_upgrade,
	.open = open_store,
	.close = close_store,
	.port_new = open_port,
	.port_free = close_port,
	.port_join = join_port,
	.ask = port_ask,
	.ask_late = port_ask_late,
	.catalogue_version = port_catalogue_version,
	.check = check_store,
};
