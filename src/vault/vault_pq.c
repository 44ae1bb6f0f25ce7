/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault_pq.c - a session with PostgreSQL, each step waited for by poll(2) until its
 * deadline.
 */
#include "vault/vault_pq.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/library.h"

struct pq_functions vault_pq;
static bool loaded;

static void
load(void)
{
	static const struct library_symbol wanted[] = {
#define ROW(name) { "PQ" #name, &vault_pq.name },
		PQ_FUNCTIONS(ROW)
#undef ROW
	};

	loaded = library_load("libpq.so.5", wanted, sizeof(wanted) / sizeof(wanted[0]));
}

/* ---- the URL ------------------------------------------------------------------- */

static const char *
option(const PQconninfoOption *o, const char *keyword)
{
	for (; o->keyword != NULL; o++)
		if (bytes_equal(bytes_of(o->keyword), bytes_of(keyword)))
			return o->val != NULL ? o->val : "";
	return "";
}

/* Where the URL says nothing, libpq goes by the environment. */
static const char *
in_effect(const PQconninfoOption *o, const char *keyword)
{
	const char *said = option(o, keyword);

	while (o->keyword != NULL &&
		!bytes_equal(bytes_of(o->keyword), bytes_of(keyword)))
		o++;
	if (said[0] == '\0' && o->keyword != NULL && o->envvar != NULL)
		said = getenv(o->envvar);
	return said != NULL ? said : "";
}

static bool
on_this_machine(struct bytes host)
{
	return host.n == 0 || host.p[0] == '/' || host.p[0] == '@' ||
		bytes_equal(host, B("localhost")) || bytes_equal(host, B("::1")) ||
		bytes_starts(host, B("127."));
}

/* Every host of the list, and whatever address stands beside it. */
static bool
all_on_this_machine(const PQconninfoOption *o)
{
	struct bytes hosts = bytes_of(in_effect(o, "host"));
	struct bytes addresses = bytes_of(in_effect(o, "hostaddr"));

	if (in_effect(o, "service")[0] != '\0') /* which may name any */
		return false;
	do
		if (!on_this_machine(bytes_cut(&hosts, ',')))
			return false;
	while (hosts.n > 0);
	do
		if (!on_this_machine(bytes_cut(&addresses, ',')))
			return false;
	while (addresses.n > 0);
	return true;
}

static enum vault_result
judge(const PQconninfoOption *o, struct fault *f)
{
	if (option(o, "password")[0] != '\0' || option(o, "sslpassword")[0] != '\0')
		return VAULT_FAIL(f, VAULT_UNFIT,
			"a password does not belong in a URL, "
			"where others can read it: put it in ~/.pgpass (mode 0600), "
			"or name "
			"a file with ?passfile=/path");
	if (option(o, "service")[0] != '\0')
		return VAULT_FAIL(f, VAULT_UNFIT,
			"give host and database in the URL "
			"itself, not by ?service=");
	return VAULT_DONE;
}

static void
set(struct pq_target *t, size_t *n, const char *keyword, const char *value)
{
	if (*n < PQ_OPTIONS_MAX) {
		t->keywords[*n] = keyword;
		t->values[(*n)++] = value;
	}
}

/* The URL's own first, then ours, which stand: the later of two wins. */
static void
fill(struct pq_target *t)
{
	size_t n = 0;

	for (const PQconninfoOption *o = t->options; o->keyword != NULL; o++)
		if (o->val != NULL && o->val[0] != '\0' && n < PQ_OPTIONS_MAX - 10)
			set(t, &n, o->keyword, o->val);
	if (!all_on_this_machine(t->options))
		set(t, &n, "sslmode", "verify-full");
	set(t, &n, "target_session_attrs", "read-write");
	set(t, &n, "client_encoding", "UTF8");
	set(t, &n, "fallback_application_name", "latchkey vault");
	set(t, &n, "keepalives_idle", "10");
	set(t, &n, "keepalives_interval", "5");
	set(t, &n, "keepalives_count", "3");
	set(t, &n, "tcp_user_timeout", "30000");
}

static void
say_place(const PQconninfoOption *o, char place[static VAULT_PLACE_MAX])
{
	const char *host = option(o, "host"), *name = option(o, "dbname");

	snprintf(place, VAULT_PLACE_MAX, "PostgreSQL %.1024s at %.2048s",
		name[0] != '\0' ? name : "(default database)",
		host[0] != '\0' ? host : "this machine");
}

