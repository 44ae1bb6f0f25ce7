/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postgres_query.c - a connection that is waited for, by the clerk, the keeper and
 * whoever opens a store: a statement from its parameters to its last row.
 *
 * Nothing waits longer than PG_ANSWER_MS; a connection that did not answer in time
 * is given up, because nobody knows what it will do, or (the keeper's) left alone. The
 * first failure is kept and all that follows does nothing, so that the caller asks once,
 * at the end.
 */
#include <poll.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/secret.h"
#include "store/postgres.h"

#define PAUSE_FIRST_MS 10
#define PAUSE_STEPS 5

const struct pg_text pg_statements[PG_COUNT] = {
#define STATEMENT(name, ...) [PG_##name] = { #name, __VA_ARGS__ },
#include "store/postgres_statements.def"
#undef STATEMENT
};

uint64_t
pg_now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

bool
pg_same(const char *a, const char *b)
{
	return bytes_equal(bytes_of(a), bytes_of(b));
}

/* ---- what went wrong ----------------------------------------------------- */

bool
pg_state_passes(const char *state)
{
	static const char *const states[] = {
		"40001", /* serialization_failure */
		"40P01", /* deadlock_detected */
		"55P03", /* lock_not_available: lock_timeout */
	};

	for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++)
		if (pg_same(state, states[i]))
			return true;
	return false;
}

int64_t
pg_pause_ms(unsigned conflicts)
{
	unsigned step = conflicts < PAUSE_STEPS ? conflicts : PAUSE_STEPS;
	uint64_t random;

	secret_random(&random, sizeof(random));
	return (int64_t)(random % (((uint64_t)PAUSE_FIRST_MS << (step - 1)) + 1));
}

/* One line of it, without the names of statements' parameters. */
static struct bytes
first_line(const char *text)
{
	struct bytes rest = bytes_of(text != NULL ? text : "no answer");

	return bytes_cut(&rest, '\n');
}

enum outcome
pg_fault(PGconn *conn, const PGresult *r, const char *doing, struct fault *f)
{
	const char *state = r != NULL ? pq.resultErrorField(r, PG_DIAG_SQLSTATE) : NULL;
	const char *what = r != NULL
		? pq.resultErrorField(r, PG_DIAG_MESSAGE_PRIMARY) : NULL;
	struct bytes line = first_line(what != NULL ? what : pq.errorMessage(conn));

	return FAULT_AT(f, "PostgreSQL: %.*s (%s%s%s)", BYTES_FMT(line), doing,
		state != NULL ? ", " : "", state != NULL ? state : "");
}

/*
 * A commit whose wait for a standby was cancelled succeeds, with a WARNING ("The
 * transaction has already committed locally, but might not have been replicated").
 * What we ask gives no other, so the text, which may be translated, is not read.
 */
void
pg_hear(void *arg, const PGresult *notice)
{
	const char *level = pq.resultErrorField(notice, PG_DIAG_SEVERITY_NONLOCALIZED);
	bool *unsure = arg;

	if (level == NULL || pg_same(level, "WARNING"))
		*unsure = true;
}

/* ---- waiting ------------------------------------------------------------- */

/* false: the time is over. */
static bool
wait_for(PGconn *conn, short events, int64_t deadline_ms)
{
	struct pollfd p = { .fd = pq.socket(conn), .events = events };
	int64_t left = deadline_ms - clock_monotonic_ms();

	return left > 0 && poll(&p, 1, (int)left) != 0;
}

static bool
dial(PGconn *conn, int64_t deadline_ms)
{
	PostgresPollingStatusType wants = PGRES_POLLING_WRITING;

	while (wants != PGRES_POLLING_OK && wants != PGRES_POLLING_FAILED) {
		short events = wants == PGRES_POLLING_READING ? POLLIN : POLLOUT;

		if (!wait_for(conn, events, deadline_ms))
			return false;
		wants = pq.connectPoll(conn);
	}
	return wants == PGRES_POLLING_OK;
}

enum outcome
pg_connect(struct pg *db, const struct pg_target *t, size_t host, struct fault *f)
{
	struct pg_query settings;

	pg_disconnect(db);
	db->conn = pg_target_dial(t, host);
	if (db->conn == NULL)
		out_of_memory(0);
	db->fault = f;
	if (pq.status(db->conn) == CONNECTION_BAD ||
		!dial(db->conn, clock_monotonic_ms() + PG_CONNECT_MS)) {
		struct bytes line = first_line(pq.errorMessage(db->conn));

		(void)FAULT_AT(f, "PostgreSQL cannot be reached: %.*s",
			BYTES_FMT(line.n > 0 ? line : B("no answer")));
		pg_disconnect(db);
		return FAULT;
	}
	pq.setnonblocking(db->conn, 1);
	pq.setNoticeReceiver(db->conn, pg_hear, &db->unsure);
	if (db->scratch == NULL)
		db->scratch = arena_new();
	db->fault = f;
	settings = pg_begin(db, PG_settings);
	return pg_do(&settings, NULL);
}

void
pg_disconnect(struct pg *db)
{
	if (db->conn != NULL)
		pq.finish(db->conn);
	db->conn = NULL;
	db->stalled = false;
	memset(db->prepared, 0, sizeof(db->prepared));
}

static bool
send_all(struct pg *db, int64_t deadline_ms)
{
	int left;

	while ((left = pq.flush(db->conn)) == 1) {
		if (!wait_for(db->conn, POLLIN | POLLOUT, deadline_ms) ||
			pq.consumeInput(db->conn) == 0)
			return false;
	}
	return left == 0;
}

