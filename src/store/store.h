/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store.h - what is kept, in the domain's words; no SQL types come through here.
 *
 * Promises: a change is durable before its completion runs (H-16); a decision
 * about a grant is taken by rules/grant.c inside the transaction that saves it;
 * a read sees every change completed before it was asked; nothing grows with
 * refreshes and nothing needs a janitor (dead rows go a few at a time with
 * ordinary traffic). A fault leaves everything as it was.
 *
 * Every verb takes a struct that the caller keeps alive (in its arena) until
 * `done` runs, on the thread that owns the port, possibly before the verb
 * returns. Inputs and outputs are members. Strings in outputs are in call.arena,
 * which is the store's from the asking until `done`: nobody else may allocate
 * from it meanwhile, and it may serve one call at a time.
 */
#ifndef LATCHKEY_STORE_STORE_H
#define LATCHKEY_STORE_STORE_H

#include <stdatomic.h>

#include "base/loop.h"
#include "base/mailbox.h"
#include "base/outcome.h"
#include "rules/catalogue.h"
#include "rules/grant.h"
#include "rules/user.h"

struct store;      /* one a process */
struct store_port; /* one a thread: its mailbox and its own way of reading */

struct store_call {
	struct letter letter;     /* the store's */
	void (*done)(struct store_call *); /* may be NULL: store_wait looks by itself */
	struct arena *arena;
	void *arg;                /* the caller's */
	enum outcome outcome;     /* DONE or FAULT when done runs */
	struct fault fault;
	struct store_port *port;  /* the store's, and so are: */
	unsigned verb;
	bool finished;
	int64_t resume;           /* where a change done in several steps goes on */
	int64_t asked_ms;         /* monotonic */
	bool unsure;              /* with FAULT: it may have been done all the same */
};

/* ---- life ---------------------------------------------------------------- */

/* url: a path (SQLite) or postgresql://USER@HOST[,HOST...]/DATABASE[?...].
 * store_create refuses what exists; store_open refuses a schema that is too old or
 * too new with a sentence saying what to run, and a read-only or damaged file. */
enum outcome store_create(const char *url, struct fault *f) must_check;
enum outcome store_open(const char *url, struct store **out, struct fault *f)
	must_check;
/* Could store_open be given this? Nothing is opened. */
enum outcome store_url_good(const char *url, struct fault *f) must_check;
/* Brings the schema to what this program needs, in one transaction; it only adds, so
 * that servers of the older minor version go on. from == to: there was nothing to do. */
enum outcome store_upgrade(const char *url, int64_t *from, int64_t *to,
	struct fault *f) must_check;
/* Moves all of it into a new store of the other kind, while a server may run on it:
 * from the first row on nobody changes the old one, and once the new one is committed
 * nothing is answered from the old one any more (SQLite: the file is called .moved;
 * PostgreSQL: the tables are in a schema latchkey_moved_...). How many rows. */
enum outcome store_move(const char *from, const char *to, uint64_t *rows,
	struct fault *f) must_check;
/* Finishes what is queued, checkpoints, closes. Ports must be freed before. */
void store_close(struct store *s);
struct store_port *store_port_new(struct store *s, struct mailbox *m, struct fault *f);
void store_port_free(struct store_port *p);
/* Has the port's connections looked after by the event loop of its thread, for a
 * server; without it they only move while somebody is in store_wait or store_turn. */
enum outcome store_port_join(struct store_port *p, struct loop *l, struct fault *f)
	must_check;
/* For commands: runs one verb's call and waits for it (delivers the port's mailbox). */
enum outcome store_wait(struct store_port *p, struct store_call *c) must_check;
/* One turn of such waiting: until something was answered, or timeout_ms (-1: ever). */
void store_turn(struct store_port *p, int timeout_ms);
/* The time by which expiry is decided, in Unix seconds: the database's, so that
 * all nodes agree. Any thread. */
int64_t store_now(const struct store *s);
/* Is the database still where it was opened? If it was removed or replaced, this and
 * every call from then on is a fault, until it is opened anew. A change is checked so
 * before it is told; reads are as soon as somebody asked here. Any thread. */
enum outcome store_check(struct store *s, struct fault *f) must_check;
/* A sync failed. What was written before may or may not be on the disk, and the kernel
 * may say the next time that all is well; only who reads it anew knows. Every call is a
 * fault, and the process should end at once, without closing the store. Any thread. */
bool store_unsynced(const struct store *s);
/* Writes waiting; the server turns work away above a limit. Any thread. */
size_t store_backlog(const struct store *s);
/* How many seconds an ended or expired grant and an audit entry are kept before
 * ordinary traffic may reclaim them (90 and 400 days unless told). Any thread. */
