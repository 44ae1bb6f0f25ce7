/* SPDX-License-Identifier: Apache-2.0 */
/*
 * demo.c - from options to a running demo, and back to nothing: a directory, the
 * authorisation server as a child, the partner's app and the API in this process.
 */
#include "demo/demo.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ftw.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/secret.h"
#include "demo/api.h"
#include "demo/app.h"
#include "demo/demo_setup.h"
#include "demo/process.h"
#include "demo/script.h"

enum { READY_WITHIN_MS = 20000, POLL_US = 30000 };

struct demo {
	const struct demo_options *options;
	struct arena *arena;
	const char *fresh; /* the directory to be removed, or NULL */
	struct installation in;
	struct provider provider;
	const char *app_origin;
	struct loop *loop;
	struct tls_config *tls;
	struct clerk *app_clerk, *api_clerk;
	struct http_server *app_server, *api_server;
	struct app *app;
	struct api api;
	pid_t server;
	struct watch signals;
	struct script *script; /* NULL: people click */
	pthread_t walker;
	bool walking;
	struct letter walked;
	int status;
};

/* ---- a place of our own --------------------------------------------------- */

/* Binds for a moment: is the port free, and which one is, if any will do. */
static enum outcome
find_port(uint16_t wanted, const char *option, uint16_t *out, struct fault *f)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_port = htons(wanted),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof at;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1, failed;

	if (fd < 0)
		return FAULT_AT(f, "no socket can be had: %s", strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
	failed = bind(fd, (struct sockaddr *)&at, sizeof at) != 0 ||
			getsockname(fd, (struct sockaddr *)&at, &n) != 0
		? errno
		: 0;
	/* Only listening tells that nobody else does. */
	if (failed == 0 && listen(fd, 1) != 0)
		failed = errno;
	close(fd);
	if (failed == EADDRINUSE)
		return FAULT_AT(f,
			"port %u is taken by another program; choose another"
			" with --%s (0: any that is free)",
			wanted, option);
	if (failed != 0)
		return FAULT_AT(
			f, "port %u cannot be used: %s", wanted, strerror(failed));
	*out = ntohs(at.sin_port);
	return DONE;
}

static enum outcome
find_ports(struct demo *d, struct fault *f)
{
	const char *dir = d->options->dir;
	uint16_t earlier = dir != NULL ? installation_port(d->arena, dir) : 0;
	uint16_t port = d->options->port != 0 ? d->options->port : earlier, ignored;

	/* An issuer is a name, and names do not change. */
	if (earlier != 0 && port != earlier)
		return FAULT_AT(f,
			"%s was made for port %u; use --port %u, or another"
			" directory",
			dir, earlier, earlier);
	TRY(find_port(d->options->app_port, "app-port", &ignored, f));
	TRY(find_port(d->options->api_port, "api-port", &ignored, f));
	return find_port(port, "port", &d->in.port, f);
}

static enum outcome
make_directory(struct demo *d, struct fault *f)
{
	const char *below = getenv("XDG_RUNTIME_DIR");
	char *made;

	if (d->options->dir != NULL) {
		d->in.dir = d->options->dir;
		return DONE;
	}
	if (below == NULL || below[0] != '/' || access(below, W_OK) != 0)
		below = "/tmp";
	made = (char *)(uintptr_t)arena_printf(
		d->arena, "%s/latchkey-demo-XXXXXX", below);
	if (mkdtemp(made) == NULL)
		return FAULT_AT(f,
			"%s: no directory can be made here: %s; name one with"
			" --dir",
			below, strerror(errno));
	d->fresh = made;
	d->in.dir = arena_printf(d->arena, "%s/data", made);
	return DONE;
}

static int
remove_one(const char *path, const struct stat *s, int type, struct FTW *where)
{
	(void)s, (void)type, (void)where;
	return remove(path);
}

