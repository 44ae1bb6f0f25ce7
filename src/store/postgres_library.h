/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postgres_library.h - libpq, loaded by the first postgresql:// URL.
 *
 * It brings Kerberos and LDAP with it: 3 MB and some milliseconds that a server
 * with SQLite behind it does not pay.
 */
#ifndef LATCHKEY_STORE_POSTGRES_LIBRARY_H
#define LATCHKEY_STORE_POSTGRES_LIBRARY_H

#include <libpq-fe.h>

#include "base/outcome.h"

#define PQ_FUNCTIONS(X)                                                             \
	X(connectStartParams) X(connectPoll) X(status) X(errorMessage) X(socket)    \
	X(finish) X(setnonblocking) X(enterPipelineMode) X(pipelineSync)            \
	X(sendPrepare) X(sendQueryPrepared) X(sendQueryParams) X(flush)             \
	X(consumeInput) X(isBusy) X(getResult) X(resultStatus) X(resultErrorField)  \
	X(clear) X(ntuples) X(getvalue) X(getlength) X(getisnull) X(cmdTuples)      \
	X(cmdStatus) X(setNoticeReceiver) X(conninfoParse) X(conninfoFree)          \
	X(freemem) X(notifies) X(transactionStatus) X(initOpenSSL)

struct pq_functions {
#define MEMBER(name) __typeof__(PQ##name) *name;
	PQ_FUNCTIONS(MEMBER)
#undef MEMBER
};

extern struct pq_functions pq; /* empty until loaded */

/* Any thread; before the first use of pq. */
enum outcome pq_load(struct fault *f) must_check;

#endif
