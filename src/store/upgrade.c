/* SPDX-License-Identifier: Apache-2.0 */
/*
 * upgrade.c - the schema of a store brought to the version this program needs: every
 * step in between, in one transaction, or none.
 */
#include "store/backend.h"
#include "store/shared.h"

static const struct upgrade known[] = {
#define UPGRADE(version, sqlite, postgres) { version, sqlite, postgres },
#include "store/upgrade.def"
#undef UPGRADE
	{ 0, NULL, NULL },
};

enum outcome
upgrade_needed(const struct upgrade *steps, int64_t from, int64_t to, bool *needed,
	struct fault *f)
{
	int64_t reached = from;

	*needed = from < to;
	if (from / 1000 > to / 1000)
		return FAULT_AT(f, "the database was made by a newer latchkey (schema %lld, "
			"this one knows %lld): use that one", (long long)from,
			(long long)to);
	for (const struct upgrade *s = steps; s->version != 0; s++)
		if (s->version == reached + 1)
			reached = s->version;
	if (*needed && reached < to)
		return FAULT_AT(f, "there is no way from schema %lld to %lld: use the latchkey "
			"that made it, or one in between", (long long)from, (long long)to);
	return DONE;
}

enum outcome
store_upgrade(const char *url, int64_t *from, int64_t *to, struct fault *f)
{
	*to = SCHEMA_VERSION;
	return store_upgrade_by(url, known, SCHEMA_VERSION, from, f);
}
