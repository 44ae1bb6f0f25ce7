/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lk.h - the objects behind latchkey.h, and what the library's own files (and the
 * agent and the command, which are its first users) need of each other.
 *
 * Who guards what: lk->mutex the lists of a struct lk; connection->token_lock the
 * newest token; the flight its own fields. A flight's leader alone touches what
 * stands under "the leader's". No two of these locks are ever held at once.
 */
#ifndef LATCHKEY_CLIENT_LK_H
#define LATCHKEY_CLIENT_LK_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "client/open.h"
#include "client/record.h"
#include "client/status.h"
#include "client/token_request.h"

struct server; /* as_known.c */
struct place;  /* lk_look.c */

struct lk {
	struct vault *vault;
	pid_t pid; /* who opened it: locks and descriptors do not survive a fork */
	int lock_wait_ms, http_timeout_ms, attempts;
	int64_t look_again_ms; /* how old what was read from the vault may be */
	unsigned flags;
	void (*event)(void *arg, const struct lk_event *event);
	void *arg;
	char boot[BOOT_ID_SIZE];
	char *where;            /* the vault, as vault_open takes it */
	char agent_socket[108]; /* "": none is asked */
	pthread_mutex_t mutex;
	struct lk_connection *connections;
	struct server *servers;
	struct place *places;
	struct http_lines *lines; /* to APIs, kept open between calls */
};

/* LK_BUG where lk is NULL or another process's. Begins every call but the hot path. */
enum lk_status lk_begin(const struct lk *lk, struct lk_error *e) must_check;
/* Memory for one call, all that it may need: NULL with LK_MEMORY in *e. */
struct arena *lk_arena(struct lk_error *e);
/* CL-32: what is to be waited after a failed attempt, from 1; -1: it was the last. */
int64_t lk_backoff_ms(int attempt, int attempts, int64_t retry_after);
/* Waits that long; false, at once: it was the last attempt, or there is no time left for
 * one more request before until_ms (clock_monotonic_ms). */
bool lk_wait(const struct lk *lk, int attempt, int64_t retry_after, int64_t until_ms);
/* A struct that begins with its size, of a program that knew more members or fewer;
 * false: no size, or a member is set that this version does not have. */
bool lk_copy(void *to, size_t known, const void *from, size_t size);
/* What happened, to the history of the connection and to the host's callback. */
void lk_tell(struct lk *lk, struct arena *a, const char *name, const char *event,
	enum lk_status status, const char *detail, int64_t took_ms);

/* ---- a token ---------------------------------------------------------------------- */

#define UNTIL_REFUSED INT64_MAX

struct lk_token {
	atomic_uint references;
	uint32_t generation;   /* of the record that it was read from */
	int64_t read_ms;       /* when that was (CLOCK_BOOTTIME) */
	bool life_unsaid;
	bool development;      /* may be sent over http on loopback */
	const char *ca_file;   /* of the connection, behind the text; or NULL */
	int64_t length_ms;     /* from the request to expires_at_ms */
	int64_t expires_at_ms; /* CLOCK_BOOTTIME, or UNTIL_REFUSED */
	size_t size;           /* of the text, without its NUL */
	size_t held;           /* of all of it, in pages of its own (base/secret.h) */
	char text[];
};

/* What a caller of lk_token wants. */
struct wish {
	int64_t min_ttl_ms;
	struct bytes refused; /* NONE, or the token that an API refused */
};

/* Of that record's connection, with these lifetimes; counts one reference. NULL: out of
 * memory. */
struct lk_token *token_new(struct bytes text, const struct record *r, int64_t length_ms,
	int64_t expires_at_ms, bool life_unsaid);
struct lk_token *token_hold(struct lk_token *t); /* one more reference */
/* Not the refused one, and good for as long as RULEBOOK CL-20 wants. */
bool token_fresh(const struct lk_token *t, const struct wish *wish, int64_t now_ms);
/* Not the refused one, and alive for min_ttl: good enough while the server cannot be
 * reached. */
bool token_alive(const struct lk_token *t, const struct wish *wish, int64_t now_ms);

/* ---- a connection ------------------------------------------------------------------- */

/* Of the threads that want a token at once, one goes and the others get its result. */
struct flight {
	pthread_mutex_t mutex;
	pthread_cond_t landed;
	bool flying;
	uint64_t count;         /* of those that have landed */
	enum lk_status status;  /* of the last one */
	struct lk_token *token; /* ... if it is LK_OK */
	struct lk_error error;
};

/* One a name and struct lk, however often it is opened. */
struct lk_connection {
	struct lk *lk;
	struct lk_connection *next;
	unsigned opened;
	char name[VAULT_NAME_MAX + 1];
	const _Atomic uint32_t *generation; /* the vault's word for it */
	pthread_rwlock_t token_lock;
	struct lk_token *token; /* the newest this process knows, or NULL */
	struct flight flight;
	/* The leader's: a record with a new pair that could not be written, and the
	 * digest of the refresh token that it replaces. */
	char *unsaved;
	size_t unsaved_size;
	uint8_t unsaved_for[DIGEST_SIZE];
};

enum lk_status name_check(struct bytes name, struct lk_error *e) must_check;
struct bytes connection_name(const struct lk_connection *c);
/* A token from a record, as the newest this process knows. */
enum lk_status connection_adopt(struct lk_connection *c, const struct record *r,
	uint32_t generation, struct lk_token **out, struct lk_error *e) must_check;
/* The record of that name, read and understood. */
enum lk_status record_load(struct lk *lk, struct bytes name, struct arena *a,
	struct record *out, struct lk_error *e) must_check;
/* Opens it whether it exists or not. */
enum lk_status connection_hold(struct lk *lk, struct bytes name,
	struct lk_connection **out, struct lk_error *e) must_check;
void connection_unsaved_drop(struct lk_connection *c);
void connections_free(struct lk *lk);

/* ---- servers (as_known.c) ---------------------------------------------------------------- */

/* Discovery (as.h), remembered for a quarter of an hour. */
enum lk_status server_find(struct lk *lk, struct arena *a, const struct as_wanted *wanted,
	struct as *out, struct lk_error *e) must_check;
/* What a token request of that connection needs: from the record where its metadata are
 * younger than a day, else by discovery, which then stands in the record. */
enum lk_status server_of(struct lk *lk, struct arena *a, struct record *r, struct as *out,
	struct lk_error *e) must_check;
void server_note(struct record *r, const struct as *as, int64_t now);
void servers_free(struct lk *lk);
struct credentials credentials_of(const struct record *r);

void places_free(struct lk *lk); /* lk_look.c */

#endif