static void
remove_directory(const struct demo *d)
{
	if (d->fresh != NULL && !d->options->keep)
		nftw(d->fresh, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- the app and the API -------------------------------------------------- */

static void
answer_for_app(struct http_request *r, struct http_reply *reply, void *demo)
{
	app_answer(r, reply, ((struct demo *)demo)->app);
}

static enum outcome
listen_on(struct demo *d, uint16_t port, struct clerk *clerk, struct http_server **out,
	struct fault *f)
{
	const char *listen[] = { arena_printf(d->arena, "127.0.0.1:%u", port) };

	return http_server_new(d->loop,
		&(struct http_config){ .listen = listen,
			.listen_count = 1,
			.tls = d->tls,
			.limits = http_limits_default(),
			.handler = clerk_take,
			.arg = clerk },
		out, f);
}

static enum outcome
start_listeners(struct demo *d, struct fault *f)
{
	uint8_t tickets[32];

	secret_random(tickets, sizeof tickets);
	d->loop = loop_new();
	TRY(tls_config_new(d->in.cert_file, d->in.key_file, tickets, &d->tls, f));
	d->app_clerk = clerk_new(d->loop, answer_for_app, d);
	d->api_clerk = clerk_new(d->loop, api_answer, &d->api);
	TRY(listen_on(d, d->options->app_port, d->app_clerk, &d->app_server, f));
	TRY(listen_on(d, d->options->api_port, d->api_clerk, &d->api_server, f));
	d->app_origin = arena_printf(
		d->arena, "https://localhost:%u", http_server_port(d->app_server));
	return DONE;
}

static enum outcome
open_app(struct demo *d, struct fault *f)
{
	d->provider.ca_file = d->in.ca_file;
	d->provider.api_url = arena_printf(d->arena, "https://localhost:%u" API_PATH,
		http_server_port(d->api_server));
	d->api = (struct api){ d->in.api_id, d->in.api_secret,
		arena_cstr(d->arena, d->provider.introspection_endpoint),
		d->in.ca_file };
	return app_new(&(struct app_config){ .origin = d->app_origin,
			       .pages_dir = d->in.look_dir,
			       .platform = DEMO_PLATFORM,
			       .username = DEMO_USERNAME,
			       .provider = &d->provider,
			       .registration = &d->in.web,
			       .told = d->script != NULL ? script_told : NULL,
			       .arg = d->script },
		&d->app, f);
}

/* ---- the authorisation server --------------------------------------------- */

static enum outcome
start_server(struct demo *d, struct fault *f)
{
	const char *listen = arena_printf(d->arena, "127.0.0.1:%u", d->in.port);
	const char *const arguments[] = { "serve", "--dir", d->in.dir, "--listen",
		listen, "--set", "health_listen=off", NULL };

	return process_start(arguments, d->in.log_file, &d->server, f);
}

static enum outcome
await_server(struct demo *d, struct fault *f)
{
	int64_t until = clock_monotonic_ms() + READY_WITHIN_MS;
	struct bytes issuer = bytes_of(d->in.issuer);

	while (provider_discover(d->arena, issuer, d->in.ca_file, &d->provider, f) !=
		DONE) {
		if (waitpid(d->server, NULL, WNOHANG) != 0) {
			d->server = 0;
			return FAULT_AT(f,
				"the authorisation server did not start; it said: %s",
				process_last_words(d->arena, d->in.log_file));
		}
		if (clock_monotonic_ms() > until)
			return FAULT;
		usleep(POLL_US);
	}
	return DONE;
}

static enum outcome
start(struct demo *d, struct fault *f)
{
	TRY(find_ports(d, f));
	TRY(make_directory(d, f));
	d->in.arena = d->arena;
	d->in.issuer = arena_printf(d->arena, "https://localhost:%u", d->in.port);
	TRY(installation_make(&d->in, f));
	TRY(start_listeners(d, f));
	TRY(installation_fill(&d->in, d->app_origin, f));
	TRY(start_server(d, f));
	TRY(await_server(d, f));
	return open_app(d, f);
}

/* ---- running -------------------------------------------------------------- */

static void
api_drained(void *arg)
{
	struct demo *d = arg;

	loop_stop(d->loop);
}

/* The app first: what it has under way may still call the API. */
static void
app_drained(void *arg)
{
	struct demo *d = arg;

	http_server_drain(d->api_server, 0, api_drained, d);
}

static void
end(struct demo *d)
{
	loop_unwatch(d->loop, &d->signals);
	http_server_drain(d->app_server, 0, app_drained, d);
}

static void
walk_over(struct letter *l)
{
	end((struct demo *)(void *)((char *)l - offsetof(struct demo, walked)));
}

static void *
walk(void *arg)
{
	struct demo *d = arg;

	d->status =
		script_run(d->script, &d->in, &d->provider, d->app_origin) == 0 ? 0 : 1;
	mailbox_post(loop_mailbox(d->loop), &d->walked);
	return NULL;
}

static void
take_signal(struct watch *w, uint32_t events)
{
	struct demo *d =
		(struct demo *)(void *)((char *)w - offsetof(struct demo, signals));
	struct signalfd_siginfo signal;

	(void)events;
	if (read(w->fd, &signal, sizeof signal) != sizeof signal)
		return;
	if (signal.ssi_signo == SIGCHLD) {
		if (waitpid(d->server, NULL, WNOHANG) != d->server)
			return;
		d->server = 0;
		d->status = 1;
		fprintf(stderr,
			"latchkey demo: the authorisation server ended; it said: %s\n",
			process_last_words(d->arena, d->in.log_file));
	}
	if (d->walking)
		script_stop(d->script); /* its thread ends the rest */
	else
		end(d);
}

static void
take_signals(struct demo *d)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGCHLD);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	d->signals = (struct watch){ .ready = take_signal,
		.fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC) };
}

