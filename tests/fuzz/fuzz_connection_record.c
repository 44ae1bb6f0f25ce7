/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a vault keeps of a connection, of a refresh under way and of what was tried: what
 * is read can be written, and is then read as the same. (The vault has unsealed it, so
 * nobody but us wrote it; a later version of us may have.)
 */
#include <string.h>

#include "base/arena.h"
#include "client/record.h"
#include "fuzz.h"

static void
records(struct arena *a, struct bytes in)
{
	struct record r, again;
	struct bytes text, twice;

	if (!record_read(a, in, &r))
		return;
	text = record_write(a, &r);
	if (bytes_empty(text)) /* escaped it may be larger than a vault takes */
		return;
	holds(record_read(a, text, &again));
	twice = record_write(a, &again);
	holds(bytes_equal(text, twice));
	holds(bytes_equal(r.refresh_token, again.refresh_token));
	holds(r.life.end_boot_ms == again.life.end_boot_ms);
}

static void
journals(struct arena *a, struct bytes in)
{
	struct journal j, again;
	struct bytes text;

	if (!journal_read(a, in, &j))
		return;
	text = journal_write(a, &j);
	if (bytes_empty(text))
		return;
	holds(journal_read(a, text, &again));
	holds(memcmp(j.token, again.token, sizeof(j.token)) == 0);
	holds(bytes_equal(j.retry_key, again.retry_key));
}

static void
lines(struct arena *a, struct bytes in)
{
	struct lk_attempt l, again;
	struct bytes text;

	if (!history_read(a, in, &l))
		return;
	text = history_write(a, &l);
	if (bytes_empty(text))
		return;
	holds(history_read(a, text, &again));
	holds(l.status == again.status && l.at == again.at);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = { (const char *)data, size };
	struct arena *a = arena_new();

	records(a, in);
	journals(a, in);
	lines(a, in);
	arena_free(a);
	return 0;
}
