/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault_postgres_log.c - history and attempts in tables, one statement each.
 */
#include "vault/vault_postgres.h"

#include <string.h>

/* ---- history --------------------------------------------------------------------- */

/* The line is put beside the 400 that may stand; then the newest 200, this one among
 * them, are kept. What a statement inserts, it does not see itself. */
enum vault_result
pg_log_append(struct vault *v, struct bytes name, struct bytes line, struct fault *f)
{
	struct pq_value values[] = { pg_value(name), pg_value(line) };

	return pg_ask_once(pg_of(v), false,
		"WITH put AS (INSERT INTO latchkey_vault_log (name, line)"
		" VALUES ($1::text, $2::bytea))"
		" DELETE FROM latchkey_vault_log WHERE name = $1::text"
		" AND (SELECT count(*) FROM latchkey_vault_log"
		" WHERE name = $1::text) >= 400"
		" AND id <= (SELECT id FROM latchkey_vault_log WHERE name = $1::text"
		" ORDER BY id DESC OFFSET 199 LIMIT 1)",
		values, 2, NULL, f);
}

static struct bytes
row_octets(const PGresult *result, int row)
{
	return (struct bytes){ vault_pq.getvalue(result, row, 0),
		(size_t)vault_pq.getlength(result, row, 0) };
}

static struct bytes
join(const PGresult *result, struct arena *a)
{
	int rows = vault_pq.ntuples(result);
	size_t n = 0, at = 0;
	char *text;

	for (int i = 0; i < rows; i++)
		n += row_octets(result, i).n;
	text = arena_alloc(a, n + 1);
	for (int i = 0; i < rows; i++) {
		struct bytes line = row_octets(result, i);

		memcpy(text + at, line.p, line.n);
		at += line.n;
	}
	return (struct bytes){ text, n };
}

enum vault_result
pg_log_read(struct vault *v, struct bytes name, struct arena *a, struct bytes *text,
	struct fault *f)
{
	struct pq_value values[] = { pg_value(name) };
	PGresult *result;
	enum vault_result r = VAULT_DONE;

	VAULT_TRY(pg_ask_once(pg_of(v), true,
		"SELECT line FROM (SELECT id, line FROM latchkey_vault_log"
		" WHERE name = $1::text ORDER BY id DESC LIMIT 400) newest ORDER BY id",
		values, 1, &result, f));
	if (vault_pq.ntuples(result) == 0)
		r = VAULT_FAIL(f, VAULT_ABSENT, "there is no history of %.*s",
			BYTES_FMT(name));
	else
		*text = join(result, a);
	vault_pq.clear(result);
	return r;
}

/* ---- attempts to connect --------------------------------------------------- */

enum vault_result
pg_attempt_put(struct vault *v, struct bytes id, struct bytes sealed, struct fault *f)
{
	struct pq_value values[] = { pg_value(id), pg_value(sealed) };
	PGresult *result;

	VAULT_TRY(pg_ask_once(pg_of(v), false,
		"WITH old AS (DELETE FROM latchkey_vault_attempt"
		" WHERE put_at < now() - interval '600 seconds')"
		" INSERT INTO latchkey_vault_attempt (id, sealed)"
		" SELECT $1::text, $2::bytea WHERE (SELECT count(*)"
		" FROM latchkey_vault_attempt"
		" WHERE put_at >= now() - interval '600 seconds') < 10000",
		values, 2, &result, f));
	if (pg_wrote(result))
		return VAULT_DONE;
	return VAULT_FAIL(f, VAULT_STORAGE,
		"10000 attempts to connect are under way: "
		"no more until some end or are ten minutes old");
}

/* Who deletes the row has it. */
enum vault_result
pg_attempt_take(struct vault *v, struct bytes id, struct arena *a, uint8_t **sealed,
	size_t *n, struct fault *f)
{
	struct pq_value values[] = { pg_value(id) };
	enum vault_result r = VAULT_DONE;
	PGresult *result;

	VAULT_TRY(pg_ask_once(pg_of(v), false,
		"DELETE FROM latchkey_vault_attempt WHERE id = $1::text"
		" RETURNING sealed, put_at >= now() - interval '600 seconds'",
		values, 1, &result, f));
	if (!pq_truth(result, 1)) {
		r = VAULT_FAIL(f, VAULT_ABSENT,
			"there is no such attempt to connect: it was "
			"finished already, is older than ten minutes, or was not "
			"begun here");
	} else {
		*n = (size_t)vault_pq.getlength(result, 0, 0);
		*sealed = arena_copy(a, vault_pq.getvalue(result, 0, 0), *n);
	}
	vault_pq.clear(result);
	return r;
}
