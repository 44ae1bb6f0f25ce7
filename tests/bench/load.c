/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load.c - closed-loop load over TLS: N connections, each with one request under
 * way at any time, for a number of seconds; one line of JSON at the end.
 *
 * usage: load --ca F --port P --mode MODE --connections N --seconds S
 *             --input FILE [--keep FILE] [--basic B64] [--cookie C]
 *             [--authorize QUERY] [--new-connection] [--named PORT] [--pid PID]...
 *
 *   fixed      FILE is one raw request, sent again and again
 *   introspect FILE has an access token a line; each request asks about any of them
 *   refresh    FILE has a refresh token a line; each connection has its share of
 *              them, refreshes any, and goes on with the token of the answer; --keep
 *              gets those that are live at the end, for the next run
 *   exchange   each connection asks /oauth/authorize (with --cookie: consent is
 *              remembered) for a code with a fresh PKCE challenge, and redeems it
 *
 * Host names localhost:P, or the port of --named: that of the issuer, for a node
 * that listens elsewhere. CPU is what the kernel counted for --pid (all threads) while
 * the clock ran.
 */
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "load.h"

#define MAX_CONNECTIONS 1024
#define SAMPLES (1 << 21)

struct options options = { .connections = 64, .seconds = 5 };

static SSL_CTX *tls;
static int epoll_fd;
static uint32_t *samples;
static size_t done, failed;
static bool over;

void
die(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int64_t
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* ---- CPU of the server ------------------------------------------------------------ */

static int64_t
task_cpu_ns(const char *path)
{
	char text[128];
	int fd = open(path, O_RDONLY);
	ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;

	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	return strtoll(text, NULL, 10);
}

static int64_t
servers_cpu_ns(void)
{
	int64_t sum = 0;

	for (int i = 0; i < options.pid_count; i++) {
		char path[64], task[400];
		const struct dirent *e;
		DIR *d;

		snprintf(path, sizeof(path), "/proc/%d/task", options.pids[i]);
		d = opendir(path);
		while (d != NULL && (e = readdir(d)) != NULL)
			if (e->d_name[0] != '.') {
				snprintf(task, sizeof(task), "%s/%s/schedstat", path, e->d_name);
				sum += task_cpu_ns(task);
			}
		if (d != NULL)
			closedir(d);
	}
	return sum;
}

/* ---- counting --------------------------------------------------------------------------- */

static void
count(const struct connection *c, bool good)
{
	int64_t us = now_us() - c->started_us;

	if (!good) {
		if (failed++ == 0)
			fprintf(stderr, "load: first failure: %.400s\n", c->in);
		if (failed > 1000)
			die("too many failures");
	}
	if (done < SAMPLES)
		samples[done] = (uint32_t)us;
	done++;
}

/* ---- connections ------------------------------------------------------------------------- */

static void
watch(struct connection *c, uint32_t events, int op)
{
	struct epoll_event e = { .events = events, .data.ptr = c };

	if (epoll_ctl(epoll_fd, op, c->fd, &e) != 0)
		die("epoll_ctl");
}

static void
open_connection(struct connection *c)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)options.port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int one = 1;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&a, sizeof(a)) != 0)
		die("connect");
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	fcntl(c->fd, F_SETFL, O_NONBLOCK);
	c->ssl = SSL_new(tls);
	SSL_set_tlsext_host_name(c->ssl, "localhost");
	SSL_set1_host(c->ssl, "localhost");
	SSL_set_fd(c->ssl, c->fd);
	SSL_set_connect_state(c->ssl);
	watch(c, EPOLLIN | EPOLLOUT | EPOLLET, EPOLL_CTL_ADD);
}

static void
close_connection(struct connection *c)
{
	SSL_shutdown(c->ssl);
	SSL_free(c->ssl);
	close(c->fd);
	c->ssl = NULL;
}

static void
ask(struct connection *c)
{
	c->started_us = now_us();
	c->out_sent = c->in_n = 0;
	talk_next(c);
}

/* The whole answer is there. */
static void
answered(struct connection *c)
{
	bool good = false;

	if (!talk_answered(c, &good)) {
		c->out_sent = c->in_n = 0;
		return;
	}
	count(c, good);
	if (options.new_connection) {
		close_connection(c);
		open_connection(c);
	}
	ask(c);
}

static bool
would_block(struct connection *c, int result)
{
	int e = SSL_get_error(c->ssl, result);

	if (e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE)
		return true;
	fprintf(stderr, "load: TLS error %d after %zu requests\n", e, done);
	exit(1);
}

static bool
send_rest(struct connection *c)
{
	while (c->out_sent < c->out_n) {
		int n = SSL_write(c->ssl, c->out + c->out_sent, (int)(c->out_n - c->out_sent));

		if (n <= 0)
			return !would_block(c, n);
		c->out_sent += (size_t)n;
	}
	return true;
}

