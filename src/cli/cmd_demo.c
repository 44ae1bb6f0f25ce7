/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_demo.c - latchkey demo: options into struct demo_options. */
#include "cli/commands.h"
#include "demo/demo.h"

static bool
read_port(struct cli *c, const char *option, uint16_t otherwise, uint16_t *out)
{
	const char *text = option_text(c, option);
	uint64_t port = otherwise;

	/* A script runs anywhere, also beside another. */
	if (text == NULL && option_given(c, "script"))
		port = 0;
	else if (text != NULL &&
		(!bytes_to_u64(bytes_of(text), &port) || port > 65535)) {
		cli_usage(c, "--%s %s: expected 0 to 65535", option, text);
		return false;
	}
	*out = (uint16_t)port;
	return true;
}

static int
demo(struct cli *c)
{
	struct demo_options o = { .dir = option_text(c, "dir"),
		.script = option_given(c, "script"),
		.keep = option_given(c, "keep") };

	if (c->json)
		return cli_usage(c, "--json: a story is for people");
	if (!read_port(c, "port", 8443, &o.port) ||
		!read_port(c, "app-port", 8444, &o.app_port) ||
		!read_port(c, "api-port", 8445, &o.api_port))
		return 2;
	if ((o.port != 0 && (o.port == o.app_port || o.port == o.api_port)) ||
		(o.app_port != 0 && o.app_port == o.api_port))
		return cli_usage(c, "server, app and API need a port each;"
				    " two of them are the same");
	return demo_run(&o);
}

static const struct option options[] = {
	{ "dir", OPTION_TEXT, "DIR",
		"keep it here and use it again (default: fresh, removed at the end)" },
	{ "port", OPTION_TEXT, "PORT",
		"of the authorisation server (default: 8443; 0: any)" },
	{ "app-port", OPTION_TEXT, "PORT",
		"of the partner's app (default: 8444; 0: any)" },
	{ "api-port", OPTION_TEXT, "PORT", "of the API (default: 8445; 0: any)" },
	{ "script", OPTION_FLAG, NULL,
		"walk the story without a browser; exit 0 when all went well" },
	{ "keep", OPTION_FLAG, NULL, "leave the fresh directory behind" },
	{ NULL, OPTION_FLAG, NULL, NULL },
};

const struct command command_demo = { NULL, "demo", "",
	"see the whole story in a browser: server, partner's app and API", options,
	demo, true };
