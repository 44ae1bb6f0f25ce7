/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postgres.h - the PostgreSQL back end among its own files.
 *
 *	ports    each thread's: three lines, one for reads and two for changes, which
 *	         its event loop looks after; what arrives together goes out as a batch
 *	clerk    one thread that waits on a connection of its own: what takes several
 *	         steps in one transaction, and nobody's request is made of
 *	keeper   one thread, in a server: it finds the primary, renews this node's
 *	         lease by a commit, and knows the database's clock and catalogue
 *
 * Numbers are bigint, sent and taken in binary.
 */
#ifndef LATCHKEY_STORE_POSTGRES_H
#define LATCHKEY_STORE_POSTGRES_H

#include "base/loop.h"
#include "store/postgres_library.h"
#include "store/shared.h"

enum pg_statement {
#define STATEMENT(name, ...) PG_##name,
#include "store/postgres_statements.def"
#undef STATEMENT
	PG_COUNT
};

/* Statements are prepared under their names, once a connection. */
struct pg_text { const char *name, *sql; };
extern const struct pg_text pg_statements[PG_COUNT];

#define PG_SCHEMA_VERSION SCHEMA_VERSION

/* Every step of a call is answered within ANSWER, or the call is a fault; so a
 * request is answered within two seconds whatever the database does. */
#define PG_ANSWER_MS 1400
#define PG_CONNECT_MS 1000
#define PG_LEASE_MS 4000 /* from the asking for the last commit acknowledged */

/* ---- where the database is (postgres_target.c) --------------------------- */

#define PG_HOSTS_MAX 8

/* A URL taken apart: what it says of every host, and the hosts. */
struct pg_target {
	struct arena *arena;
	const char **keywords, **values; /* with room for a host, a port and an end */
	size_t n;
	const char *hosts[PG_HOSTS_MAX], *ports[PG_HOSTS_MAX];
	size_t host_count;
};

enum outcome pg_target_read(const char *url, struct pg_target *t, struct fault *f)
	must_check;
void pg_target_free(struct pg_target *t);
/* Begins to connect to one of the hosts, to be gone on with by connectPoll. */
PGconn *pg_target_dial(const struct pg_target *t, size_t host);

/* ---- values (postgres_value.c) ------------------------------------------- */

#define PG_PARAMS_MAX 32

/* Parameters, in the order of their numbers; what they point to is copied. */
struct pg_params {
	struct arena *arena;
	int n;
	const char *values[PG_PARAMS_MAX];
	int lengths[PG_PARAMS_MAX], formats[PG_PARAMS_MAX];
};

void pg_put_int(struct pg_params *p, int64_t number);
void pg_put_text(struct pg_params *p, struct bytes text); /* empty: NULL */
void pg_put_blob(struct pg_params *p, const void *blob, size_t n); /* NULL: NULL */
void pg_put_null(struct pg_params *p);
void pg_put_audit(struct pg_params *p, const struct audit *a); /* six of them */

/* An array of so many, put when all its members are in. */
struct pg_array { struct pg_params *params; struct buf buf; };
enum pg_type { PG_BIGINT = 20, PG_TEXT = 25, PG_BYTEA = 17 };
struct pg_array pg_array_new(struct pg_params *p, enum pg_type type, size_t members);
void pg_add_int(struct pg_array *a, int64_t number);
void pg_add_text(struct pg_array *a, struct bytes text);
void pg_add_blob(struct pg_array *a, const void *blob, size_t n);
void pg_add_null(struct pg_array *a);
void pg_put_array(struct pg_array *a);

/* A row of a result, its columns taken in order. */
struct pg_row { const PGresult *result; int row, column; };
int64_t pg_take_int(struct pg_row *r); /* NULL: 0 */
struct bytes pg_take_text(struct pg_row *r, struct arena *a); /* NULL: NONE */
bool pg_take_blob(struct pg_row *r, void *out, size_t n); /* false: NULL, other size */
bool pg_is_null(const struct pg_row *r); /* the next column */

/* ---- a connection that is waited for (postgres_query.c) ------------------ */

struct pg {
	PGconn *conn; /* NULL: none */
	bool prepared[PG_COUNT];
	bool unsure; /* PostgreSQL said that a commit may not have reached a standby */
	bool patient; /* keep a connection that does not answer in time: it is stalled */
	bool stalled; /* and of no use until pg_settled */
	char state[6]; /* SQLSTATE of the last failure; empty: none, or no answer */
	struct store *store;
	struct fault *fault; /* of what runs */
	struct arena *scratch; /* emptied by whoever needs it next */
	size_t inserted; /* rows that will die some day */
	bool again; /* the verb has more to do: call it in another transaction */
	bool bumped; /* the catalogue has a new version */
	int64_t answer_ms; /* how long to wait; 0: PG_ANSWER_MS */
};

