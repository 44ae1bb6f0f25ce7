/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postgres_target.c - a postgresql:// URL taken apart, and a host dialled.
 *
 * Promises: hosts are tried one at a time with our own deadline (libpq knows none
 * when it is not waited for); only a server that takes writes will do; there is no
 * password in a URL; a connection that leaves the machine is encrypted and the
 * server's certificate checked, whatever the URL says.
 */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "store/postgres.h"

static const char *
option_of(const PQconninfoOption *options, const char *keyword)
{
	for (; options->keyword != NULL; options++)
		if (pg_same(options->keyword, keyword))
			return options->val != NULL ? options->val : "";
	return "";
}

/* Where the URL says nothing, libpq goes by the environment. */
static bool
is_said(const PQconninfoOption *options, const char *keyword, const char *variable)
{
	return option_of(options, keyword)[0] != '\0' || getenv(variable) != NULL;
}

/* Splits at commas; returns how many there are, also when they did not fit. */
static size_t
split(struct arena *a, const char *list, const char **out)
{
	struct bytes rest = bytes_of(list);
	size_t n = 0;

	do {
		struct bytes one = bytes_cut(&rest, ',');

		if (n < PG_HOSTS_MAX)
			out[n] = arena_cstr(a, one);
		n++;
	} while (rest.p != NULL && rest.n > 0);
	return n;
}

static bool
is_here(const char *host)
{
	const char *said = getenv("PGHOST");
	struct bytes b = bytes_of(host[0] == '\0' && said != NULL ? said : host);

	return b.n == 0 || b.p[0] == '/' || b.p[0] == '@' ||
		bytes_equal(b, B("localhost")) || bytes_equal(b, B("::1")) ||
		bytes_starts(b, B("127."));
}

static enum outcome
judge(const PQconninfoOption *options, const struct pg_target *t, struct fault *f)
{
	if (option_of(options, "password")[0] != '\0')
		return FAULT_AT(f, "a password does not belong in a URL, where others can "
			"read it: put it in a file of mode 0600 and name that with "
			"?passfile=/path or PGPASSFILE");
	if (is_said(options, "service", "PGSERVICE") ||
		is_said(options, "hostaddr", "PGHOSTADDR"))
		return FAULT_AT(f, "give hosts and ports in the URL itself, not by "
			"service or hostaddr, nor by PGSERVICE or PGHOSTADDR");
	for (size_t i = 0; i < t->host_count; i++)
		if (!is_here(t->hosts[i]) &&
			!pg_same(option_of(options, "sslmode"), "verify-full"))
			return FAULT_AT(f, "%s is not this machine: add "
				"?sslmode=verify-full&sslrootcert=/path to the URL",
				t->hosts[i][0] != '\0' ? t->hosts[i] : "PGHOST");
	return DONE;
}

static enum outcome
read_hosts(const PQconninfoOption *options, struct pg_target *t, struct fault *f)
{
	size_t ports = split(t->arena, option_of(options, "port"), t->ports);

	t->host_count = split(t->arena, option_of(options, "host"), t->hosts);
	if (t->host_count > PG_HOSTS_MAX)
		return FAULT_AT(f, "a database URL names at most %d hosts", PG_HOSTS_MAX);
	if (ports != 1 && ports != t->host_count)
		return FAULT_AT(f, "the URL has %zu hosts and %zu ports",
			t->host_count, ports);
	for (size_t i = ports; i < t->host_count; i++)
		t->ports[i] = t->ports[0];
	return DONE;
}

/* What is ours to say, and is said of every host. */
static const struct {
	const char *keyword, *value;
} ours[] = {
	{ "target_session_attrs", "read-write" },
	{ "client_encoding", "UTF8" },
	{ "fallback_application_name", "latchkey" },
	/* Kerberos's encryption would go before TLS and its certificates; and to see that
	 * there is none takes longer than to connect. */
	{ "gssencmode", "disable" },
	/* A peer that is gone without a word is noticed within ten seconds. */
	{ "keepalives_idle", "4" },
	{ "keepalives_interval", "2" },
	{ "keepalives_count", "3" },
	{ "tcp_user_timeout", "10000" },
};

#define OURS (sizeof(ours) / sizeof(*ours))

static bool
is_apart(const char *keyword)
{
	bool apart = pg_same(keyword, "host") || pg_same(keyword, "port") ||
		pg_same(keyword, "connect_timeout");

	for (size_t i = 0; i < OURS; i++)
		apart = apart || pg_same(keyword, ours[i].keyword);
	return apart;
}

static void
read_rest(const PQconninfoOption *options, struct pg_target *t)
{
	size_t most = OURS + 3;

	for (const PQconninfoOption *o = options; o->keyword != NULL; o++)
		most++;
	t->keywords = ARENA_ARRAY(t->arena, const char *, most);
	t->values = ARENA_ARRAY(t->arena, const char *, most);
	for (const PQconninfoOption *o = options; o->keyword != NULL; o++) {
		if (o->val == NULL || is_apart(o->keyword))
			continue;
		t->keywords[t->n] = arena_cstr(t->arena, bytes_of(o->keyword));
		t->values[t->n++] = arena_cstr(t->arena, bytes_of(o->val));
	}
	for (size_t i = 0; i < OURS; i++) {
		t->keywords[t->n] = ours[i].keyword;
		t->values[t->n++] = ours[i].value;
	}
}

enum outcome
pg_target_read(const char *url, struct pg_target *t, struct fault *f)
{
	PQconninfoOption *options;
	enum outcome good;
	char *error = NULL;

	TRY(pq_load(f));
	memset(t, 0, sizeof(*t));
	options = pq.conninfoParse(url, &error);
	pq.freemem(error); /* it would repeat the URL */
	if (options == NULL)
		return FAULT_AT(f, "the database's URL cannot be read: it is "
			"postgresql://USER@HOST[:PORT][,HOST...]/DATABASE[?passfile=...]");
	t->arena = arena_new();
	good = read_hosts(options, t, f);
	if (good == DONE)
		good = judge(options, t, f);
	if (good == DONE)
		read_rest(options, t);
	pq.conninfoFree(options);
	if (good != DONE)
		pg_target_free(t);
	return good;
}

void
pg_target_free(struct pg_target *t)
{
	arena_free(t->arena);
	memset(t, 0, sizeof(*t));
}

PGconn *
pg_target_dial(const struct pg_target *t, size_t host)
{
	const char *keywords[64] = { "host", "port" };
	const char *values[64] = { t->hosts[host], t->ports[host] };
	size_t n = t->n < 60 ? t->n : 60;

	memcpy(keywords + 2, t->keywords, n * sizeof(*keywords));
	memcpy(values + 2, t->values, n * sizeof(*values));
	return pq.connectStartParams(keywords, values, 0);
}
