/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postgres_recent.c - the rows of grants that this process wrote last, so that whoever
 * refreshes one again need not read it first.
 *
 *  1. Nothing is answered from it. A row is only what a new generation is made from, and
 *     is written where the database still has the mark under which it was remembered: so
 *     it is the row itself, whoever else wrote meanwhile (postgres_port.c).
 *  2. A row is taken out when it is used, and remembered again when it was written: one
 *     that proved old is read the next time.
 *  3. It holds so many bytes, as use asks for them; what was written longest ago goes
 *     first. Any thread.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/secret.h"
#include "store/postgres.h"

#define SLOTS 0x40000 /* nothing but addresses, and untouched until used */
#define TEXTS 7

struct row {
	struct row *next;           /* in its slot */
	struct row *older, *newer;
	size_t size;
	int64_t mark;
	struct grant grant; /* its texts are behind it */
};

struct recent {
	pthread_mutex_t lock;
	struct row **slots; /* NULL: nothing was written yet */
	struct row ends;    /* of the list: its newer is the oldest, its older the newest */
	size_t size;        /* bytes */
};

/* ---- a row as one piece of memory ---------------------------------------- */

static void
texts_of(struct grant *g, struct bytes *texts[static TEXTS])
{
	struct bytes *all[TEXTS] = { &g->subject, &g->scope, &g->resource,
		&g->redirect_uri, &g->access_scope, &g->access_resource, &g->ended_from };

	memcpy(texts, all, sizeof(all));
}

/* Has the texts of a grant, which are elsewhere, at `to`. */
static void
move_texts(struct grant *g, char *to)
{
	struct bytes *texts[TEXTS];

	texts_of(g, texts);
	for (size_t i = 0; i < TEXTS; i++) {
		if (texts[i]->n > 0)
			memcpy(to, texts[i]->p, texts[i]->n);
		texts[i]->p = texts[i]->n > 0 ? to : NULL;
		to += texts[i]->n;
	}
}

static struct row *
row_new(const struct grant *g, int64_t mark)
{
	struct grant grant = *g;
	struct bytes *texts[TEXTS];
	size_t size = sizeof(struct row);
	struct row *row;

	texts_of(&grant, texts);
	for (size_t i = 0; i < TEXTS; i++)
		size += texts[i]->n;
	row = must_calloc(1, size);
	row->size = size;
	row->mark = mark;
	row->grant = grant;
	move_texts(&row->grant, (char *)(row + 1));
	return row;
}

/* ---- where it is --------------------------------------------------------- */

/* A key is a digest: any part of it is as good as another. */
static struct row **
place_of(struct recent *r, const uint8_t *key)
{
	uint32_t number;
	struct row **at;

	memcpy(&number, key, sizeof(number));
	at = &r->slots[number % SLOTS];
	while (*at != NULL && !secret_equal((*at)->grant.key, key, GRANT_KEY_SIZE))
		at = &(*at)->next;
	return at;
}

static struct row *
take_out(struct recent *r, const uint8_t *key)
{
	struct row **at, *row;

	if (r->slots == NULL)
		return NULL;
	at = place_of(r, key);
	row = *at;
	if (row == NULL)
		return NULL;
	*at = row->next;
	row->older->newer = row->newer;
	row->newer->older = row->older;
	r->size -= row->size;
	return row;
}

static void
put_in(struct recent *r, struct row *row)
{
	struct row **at;

	if (r->slots == NULL)
		r->slots = must_calloc(SLOTS, sizeof(*r->slots));
	at = place_of(r, row->grant.key);
	row->next = *at;
	*at = row;
	row->older = r->ends.older;
	row->newer = &r->ends;
	row->older->newer = row->newer->older = row;
	r->size += row->size;
}

/* ---- what others see ----------------------------------------------------- */

struct recent *
recent_new(void)
{
	struct recent *r = must_calloc(1, sizeof(*r));

	pthread_mutex_init(&r->lock, NULL);
	r->ends.older = r->ends.newer = &r->ends;
	return r;
}

void
recent_free(struct recent *r)
{
	while (r->ends.newer != &r->ends)
		free(take_out(r, r->ends.newer->grant.key));
	pthread_mutex_destroy(&r->lock);
	free(r->slots);
	free(r);
}

void
recent_put(struct recent *r, const struct grant *g, int64_t mark, size_t room)
{
	struct row *row = row_new(g, mark);

	pthread_mutex_lock(&r->lock);
	free(take_out(r, g->key));
	put_in(r, row);
	while (r->size > room)
		free(take_out(r, r->ends.newer->grant.key));
	pthread_mutex_unlock(&r->lock);
}

void
recent_forget(struct recent *r, const uint8_t key[static GRANT_KEY_SIZE])
{
	pthread_mutex_lock(&r->lock);
	free(take_out(r, key));
	pthread_mutex_unlock(&r->lock);
}

bool
recent_take(struct recent *r, const uint8_t key[static GRANT_KEY_SIZE], struct arena *a,
	struct grant *g, int64_t *mark)
{
	struct row *row;

	pthread_mutex_lock(&r->lock);
	row = take_out(r, key);
	pthread_mutex_unlock(&r->lock);
	if (row == NULL)
		return false;
	*g = row->grant;
	*mark = row->mark;
	move_texts(g, arena_alloc(a, row->size - sizeof(*row) + 1));
	free(row);
	return true;
}
