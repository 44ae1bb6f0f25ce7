/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way to PostgreSQL: which URLs are refused, what is encrypted, a server that says
 * nothing, and a pooler that looks like one.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "vault_database.h"

/* ---- what is refused ------------------------------------------------------- */

TEST(a_url_is_refused_with_a_sentence)
{
	static const struct {
		const char *url, *said;
	} rows[] = {
		{ "postgresql://ada:hunter2@localhost/x", "does not belong in a URL" },
		{ "postgresql://localhost/x?password=hunter2",
			"does not belong in a URL" },
		{ "postgresql://localhost/x?service=y", "host and database" },
		{ "postgresql://localhost/x?nonsense=1", "cannot be read" },
		{ "postgresql://%zz", "cannot be read" },
		{ "postgresql:///x?host=/nowhere/at/all", "cannot be reached" },
		{ "postgresql://127.0.0.1:1/x", "cannot be reached" },
		{ "postgres://127.0.0.1:1/x", "cannot be reached" },
	};
	struct fault f;
	struct vault *v;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].url);
		check_int(vault_open(rows[i].url, NULL, NULL, &v, &f),
			strstr(rows[i].said, "reached") != NULL ? VAULT_STORAGE
								: VAULT_UNFIT);
		check(strstr(f.what, "hunter2") == NULL);
		if (!check(strstr(f.what, rows[i].said) != NULL))
			printf("#    said: %s\n", f.what);
	}
}

TEST(what_leaves_the_machine_is_encrypted_and_checked)
{
	static const struct {
		const char *url;
		bool checked;
	} rows[] = {
		{ "postgresql://db.example.com/x", true },
		{ "postgresql://db.example.com/x?sslmode=disable", true },
		{ "postgresql://localhost,db.example.com/x?sslmode=prefer", true },
		{ "postgresql://localhost/x?hostaddr=192.0.2.1", true },
		{ "postgresql://localhost/x", false },
		{ "postgresql:///x?host=/run/postgresql", false },
	};
	char place[VAULT_PLACE_MAX];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pq_target t;
		const char *mode = "";

		row("%s", rows[i].url);
		check_int(pq_target_read(rows[i].url, &t, place, NULL), VAULT_DONE);
		for (size_t k = 0; t.keywords[k] != NULL; k++)
			if (strcmp(t.keywords[k], "sslmode") == 0)
				mode = t.values[k];
		check((strcmp(mode, "verify-full") == 0) == rows[i].checked);
		pq_target_free(&t);
	}
	check_str(place, "PostgreSQL x at /run/postgresql");
}

TEST(what_the_environment_leads_away_is_encrypted_and_checked)
{
	static const char *const variables[] = { "PGHOST", "PGHOSTADDR", "PGSERVICE" };
	char place[VAULT_PLACE_MAX];

	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
		struct pq_target t;
		bool checked = false;

		row("%s", variables[i]);
		setenv(variables[i], "192.0.2.1", 1);
		check_int(pq_target_read("postgresql:///x", &t, place, NULL), VAULT_DONE);
		for (size_t k = 0; t.keywords[k] != NULL; k++)
			checked = checked || strcmp(t.values[k], "verify-full") == 0;
		check(checked);
		pq_target_free(&t);
		unsetenv(variables[i]);
	}
}

/* ---- what a network does --------------------------------------------------- */

/* A socket that listens on loopback, and its port. */
static int
listen_here(uint16_t *port)
{
	struct sockaddr_in here = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(here);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&here, size) != 0 ||
		listen(fd, 4) != 0 ||
		getsockname(fd, (struct sockaddr *)&here, &size) != 0)
		exit(1);
	*port = ntohs(here.sin_port);
	return fd;
}

static enum vault_result
connect_to(struct place *at, uint16_t port, int64_t ms)
{
	char url[128], place[VAULT_PLACE_MAX];
	struct pq_target t;
	enum vault_result r;
	PGconn *c;

	snprintf(url, sizeof(url),
		"postgresql://latchkey@127.0.0.1:%u/postgres?sslmode=disable", port);
	if (pq_target_read(url, &t, place, &at->fault) != VAULT_DONE)
		exit(1);
	r = pq_connect(&t, clock_monotonic_ms() + ms, &c, &at->fault);
	if (r == VAULT_DONE)
		vault_pq.finish(c);
	pq_target_free(&t);
	return r;
}

TEST(a_server_that_says_nothing_is_not_waited_for_longer_than_that)
{
	struct place at;
	uint16_t port;
	int64_t began = clock_monotonic_ms();
	int silent = listen_here(&port);

	place_make(&at);
	check_result(&at, connect_to(&at, port, 300), VAULT_STORAGE);
	check(strstr(at.fault.what, "does not answer in time") != NULL);
	check(clock_monotonic_ms() - began >= 300);
	check(clock_monotonic_ms() - began < 2000);
	close(silent);
	place_remove(&at);
}

/* Connects to the cluster that with-postgres started, by its socket. */
static int
dial_cluster(void)
{
	struct sockaddr_un there = { .sun_family = AF_UNIX };
	const char *host = strstr(getenv("LATCHKEY_TEST_DATABASE"), "host=") + 5;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(there.sun_path, sizeof(there.sun_path), "%s/.s.PGSQL.5432", host);
	if (fd < 0 || connect(fd, (struct sockaddr *)&there, sizeof(there)) != 0)
		exit(1);
	return fd;
}

struct pooler {
	int listening;
	bool renumbers;
};

/* Passes on what comes from one side; false when it has ended. A pooler gives a
 * session a number of its own: in BackendKeyData, 'K' and a length of 12 before it. */
static bool
pass_on(int from, int to, bool renumber)
{
	char buffer[8192], *key;
	ssize_t n = read(from, buffer, sizeof(buffer));

	if (n <= 0)
		return false;
	key = renumber ? memmem(buffer, (size_t)n, "K\0\0\0\x0c", 5) : NULL;
	if (key != NULL)
		key[7] ^= 0x55;
	return write(to, buffer, (size_t)n) == n;
}

static void *
pool(void *arg)
{
	struct pooler *p = arg;
	struct pollfd side[2] = { { .events = POLLIN }, { .events = POLLIN } };
	bool open = true;

	side[0].fd = accept(p->listening, NULL, NULL);
	side[1].fd = dial_cluster();
	while (open && poll(side, 2, 10000) > 0) {
		if (side[0].revents != 0)
			open = pass_on(side[0].fd, side[1].fd, false);
		if (open && side[1].revents != 0)
			open = pass_on(side[1].fd, side[0].fd, p->renumbers);
	}
	close(side[0].fd);
	close(side[1].fd);
	return NULL;
}

TEST(a_pooler_is_refused_because_a_lock_is_a_sessions)
{
	struct pooler p;
	struct place at;
	pthread_t thread;
	uint16_t port;

	place_make(&at);
	p.listening = listen_here(&port);
	for (int renumbers = 0; renumbers < 2; renumbers++) {
		row("%s", renumbers ? "a pooler" : "a mere forwarder");
		p.renumbers = renumbers;
		pthread_create(&thread, NULL, pool, &p);
		check_result(&at, connect_to(&at, port, 5000),
			renumbers ? VAULT_STORAGE : VAULT_DONE);
		pthread_join(thread, NULL);
	}
	check(strstr(at.fault.what, "there is a pooler before PostgreSQL") != NULL);
	close(p.listening);
	place_remove(&at);
}