/* Goes on until it would have to wait. */
static void
drive(struct connection *c)
{
	while (!over) {
		int n;

		if (!send_rest(c))
			return;
		n = SSL_read(c->ssl, c->in + c->in_n, (int)(sizeof(c->in) - 1 - c->in_n));
		if (n <= 0 && would_block(c, n))
			return;
		c->in_n += (size_t)n;
		if (talk_answer_length(c) > 0)
			answered(c);
	}
}

/* ---- main ----------------------------------------------------------------------------------- */

static int
by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void
report(int64_t us, int64_t cpu_ns)
{
	size_t n = done < SAMPLES ? done : SAMPLES;

	qsort(samples, n, sizeof(*samples), by_size);
	printf("{\"requests\":%zu,\"failed\":%zu,\"seconds\":%.3f,\"per_second\":%.1f,"
	       "\"p50_us\":%u,\"p99_us\":%u,\"cpu_us\":%.3f}\n",
		done, failed, (double)us / 1e6, (double)done * 1e6 / (double)us,
		n > 0 ? samples[n / 2] : 0, n > 0 ? samples[n * 99 / 100] : 0,
		done > 0 ? (double)cpu_ns / 1000 / (double)done : 0);
}

static void
run(void)
{
	int64_t start = now_us(), cpu = servers_cpu_ns();
	int64_t end = start + (int64_t)options.seconds * 1000000;

	while (now_us() < end) {
		struct epoll_event events[256];
		int n = epoll_wait(epoll_fd, events, 256, 100);

		for (int i = 0; i < n; i++)
			drive(events[i].data.ptr);
	}
	over = true;
	report(now_us() - start, servers_cpu_ns() - cpu);
}

static void
set(const char *name, const char *value)
{
	if (strcmp(name, "--ca") == 0)
		options.ca = value;
	else if (strcmp(name, "--input") == 0)
		options.input = value;
	else if (strcmp(name, "--keep") == 0)
		options.keep = value;
	else if (strcmp(name, "--basic") == 0)
		options.basic = value;
	else if (strcmp(name, "--cookie") == 0)
		options.cookie = value;
	else if (strcmp(name, "--authorize") == 0)
		options.authorize = value;
	else if (strcmp(name, "--port") == 0)
		options.port = (int)strtol(value, NULL, 10);
	else if (strcmp(name, "--named") == 0)
		options.named = (int)strtol(value, NULL, 10);
	else if (strcmp(name, "--connections") == 0)
		options.connections = (int)strtol(value, NULL, 10);
	else if (strcmp(name, "--seconds") == 0)
		options.seconds = (int)strtol(value, NULL, 10);
	else if (strcmp(name, "--pid") == 0 && options.pid_count < MAX_PIDS)
		options.pids[options.pid_count++] = (int)strtol(value, NULL, 10);
	else if (strcmp(name, "--mode") == 0)
		options.mode = value[0] == 'f' ? FIXED : value[0] == 'i' ? INTROSPECT
			: value[0] == 'r' ? REFRESH : EXCHANGE;
	else {
		fprintf(stderr, "load: %s is not an option\n", name);
		exit(2);
	}
}

static void
read_options(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--new-connection") == 0)
			options.new_connection = true;
		else if (i + 1 < argc)
			set(argv[i], argv[i + 1]), i++;
	}
	if (options.connections < 1 || options.connections > MAX_CONNECTIONS)
		die("--connections");
}

int
main(int argc, char **argv)
{
	struct connection *all;

	read_options(argc, argv);
	talk_begin();
	samples = calloc(SAMPLES, sizeof(*samples));
	all = calloc((size_t)options.connections, sizeof(*all));
	tls = SSL_CTX_new(TLS_client_method());
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (samples == NULL || all == NULL || tls == NULL || epoll_fd < 0)
		die("start");
	if (SSL_CTX_load_verify_locations(tls, options.ca, NULL) != 1)
		die("--ca");
	SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
	/* The same for every server, whatever it would prefer. */
	if (SSL_CTX_set_min_proto_version(tls, TLS1_3_VERSION) != 1 ||
		SSL_CTX_set_ciphersuites(tls, "TLS_AES_128_GCM_SHA256") != 1 ||
		SSL_CTX_set1_groups_list(tls, "X25519") != 1)
		die("TLS");
	/* Full handshakes: new connections must cost what they cost strangers. */
	SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
	for (int i = 0; i < options.connections; i++) {
		all[i].number = (size_t)i;
		open_connection(&all[i]);
		ask(&all[i]);
	}
	run();
	talk_end(all, (size_t)options.connections);
	return failed > 0;
}
