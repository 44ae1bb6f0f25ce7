/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contract of sqlite_pages.c, as SQLite states it of any page cache: what is pinned
 * stays where it is and as it is; what is not may go, but never to another; and no more
 * is kept than was asked for.
 */
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "store/sqlite.h"
#include "tap.h"

#define PAGE 1024
#define EXTRA 136
#define KEYS 6000 /* some megabytes: small pieces of memory and large ones */

static sqlite3_pcache_methods2 pages;
static uint64_t chance;

/* The same in every run. */
static unsigned
any_of(unsigned n)
{
	chance = chance * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(chance >> 33) % n;
}

static sqlite3_pcache *
pages_new(int most)
{
	sqlite3_pcache *cache;

	sqlite3_shutdown();
	check_int(sqlite_pages_configure(), SQLITE_OK);
	check_int(sqlite3_config(SQLITE_CONFIG_GETPCACHE2, &pages), SQLITE_OK);
	cache = pages.xCreate(PAGE, EXTRA, 1);
	pages.xCachesize(cache, most);
	return cache;
}

/* Both ends of the page and of what SQLite notes with it. */
static void *
end_of(const sqlite3_pcache_page *page, size_t which)
{
	char *ends[] = { page->pBuf, (char *)page->pBuf + PAGE - 8, page->pExtra,
		(char *)page->pExtra + EXTRA - 8 };

	return ends[which];
}

/* What is written on a page: its key and its version. */
static void
write_on(sqlite3_pcache_page *page, unsigned key, unsigned version)
{
	unsigned words[] = { key, version };

	for (size_t i = 0; i < 4; i++)
		memcpy(end_of(page, i), words, sizeof(words));
}

static bool
reads(const sqlite3_pcache_page *page, unsigned key, unsigned version)
{
	unsigned words[] = { key, version };

	for (size_t i = 0; i < 4; i++)
		if (memcmp(end_of(page, i), words, sizeof(words)) != 0)
			return false;
	return true;
}

static bool
is_new(const sqlite3_pcache_page *page)
{
	static const char nothing[sizeof(void *)];

	return memcmp(page->pExtra, nothing, sizeof(nothing)) == 0;
}

/* ---- a long random history against a table --------------------------------- */

struct model {
	sqlite3_pcache *cache;
	sqlite3_pcache_page *pinned[KEYS + 1]; /* NULL: not */
	unsigned version[KEYS + 1]; /* 0: cannot be there */
	size_t pins, most;
	unsigned written;
};

static void
note_written(struct model *m, unsigned key)
{
	m->version[key] = ++m->written;
	write_on(m->pinned[key], key, m->version[key]);
}

static void
step_fetch(struct model *m, unsigned key, int flag)
{
	sqlite3_pcache_page *page = pages.xFetch(m->cache, key, flag);

	if (m->pinned[key] != NULL) {
		check(page == m->pinned[key]);
		check(reads(page, key, m->version[key]));
		return;
	}
	if (page == NULL) {
		check(flag < 2);
		check(flag == 0 || 10 * m->pins >= 9 * m->most - 10);
		m->version[key] = 0; /* nothing unpinned comes back once it was gone */
		return;
	}
	check(is_new(page) ? flag != 0 : reads(page, key, m->version[key]));
	m->pinned[key] = page;
	m->pins++;
	note_written(m, key);
}

static void
step_unpin(struct model *m, unsigned key, bool discard)
{
	if (m->pinned[key] == NULL)
		return;
	check(reads(m->pinned[key], key, m->version[key]));
	pages.xUnpin(m->cache, m->pinned[key], discard);
	m->pinned[key] = NULL;
	m->pins--;
	if (discard)
		m->version[key] = 0;
}

static void
step_rekey(struct model *m, unsigned from, unsigned to)
{
	if (m->pinned[from] == NULL || m->pinned[to] != NULL)
		return;
	pages.xRekey(m->cache, m->pinned[from], from, to);
	m->pinned[to] = m->pinned[from];
	m->pinned[from] = NULL;
	m->version[from] = 0;
	note_written(m, to);
}

