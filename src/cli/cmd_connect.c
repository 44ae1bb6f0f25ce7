/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_connect.c - latchkey connect NAME: a person consents, and the connection is kept.
 *
 * What the person is told goes to standard error; standard output has what was granted.
 * Ctrl-C ends it at any moment: an attempt that was not finished is of no use to
 * anyone, and the kernel takes back the listener and the locks.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/connections.h"
#include "text/form.h"

/* ---- what is registered --------------------------------------------------------- */

static const char *
joined(struct cli *c, struct strings words)
{
	struct buf b = buf_new(c->arena, 65536);

	for (size_t i = 0; i < words.n; i++) {
		buf_put(&b, i > 0 ? B(" ") : NONE);
		buf_put(&b, words.p[i]);
	}
	return words.n > 0 ? buf_cstr(&b) : NULL;
}

/* --parameter NAME=VALUE ... as x-www-form-urlencoded; false: one is not. */
static bool
read_parameters(struct cli *c, const char **out)
{
	struct strings list = option_list(c, "parameter");
	struct buf b = buf_new(c->arena, 65536);

	for (size_t i = 0; i < list.n; i++) {
		struct bytes value = list.p[i], name = bytes_cut(&value, '=');

		if (name.n == 0 || name.n == list.p[i].n) {
			cli_usage(c, "--parameter '%.*s' is not NAME=VALUE",
				BYTES_FMT(list.p[i]));
			return false;
		}
		form_pair(&b, name, value);
	}
	*out = list.n > 0 ? buf_cstr(&b) : NULL;
	return true;
}

static bool
read_secret(struct cli *c, struct lk_registration *r)
{
	if (!option_client_secret(c, &r->client_secret_file))
		return false;
	if (!option_given(c, "public"))
		return true;
	if (r->client_secret_file != NULL) {
		cli_usage(c, "a client with a secret is not --public");
		return false;
	}
	r->client_secret_file = LK_PUBLIC_CLIENT;
	return true;
}

static bool
read_registration(struct cli *c, struct lk_registration *r)
{
	*r = (struct lk_registration)LK_INIT(struct lk_registration);
	r->issuer = option_text(c, "issuer");
	r->client_id = option_text(c, "client-id");
	r->redirect_uri = option_text(c, "redirect-uri");
	r->resource = option_text(c, "resource");
	r->ca_file = option_text(c, "ca-file");
	r->authorization_endpoint = option_text(c, "authorization-endpoint");
	r->token_endpoint = option_text(c, "token-endpoint");
	r->revocation_endpoint = option_text(c, "revocation-endpoint");
	r->scope = joined(c, option_list(c, "scope"));
	r->flags = (option_given(c, "development") ? LK_DEVELOPMENT : 0) |
		(option_given(c, "s256-unadvertised") ? LK_S256_UNADVERTISED : 0);
	if ((r->issuer == NULL) != (r->client_id == NULL)) {
		cli_usage(c, "--issuer and --client-id are both needed, or neither to connect"
			" again what is kept");
		return false;
	}
	return read_secret(c, r) && read_parameters(c, &r->parameters);
}

/* ---- the person ----------------------------------------------------------------- */

#define REDIRECT_URI "http://127.0.0.1/callback" /* the library's defaults */
#define PATIENCE_S 300

struct asker {
	const struct cli *c;
	const char *redirect_uri; /* as registered */
	int64_t patience_ms;
	int64_t deadline_ms;      /* for an address to be pasted (clock_monotonic_ms) */
	int shown;                /* how often a browser was spoken of */
	int pastes;               /* how often an address was asked for */
	const char *ended;        /* why there was none, where the person did not say no */
};

static int
show(void *arg, enum lk_way way, const char *url, const char *user_code)
{
	struct asker *asker = arg;

	switch (way) {
	case LK_WAY_BEST:
	case LK_WAY_BROWSER:
		if (asker->shown++ > 0) {
			fputs("No browser could be started: open that address yourself, on"
			      " this machine; or with\n--paste, on any.\n", stderr);
			return 0;
		}
		fprintf(stderr,
			"Your browser is asked to open this; if it does not, open it"
			" yourself, on this machine:\n\n    %s\n\n"
			"Waiting until you are done there. Ctrl-C gives up.\n"
			"(If the page there speaks of the redirect URI: %s%s must be"
			" registered for\nthis client, as an installed app's, or give"
			" another by --redirect-uri.)\n",
			url, asker->redirect_uri,
			strcmp(asker->redirect_uri, REDIRECT_URI) == 0
				? ", with any port,"
				: "");
		return 0;
	case LK_WAY_DEVICE:
		fprintf(stderr,
			"On any device, open\n\n    %s\n\nand enter the code\n\n"
			"    %s\n\nWaiting until you are done there. Ctrl-C gives"
			" up.\n",
			url, user_code != NULL ? user_code : "");
		return 0;
	case LK_WAY_PASTE:
		asker->deadline_ms = clock_monotonic_ms() + asker->patience_ms;
		fprintf(stderr,
			"Open this in a browser, on any machine:\n\n    %s\n\n"
			"At the end the browser goes to an address that cannot be"
			" shown: that is as it should be.\n",
			url);
		return 0;
	}
	cli_fail(asker->c, "there is no such way to connect");
	return 1;
}