/* What to type to run this very program. */
static const char *
program(struct arena *a)
{
	char *path = arena_alloc(a, 4096);

	return readlink("/proc/self/exe", path, 4095) > 0 ? path : "latchkey";
}

static void
say_welcome(const struct demo *d)
{
	const char *latchkey = program(d->arena);
	const char *bold = isatty(STDOUT_FILENO) && getenv("NO_COLOR") == NULL
		? "\033[1m"
		: "",
		   *plain = bold[0] != '\0' ? "\033[0m" : "";

	printf("\nOpen this in a browser:   %s%s%s   (nothing is opened for you)\n"
	       "Sign in at " DEMO_PLATFORM " as:  %s" DEMO_USERNAME
	       "%s   with password   "
	       "%s%s%s\n\n",
		bold, d->app_origin, plain, bold, plain, bold, d->in.password, plain);
	printf("The certificate is by a development CA of this demo's own, which can\n"
	       "vouch for this machine only. To trust it:\n"
	       "  curl and most programs   sudo %s dev trust --dir %s\n"
	       "  one call of curl         curl --cacert %s %s\n"
	       "  Firefox, Chromium        Settings, Certificates, Authorities:\n"
	       "                           %s\n\n",
		latchkey, d->in.dir, d->in.ca_file, d->app_origin, d->in.ca_file);
	printf("The authorisation server   %s\n"
	       "Its log                    %s\n"
	       "Ask it as its operator     %s grant list --dir %s\n"
	       "Without a browser          %s demo --script\n\n"
	       "Ctrl-C stops everything%s.\n",
		d->in.issuer, d->in.log_file, latchkey, d->in.dir, latchkey,
		d->fresh != NULL && !d->options->keep ? " and removes the directory"
						      : "");
	fflush(stdout);
}

static void
run(struct demo *d)
{
	d->walked.open = walk_over;
	if (d->script == NULL)
		say_welcome(d);
	else if (pthread_create(&d->walker, NULL, walk, d) == 0)
		d->walking = true;
	else
		out_of_memory(0);
	loop_watch(d->loop, &d->signals, EPOLLIN);
	loop_run(d->loop);
	if (d->walking)
		pthread_join(d->walker, NULL);
}

static void
stop(struct demo *d)
{
	clerk_free(d->app_clerk);
	clerk_free(d->api_clerk);
	http_server_free(d->app_server);
	http_server_free(d->api_server);
	app_free(d->app);
	tls_config_free(d->tls);
	if (d->loop != NULL)
		loop_free(d->loop);
	process_end(d->server);
	remove_directory(d);
	if (d->signals.fd >= 0)
		close(d->signals.fd);
	script_free(d->script);
}

int
demo_run(const struct demo_options *o)
{
	struct demo d = { .options = o, .arena = arena_new(), .signals.fd = -1 };
	struct fault f;

	take_signals(&d);
	if (o->script)
		d.script = script_new();
	if (start(&d, &f) == DONE) {
		run(&d);
	} else {
		fprintf(stderr, "latchkey demo: %s\n", f.what);
		d.status = 1;
	}
	stop(&d);
	arena_free(d.arena);
	return d.status;
}
