/* SPDX-License-Identifier: Apache-2.0 */
/* test_config.c - what a configuration file may say, and how it is told it may not. */
#include "server/config.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tap.h"

static struct config *
read_text(const char *text, struct fault *f)
{
	struct config *c = NULL;

	if (config_read("f", bytes_of(text), NULL, 0, &c, f) != DONE)
		return NULL;
	return c;
}

TEST(defaults_are_within_their_own_bounds)
{
	struct fault f = { .what = "" };
	struct config *c = read_text("", &f);

	if (!check(c != NULL))
		return;
	check_int(c->code_lifetime, 60);     /* R5.4: at most 60 seconds */
	check_int(c->access_lifetime, 600);  /* R6.1, T-09 */
	check_int(c->refresh_lifetime, 60 * 86400); /* R6.1 */
	check_int(c->retry_window, 86400);   /* TR-11 */
	check_int(c->body_limit, 65536);     /* H-11 */
	check_int((int64_t)c->listen.n, 1);
	check_str(c->listen.p[0], "127.0.0.1:8443");
	check_int((int64_t)c->proxies.n, 0);
	config_release(c);
}

static const struct { const char *text, *what; } bad[] = {
	{ "colour = red", "f:1: colour: no such setting; latchkey(1) lists them" },
	{ "\n\nlisten", "f:3: not of the form: key = value" },
	{ "# fine\nworkers = 2\nworkers = 2\n", "f:3: workers: is set twice" },
	{ "workers = -1", "f:1: workers: not a number" },
	{ "workers = 1e3", "f:1: workers: not a number" },
	{ "workers = 257", "f:1: workers: must be 0 to 256" },
	{ "workers = 99999999999999999999", "f:1: workers: not a number" },
	{ "workers =", "f:1: workers: not a number" },
	{ "code_lifetime = 61", "f:1: code_lifetime: must be 5 to 60" },
	{ "code_lifetime = 2m", "f:1: code_lifetime: must be 5 to 60" },
	{ "code_lifetime = soon", "f:1: code_lifetime: not a duration" },
	{ "access_lifetime = 61m", "f:1: access_lifetime: must be 30 to 3600" },
	{ "retry_window = 31d", "f:1: retry_window: must be 0 to 2592000" },
	{ "body_limit = 2m", "f:1: body_limit: must be 4096 to 1048576" },
	{ "body_limit = 64K", "f:1: body_limit: not a size" },
	{ "body_limit = 99999999999999999k", "f:1: body_limit: not a size" },
	{ "brand = \xFF", "f:1: brand: not UTF-8 text" },
	{ "Workers = 2", "f:1: Workers: no such setting; latchkey(1) lists them" },
	{ " = 2", "f:1: no such setting; latchkey(1) lists them" },
	{ "listen = 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17",
		"f:1: listen: at most 16 words" },
};

TEST(a_bad_line_is_refused_with_its_place)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct fault f = { .what = "" };

		row("%s", bad[i].text);
		check(read_text(bad[i].text, &f) == NULL);
		check_str(f.what, bad[i].what);
	}
}

TEST(white_space_and_comments_are_no_part_of_a_value)
{
	struct fault f = { .what = "" };
	struct config *c = read_text("  # a comment\r\n\t brand =  Acme  Spend \r\n"
		"listen = 127.0.0.1:1\t[::1]:2  \nretry_window=0\nbody_limit = 8k", &f);

	if (!check(c != NULL))
		return;
	check_str(c->brand, "Acme  Spend");
	check_int((int64_t)c->listen.n, 2);
	check_str(c->listen.p[1], "[::1]:2");
	check_int(c->retry_window, 0);
	check_int(c->body_limit, 8192);
	config_release(c);
}

TEST(the_command_line_stands_above_the_file)
{
	const struct setting above[] = { { "workers", "3" }, { "listen", "" } };
	struct fault f = { .what = "" };
	struct config *c = NULL;

	check_int(config_read("f", B("workers = 2\nlisten = 127.0.0.1:1"), above, 2, &c, &f),
		DONE);
	if (c == NULL)
		return;
	check_int(c->workers, 3);
	check_int((int64_t)c->listen.n, 0);
	config_release(c);
}

TEST(a_bad_setting_of_the_command_line_says_so)
{
	const struct setting above[] = { { "workers", "many" } };
	struct fault f = { .what = "" };
	struct config *c = NULL;

	check_int(config_read("f", NONE, above, 1, &c, &f), FAULT);
	check_str(f.what, "command line: workers: not a number");
	check(c == NULL);
}

TEST(what_is_shown_reads_back_as_the_same)
{
	struct fault f = { .what = "" };
	struct config *c = read_text("brand = Acme\nlisten = 127.0.0.1:1 [::1]:2\n"
		"access_lifetime = 5m\nproxies = 10.0.0.1", &f), *again;
	struct arena *a = arena_new();
	struct buf first = buf_new(a, 65536), second = buf_new(a, 65536);

	if (!check(c != NULL))
		return;
	config_write(c, &first);
	again = read_text(buf_cstr(&first), &f);
	if (check(again != NULL)) {
		config_write(again, &second);
		check_bytes(buf_bytes(&second), buf_bytes(&first));
		config_release(again);
	}
	config_release(c);
	arena_free(a);
}