struct pg_query {
	struct pg *db;
	enum pg_statement which;
	struct pg_params in;
	PGresult *result;
	struct pg_row out;
	bool asked, failed;
};

enum outcome pg_connect(struct pg *db, const struct pg_target *t, size_t host,
	struct fault *f) must_check;
void pg_disconnect(struct pg *db);
bool pg_settled(struct pg *db); /* is it of use (again)? */
/* A statement, unprepared; p (NULL: none), *out (NULL: not wanted) to be cleared. */
enum outcome pg_ask(struct pg *db, const char *sql, const struct pg_params *p,
	PGresult **out) must_check;
enum outcome pg_run(struct pg *db, const char *sql) must_check;
struct pg_query pg_begin(struct pg *db, enum pg_statement which);
bool pg_next(struct pg_query *q); /* asks if need be; one more row is there */
enum outcome pg_end(struct pg_query *q) must_check;
/* For what is done for its effect: runs and ends; *changed (may be NULL) rows. */
enum outcome pg_do(struct pg_query *q, size_t *changed) must_check;
uint64_t pg_now_us(void); /* monotonic */
bool pg_same(const char *a, const char *b); /* words that are no secrets */
/* Is it of the kind that goes well when it is tried again? */
bool pg_state_passes(const char *state);
/* How long to wait after so many of them in a row, so that those who met do not meet
 * again: at random from nothing to 10 ms, and twice that each time, 160 ms at most. */
int64_t pg_pause_ms(unsigned conflicts);
/* A sentence about what the server said. */
enum outcome pg_fault(PGconn *conn, const PGresult *r, const char *doing,
	struct fault *f);
/* Sees whether a standby was not waited for; *arg is a bool. */
void pg_hear(void *arg, const PGresult *notice);

/* ---- the schema (postgres_open.c) ---------------------------------------- */

enum outcome pg_create(const char *url, struct fault *f) must_check;
enum outcome pg_upgrade(const char *url, const struct upgrade *steps, int64_t to,
	int64_t *from, struct fault *f) must_check;
/* In the transaction under way. */
enum outcome pg_make_tables(struct pg *db, struct fault *f) must_check;
/* Is it ours, and of a version we know? */
enum outcome pg_inspect(struct pg *db, struct fault *f) must_check;

/* ---- a line: a connection on an event loop (postgres_line.c) ------------- */

struct pg_port;
struct line;

/* A call on its way, and what has been found out about it. */
struct job {
	struct job *next;
	struct store_call *call;
	int64_t asked_ms, queued_ms; /* monotonic; queued: for the line it is on */
	int64_t found;  /* the mark under which a grant was read */
	int64_t own;    /* the mark that this call writes */
	bool unsure;    /* a commit of it was asked for, and not answered */
	bool confirms;  /* it was found written: written once more, to be certain */
	bool settled;   /* the batch did what it asked */
	struct grant *grant; /* of the call, or of a touch */
};

/* postgres_jobs.c */
struct jobs { struct job *first, *last; size_t n; };
void jobs_add(struct jobs *q, struct job *j);
struct job *jobs_take(struct jobs *q); /* NULL: none */
void jobs_move(struct jobs *to, struct jobs *from);

#define BATCH_MAX 256
#define PG_MANY 16 /* changes: a commit for so many costs each next to nothing */

/* A statement under way: whose it is, and who takes its result. */
typedef void shot_taker(struct line *l, struct job **jobs, size_t n, const PGresult *r);
struct shot {
	enum pg_statement which;
	bool prepares; /* it only makes the statement known */
	shot_taker *take; /* NULL: done for its effect */
	struct job **jobs;
	size_t n;
};

enum line_state { LINE_DOWN, LINE_CONNECTING, LINE_IDLE, LINE_BUSY };

struct line {
	struct pg_port *port;
	/* What the port does: build a batch (line_shoot), and take what became of it. */
	void (*load)(struct line *l, struct jobs *batch);
	void (*unload)(struct line *l, struct jobs *batch, enum outcome outcome);
	bool changes; /* its batches are transactions */
	enum line_state state;
	PGconn *conn;
	struct watch watch;
	size_t host; /* connected to, or tried last */
	unsigned era; /* of the store, when it connected */
	bool prepared[PG_COUNT];
	int64_t deadline_ms, retry_ms, down_ms; /* down_ms: since when it has been down */
	struct jobs waiting, batch;
	size_t alone; /* so many of the next are tried one by one */
	unsigned conflicts; /* in a row: batches that failed by what passes */
	int64_t rest_ms; /* until then nothing is sent, because of the last of them */
	uint64_t batches; /* sent so far */
	bool held; /* what waits is not sent yet: more is about to come */
	struct shot shots[2 * BATCH_MAX + 16];
	size_t shot_count, shot_at;
	bool answered; /* the shot under way has its result */
	bool confused; /* libpq had no memory for something it sent, or was told */
	bool unsure; /* said by the server during this batch */
	bool stalled; /* its calls were given up; the server's answer is still waited for */
	char state_code[6]; /* of the batch's first failure */
	struct fault fault;
	uint64_t sent_us;
	size_t inserted; /* rows of this batch that will die some day */
	struct arena *arena; /* of the batch */
};