enum vault_result
pq_target_read(const char *url, struct pq_target *out,
	char place[static VAULT_PLACE_MAX], struct fault *f)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct pq_target t = { .options = NULL };
	char *why = NULL;
	enum vault_result r;

	pthread_once(&once, load);
	if (!loaded)
		return VAULT_FAIL(f, VAULT_STORAGE,
			"libpq.so.5 cannot be loaded: is libpq5 "
			"installed?");
	t.options = vault_pq.conninfoParse(url, &why);
	vault_pq.freemem(why); /* it quotes the URL: not said */
	if (t.options == NULL)
		return VAULT_FAIL(f, VAULT_UNFIT,
			"the vault's PostgreSQL URL cannot be "
			"read: postgresql://USER@HOST:PORT/DATABASE?option=value");
	r = judge(t.options, f);
	if (r != VAULT_DONE) {
		vault_pq.conninfoFree(t.options);
		return r;
	}
	fill(&t);
	say_place(t.options, place);
	*out = t;
	return VAULT_DONE;
}

void
pq_target_free(struct pq_target *t)
{
	if (t->options != NULL)
		vault_pq.conninfoFree(t->options);
}

/* ---- waiting -------------------------------------------------------------------- */

/* Until the socket can do what is wanted, or the deadline. */
static bool
wait_for(PGconn *c, short events, int64_t deadline)
{
	struct pollfd p = { .fd = vault_pq.socket(c), .events = events };
	int64_t left = deadline - clock_monotonic_ms();

	if (p.fd < 0 || left <= 0)
		return false;
	(void)poll(&p, 1, (int)(left < 60000 ? left : 60000));
	return true; /* too early (a signal): the caller looks and waits again */
}

/* The first line of what libpq says. */
static enum vault_result
said(struct fault *f, enum vault_result r, const char *doing, const char *message)
{
	struct bytes rest = bytes_of(message), line = bytes_cut(&rest, '\n');

	return VAULT_FAIL(f, r, "PostgreSQL cannot %s: %.*s", doing,
		BYTES_FMT(bytes_slice(line, 0, 140)));
}

/* ---- a session ------------------------------------------------------------- */

static void
be_quiet(void *arg, const char *message)
{
	(void)arg;
	(void)message;
}

static enum vault_result
dial(PGconn *c, int64_t deadline, struct fault *f)
{
	PostgresPollingStatusType step = PGRES_POLLING_WRITING;

	while (step != PGRES_POLLING_OK) {
		if (step == PGRES_POLLING_FAILED ||
			vault_pq.status(c) == CONNECTION_BAD)
			return said(f, VAULT_STORAGE, "be reached",
				vault_pq.errorMessage(c));
		if (!wait_for(c, step == PGRES_POLLING_READING ? POLLIN : POLLOUT,
			    deadline))
			return VAULT_FAIL(f, VAULT_STORAGE,
				"PostgreSQL does not answer in "
				"time: is it there, and is the way to it open?");
		step = vault_pq.connectPoll(c);
	}
	return VAULT_DONE;
}

/*
 * What a session of ours is: durable where the server would not wait for its disk, and
 * ended by the server when we have gone silent, so that a lock is not held for ever by
 * a machine that is cut off or a program that is stopped. A pooler is told by the
 * server's own number of the session, which is not the one that it gave us.
 */
static const char begin[] =
	"SELECT pg_backend_pid()::bigint,"
	" set_config('idle_session_timeout', '120s', false),"
	" set_config('tcp_keepalives_idle', '10', false),"
	" set_config('tcp_keepalives_interval', '5', false),"
	" set_config('tcp_keepalives_count', '3', false),"
	" set_config('tcp_user_timeout', '30000', false),"
	" set_config('statement_timeout', '0', false),"
	" set_config('synchronous_commit', CASE current_setting('synchronous_commit')"
	" WHEN 'off' THEN 'on' WHEN 'local' THEN 'on'"
	" ELSE current_setting('synchronous_commit') END, false)";

static enum vault_result
make_ready(PGconn *c, int64_t deadline, struct fault *f)
{
	PGresult *result;
	int64_t pid;

	VAULT_TRY(pq_ask(c, deadline, begin, NULL, 0, &result, f));
	pid = pq_number(result, 0);
	vault_pq.clear(result);
	if (pid != vault_pq.backendPID(c))
		return VAULT_FAIL(f, VAULT_STORAGE,
			"there is a pooler before PostgreSQL: a "
			"lock is a session's and needs the server itself");
	return VAULT_DONE;
}

