/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sqlite_pages.c - the pages of the database that a connection keeps in memory.
 *
 * A page of a large database is mostly found in no cache of the processor, so what it
 * costs is how often the memory is waited for. SQLite's own cache takes a piece of the
 * heap for each page, chains pages, and takes a page out of a list and puts it back
 * whenever it is used. Here
 *   - a table says where a page is without a look at any page; then all that will be
 *     read of it, what SQLite notes and where its cells are, is asked for at once;
 *   - what is known of a page is close together, and pages begin where lines do;
 *   - a page that is used is marked instead of moved (second chance);
 *   - memory is taken by the piece as use asks for it, and large pieces may be huge
 *     pages of the machine.
 * As SQLite wants it of any cache,
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

#define LINE ((size_t)64) /* bytes that memory is asked for at once */
#define LINES_OF_CELLS 6 /* where a page of a few hundred cells says where they are */
#define PIECE_LEAST 8 /* pages */
#define PIECE_MOST ((size_t)2 << 20) /* bytes: a huge page */
#define PIECE_BITS 12 /* of a place's number; more than fit of the smallest pages */
#define TABLE_LEAST 64 /* a power of two */

/* SQLite's own notes on the page follow. */
struct place {
	sqlite3_pcache_page page; /* first: SQLite knows a place by it */
	unsigned number; /* its piece, and which it is there */
	unsigned key; /* 0: free */
	unsigned next_free; /* a number; of those that are free */
	bool pinned, used; /* used: since the hand was here */
};

struct piece {
	size_t count;
	uint8_t *memory; /* the places one after another, with SQLite's notes */
	uint8_t *pages;
};

/* Where a page is; key 0: nothing is there. */
struct entry {
	unsigned key, number;
};

struct pages {
	size_t page_size, place_size; /* the latter with SQLite's notes */
	size_t most, kept, pinned;
	unsigned greatest; /* no key is greater */
	struct entry *table; /* at most half full, so that one looks at one mostly */
	size_t table_size;
	struct piece *pieces;
	size_t piece_count;
	unsigned free; /* a number */
	size_t hand, hand_at; /* a piece, a place: looks for a page that may go */
	size_t next_count; /* of places in the next piece */
};

#define NONE_FREE UINT32_MAX

static struct pages *
pages_of(sqlite3_pcache *cache)
{
	return (struct pages *)(void *)cache;
}

static struct place *
place_in(const struct pages *p, const struct piece *piece, size_t i)
{
	return (struct place *)(void *)(piece->memory + i * p->place_size);
}

static struct place *
place_of(const struct pages *p, unsigned number)
{
	return place_in(p, &p->pieces[number >> PIECE_BITS],
		number & ((1u << PIECE_BITS) - 1));
}

/* ---- where a page is ------------------------------------------------------- */

static size_t
home_of(const struct pages *p, unsigned key)
{
	return key * UINT64_C(0x9E3779B97F4A7C15) >> 32 & (p->table_size - 1);
}

/* Where the key stands, or would. */
static struct entry *
find(const struct pages *p, unsigned key)
{
	size_t at = home_of(p, key);

	while (p->table[at].key != key && p->table[at].key != 0)
		at = (at + 1) & (p->table_size - 1);
	return &p->table[at];
}

static void
enter(struct pages *p, struct place *at, unsigned key)
{
	at->key = key;
	*find(p, key) = (struct entry){ key, at->number };
	if (key > p->greatest)
		p->greatest = key;
}

/* Those behind it that it kept from their homes move up. */
static void
leave(struct pages *p, unsigned key)
{
	size_t gap = (size_t)(find(p, key) - p->table), mask = p->table_size - 1;

	for (size_t i = gap; p->table[i = (i + 1) & mask].key != 0;) {
		size_t from_home = (i - home_of(p, p->table[i].key)) & mask;

		if (from_home < ((i - gap) & mask))
			continue;
		p->table[gap] = p->table[i];
		gap = i;
	}
	p->table[gap].key = 0;
}

static void
drop(struct pages *p, struct place *at)
{
	leave(p, at->key);
	p->pinned -= at->pinned;
	p->kept--;
	at->key = 0;
	at->pinned = false;
	at->next_free = p->free;
	p->free = at->number;
}

static bool
widen(struct pages *p)
{
	struct entry *old = p->table;
	size_t size = p->table_size;

	p->table = calloc(size == 0 ? TABLE_LEAST : 2 * size, sizeof(*old));
	if (p->table == NULL) {
		p->table = old;
		return false;
	}
	p->table_size = size == 0 ? TABLE_LEAST : 2 * size;
	for (size_t i = 0; i < size; i++)
		if (old[i].key != 0)
			*find(p, old[i].key) = old[i];
	free(old);
	return true;
}