/* false: the time is up. */
static bool
wait_for_input(int64_t deadline_ms)
{
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };

	for (;;) {
		int64_t left_ms = deadline_ms - clock_monotonic_ms();
		int ready = left_ms > 0 ? poll(&in, 1, (int)left_ms) : 0;

		if (ready >= 0 || errno != EINTR)
			return ready != 0;
	}
}

static int
paste(void *arg, char *text, size_t size)
{
	struct asker *asker = arg;
	size_t n = 0;
	ssize_t got = 1;

	if (asker->pastes++ > 0)
		fputs("That was not it: it is the whole address, with state= and code= or"
		      " error= in it.\n", stderr);
	fputs("Copy that address from its address bar, and paste it here: ", stderr);
	fflush(stderr);
	while (n < size - 1) {
		if (!wait_for_input(asker->deadline_ms)) {
			fputc('\n', stderr);
			return 1; /* the library tells why */
		}
		got = read(STDIN_FILENO, text + n, 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0 || text[n] == '\n')
			break;
		n++;
	}
	text[n] = '\0';
	if (got <= 0)
		fputc('\n', stderr);
	if (n > 0 && got >= 0)
		return 0;
	asker->ended = got < 0 ? "standard input cannot be read"
		: got == 0     ? "standard input ended"
			       : "an empty line was given";
	return 1;
}

static bool
read_person(struct cli *c, struct asker *asker, struct lk_person *p)
{
	int ways = option_given(c, "browser") + option_given(c, "device") +
		option_given(c, "paste");
	int64_t timeout = PATIENCE_S;

	*p = (struct lk_person)LK_INIT(struct lk_person);
	if (ways > 1) {
		cli_usage(c, "of --browser, --device and --paste one at most");
		return false;
	}
	if (!option_seconds(c, "timeout", &timeout))
		return false;
	if (timeout < 1 || timeout > 600) {
		cli_usage(c,
			"--timeout is a second at least and ten minutes at most: an attempt"
			" is good for no longer");
		return false;
	}
	p->way = option_given(c, "browser") ? LK_WAY_BROWSER
		: option_given(c, "device") ? LK_WAY_DEVICE
		: option_given(c, "paste")  ? LK_WAY_PASTE
					    : LK_WAY_BEST;
	p->timeout_s = (int)timeout;
	asker->patience_ms = timeout * 1000;
	p->show = show;
	p->paste = paste;
	p->arg = asker;
	return true;
}

/* ---- what was granted ----------------------------------------------------------- */

static bool
has_word(struct bytes list, struct bytes word)
{
	while (list.n > 0)
		if (bytes_equal(bytes_cut(&list, ' '), word))
			return true;
	return false;
}

/* RFC 6749 section 3.3: the words that were asked for and are not among the granted. */
static json_t *
missing(struct bytes asked, struct bytes granted)
{
	json_t *list = json_array();

	while (asked.n > 0) {
		struct bytes word = bytes_cut(&asked, ' ');

		if (word.n > 0 && !has_word(granted, word))
			json_array_append_new(list, json_of(word));
	}
	return list;
}

static int
note_granted(void *arg, const struct lk_info *info)
{
	json_t **out = arg;

	*out = json_pack("{s:s, s:s, s:s, s:s, s:o}", "name", info->name, "issuer",
		info->issuer, "scope", info->scope, "subject", info->subject,
		"not_granted", missing(bytes_of(info->asked_scope), bytes_of(info->scope)));
	return 0;
}

static int
print_granted(struct cli *c)
{
	static const struct column columns[] = {
		{ "issuer", "Server" },
		{ "subject", "It acts for" },
		{ "scope", "It may" },
		{ "not_granted", "It may not" },
		{ "vault", "Kept in" },
		{ NULL, NULL },
	};
	json_t *granted = NULL;
	struct lk_error e;

	if (lk_info(c->connection, note_granted, &granted, &e) != LK_OK)
		return cli_lk_failed(c, &e);
	json_object_set_new(granted, "vault", json_string(lk_vault_place(c->lk)));
	if (json_array_size(json_object_get(granted, "not_granted")) > 0)
		cli_fail(c, "the person granted less than was asked for");
	if (!c->json)
		printf("%s is connected. For a token: latchkey token %s\n\n",
			c->operands[0], c->operands[0]);
	return cli_print_object(c, granted, columns);
}

