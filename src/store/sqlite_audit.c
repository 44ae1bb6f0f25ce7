/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sqlite_audit.c - the trail of security events, why requests were refused, and
 * the small facts of the installation.
 */
#include <string.h>

#include "base/arena.h"
#include "store/sqlite.h"

/* ---- the trail ----------------------------------------------------------- */

enum outcome
audit_insert(struct sqlite *db, const struct audit *a)
{
	struct query q;

	if (bytes_empty(a->event))
		return DONE;
	q = query_begin(db, SQL_audit_insert);
	put_int(&q, a->at);
	put_text(&q, a->event);
	put_text(&q, a->actor);
	put_text(&q, a->object);
	put_text(&q, a->detail);
	put_text(&q, a->from);
	db->inserted++;
	return query_run(&q, NULL);
}

enum outcome
sqlite_audit_add(struct sqlite *db, struct audit_add *c)
{
	return audit_insert(db, &c->audit);
}

enum outcome
sqlite_audit_list(struct sqlite *db, struct audit_list *c)
{
	bool by_object = c->object.n > 0;
	struct query q =
		query_begin(db, by_object ? SQL_audit_list_of : SQL_audit_list);
	struct arena *a = c->call.arena;

	if (by_object)
		put_text(&q, c->object);
	put_int(&q, c->since);
	put_int(&q, c->until == 0 ? INT64_MAX : c->until);
	put_text(&q, c->event);
	put_int(&q, (int64_t)c->limit);
	c->count = 0;
	c->entries = NULL;
	while (query_row(&q)) {
		struct audit *entry;

		c->entries = list_room(a, c->entries, c->count, sizeof(*c->entries));
		entry = &c->entries[c->count++];
		entry->at = take_int(&q);
		entry->event = take_text(&q, a);
		entry->actor = take_text(&q, a);
		entry->object = take_text(&q, a);
		entry->detail = take_text(&q, a);
		entry->from = take_text(&q, a);
	}
	return query_end(&q);
}

/* ---- refusals: the newest 20,000 (sqlite_reclaim.c) ---------------------- */

enum outcome
sqlite_refusal_note(struct sqlite *db, struct refusal_note *c)
{
	struct query q = query_begin(db, SQL_refusal_insert);

	put_text(&q, (struct bytes){ c->id, ERROR_ID_SIZE });
	put_int(&q, c->at);
	put_text(&q, c->reason);
	put_text(&q, c->endpoint);
	put_text(&q, c->client_id);
	put_text(&q, c->from);
	put_text(&q, c->facts);
	put_blob(&q, c->has_grant ? c->grant : NULL, GRANT_KEY_SIZE);
	db->inserted++;
	return query_run(&q, NULL);
}

enum outcome
sqlite_refusal_find(struct sqlite *db, struct refusal_find *c)
{
	struct query q = query_begin(db, SQL_refusal_find);
	struct refusal_note *note = &c->note;
	struct arena *a = c->call.arena;

	put_text(&q, c->id);
	c->found = c->id.n == ERROR_ID_SIZE && query_row(&q);
	if (c->found) {
		memset(note, 0, sizeof(*note));
		memcpy(note->id, c->id.p, ERROR_ID_SIZE);
		note->at = take_int(&q);
		note->reason = take_text(&q, a);
		note->endpoint = take_text(&q, a);
		note->client_id = take_text(&q, a);
		note->from = take_text(&q, a);
		note->facts = take_text(&q, a);
		note->has_grant = take_blob(&q, note->grant, GRANT_KEY_SIZE);
	}
	return query_end(&q);
}

/* ---- facts --------------------------------------------------------------- */

enum outcome
sqlite_fact_put(struct sqlite *db, struct fact *c)
{
	struct query q = query_begin(db, SQL_fact_put);

	put_text(&q, c->name);
	put_blob(&q, c->value.n > 0 ? c->value.p : "", c->value.n);
	return query_run(&q, NULL);
}

enum outcome
sqlite_fact_find(struct sqlite *db, struct fact *c)
{
	struct query q = query_begin(db, SQL_fact_find);

	put_text(&q, c->name);
	c->found = query_row(&q);
	c->value = c->found ? take_text(&q, c->call.arena) : NONE;
	return query_end(&q);
}
