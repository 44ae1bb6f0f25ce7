/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postgres_audit.c - reading the trail, why requests were refused, and the small
 * facts of the installation. (They are written by postgres_batch.c.)
 */
#include <string.h>

#include "base/arena.h"
#include "store/postgres.h"

enum outcome
pg_audit_insert(struct pg *db, const struct audit *a)
{
	struct pg_query q;

	if (bytes_empty(a->event))
		return DONE;
	q = pg_begin(db, PG_audit_insert);
	pg_put_audit(&q.in, a);
	db->inserted++;
	return pg_do(&q, NULL);
}

enum outcome
pg_audit_list(struct pg *db, struct audit_list *c)
{
	bool by_object = c->object.n > 0;
	struct pg_query q = pg_begin(db, by_object ? PG_audit_list_of : PG_audit_list);
	struct arena *a = c->call.arena;

	if (by_object)
		pg_put_text(&q.in, c->object);
	pg_put_int(&q.in, c->since);
	pg_put_int(&q.in, c->until == 0 ? INT64_MAX : c->until);
	pg_put_text(&q.in, c->event);
	pg_put_int(&q.in, (int64_t)c->limit);
	c->count = 0;
	c->entries = NULL;
	while (pg_next(&q)) {
		struct audit *entry;

		c->entries = list_room(a, c->entries, c->count, sizeof(*c->entries));
		entry = &c->entries[c->count++];
		entry->at = pg_take_int(&q.out);
		entry->event = pg_take_text(&q.out, a);
		entry->actor = pg_take_text(&q.out, a);
		entry->object = pg_take_text(&q.out, a);
		entry->detail = pg_take_text(&q.out, a);
		entry->from = pg_take_text(&q.out, a);
	}
	return pg_end(&q);
}

enum outcome
pg_refusal_find(struct pg *db, struct refusal_find *c)
{
	struct refusal_note *note = &c->note;
	struct arena *a = c->call.arena;
	struct pg_query q;

	c->found = false;
	if (c->id.n != ERROR_ID_SIZE)
		return DONE;
	q = pg_begin(db, PG_refusal_find);
	pg_put_text(&q.in, c->id);
	c->found = pg_next(&q);
	if (c->found) {
		memset(note, 0, sizeof(*note));
		memcpy(note->id, c->id.p, ERROR_ID_SIZE);
		note->at = pg_take_int(&q.out);
		note->reason = pg_take_text(&q.out, a);
		note->endpoint = pg_take_text(&q.out, a);
		note->client_id = pg_take_text(&q.out, a);
		note->from = pg_take_text(&q.out, a);
		note->facts = pg_take_text(&q.out, a);
		note->has_grant = pg_take_blob(&q.out, note->grant, GRANT_KEY_SIZE);
	}
	return pg_end(&q);
}

enum outcome
pg_fact_find(struct pg *db, struct fact *c)
{
	struct pg_query q = pg_begin(db, PG_fact_find);

	pg_put_text(&q.in, c->name);
	c->found = pg_next(&q);
	c->value = c->found ? pg_take_text(&q.out, c->call.arena) : NONE;
	return pg_end(&q);
}
