/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backend.h - what store.c asks of a back end: life, and one way in for verbs.
 *
 * A back end is a row of functions and a file for each family of verbs. Its
 * store and its port begin with the structs below. It answers each call once,
 * by store_answer from any thread or by store_finish on the port's own.
 */
#ifndef LATCHKEY_STORE_BACKEND_H
#define LATCHKEY_STORE_BACKEND_H

#include <stdatomic.h>

#include "store/store.h"

enum verb {
#define VERB(name, type, way) VERB_##name,
#include "store/verbs.def"
#undef VERB
	VERB_COUNT
};

/* A step that makes a schema of that version of the one before it. */
struct upgrade {
	int64_t version; /* 0: the end of the list */
	const char *sqlite, *postgres;
};

struct backend {
	enum outcome (*url_good)(const char *url, struct fault *f); /* NULL: any */
	enum outcome (*create)(const char *where, struct fault *f);
	/* All steps behind the version there is up to `to`, or none; *from: what it was. */
	enum outcome (*upgrade)(const char *where, const struct upgrade *steps, int64_t to,
		int64_t *from, struct fault *f);
	enum outcome (*open)(const char *where, struct store **out, struct fault *f);
	void (*close)(struct store *s);
	struct store_port *(*port_new)(
		struct store *s, struct mailbox *m, struct fault *f);
	/* Returns when every call of the port has been answered. */
	void (*port_free)(struct store_port *p);
	void (*ask)(struct store_port *p, struct store_call *c); /* does c->verb */
	/* Takes over a call nobody waits for; it may be late, or dropped under load. */
	void (*ask_late)(struct store_port *p, struct store_call *c);
	/* NULL: there is nothing but the mailbox. */
	enum outcome (*port_join)(struct store_port *p, struct loop *l, struct fault *f);
	void (*turn)(struct store_port *p, int timeout_ms);
	int64_t (*now)(const struct store *s); /* NULL: this machine's clock */
	int64_t (*catalogue_version)(struct store_port *p);
	/* Is what was opened still there? Any thread. */
	enum outcome (*check)(struct store *s, struct fault *f);
};

extern const struct backend sqlite_backend, postgres_backend;

/* Why every call is a fault, for good. */
enum loss { NOT_LOST, LOST_FILE, LOST_SYNC };

struct store {
	const struct backend *backend;
	atomic_size_t backlog;
	_Atomic enum loss lost;
	_Atomic int64_t keep_grants, keep_audit; /* seconds */
	_Atomic int64_t cache;                   /* bytes a connection */
	_Atomic(const atomic_size_t *) callers;   /* about to come; NULL: not known */
	_Atomic uint64_t commits, changes, faults, reclaimed, recalled, dropped, commit_us;
};

#define TOUCHED_SIZE 512 /* grants a port remembers to have touched this hour */

/* Answers that are ready, port by port: each port is woken once for all of its own. */
struct answers {
	struct store_port *first;
};

struct store_port {
	struct store *store;
	struct mailbox *mailbox;
	struct letter *answer, *last_answer; /* those of struct answers */
	struct store_port *next_answered;
	struct {
		uint64_t key;
		int64_t hour;
	} touched[TOUCHED_SIZE];
};

/* Notes that a grant was used; made by store_grant_touch, never waited for. */
struct grant_touch {
	struct store_call call;
	uint8_t key[GRANT_KEY_SIZE];
	int64_t now;
};

/* store_upgrade by these steps. */
enum outcome store_upgrade_by(const char *url, const struct upgrade *steps, int64_t to,
	int64_t *from, struct fault *f) must_check;

/* The end of a call on its port's thread, and from any other. */
void store_finish(struct store_call *c);
void store_answer(struct store_call *c);
/* Makes a call again what it was when it was copied, so that its verb can run anew; all
 * but what the asker's thread looks at meanwhile. */
void store_call_again(struct store_call *c, const struct store_call *copy, size_t size);
void store_lose(struct store *s, enum loss why); /* any thread; the first reason stays */
/* Many ends from one thread that works for all ports: gathered, then sent. */
void answers_add(struct answers *a, struct store_call *c);
void answers_send(struct answers *a);

#endif
