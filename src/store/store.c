/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store.c - what all back ends share: which one a URL means, the verbs handed
 * on, the end of a call on the thread that asked, and notes nobody waits for.
 */
#include "store/store.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "store/backend.h"

#define HOUR INT64_C(3600)
#define DAY (24 * HOUR)

/* ---- life ---------------------------------------------------------------- */

static enum outcome
backend_of(const char *url, const struct backend **out, struct fault *f)
{
	const char *scheme_end = strstr(url, "://");
	struct bytes scheme = { url, scheme_end != NULL ? (size_t)(scheme_end - url) : 0 };

	*out = &sqlite_backend;
	if (scheme_end == NULL)
		return DONE;
	*out = &postgres_backend;
	if (bytes_equal(scheme, B("postgresql")) || bytes_equal(scheme, B("postgres")))
		return DONE;
	return FAULT_AT(f, "no store is called '%.*s': give the path of a file, or "
		"postgresql://...", BYTES_FMT(scheme));
}

enum outcome
store_url_good(const char *url, struct fault *f)
{
	const struct backend *backend;

	TRY(backend_of(url, &backend, f));
	return backend->url_good != NULL ? backend->url_good(url, f) : DONE;
}

enum outcome
store_create(const char *url, struct fault *f)
{
	const struct backend *backend;

	TRY(backend_of(url, &backend, f));
	return backend->create(url, f);
}

enum outcome
store_upgrade_by(const char *url, const struct upgrade *steps, int64_t to, int64_t *from,
	struct fault *f)
{
	const struct backend *backend;

	TRY(backend_of(url, &backend, f));
	return backend->upgrade(url, steps, to, from, f);
}

enum outcome
store_open(const char *url, struct store **out, struct fault *f)
{
	const struct backend *backend;
	struct store *s;

	TRY(backend_of(url, &backend, f));
	TRY(backend->open(url, &s, f));
	s->backend = backend;
	store_keep(s, 90 * DAY, 400 * DAY);
	store_cache(s, 2 << 20);
	*out = s;
	return DONE;
}

void
store_keep(struct store *s, int64_t grants, int64_t audit)
{
	atomic_store(&s->keep_grants, grants);
	atomic_store(&s->keep_audit, audit);
}

void
store_cache(struct store *s, int64_t bytes)
{
	atomic_store(&s->cache, bytes);
}

void
store_expect(struct store *s, const atomic_size_t *callers)
{
	atomic_store(&s->callers, callers);
}

void
store_close(struct store *s)
{
	if (s != NULL)
		s->backend->close(s);
}

struct store_port *
store_port_new(struct store *s, struct mailbox *m, struct fault *f)
{
	return s->backend->port_new(s, m, f);
}

void
store_port_free(struct store_port *p)
{
	if (p != NULL)
		p->store->backend->port_free(p);
}

static enum outcome
is_lost(const struct store *s, struct fault *f)
{
	if (store_unsynced(s))
		return FAULT_AT(f, "the disk could not be synced: look after the disk, then "
				   "restart the server");
	return FAULT_AT(f, "the database was removed or replaced: restart the server");
}

void
store_lose(struct store *s, enum loss why)
{
	enum loss none = NOT_LOST;

	atomic_compare_exchange_strong(&s->lost, &none, why);
}

bool
store_unsynced(const struct store *s)
{
	return atomic_load(&s->lost) == LOST_SYNC;
}

enum outcome
store_check(struct store *s, struct fault *f)
{
	if (atomic_load(&s->lost) != NOT_LOST)
		return is_lost(s, f);
	if (s->backend->check(s, f) == DONE)
		return DONE;
	store_lose(s, LOST_FILE);
	return FAULT;
}

size_t
store_backlog(const struct store *s)
{
	return atomic_load(&s->backlog);
}

struct store_counts
store_counts(const struct store *s)
{
	return (struct store_counts){
		.commits = atomic_load(&s->commits),
		.changes = atomic_load(&s->changes),
		.faults = atomic_load(&s->faults),
		.reclaimed = atomic_load(&s->reclaimed),
		.dropped = atomic_load(&s->dropped),
		.recalled = atomic_load(&s->recalled),
		.commit_us = atomic_load(&s->commit_us),
	};
}

/* ---- a call, from asking to its end -------------------------------------- */

void
store_finish(struct store_call *c)
{
	c->finished = true;
	if (c->done != NULL)
		c->done(c);
}

void
store_call_again(struct store_call *c, const struct store_call *copy, size_t size)
{
	const size_t own = sizeof(*c);

	memcpy((char *)c + own, (const char *)copy + own, size - own);
	c->resume = copy->resume;
}

static void
ask(struct store_port *p, struct store_call *c, enum verb verb)
{
	c->port = p;
	c->verb = (unsigned)verb;
	c->finished = false;
	c->resume = 0;
	if (atomic_load(&p->store->lost) == NOT_LOST) {
		p->store->backend->ask(p, c);
		return;
	}
	c->outcome = is_lost(p->store, &c->fault);
	store_finish(c);
}

