/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sqlite_pages.c - the pages of the database that a connection keeps in memory.
 *
 * SQLite's own cache takes a piece of the heap for each page, keeps what it knows of
 * the page at the end of it, and takes the page out of a list and puts it back whenever
 * it is used: for a page of a large database that is a handful of places in memory that
 * no cache of the processor holds. This one keeps what it knows close together, marks a
 * page that is used instead of moving it (second chance), and takes memory by the piece
 * as use asks for it; large pieces may be huge pages of the machine. So
 *   - a page that is pinned stays where it is and as it is;
 *   - no more pages are kept than SQLite asks for, unless more are pinned at once;
 *   - what is dropped gives its place to the next; memory goes back with the connection.
 * A connection belongs to one thread, and so do its pages: nothing is locked.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/arena.h"
#include "store/sqlite.h"

#define PIECE_LEAST 8 /* pages */
#define PIECE_MOST ((size_t)2 << 20) /* bytes: a huge page */
#define BUCKETS_LEAST 64 /* a power of two */

struct place {
	sqlite3_pcache_page page; /* first: SQLite knows a place by it */
	struct place *next; /* in its bucket, or of those that are free */
	unsigned key; /* 0: free */
	bool pinned, used; /* used: since the hand was here */
};

struct piece {
	struct piece *next;
	size_t count;
	struct place places[];
};

struct pages {
	size_t page_size, place_size; /* the latter with SQLite's own notes */
	size_t most, kept, pinned;
	struct place **buckets;
	size_t bucket_count;
	struct place *free;
	struct piece *pieces; /* the newest first */
	struct piece *hand; /* looks for a page that may go */
	size_t hand_at;
	size_t next_count; /* of places in the next piece */
};

static struct pages *
pages_of(sqlite3_pcache *cache)
{
	return (struct pages *)(void *)cache;
}

/* ---- where a page is ------------------------------------------------------- */

static struct place **
bucket_of(const struct pages *p, unsigned key)
{
	return &p->buckets[key & (p->bucket_count - 1)]; /* neighbours go apart */
}

static struct place *
find(const struct pages *p, unsigned key)
{
	struct place *at = *bucket_of(p, key);

	while (at != NULL && at->key != key)
		at = at->next;
	return at;
}

static void
enter(struct pages *p, struct place *at, unsigned key)
{
	struct place **bucket = bucket_of(p, key);

	at->key = key;
	at->next = *bucket;
	*bucket = at;
}

static void
leave(struct pages *p, struct place *at)
{
	struct place **to = bucket_of(p, at->key);

	while (*to != at)
		to = &(*to)->next;
	*to = at->next;
}

static void
drop(struct pages *p, struct place *at)
{
	leave(p, at);
	p->pinned -= at->pinned;
	p->kept--;
	at->key = 0;
	at->pinned = false;
	at->next = p->free;
	p->free = at;
}

/* Chains stay short; if there is no memory they get longer. */
static void
spread(struct pages *p)
{
	size_t count = p->bucket_count == 0 ? BUCKETS_LEAST : 2 * p->bucket_count;
	struct place **old = p->buckets,
		     **fresh = calloc(count, sizeof(struct place *));
	size_t old_count = p->bucket_count;

	if (fresh == NULL)
		return;
	p->buckets = fresh;
	p->bucket_count = count;
	for (size_t i = 0; i < old_count; i++)
		for (struct place *at = old[i], *next; at != NULL; at = next) {
			next = at->next;
			enter(p, at, at->key);
		}
	free(old);
}

/* ---- memory ---------------------------------------------------------------- */

static size_t
whole_place(const struct pages *p)
{
	return sizeof(struct place) + p->place_size;
}

static struct piece *
piece_new(const struct pages *p, size_t count)
{
	size_t most = (PIECE_MOST - sizeof(struct piece)) / whole_place(p);
	struct piece *piece;

	if (count < most)
		return malloc(sizeof(*piece) + count * whole_place(p));
	piece = aligned_alloc(PIECE_MOST, PIECE_MOST);
	if (piece != NULL)
		madvise(piece, PIECE_MOST, MADV_HUGEPAGE); /* or not */
	return piece;
}

static bool
grow(struct pages *p)
{
	size_t most = (PIECE_MOST - sizeof(struct piece)) / whole_place(p);
	size_t count = p->next_count < most ? p->next_count : most;
	struct piece *piece = piece_new(p, count);
	uint8_t *memory;

	if (piece == NULL)
		return false;
	memory = (uint8_t *)&piece->places[count];
	for (size_t i = count; i-- > 0;) {
		struct place *at = &piece->places[i];

		*at = (struct place){ .page.pBuf = memory + i * p->place_size,
			.next = p->free };
		at->page.pExtra = (uint8_t *)at->page.pBuf + p->page_size;
		p->free = at;
	}
	piece->count = count;
	piece->next = p->pieces;
	p->pieces = piece;
	p->next_count = 2 * count;
	return true;
}