/* ---- memory ---------------------------------------------------------------- */

/* Room for so many places, then for so many pages. */
static uint8_t *
memory_new(const struct pages *p, size_t count, size_t most)
{
	uint8_t *memory;

	if (count < most)
		return aligned_alloc(LINE, count * (p->place_size + p->page_size));
	memory = aligned_alloc(PIECE_MOST, PIECE_MOST);
	if (memory != NULL)
		madvise(memory, PIECE_MOST, MADV_HUGEPAGE); /* or not */
	return memory;
}

static bool
grow(struct pages *p)
{
	size_t most = PIECE_MOST / (p->place_size + p->page_size);
	size_t count = p->next_count < most ? p->next_count : most;
	struct piece *pieces = realloc(p->pieces, (p->piece_count + 1) * sizeof(*pieces));
	struct piece *piece;

	if (pieces == NULL)
		return false;
	p->pieces = pieces;
	piece = &pieces[p->piece_count];
	piece->count = count;
	piece->memory = memory_new(p, count, most);
	if (piece->memory == NULL)
		return false;
	piece->pages = piece->memory + count * p->place_size;
	for (size_t i = count; i-- > 0;) {
		struct place *at = place_in(p, piece, i);

		*at = (struct place){ .page.pBuf = piece->pages + i * p->page_size,
			.page.pExtra = at + 1, .next_free = p->free,
			.number = (unsigned)(p->piece_count << PIECE_BITS | i) };
		p->free = at->number;
	}
	p->piece_count++;
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

		if (p->hand_at == p->pieces[p->hand].count) {
			p->hand = (p->hand + 1) % p->piece_count;
			p->hand_at = 0;
		}
		at = place_in(p, &p->pieces[p->hand], p->hand_at++);
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
	if (2 * p->kept >= p->table_size && !widen(p))
		return NULL;
	if (p->free == NONE_FREE && !grow(p))
		return NULL;
	at = place_of(p, p->free);
	p->free = at->next_free;
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
	size_t place_size = sizeof(struct place) + (size_t)extra;

	(void)purgeable;
	if (p == NULL || !widen(p)) {
		free(p);
		return NULL;
	}
	assert((size_t)page_size % LINE == 0);
	p->page_size = (size_t)page_size;
	p->place_size = (place_size + LINE - 1) / LINE * LINE;
	p->free = NONE_FREE;
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

/* SQLite looks at one after the other, and would wait for each. */
static struct place *
ask_for(const struct pages *p, unsigned number)
{
	const struct piece *piece = &p->pieces[number >> PIECE_BITS];
	size_t i = number & ((1u << PIECE_BITS) - 1);
	const uint8_t *place = piece->memory + i * p->place_size;
	const uint8_t *page = piece->pages + i * p->page_size;

	for (size_t at = 0; at < p->place_size; at += LINE)
		__builtin_prefetch(place + at);
	for (size_t line = 0; line < LINES_OF_CELLS; line++)
		__builtin_prefetch(page + line * LINE);
	return place_in(p, piece, i);
}

static sqlite3_pcache_page *
fetch(sqlite3_pcache *cache, unsigned key, int create_flag)
{
	struct pages *p = pages_of(cache);
	const struct entry *known = find(p, key);
	struct place *at = known->key == key ? ask_for(p, known->number) : NULL;

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
	struct place *at = (struct place *)(void *)page;
	const struct entry *old = find(p, to);

	if (from == to)
		return;
	if (old->key == to)
		drop(p, place_of(p, old->number));
	leave(p, from);
	enter(p, at, to);
}

/* After each COMMIT, too, and then there is nothing to look for. */
static void
truncate_from(sqlite3_pcache *cache, unsigned limit)
{
	struct pages *p = pages_of(cache);

	if (limit > p->greatest)
		return;
	for (size_t n = 0; n < p->piece_count; n++)
		for (size_t i = 0; i < p->pieces[n].count; i++) {
			struct place *at = place_in(p, &p->pieces[n], i);

			if (at->key != 0 && at->key >= limit)
				drop(p, at);
		}
	p->greatest = limit > 0 ? limit - 1 : 0;
}

static void
destroy(sqlite3_pcache *cache)
{
	struct pages *p = pages_of(cache);

	for (size_t i = 0; i < p->piece_count; i++)
		free(p->pieces[i].memory);
	free(p->pieces);
	free(p->table);
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