enum vault_result
pq_connect(const struct pq_target *t, int64_t deadline, PGconn **out, struct fault *f)
{
	PGconn *c = vault_pq.connectStartParams(t->keywords, t->values, 0);
	enum vault_result r;

	if (c == NULL)
		return VAULT_FAIL(f, VAULT_MEMORY, "out of memory");
	vault_pq.setNoticeProcessor(c, be_quiet, NULL);
	r = dial(c, deadline, f);
	if (r == VAULT_DONE && vault_pq.setnonblocking(c, 1) != 0)
		r = said(f, VAULT_STORAGE, "be talked to", vault_pq.errorMessage(c));
	if (r == VAULT_DONE)
		r = make_ready(c, deadline, f);
	if (r == VAULT_DONE)
		*out = c;
	else
		vault_pq.finish(c);
	return r;
}

bool
pq_usable(PGconn *c)
{
	return vault_pq.consumeInput(c) == 1 && vault_pq.status(c) == CONNECTION_OK &&
		vault_pq.transactionStatus(c) == PQTRANS_IDLE;
}

/* ---- a question ------------------------------------------------------------ */

#define VALUES_MAX 4

static enum vault_result
send_it(PGconn *c, const char *sql, const struct pq_value *values, int count,
	struct fault *f)
{
	const char *p[VALUES_MAX];
	int sizes[VALUES_MAX], formats[VALUES_MAX];

	for (int i = 0; i < count; i++) {
		p[i] = values[i].p;
		sizes[i] = (int)values[i].n;
		formats[i] = 1;
	}
	if (vault_pq.sendQueryParams(c, sql, count, NULL, p, sizes, formats, 1) != 1)
		return said(f, VAULT_STORAGE, "be asked", vault_pq.errorMessage(c));
	return VAULT_DONE;
}

/* Sends what is left to send and reads until a whole result is there. */
static bool
has_answered(PGconn *c, int64_t deadline)
{
	for (;;) {
		int unsent = vault_pq.flush(c);

		if (unsent < 0 || vault_pq.consumeInput(c) != 1)
			return true; /* gone: getResult says so */
		if (unsent == 0 && !vault_pq.isBusy(c))
			return true;
		if (!wait_for(c, (short)(unsent == 1 ? POLLIN | POLLOUT : POLLIN),
			    deadline))
			return false;
	}
}

static enum vault_result
judge_result(PGconn *c, const PGresult *result, struct fault *f)
{
	ExecStatusType status = vault_pq.resultStatus(result);
	const char *state, *message;

	if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)
		return VAULT_DONE;
	state = vault_pq.resultErrorField(result, PG_DIAG_SQLSTATE);
	message = vault_pq.resultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	if (bytes_equal(bytes_of(state), B("55P03"))) /* lock_not_available */
		return VAULT_FAIL(f, VAULT_BUSY,
			"another program holds the lock and did not "
			"let go in time");
	if (bytes_equal(bytes_of(state), B("53100")))
		return VAULT_FAIL(f, VAULT_STORAGE, "the disk of PostgreSQL is full");
	if (state == NULL)
		return said(f, VAULT_STORAGE, "be relied on (the session has ended)",
			vault_pq.errorMessage(c));
	return said(f, VAULT_STORAGE, "do it", message != NULL ? message : "");
}

enum vault_result
pq_ask(PGconn *c, int64_t deadline, const char *sql, const struct pq_value *values,
	int count, PGresult **out, struct fault *f)
{
	PGresult *result = NULL, *next;
	enum vault_result r;

	VAULT_TRY(send_it(c, sql, values, count, f));
	do {
		if (!has_answered(c, deadline)) {
			vault_pq.clear(result);
			return VAULT_FAIL(f, VAULT_STORAGE,
				"PostgreSQL does not answer in "
				"time");
		}
		next = vault_pq.getResult(c);
		if (next != NULL) {
			vault_pq.clear(result);
			result = next;
		}
	} while (next != NULL);
	if (result == NULL)
		return said(f, VAULT_STORAGE, "be asked", vault_pq.errorMessage(c));
	r = judge_result(c, result, f);
	if (r == VAULT_DONE && out != NULL)
		*out = result;
	else
		vault_pq.clear(result);
	return r;
}

/* ---- values ---------------------------------------------------------------- */

int64_t
pq_number(const PGresult *r, int column)
{
	const unsigned char *p;
	uint64_t number = 0;

	if (vault_pq.ntuples(r) < 1 || vault_pq.getlength(r, 0, column) != 8)
		return 0;
	p = (const unsigned char *)vault_pq.getvalue(r, 0, column);
	for (int i = 0; i < 8; i++)
		number = number << 8 | p[i];
	return (int64_t)number;
}

bool
pq_truth(const PGresult *r, int column)
{
	return vault_pq.ntuples(r) > 0 && vault_pq.getlength(r, 0, column) == 1 &&
		vault_pq.getvalue(r, 0, column)[0] == 1;
}
