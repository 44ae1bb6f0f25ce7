/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exchange.h - one request on its way through a row of named steps.
 *
 * Promises: every exchange is answered exactly once and ends in exactly one log
 * line; everything in it dies (wiped) with the request's arena; it never leaves
 * its worker's thread, so a step needs no lock. It sees one snapshot of
 * configuration, clients and keys from beginning to end.
 *
 * The life of a step: it returns NEXT (go on), or it answers and returns
 * ANSWERED, or it asks the store or the hasher and returns WAIT, and the step
 * after it finds the answer. FAULTED: ours; FAULT_AT(&x->fault, ...) was noted,
 * the runner logs it once and answers 503 (H-15: never invalid_grant).
 */
#ifndef LATCHKEY_SERVER_EXCHANGE_H
#define LATCHKEY_SERVER_EXCHANGE_H

#include "http/http.h"
#include "pages/pages.h"
#include "rules/client_auth.h"
#include "server/worker.h"
#include "store/store.h"
#include "text/form.h"

struct exchange;

enum step { NEXT, WAIT, ANSWERED, FAULTED };
typedef enum step step_fn(struct exchange *x);

enum endpoint_kind {
	DOOR_DIRECT, /* refusals are JSON (RFC 6749 5.2), never cached */
	DOOR_PAGE,   /* refusals are a page for a person (U-01) */
	DOOR_PUBLIC, /* documents anybody may cache; refusals are JSON */
};

enum cors { /* RULEBOOK section 25 */
	CORS_NONE,   /* CO-01: never a header */
	CORS_ANY,    /* CO-02: * */
	CORS_CLIENT, /* CO-03 .. CO-06: origins of public browser clients */
};

/* A parameter this server knows at an endpoint (P-01, P-07, P-08). */
struct parameter {
	struct bytes name;
	size_t max;
	bool repeatable; /* resource (RFC 8707) */
};

/* endpoints.c has the table of all of them on one screen. */
struct endpoint {
	const char *name;        /* "token": in the log, in explain, in metrics */
	struct bytes path;       /* behind the issuer's path; ends in '*': all below it */
	unsigned methods;        /* enum http_method bits */
	enum endpoint_kind kind;
	enum cors cors;
	const struct parameter *parameters; /* until a name is empty; NULL: see step */
	step_fn *const *steps;   /* until NULL */
};

#define EXCHANGE_HEADERS 20
#define EXCHANGE_NOTES 16

/* A private fact about a refusal, for `latchkey explain`; never a secret, a code, a
 * token, a verifier or a password. */
struct note {
	const char *key;
	struct bytes text; /* NONE: number counts */
	int64_t number;
};

struct exchange {
	struct arena *arena;       /* the request's */
	struct http_request *request;
	const struct endpoint *endpoint;
	struct worker *worker;     /* this thread: loop, store port */
	struct view *view;         /* keeps the next three alive */
	const struct snapshot *snapshot;
	const struct config *config;
	const struct catalogue *catalogue;
	int64_t now;               /* Unix seconds, the same for all steps */

	struct form form;          /* direct: the body; authorize: query and body pooled */
	struct client_auth auth;   /* direct endpoints, after exchange_authenticate */
	const struct client *client; /* once known; direct: authenticated */
	void *state;               /* the endpoint's own, in the arena */
	bool has_grant;            /* whose key goes into the log line and the note */
	uint8_t grant[GRANT_KEY_SIZE];

	enum reason reason;        /* why it was refused */
	char error_id[ERROR_ID_SIZE + 1]; /* empty until refused */
	struct note *notes;        /* EXCHANGE_NOTES of them, from the first note on */
	size_t note_count;
	struct fault fault;
	step_fn *on_fault;         /* answers instead of the runner (RED(server_error)) */

	struct http_header headers[EXCHANGE_HEADERS]; /* of the reply to come */
	size_t header_count;
	struct bytes origin;       /* the Origin field, where CORS counts */
	bool origin_allowed;       /* CO-03: echo it */

	step_fn *const *steps;     /* the runner's: what comes next */
	bool resumed, running, faulted;
};

/* ---- the runner (exchange.c) ------------------------------------------------ */