TEST(every_key_has_a_sentence_for_the_manual)
{
	struct config_entry e;
	size_t n = 0;

	for (; config_entry(n, &e); n++) {
		row("%s", e.key);
		check(strlen(e.sentence) > 20);
		check(strchr(e.key, '-') == NULL);
	}
	check(n > 30);
}

static const struct { const char *text, *what; } unsettled[] = {
	{ "log_level = loud", "log_level: must be debug, info, notice, warning or error" },
	{ "hsts = preload", "hsts: must be includeSubDomains, or "
		"includeSubDomains; preload" },
	{ "listen =", "neither listen nor proxy_listen is set" },
	{ "proxy_listen = 127.0.0.1:80", "proxy_listen needs proxies: the addresses of the "
		"TLS-terminating proxies, or: unix" },
	{ "issuer = https://b.example", "issuer is https://b.example, but this "
		"installation was made for https://a.example; an issuer cannot be renamed" },
};

TEST(settings_must_agree_with_one_another)
{
	for (size_t i = 0; i < sizeof(unsettled) / sizeof(unsettled[0]); i++) {
		struct fault f = { .what = "" };
		struct config *c = read_text(unsettled[i].text, &f);

		row("%s", unsettled[i].text);
		if (!check(c != NULL))
			continue;
		check_int(config_settle(c, B("https://a.example"), B("Acme"), &f), FAULT);
		check_str(f.what, unsettled[i].what);
		config_release(c);
	}
}

TEST(everything_that_is_wrong_is_said)
{
	struct fault f = { .what = "" };
	struct wrongs w = { .n = 0 };
	struct config *c = read_text("listen = 127.0.0.1:8443 1.2.3.4 127.0.0.1:8443 "
		"127.0.0.1:0 127.0.0.1:0 [::1]:65536\nhealth_listen = 10.0.0.1:9464\n"
		"proxies = foo unix ::1\npolicy_uri = http://a.example\ntos_uri = terms\n"
		"service_documentation = https://a.example/docs\nlog_level = loud", &f);

	if (!check(c != NULL))
		return;
	config_agree(c, &w);
	check_str(w.text,
		"log_level: must be debug, info, notice, warning or error\n"
		"listen: 1.2.3.4: not an address to listen on; write 127.0.0.1:8443, "
			"[::1]:8443 or unix:/path\n"
		"listen: [::1]:65536: not an address to listen on; write 127.0.0.1:8443, "
			"[::1]:8443 or unix:/path\n"
		"health_listen: 10.0.0.1:9464: plain HTTP is served on loopback addresses "
			"and Unix sockets only; give a certificate\n"
		"listen: 127.0.0.1:8443 is listened on twice\n"
		"proxies: foo is neither an IP address nor: unix\n"
		"policy_uri: http://a.example is not a URL with https\n"
		"tos_uri: terms is not a URL with https\n");
	check_int((int64_t)w.n, 8);
	config_release(c);
}

TEST(issuer_and_brand_come_from_the_installation)
{
	struct fault f = { .what = "" };
	struct config *c = read_text("log_level = warning", &f);

	if (!check(c != NULL))
		return;
	check_int(config_settle(c, B("https://a.example"), B("Acme"), &f), DONE);
	check_str(c->issuer, "https://a.example");
	check_str(c->brand, "Acme");
	check_int(config_log_level(c), LOG_WARNING);
	config_release(c);
}

static const struct { const char *fresh, *key; } reloads[] = {
	{ "access_lifetime = 1m\nlog_level = debug\nretry_window = 0", "" },
	{ "access_lifetime = 1m\nworkers = 2", "workers" },
	{ "listen = 127.0.0.1:1", "listen" },
	{ "brand = Other", "brand" },
};

TEST(a_setting_that_needs_a_restart_is_named)
{
	struct arena *a = arena_new();
	struct fault f = { .what = "" };
	struct config *running = read_text("", &f);

	for (size_t i = 0; i < sizeof(reloads) / sizeof(reloads[0]); i++) {
		struct config *fresh = read_text(reloads[i].fresh, &f);

		row("%s", reloads[i].fresh);
		if (check(fresh != NULL))
			check_bytes(config_needs_restart(a, running, fresh),
				bytes_of(reloads[i].key));
		config_release(fresh);
	}
	config_release(running);
	arena_free(a);
}

TEST(files_are_below_the_data_directory)
{
	char dir[] = "/tmp/config-test-XXXXXX", path[64];
	struct fault f = { .what = "" };
	struct config *c = NULL;
	int fd;

	if (!check(mkdtemp(dir) != NULL))
		return;
	/* No file at all is a file that says nothing. */
	check_int(config_open(dir, NULL, 0, &c, &f), DONE);
	config_release(c);
	snprintf(path, sizeof(path), "%s/latchkey.conf", dir);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	check(write(fd, "tls_key = k.pem\ntls_cert = /etc/c.pem", 37) == 37);
	close(fd);
	check_int(config_open(dir, NULL, 0, &c, &f), DONE);
	check_bytes(bytes_slice(bytes_of(c->tls_key), 0, strlen(dir)), bytes_of(dir));
	check(bytes_ends(bytes_of(c->tls_key), B("/k.pem")));
	check_str(c->tls_cert, "/etc/c.pem");
	check_str(c->pages_dir, "");
	config_release(c);
	unlink(path);
	rmdir(dir);
}