void store_keep(struct store *s, int64_t grants, int64_t audit);
/* How many bytes of the database the writer, and each port made from now on, may keep
 * in memory, as use asks for them (2 MB unless told); with PostgreSQL all ports together
 * keep rows of grants they wrote. Any thread. */
void store_cache(struct store *s, int64_t bytes);
/* How many callers are about to come: while there are any, a commit may wait for them
 * for 2 ms. The counter is anybody's to move, and outlives the store. Any thread. */
void store_expect(struct store *s, const atomic_size_t *callers);
/* dropped: notes and touches given up because too many waited. */
struct store_counts {
	uint64_t commits, changes, faults, reclaimed, dropped;
	uint64_t recalled; /* changes decided on a row that need not be read (PostgreSQL) */
	uint64_t commit_us; /* spent in committing, in all */
};
struct store_counts store_counts(const struct store *s); /* for /metrics */

/* ---- audit and refusals -------------------------------------------------- */

/* A security event, durable, in the same transaction as the change it tells of. */
struct audit {
	int64_t at;
	struct bytes event;   /* "grant_ended", "sign_in_failed", "client_added" ... */
	struct bytes actor;   /* "person:ada", "client:lkc_..", "operator:root" */
	struct bytes object;  /* "grant:1a2b3c4d", "client:..", "user:.." */
	struct bytes detail;  /* a sentence without secrets */
	struct bytes from;    /* address */
};
struct audit_add { struct store_call call; struct audit audit; };
void store_audit_add(struct store_port *p, struct audit_add *c);
struct audit_list {
	struct store_call call;
	int64_t since, until;  /* 0: no bound */
	struct bytes event, object; /* NONE: any */
	size_t limit;
	struct audit *entries; /* newest first */
	size_t count;
};
void store_audit_list(struct store_port *p, struct audit_list *c);

/* Why a request was refused, for `latchkey explain`. A ring of the newest 20,000;
 * not waited for, written along with other commits or within 250 ms. */
#define ERROR_ID_SIZE 10 /* characters, base32 of random bits */
struct refusal_note {
	struct store_call call; /* done may be NULL: then the store copies the note */
	char id[ERROR_ID_SIZE];
	int64_t at;
	struct bytes reason;    /* reason_name */
	struct bytes endpoint, client_id, from;
	struct bytes facts;     /* JSON object text: presented, registered, ... */
	bool has_grant;
	uint8_t grant[GRANT_KEY_SIZE];
};
void store_refusal_note(struct store_port *p, struct refusal_note *c);
struct refusal_find {
	struct store_call call;
	struct bytes id;
	bool found;
	struct refusal_note note;
};
void store_refusal_find(struct store_port *p, struct refusal_find *c);

/* ---- grants -------------------------------------------------------------- */

#define SESSION_KEY_SIZE 16 /* first bytes of SHA-256 of the cookie's value */

/* The consent's answer: a new grant, open or (denied) ended. taken: that grant id
 * was answered before, nothing changed (U-11). session_over: the session has ended or
 * the account was disabled since it was looked at, nothing changed. */
struct grant_open {
	struct store_call call;
	struct grant grant;
	uint8_t session[SESSION_KEY_SIZE]; /* of the person who decided; zero: none */
	struct audit audit; /* event empty: none */
	bool taken, session_over;
};
void store_grant_open(struct store_port *p, struct grant_open *c);

enum grant_event { GRANT_REDEEM, GRANT_REFRESH, GRANT_END, GRANT_END_ACCESS };
struct grant_change {
	struct store_call call;
	uint8_t key[GRANT_KEY_SIZE];
	enum grant_event event;
	int64_t now;
	union {
		struct redemption redemption;
		struct refresh refresh;
		struct { enum end_reason why; uint32_t generation; struct bytes from;
			int64_t client; /* 0: any; else another's is left alone */
		} end;
	};
	bool found;
	struct verdict verdict;
	struct grant grant; /* after */
};
/* An ended grant is audited by the store itself (event "grant_ended"). */
void store_grant_change(struct store_port *p, struct grant_change *c);

struct grant_find {
	struct store_call call;
	uint8_t key[GRANT_KEY_SIZE];
	bool found;
	struct grant grant;
};
void store_grant_find(struct store_port *p, struct grant_find *c);
/* Notes that the grant was used, at most once an hour; nobody waits for it. */
void store_grant_touch(struct store_port *p, const uint8_t key[static GRANT_KEY_SIZE],
	int64_t now);

struct grant_list {
	struct store_call call;
	int64_t user, client;  /* 0: any */
	bool ended_too;        /* also those that ended and are still kept */
	struct bytes key_prefix; /* hex; NONE: any (for `grant show 1a2b`) */
	size_t limit;
	struct grant *grants;  /* newest first */
	size_t count;
};
void store_grant_list(struct store_port *p, struct grant_list *c);