static void
keep_state(struct pg *db, const PGresult *r)
{
	const char *state = pq.resultErrorField(r, PG_DIAG_SQLSTATE);

	if (state != NULL)
		memcpy(db->state, state, sizeof(db->state) - 1);
}

static bool
is_error(const PGresult *r)
{
	ExecStatusType status = pq.resultStatus(r);

	return status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK;
}

/* Of several results the last, or the first that is an error. */
static bool
take_results(struct pg *db, int64_t deadline_ms, PGresult **out)
{
	PGresult *r;

	*out = NULL;
	for (;;) {
		while (pq.isBusy(db->conn) != 0) {
			if (!wait_for(db->conn, POLLIN, deadline_ms) ||
				pq.consumeInput(db->conn) == 0)
				return false;
		}
		r = pq.getResult(db->conn);
		if (r == NULL)
			return *out != NULL && !is_error(*out);
		if (*out != NULL && is_error(*out)) {
			pq.clear(r);
			continue;
		}
		pq.clear(*out);
		*out = r;
	}
}

/* What was sent (1: it was) is answered, or the connection given up. */
static bool
finish(struct pg *db, int sent, const char *doing, PGresult **out)
{
	int64_t deadline_ms = clock_monotonic_ms() +
		(db->answer_ms > 0 ? db->answer_ms : PG_ANSWER_MS);

	*out = NULL;
	db->state[0] = '\0';
	if (sent == 1 && send_all(db, deadline_ms) && take_results(db, deadline_ms, out))
		return true;
	if (*out != NULL && is_error(*out))
		keep_state(db, *out);
	if (db->state[0] != '\0')
		(void)pg_fault(db->conn, *out, doing, db->fault);
	else
		(void)FAULT_AT(db->fault, "PostgreSQL did not answer (%s)", doing);
	db->stalled = db->patient && sent == 1 && db->state[0] == '\0' &&
		pq.status(db->conn) == CONNECTION_OK;
	if (!db->stalled && (db->state[0] == '\0' || pq.status(db->conn) == CONNECTION_BAD))
		pg_disconnect(db);
	return false;
}

bool
pg_settled(struct pg *db)
{
	PGresult *r;

	if (db->conn != NULL && db->stalled &&
		(pq.flush(db->conn) < 0 || pq.consumeInput(db->conn) == 0))
		pg_disconnect(db);
	while (db->conn != NULL && db->stalled && pq.isBusy(db->conn) == 0) {
		r = pq.getResult(db->conn);
		db->stalled = r != NULL;
		pq.clear(r);
	}
	return db->conn != NULL && !db->stalled;
}

enum outcome
pg_ask(struct pg *db, const char *sql, const struct pg_params *p, PGresult **out)
{
	const struct pg_params none = { .n = 0 };
	PGresult *result;
	bool good;

	if (db->conn == NULL)
		return FAULT_AT(db->fault, "PostgreSQL cannot be reached");
	p = p != NULL ? p : &none;
	good = finish(db, pq.sendQueryParams(db->conn, sql, p->n, NULL, p->values,
				  p->lengths, p->formats, 1),
		"schema", &result);
	if (good && out != NULL)
		*out = result;
	else
		pq.clear(result);
	return good ? DONE : FAULT;
}

enum outcome
pg_run(struct pg *db, const char *sql)
{
	return pg_ask(db, sql, NULL, NULL);
}

/* ---- a query ------------------------------------------------------------- */

struct pg_query
pg_begin(struct pg *db, enum pg_statement which)
{
	struct pg_query q = { .db = db, .which = which, .out.row = -1 };

	q.in.arena = arena_new();
	return q;
}

static bool
prepare(struct pg *db, enum pg_statement which)
{
	const struct pg_text *text = &pg_statements[which];
	PGresult *result;

	if (db->prepared[which])
		return true;
	db->prepared[which] = finish(db,
		pq.sendPrepare(db->conn, text->name, text->sql, 0, NULL), text->name,
		&result);
	pq.clear(result);
	if (db->stalled) /* whether it is prepared then is not known */
		pg_disconnect(db);
	return db->prepared[which];
}

static bool
ask(struct pg_query *q)
{
	struct pg *db = q->db;
	const char *name = pg_statements[q->which].name;

	if (db->conn == NULL) {
		(void)FAULT_AT(db->fault, "PostgreSQL cannot be reached (%s)", name);
		return false;
	}
	return prepare(db, q->which) &&
		finish(db, pq.sendQueryPrepared(db->conn, name, q->in.n, q->in.values,
				   q->in.lengths, q->in.formats, 1),
			name, &q->result);
}

bool
pg_next(struct pg_query *q)
{
	if (!q->asked) {
		q->asked = true;
		q->failed = !ask(q);
		q->out.result = q->result;
	}
	if (q->failed)
		return false;
	q->out.row++;
	q->out.column = 0;
	return q->out.row < pq.ntuples(q->result);
}

enum outcome
pg_end(struct pg_query *q)
{
	if (!q->asked)
		(void)pg_next(q);
	pq.clear(q->result);
	arena_free(q->in.arena);
	return q->failed ? FAULT : DONE;
}

enum outcome
pg_do(struct pg_query *q, size_t *changed)
{
	uint64_t n = 0;

	(void)pg_next(q);
	if (!q->failed && changed != NULL)
		(void)bytes_to_u64(bytes_of(pq.cmdTuples(q->result)), &n);
	if (changed != NULL)
		*changed = (size_t)n;
	return pg_end(q);
}