#define ENTRANCE_READ(name, type)                               \
	void store_##name(struct store_port *p, struct type *c) \
	{                                                       \
		ask(p, &c->call, VERB_##name);                  \
	}
#define ENTRANCE_WRITE(name, type) ENTRANCE_READ(name, type)
#define ENTRANCE_LATE(name, type) /* below */
#define VERB(name, type, way) ENTRANCE_##way(name, type)
#include "store/verbs.def"
#undef VERB

static void
answer_opened(struct letter *l)
{
	store_finish((struct store_call *)(void *)l);
}

void
store_answer(struct store_call *c)
{
	c->letter.open = answer_opened;
	mailbox_post(c->port->mailbox, &c->letter);
}

void
answers_add(struct answers *a, struct store_call *c)
{
	struct store_port *p = c->port;
	struct letter *l = &c->letter;

	l->open = answer_opened;
	if (p->answer == NULL) {
		p->answer = l;
		p->next_answered = a->first;
		a->first = p;
	} else {
		p->last_answer->next = l;
	}
	p->last_answer = l;
}

/* Who has got its last answer may free the port: it is not looked at again. */
void
answers_send(struct answers *a)
{
	while (a->first != NULL) {
		struct store_port *p = a->first;
		struct letter *answer = p->answer;

		a->first = p->next_answered;
		p->answer = NULL;
		mailbox_post_list(p->mailbox, answer, p->last_answer);
	}
}

enum outcome
store_port_join(struct store_port *p, struct loop *l, struct fault *f)
{
	const struct backend *b = p->store->backend;

	return b->port_join != NULL ? b->port_join(p, l, f) : DONE;
}

void
store_turn(struct store_port *p, int timeout_ms)
{
	struct letter *next;

	if (p->store->backend->turn != NULL) {
		p->store->backend->turn(p, timeout_ms);
		return;
	}
	for (struct letter *l = mailbox_wait(p->mailbox, timeout_ms); l != NULL; l = next) {
		next = l->next;
		l->open(l);
	}
}

enum outcome
store_wait(struct store_port *p, struct store_call *c)
{
	while (!c->finished)
		store_turn(p, -1);
	return c->outcome;
}

int64_t
store_now(const struct store *s)
{
	return s->backend->now != NULL ? s->backend->now(s) : clock_now();
}

int64_t
store_catalogue_version(struct store_port *p)
{
	if (atomic_load(&p->store->lost) != NOT_LOST)
		return -1;
	return p->store->backend->catalogue_version(p);
}

/* ---- what nobody waits for ----------------------------------------------- */

static void
ask_late(struct store_port *p, struct store_call *c, enum verb verb)
{
	c->verb = (unsigned)verb;
	p->store->backend->ask_late(p, c);
}

static struct bytes
copy_behind(char **room, struct bytes b)
{
	struct bytes copy = { *room, b.n };

	if (b.n == 0)
		return NONE;
	memcpy(*room, b.p, b.n);
	*room += b.n;
	return copy;
}

/* The note and its strings in one piece of memory, so that one free() ends it. */
static struct refusal_note *
note_copy(const struct refusal_note *n)
{
	size_t strings =
		n->reason.n + n->endpoint.n + n->client_id.n + n->from.n + n->facts.n;
	struct refusal_note *copy = must_calloc(1, sizeof(*copy) + strings);
	char *room = (char *)(copy + 1);

	*copy = *n;
	copy->call = (struct store_call){ 0 };
	copy->reason = copy_behind(&room, n->reason);
	copy->endpoint = copy_behind(&room, n->endpoint);
	copy->client_id = copy_behind(&room, n->client_id);
	copy->from = copy_behind(&room, n->from);
	copy->facts = copy_behind(&room, n->facts);
	return copy;
}

void
store_refusal_note(struct store_port *p, struct refusal_note *c)
{
	if (c->call.done != NULL)
		ask(p, &c->call, VERB_refusal_note);
	else
		ask_late(p, &note_copy(c)->call, VERB_refusal_note);
}

/*
 * The port remembers what it touched this hour, so that a busy grant costs one
 * note an hour. Two grants in one slot cost a few more; the writer looks again.
 */
void
store_grant_touch(
	struct store_port *p, const uint8_t key[static GRANT_KEY_SIZE], int64_t now)
{
	struct grant_touch *touch;
	uint64_t short_key;
	size_t slot;

	memcpy(&short_key, key, sizeof(short_key));
	slot = short_key % TOUCHED_SIZE;
	if (p->touched[slot].key == short_key && p->touched[slot].hour == now / HOUR)
		return;
	p->touched[slot].key = short_key;
	p->touched[slot].hour = now / HOUR;
	touch = must_calloc(1, sizeof(*touch));
	memcpy(touch->key, key, GRANT_KEY_SIZE);
	touch->now = now;
	ask_late(p, &touch->call, VERB_grant_touch);
}