void line_open(struct line *l, struct pg_port *p);
void line_close(struct line *l);
/* Puts parameters together and sends them with the batch. */
struct pg_params line_params(struct line *l);
void line_shoot(struct line *l, enum pg_statement which, const struct pg_params *p,
	shot_taker *take, struct job **jobs, size_t n);
void line_ready(struct line *l, uint32_t events); /* its socket has something */
/* Answers those that have waited too long (postgres_jobs.c). */
void line_give_up(struct line *l, int64_t now_ms);
void line_again(struct line *l); /* its batch is tried once more */
/* Sends what waits, connects, gives up what is late; returns ms until it wants more. */
int line_tend(struct line *l, int64_t now_ms);

/* ---- a port (postgres_port.c) --------------------------------------------- */

#define CHANGERS 2 /* lines, so that who comes during a commit need not wait for it */

struct pg_port {
	struct store_port port;
	struct line reads, changes[CHANGERS]; /* changes wait for the first, go by any */
	size_t changed, gathered; /* changes asked for, so far and when last tended */
	int64_t gather_ms;        /* since when each turn has brought some; 0: not */
	uint64_t held_from; /* the first batch of reads that changes wait for; 0: none */
	int64_t held_ms;    /* since when */
	struct jobs late; /* nobody waits for them */
	int64_t late_due_ms;
	struct job *spare;
	struct loop *loop; /* NULL: driven by store_wait */
	struct timer timer;
	bool woken; /* there is something to do before the next sleep */
	bool closing;
	atomic_size_t at_clerk; /* calls */
};

/* A touch, and the grant as it was read. */
struct pg_touch {
	struct grant_touch touch;
	struct grant grant;
};

struct store_port *pg_port_new(struct store *s, struct mailbox *m, struct fault *f);
enum outcome pg_port_join(struct store_port *p, struct loop *l, struct fault *f)
	must_check;
void pg_port_turn(struct store_port *p, int timeout_ms);
void pg_port_free(struct store_port *p);
void pg_port_ask(struct store_port *p, struct store_call *c);
void pg_port_ask_late(struct store_port *p, struct store_call *c);
void pg_port_end_job(struct pg_port *p, struct job *j, enum outcome outcome,
	const struct fault *f);
void pg_port_wake(struct pg_port *p); /* at the end of this turn */
void pg_port_queue(struct pg_port *p, struct job *j);
/* Sends what is to be sent now; in how many ms it wants to be tended again (-1: when
 * something comes). (postgres_turn.c) */
int pg_port_tend(struct pg_port *p);

/* postgres_batch.c: the jobs of a batch by their verbs, and shots for them. */
struct pick { struct job **jobs; size_t n; };
struct pick pg_pick(struct line *l, const struct jobs *batch, const enum verb *verbs,
	size_t n);
#define PICK(l, batch, ...)                                         \
	pg_pick((l), (batch), (const enum verb[]){ __VA_ARGS__ },   \
		sizeof((const enum verb[]){ __VA_ARGS__ }) / sizeof(enum verb))
/* One statement for each: its parameters put by one function, its row taken by another. */
typedef void putter(struct pg_params *p, const struct store *s, struct store_call *c);
void pg_shoot_each(struct line *l, const struct pick *p, enum pg_statement which,
	putter *put, shot_taker *take);
/* The job that the next row names by the number in its first column, whose other columns
 * follow; r->row begins at -1. NULL: no more rows. */
struct job *pg_next_job(struct pg_row *r, struct job **jobs, size_t n);

void pg_load_reads(struct line *l, struct jobs *batch); /* postgres_reads.c */
void pg_load_changes(struct line *l, struct jobs *batch); /* postgres_changes.c */

/* ---- the store (postgres_store.c) ---------------------------------------- */

struct clerk;
struct keeper;
struct recent;

