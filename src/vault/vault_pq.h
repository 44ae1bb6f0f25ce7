/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault_pq.h - libpq, loaded by the first postgresql:// URL, with a deadline on every
 * answer (libpq itself waits for ever on a network that has gone silent).
 *
 * Promises: there is no password in a URL; a connection that leaves this machine is
 * encrypted and the server's certificate checked, whatever the URL says; only a server
 * that takes writes will do, and none that stands behind a pooler that lends one
 * session to several of us, because a lock is a session's.
 */
#ifndef LATCHKEY_VAULT_PQ_H
#define LATCHKEY_VAULT_PQ_H

#include <libpq-fe.h>

#include "vault/vault_backend.h"

#define PQ_FUNCTIONS(X)                                                       \
	X(conninfoParse) X(conninfoFree) X(freemem) X(connectStartParams)     \
	X(connectPoll) X(status) X(errorMessage) X(socket) X(finish)          \
	X(setnonblocking) X(setNoticeProcessor) X(sendQueryParams) X(flush)   \
	X(consumeInput) X(isBusy) X(getResult) X(resultStatus)                \
	X(resultErrorField) X(clear) X(ntuples) X(getvalue) X(getlength)      \
	X(getisnull) X(cmdTuples) X(backendPID) X(transactionStatus)

struct pq_functions {
#define MEMBER(name) __typeof__(PQ##name) *name;
	PQ_FUNCTIONS(MEMBER)
#undef MEMBER
};

extern struct pq_functions vault_pq; /* empty until a target was read */

/* Where to connect: the URL's options, and ours. */
#define PQ_OPTIONS_MAX 64
struct pq_target {
	PQconninfoOption *options; /* owns the text */
	const char *keywords[PQ_OPTIONS_MAX + 1], *values[PQ_OPTIONS_MAX + 1];
};

/* Reads a URL, and says where it leads. */
enum vault_result pq_target_read(const char *url, struct pq_target *out,
	char place[static VAULT_PLACE_MAX], struct fault *f) must_check;
void pq_target_free(struct pq_target *t);

/* A session, made ready by `begin` (SQL); by the deadline (CLOCK_MONOTONIC). */
enum vault_result pq_connect(const struct pq_target *t, int64_t deadline, PGconn **out,
	struct fault *f) must_check;

struct pq_value {
	const void *p; /* NULL: SQL's NULL */
	size_t n;
};
/* Sends parameters and takes results in binary; VAULT_DONE gives rows or a command's
 * end. VAULT_BUSY: lock_timeout has struck. A session that has not answered is not
 * to be used again (pq_usable). */
enum vault_result pq_ask(PGconn *c, int64_t deadline, const char *sql,
	const struct pq_value *values, int count, PGresult **out, struct fault *f)
	must_check;
bool pq_usable(PGconn *c);
int64_t pq_number(const PGresult *r, int column); /* bigint of the first row */
bool pq_truth(const PGresult *r, int column);     /* boolean of the first row */

#endif