static void
step_truncate(struct model *m, unsigned limit)
{
	pages.xTruncate(m->cache, limit);
	for (unsigned key = limit; key <= KEYS; key++) {
		m->pins -= m->pinned[key] != NULL;
		m->pinned[key] = NULL;
		m->version[key] = 0;
	}
}

static void
step(struct model *m)
{
	unsigned key = any_of(KEYS) + 1, what = any_of(1000);

	if (what < 500)
		step_fetch(m, key, (int)(what % 3));
	else if (what < 990)
		for (unsigned i = 0; i < 8; i++)
			step_unpin(m, (key + i) % KEYS + 1, what % 10 == 0);
	else if (what < 999)
		step_rekey(m, key, any_of(KEYS) + 1);
	else
		step_truncate(m, any_of(4) == 0 ? 1 : KEYS - key / 4);
}

TEST(a_long_history_keeps_what_is_pinned_and_mixes_nothing_up)
{
	static const int mosts[] = { 10, 100, 3000 };

	for (size_t i = 0; i < 3; i++) {
		struct model *m = calloc(1, sizeof(*m));

		row("at most %d pages", mosts[i]);
		chance = 7;
		m->most = (size_t)mosts[i];
		m->cache = pages_new(mosts[i]);
		for (size_t n = 0; n < 300000; n++) {
			size_t most;

			step(m);
			most = m->pins > m->most ? m->pins : m->most;
			if (!check((size_t)pages.xPagecount(m->cache) <= most + m->pins) ||
				tap.failed)
				break;
		}
		pages.xDestroy(m->cache);
		free(m);
	}
}

/* ---- which page goes --------------------------------------------------------- */

static void
use(sqlite3_pcache *cache, unsigned key)
{
	sqlite3_pcache_page *page = pages.xFetch(cache, key, 2);

	if (check(page != NULL))
		pages.xUnpin(cache, page, 0);
}

TEST(what_is_used_again_and_again_stays)
{
	sqlite3_pcache *cache = pages_new(100);
	size_t missed = 0;

	for (unsigned key = 11; key <= KEYS; key++) {
		use(cache, key);
		for (unsigned often = 1; often <= 10; often++) {
			missed += pages.xFetch(cache, often, 0) == NULL;
			use(cache, often);
		}
		check(pages.xPagecount(cache) <= 100);
	}
	/* Each at first, and once more at most, when all had been used once. */
	check(missed >= 10 && missed <= 20);
	pages.xDestroy(cache);
}

TEST(a_page_that_takes_the_number_of_another_is_alone)
{
	sqlite3_pcache *cache = pages_new(100);
	sqlite3_pcache_page *page;

	use(cache, 7);
	page = pages.xFetch(cache, 8, 2);
	write_on(page, 8, 1);
	pages.xRekey(cache, page, 8, 7);
	check_int(pages.xPagecount(cache), 1);
	check(pages.xFetch(cache, 8, 0) == NULL);
	check(pages.xFetch(cache, 7, 0) == page);
	check(reads(page, 8, 1));
	pages.xUnpin(cache, page, 1);
	check(pages.xFetch(cache, 7, 0) == NULL);
	check_int(pages.xPagecount(cache), 0);
	pages.xDestroy(cache);
}

TEST(fewer_pages_when_fewer_are_asked_for)
{
	sqlite3_pcache *cache = pages_new(1000);

	for (unsigned key = 1; key <= 1000; key++)
		use(cache, key);
	check_int(pages.xPagecount(cache), 1000);
	pages.xCachesize(cache, 10);
	check_int(pages.xPagecount(cache), 10);
	for (unsigned key = 1; key <= 1000; key++)
		use(cache, key);
	check_int(pages.xPagecount(cache), 10);
	pages.xDestroy(cache);
}

TEST(sqlite_writes_pages_out_before_it_takes_the_last)
{
	sqlite3_pcache *cache = pages_new(100);
	unsigned key = 1;

	while (key <= 200 && pages.xFetch(cache, key, 1) != NULL)
		key++;
	check_int(key - 1, 90);
	for (; key <= 300; key++)
		check(pages.xFetch(cache, key, 2) != NULL);
	check_int(pages.xPagecount(cache), 300);
	pages.xTruncate(cache, 1);
	check_int(pages.xPagecount(cache), 0);
	pages.xDestroy(cache);
}