struct pg_store {
	struct store store;
	struct pg_target target;
	atomic_size_t primary; /* the host to connect to */
	atomic_uint era; /* one more each time the keeper has found the primary */
	atomic_bool kept; /* a keeper says what is certain: */
	_Atomic int64_t acked_ms; /* monotonic: a commit asked for then was acknowledged */
	_Atomic int64_t doubt_ms; /* what is read is told when one after that was */
	_Atomic int64_t clock_ms; /* the database's clock less the monotonic one */
	_Atomic int64_t version;  /* of the catalogue; -1: not known */
	struct clerk *clerk;
	struct keeper *keeper; /* NULL: none yet */
	struct recent *recent;
	atomic_size_t ports; /* each brings its share of memory */
};

struct pg_store *pg_store_of(const struct store *s);
/* From now on a keeper finds the primary and renews this node's lease. */
enum outcome pg_store_keep(struct pg_store *s, struct fault *f) must_check;
/* Something happened after which a commit has to be acknowledged before anything that
 * is read may be told: what is visible may not have reached a standby. */
void pg_doubt(struct pg_store *s);
bool pg_in_doubt(const struct pg_store *s);
/* May what was read here be told? */
enum outcome pg_certain(struct pg_store *s, struct fault *f) must_check;

/* postgres_clerk.c */
enum outcome clerk_start(struct pg_store *s, struct clerk **out, struct fault *f)
	must_check;
void clerk_post(struct clerk *k, struct store_call *c);
void clerk_reclaim(struct clerk *k, size_t inserted); /* when there is time */
void clerk_drain(struct clerk *k); /* returns when all posted before is answered */
int64_t clerk_version(struct clerk *k); /* asks and waits; -1: fault */
void clerk_stop(struct clerk *k);

/* postgres_keeper.c */
enum outcome keeper_start(struct pg_store *s, struct keeper **out, struct fault *f)
	must_check;
void keeper_hurry(struct keeper *k); /* not in a second: now */
void keeper_stop(struct keeper *k);

/* ---- rows written last (postgres_recent.c) ------------------------------- */

struct recent *recent_new(void);
void recent_free(struct recent *r);
/* Remembers a grant as it was written under that mark, within so many bytes for all. */
void recent_put(struct recent *r, const struct grant *g, int64_t mark, size_t room);
void recent_forget(struct recent *r, const uint8_t key[static GRANT_KEY_SIZE]);
/* Takes it out again, its texts in the arena; false: it is not there. */
bool recent_take(struct recent *r, const uint8_t key[static GRANT_KEY_SIZE],
	struct arena *a, struct grant *g, int64_t *mark);

/* ---- grants (postgres_grant_row.c) --------------------------------------- */

void pg_grant_take(struct pg_row *r, struct arena *a, struct grant *g, int64_t *id,
	int64_t *mark);
/* A grant to be saved: the mark under which it was found, and the one it gets. */
struct grant_saving { const struct grant *grant; int64_t found, mark; };
void pg_put_renewal(struct pg_params *p, const struct grant_saving *s);
void pg_put_renewals(struct pg_params *p, const struct grant_saving *s, size_t n);
void pg_put_ends(const struct store *store, struct pg_params *p,
	const struct grant_saving *s, size_t n);
void pg_put_grant(const struct store *store, struct pg_params *p, const struct grant *g);
int64_t pg_mark_new(void); /* random, not 0 */

/* Ends at most a thousand, audits each; db->again is set when more are left. */
enum outcome pg_grants_end_some(struct pg *db, struct grants_end *c) must_check;

/* ---- shared by verbs ----------------------------------------------------- */

/* Takes one user with the rows of its contexts; r is left at the next user's. */
void pg_user_take(struct pg_row *r, int skip, struct arena *a, struct user *u);
struct bytes pg_fold(struct arena *a, struct bytes username);
enum outcome pg_audit_insert(struct pg *db, const struct audit *a) must_check;
enum outcome pg_catalogue_bump(struct pg *db) must_check;
enum outcome pg_catalogue_read_version(struct pg *db, int64_t *version) must_check;

/* postgres_reclaim.c */
enum outcome pg_reclaim_some(struct pg *db, int64_t now, size_t *reclaimed) must_check;

/* ---- the clerk's verbs --------------------------------------------------- */

/* X(name, struct of its call, way) */
#define PG_CLERK_VERBS(X)                                                          \
	X(audit_list, audit_list, READ) X(refusal_find, refusal_find, READ)        \
	X(grant_list, grant_list, READ) X(grants_end, grants_end, WRITE)           \
	X(user_put, user_put, WRITE) X(user_list, user_list, READ)                 \
	X(catalogue_load, catalogue_load, READ) X(client_put, client_put, WRITE)   \
	X(client_logo, client_logo, READ) X(scope_put, scope_put, WRITE)           \
	X(epoch_put, epoch_put, WRITE) X(fact_find, fact, READ)

#define X(name, type, way) \
	enum outcome pg_##name(struct pg *db, struct type *c) must_check;
PG_CLERK_VERBS(X)
#undef X

#endif