/* The http_handler of every worker (arg: struct worker *). */
void exchange_begin(struct http_request *r, void *arg);
/* What was waited for has come (or came before the step returned WAIT). */
void exchange_resume(struct exchange *x);
/* Goes on with another row of steps (grant_type's own): return exchange_into(..). */
enum step exchange_into(struct exchange *x, step_fn *const *steps);
/* Readies a store call: arena, and a completion that resumes x; a fault is answered
 * by the runner, so the next step sees DONE only. Then: store_verb(..); return WAIT; */
void exchange_ask(struct exchange *x, struct store_call *c);
/* Is the store's queue over its limit? Counted. */
bool exchange_overloaded(struct exchange *x);
/* 503 at once when the store's queue is over its limit: before a grant is touched. */
enum step exchange_not_overloaded(struct exchange *x);

/* Log line and counters; reply.c calls it just before the answer leaves, for x is gone
 * after that, and then lets go of the view. */
void exchange_end(struct exchange *x, int status, size_t bytes);

/* Names the grant this exchange is about, for the log line and the note. */
void exchange_about_grant(struct exchange *x, const uint8_t key[static GRANT_KEY_SIZE]);
/* 8 hex digits of a grant's key, as logs and people see it. */
const char *grant_digest(struct arena *a, const uint8_t key[static GRANT_KEY_SIZE]);

/* ---- shared steps (steps.c, cors.c) ---------------------------------------------- */

/* The front door every request passes: H-05, H-07, section 25. */
extern step_fn *const front_door_steps[];
step_fn form_only;        /* H-08, H-09, H-10, P-01, P-07, P-08 */
step_fn client_known;     /* section 3, C-16; sets client */
step_fn has_tokens;       /* not a resource server (C-17) */
step_fn origin_of_client; /* CO-05 */
/* The same test of a page's form; which: the parameter that is wrong. */
enum reason parameters_check(const struct exchange *x, const struct parameter **which);
step_fn cors_enter;
enum step cors_preflight(struct exchange *x); /* CO-04 */
void cors_headers(struct exchange *x);        /* reply.c calls it */

/* ---- answers (reply.c): each returns ANSWERED ----------------------------------- */

/* One more header for whatever is answered (Set-Cookie); copied by http_reply. */
void reply_header(struct exchange *x, struct bytes name, struct bytes value);
enum step reply_json(struct exchange *x, int status, struct bytes body); /* H-13 */
enum step reply_empty(struct exchange *x, int status);                  /* no-store */
/* HTML with every header of U-01; form_action: the CSP sources besides 'self' (U-02),
 * NONE for none; nonce: of the one script (U-13), NONE for none. */
struct reply_html { int status; struct bytes html, form_action, script_nonce; };
enum step reply_html(struct exchange *x, const struct reply_html *h);
enum step reply_see_other(struct exchange *x, struct bytes location); /* 303, AR-01 */
/* A cacheable document with ETag; 304 when the peer has it. */
struct reply_document { struct bytes type, body, etag; int64_t max_age; bool immutable; };
enum step reply_document(struct exchange *x, const struct reply_document *d);

/* ---- refusals (refuse.c) ---------------------------------------------------------- */

/* Facts for explain; a note beyond EXCHANGE_NOTES is dropped, and so is NONE: what
 * was not sent is no fact. Text must live as long as the exchange. */
void note_text(struct exchange *x, const char *key, struct bytes text);
void note_number(struct exchange *x, const char *key, int64_t number);

/* Gives the refusal its id, keeps its note in the store, counts it, and sets the
 * header Latchkey-Error-Id. Only for answers of an own kind (RED): every refuse
 * below does it. */
void refused(struct exchange *x, enum reason reason);
/* By the endpoint's kind: JSON 400, or 401 with a challenge (D12, C-06), or PAGE(400). */
enum step refuse(struct exchange *x, enum reason reason);
enum step refuse_with(struct exchange *x, int status, enum reason reason);
/* 429 or 503 with Retry-After in seconds (H-14, H-15). */
enum step refuse_for_now(struct exchange *x, int status, enum reason reason,
	int64_t seconds);
/* A page in words of its own: m->status, title, for_person, link; the id and, when
 * m->for_integrator is empty, error and description are filled in. */
enum step refuse_page(struct exchange *x, enum reason reason, struct page_message *m);

#endif