/* The page that was not used for longest, more or less; NULL: all are pinned. */
static struct place *
evict(struct pages *p)
{
	if (p->pinned == p->kept)
		return NULL;
	for (;;) {
		struct place *at;

		if (p->hand == NULL || p->hand_at == p->hand->count) {
			p->hand = p->hand == NULL || p->hand->next == NULL
				? p->pieces
				: p->hand->next;
			p->hand_at = 0;
		}
		at = &p->hand->places[p->hand_at++];
		if (at->key == 0 || at->pinned)
			continue;
		if (!at->used)
			return at;
		at->used = false;
	}
}

static struct place *
room(struct pages *p, bool must)
{
	struct place *at;

	/* As SQLite's own: it writes pages out before it asks for more of them. */
	if (!must && p->pinned >= p->most - p->most / 10)
		return NULL;
	if (p->kept >= p->most && (at = evict(p)) != NULL)
		drop(p, at);
	if (p->kept >= p->bucket_count)
		spread(p);
	if (p->bucket_count == 0 || (p->free == NULL && !grow(p)))
		return NULL;
	at = p->free;
	assert(at != NULL); /* a piece has a place at least */
	p->free = at->next;
	return at;
}

/* ---- what SQLite asks (sqlite.org/c3ref/pcache_methods2.html) --------------- */

static int
start(void *arg)
{
	(void)arg;
	return SQLITE_OK;
}

static sqlite3_pcache *
create(int page_size, int extra, int purgeable)
{
	struct pages *p = calloc(1, sizeof(*p));

	(void)purgeable;
	if (p == NULL)
		return NULL;
	p->page_size = (size_t)page_size;
	p->place_size = ((size_t)page_size + (size_t)extra + 15) & ~(size_t)15;
	p->next_count = PIECE_LEAST;
	return (sqlite3_pcache *)(void *)p;
}

static void
set_most(sqlite3_pcache *cache, int most)
{
	struct pages *p = pages_of(cache);
	struct place *at;

	p->most = most > 0 ? (size_t)most : 0;
	while (p->kept > p->most && (at = evict(p)) != NULL)
		drop(p, at);
}

static int
count(sqlite3_pcache *cache)
{
	return (int)pages_of(cache)->kept;
}

static sqlite3_pcache_page *
fetch(sqlite3_pcache *cache, unsigned key, int create_flag)
{
	struct pages *p = pages_of(cache);
	struct place *at = p->bucket_count > 0 ? find(p, key) : NULL;

	if (at == NULL) {
		if (create_flag == 0 || (at = room(p, create_flag == 2)) == NULL)
			return NULL;
		enter(p, at, key);
		p->kept++;
		memset(at->page.pExtra, 0, sizeof(void *)); /* SQLite: a new page */
	}
	p->pinned += !at->pinned;
	at->pinned = at->used = true;
	return &at->page;
}

static void
unpin(sqlite3_pcache *cache, sqlite3_pcache_page *page, int discard)
{
	struct pages *p = pages_of(cache);
	struct place *at = (struct place *)(void *)page;

	if (discard != 0 || p->kept > p->most) {
		drop(p, at);
		return;
	}
	p->pinned--;
	at->pinned = false;
}

static void
rekey(sqlite3_pcache *cache, sqlite3_pcache_page *page, unsigned from, unsigned to)
{
	struct pages *p = pages_of(cache);
	struct place *at = (struct place *)(void *)page, *old = find(p, to);

	(void)from;
	if (old == at)
		return;
	if (old != NULL)
		drop(p, old);
	leave(p, at);
	enter(p, at, to);
}

static void
truncate_from(sqlite3_pcache *cache, unsigned limit)
{
	struct pages *p = pages_of(cache);

	for (struct piece *piece = p->pieces; piece != NULL; piece = piece->next)
		for (size_t i = 0; i < piece->count && p->kept > 0; i++)
			if (piece->places[i].key != 0 && piece->places[i].key >= limit)
				drop(p, &piece->places[i]);
}

static void
destroy(sqlite3_pcache *cache)
{
	struct pages *p = pages_of(cache);

	while (p->pieces != NULL) {
		struct piece *next = p->pieces->next;

		free(p->pieces);
		p->pieces = next;
	}
	free(p->buckets);
	free(p);
}

static void
shrink(sqlite3_pcache *cache)
{
	(void)cache; /* nobody asks for it */
}

int
sqlite_pages_configure(void)
{
	static const sqlite3_pcache_methods2 methods = {
		.iVersion = 1,
		.xInit = start,
		.xCreate = create,
		.xCachesize = set_most,
		.xPagecount = count,
		.xFetch = fetch,
		.xUnpin = unpin,
		.xRekey = rekey,
		.xTruncate = truncate_from,
		.xDestroy = destroy,
		.xShrink = shrink,
	};

	return sqlite3_config(SQLITE_CONFIG_PCACHE2, &methods);
}
