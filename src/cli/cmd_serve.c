/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_serve.c - latchkey serve: options into settings that stand above
 * latchkey.conf; the server does the rest.
 */
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/commands.h"
#include "server/server.h"

static const struct { const char *option, *key; } direct[] = {
	{ "tls-cert", "tls_cert" }, { "tls-key", "tls_key" }, { "workers", "workers" },
	{ "user", "user" },
};
#define DIRECT_COUNT (sizeof direct / sizeof direct[0])

/* --listen A --listen B is the list "A B". */
static const char *
joined(struct cli *c, const char *option)
{
	struct strings list = option_list(c, option);
	struct buf b = buf_new(c->arena, 4096);

	for (size_t i = 0; i < list.n; i++) {
		buf_put(&b, i > 0 ? B(" ") : NONE);
		buf_put(&b, list.p[i]);
	}
	return buf_cstr(&b);
}

/* Files of the command line are the caller's, not the directory's. */
static const char *
absolute(struct cli *c, const char *path)
{
	const char *cwd = arena_alloc(c->arena, 4096);

	if (path[0] == '/' || getcwd((char *)(uintptr_t)cwd, 4096) == NULL)
		return path;
	return arena_printf(c->arena, "%s/%s", cwd, path);
}

static int
show_config(struct cli *c, const struct server_options *o)
{
	struct buf out = buf_new(c->arena, 65536);
	struct config *config;
	struct fault f;

	if (config_open(o->dir, o->settings, o->setting_count, &config, &f) != DONE)
		return cli_fail(c, "%s", f.what);
	config_write(config, &out);
	fputs(buf_cstr(&out), stdout);
	config_release(config);
	return 0;
}

static int
serve(struct cli *c)
{
	struct strings given = option_list(c, "set");
	struct setting *settings =
		ARENA_ARRAY(c->arena, struct setting, DIRECT_COUNT + given.n + 1);
	struct server_options o = { .dir = c->dir, .settings = settings };

	for (size_t i = 0; i < DIRECT_COUNT; i++) {
		const char *value = option_text(c, direct[i].option);
		if (value != NULL)
			settings[o.setting_count++] = (struct setting){ direct[i].key,
				i < 2 ? absolute(c, value) : value };
	}
	if (option_given(c, "listen"))
		settings[o.setting_count++] =
			(struct setting){ "listen", joined(c, "listen") };
	for (size_t i = 0; i < given.n; i++) {
		struct bytes value = given.p[i], key = bytes_cut(&value, '=');
		settings[o.setting_count++] = (struct setting){
			arena_cstr(c->arena, key), arena_cstr(c->arena, value) };
	}
	o.replace = option_given(c, "replace");
	if (option_given(c, "show-config"))
		return show_config(c, &o);
	return option_given(c, "check") ? server_check(&o) : server_run(&o);
}

static const struct option options[] = {
	{ "listen", OPTION_LIST, "ADDR:PORT", "answer here over HTTPS (repeat)" },
	{ "tls-cert", OPTION_TEXT, "FILE", "certificate chain, PEM" },
	{ "tls-key", OPTION_TEXT, "FILE", "its private key, PEM" },
	{ "workers", OPTION_TEXT, "N", "threads that answer requests (default: one a CPU)" },
	{ "user", OPTION_TEXT, "NAME", "whom to become when started as root" },
	{ "set", OPTION_LIST, "KEY=VALUE", "any key of latchkey.conf (repeat)" },
	{ "replace", OPTION_FLAG, NULL,
		"take over from the server that runs in DIR, which refuses nobody meanwhile" },
	{ "check", OPTION_FLAG, NULL, "validate everything and exit" },
	{ "show-config", OPTION_FLAG, NULL, "print what is in force and exit" },
	{ NULL, OPTION_FLAG, NULL, NULL },
};

const struct command command_serve = { NULL, "serve", "",
	"answer OAuth over HTTPS until told to stop", options, serve, false };