/* Ends every live or open grant of a user, of a client, or of both; a thousand in
 * one transaction, so that a client with a million does not hold up the rest. */
struct grants_end {
	struct store_call call;
	int64_t user, client;
	enum end_reason why;
	struct bytes from;
	int64_t now;
	size_t ended;
};
void store_grants_end(struct store_port *p, struct grants_end *c);

/* A client token revoked before its expiry (RFC 7009); gone by itself after. */
struct token_revocation {
	struct store_call call;
	uint8_t digest[16];
	int64_t expires_at;
	bool revoked; /* output of _find */
};
void store_token_revoke(struct store_port *p, struct token_revocation *c);
void store_token_find_revoked(struct store_port *p, struct token_revocation *c);

/* ---- people and their sessions ------------------------------------------- */

struct user_find {
	struct store_call call;
	struct bytes username; /* or */
	int64_t id;            /* when username is empty */
	bool found;
	struct user user;
};
void store_user_find(struct store_port *p, struct user_find *c);

/* Adds (user.id == 0; taken: the username is in use) or replaces or removes. The
 * person's sessions and grants (END_ACCOUNT) end as the caller says, and always when
 * the account is disabled or removed. stale: the account is not any more what the
 * change was made from, and keeps what it is. */
struct user_put {
	struct store_call call;
	struct user user;
	const struct user *from; /* NULL: whatever it is now */
	bool remove;
	bool end_sessions, end_grants;
	struct audit audit;
	bool taken, found, stale;
};
void store_user_put(struct store_port *p, struct user_put *c);
struct user_list { struct store_call call; struct user *users; size_t count; };
void store_user_list(struct store_port *p, struct user_list *c);

struct session {
	uint8_t key[SESSION_KEY_SIZE];
	int64_t user;
	int64_t authenticated_at;
	int64_t expires_at;
};
/* outdated: the password was changed or the account disabled since the password was
 * looked at, and there is no session. */
struct session_open {
	struct store_call call;
	struct session session;
	struct bytes password_hash; /* that was checked; NONE: none was */
	uint8_t replaces[SESSION_KEY_SIZE]; /* ends with it; zero: none */
	struct audit audit;
	bool outdated;
};
void store_session_open(struct store_port *p, struct session_open *c);
/* The session and its user, if both are good at `now`. */
struct session_find {
	struct store_call call;
	uint8_t key[SESSION_KEY_SIZE];
	int64_t now;
	bool found;
	struct session session;
	struct user user;
};
void store_session_find(struct store_port *p, struct session_find *c);
struct session_end {
	struct store_call call;
	uint8_t key[SESSION_KEY_SIZE];
	struct audit audit;
};
void store_session_end(struct store_port *p, struct session_end *c);

/* ---- the catalogue: clients, scopes, key epochs -------------------------- */

int64_t store_catalogue_version(struct store_port *p); /* cheap; -1: fault */
struct catalogue_load {
	struct store_call call;
	struct catalogue *catalogue; /* one reference */
};
void store_catalogue_load(struct store_port *p, struct catalogue_load *c);

/* Adds (client.id == 0) or replaces or removes; removing ends its grants. stale: the
 * catalogue by which the client was judged has changed since, and stays as it is. */
struct client_put {
	struct store_call call;
	struct client client;
	int64_t version;    /* of that catalogue; 0: whatever it is now */
	struct bytes logo;  /* with has_logo; NONE: keep the one there is */
	bool remove;
	struct audit audit;
	bool found, stale;
};
void store_client_put(struct store_port *p, struct client_put *c);
struct client_logo {
	struct store_call call;
	int64_t client;
	bool found;
	struct bytes logo;
};
void store_client_logo(struct store_port *p, struct client_logo *c);

struct scope_put {
	struct store_call call;
	struct scope_entry scope; /* id is given by the store */
	bool remove;              /* refused (in_use) while a client names it */
	struct audit audit;
	bool found, in_use;
};
void store_scope_put(struct store_port *p, struct scope_put *c);

/* A new current epoch. Of the older ones those that began at or before retire_before
 * are retired now and for good, and their tokens die (0: none; now: all, as after a
 * restored backup). There are 64 epochs in a master key's life. */
struct epoch_put {
	struct store_call call;
	int64_t now;
	int64_t retire_before;
	uint8_t epoch; /* the new one */
	struct audit audit;
};
void store_epoch_put(struct store_port *p, struct epoch_put *c);

/* Small facts of the installation: "issuer", "brand", "key_check" (a digest by which
 * the wrong master key is recognised). */
struct fact { struct store_call call; struct bytes name, value; bool found; };
void store_fact_put(struct store_port *p, struct fact *c);
void store_fact_find(struct store_port *p, struct fact *c);

#endif