/* ---- the command ---------------------------------------------------------------- */

static int
note_kept(void *arg, const struct lk_info *info)
{
	struct asker *asker = arg;

	asker->redirect_uri = arena_cstr(asker->c->arena, bytes_of(info->redirect_uri));
	return 0;
}

/* Opens the vault; what is to be connected again is there already. */
static int
open_kept(struct cli *c, struct asker *asker)
{
	struct lk_error e;
	int status = cli_connection(c);

	if (status == EXIT_NOT_FOUND)
		fputs("A new connection takes --issuer and --client-id\n", stderr);
	if (status != EXIT_DONE)
		return status;
	if (lk_info(c->connection, note_kept, asker, &e) != LK_OK)
		status = cli_lk_failed(c, &e);
	lk_connection_close(c->connection);
	c->connection = NULL;
	return status;
}

static int
connect_person(struct cli *c)
{
	struct lk_registration registration;
	struct asker asker = { .c = c, .redirect_uri = REDIRECT_URI };
	struct lk_person person;
	struct lk_error e;
	int status = cli_name(c);

	if (status != EXIT_DONE || !read_registration(c, &registration) ||
		!read_person(c, &asker, &person))
		return EXIT_USAGE;
	status = registration.issuer != NULL ? cli_vault_new(c) : open_kept(c, &asker);
	if (registration.redirect_uri != NULL)
		asker.redirect_uri = registration.redirect_uri;
	if (status != EXIT_DONE)
		return status;
	if (lk_connect(c->lk, c->operands[0], &registration, &person, &c->connection,
		    &e) != LK_OK) {
		c->connection = NULL;
		return asker.ended != NULL && e.status == LK_DENIED
			? cli_fail(c, "%s, and no address was pasted: nothing was connected",
				  asker.ended)
			: cli_lk_failed(c, &e);
	}
	return print_granted(c);
}

static const struct option options[] = {
	{ "issuer", OPTION_TEXT, "URL",
		"the server, exactly as its operator gives it; to connect again, NAME is"
		" enough" },
	{ "client-id", OPTION_TEXT, "ID", "how this program is registered there" },
	{ "client-secret-file", OPTION_TEXT, "FILE",
		"its secret, if it has one, in a file" },
	{ "client-secret-fd", OPTION_TEXT, "N", "the same, from an open descriptor" },
	{ "client-secret", OPTION_TEXT, "",
		"refused: secrets never stand in arguments" },
	{ "public", OPTION_FLAG, NULL,
		"it has no secret: one that is kept for NAME is dropped" },
	{ "scope", OPTION_LIST, "SCOPE", "what it shall be able to do (repeat)" },
	{ "resource", OPTION_TEXT, "URL", "the API it is for (RFC 8707)" },
	{ "parameter", OPTION_LIST, "NAME=VALUE",
		"more for the authorization request, such as prompt=consent (repeat)" },
	{ "redirect-uri", OPTION_TEXT, "URL",
		"as registered (default: http://127.0.0.1/callback, any port)" },
	{ "browser", OPTION_FLAG, NULL,
		"by this machine's browser (the default, where it is)" },
	{ "device", OPTION_FLAG, NULL,
		"by a code that is entered on any device (RFC 8628)" },
	{ "paste", OPTION_FLAG, NULL,
		"by a browser anywhere, and an address pasted back" },
	{ "timeout", OPTION_TEXT, "TIME", "how long you may take (default: 5m)" },
	{ "ca-file", OPTION_TEXT, "FILE", "PEM, trusted beside the system's CAs" },
	{ "key", OPTION_TEXT, "WHERE",
		"of a new vault: keyring, credential:NAME, file:PATH or passphrase"
		" (default: $LATCHKEY_KEY or the first that works)" },
	{ "authorization-endpoint", OPTION_TEXT, "URL",
		"for a server without metadata: all three endpoints" },
	{ "token-endpoint", OPTION_TEXT, "URL", "the second: where it gives tokens" },
	{ "revocation-endpoint", OPTION_TEXT, "URL",
		"the third, where it has one: where tokens are ended" },
	{ "s256-unadvertised", OPTION_FLAG, NULL,
		"its documentation says that it takes PKCE S256, its metadata do not" },
	{ "development", OPTION_FLAG, NULL, "http is allowed on loopback addresses" },
	{ NULL, OPTION_FLAG, NULL, NULL },
};

const struct command command_connect = { NULL, "connect", "NAME",
	"connect to a server in the name of a person", options, connect_person, true,
	COMMON_CONNECTION };
