/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client_fields.h - what `client add` and `client edit` have in common: the
 * options, reading them into a struct client, and printing one.
 */
#ifndef LATCHKEY_CLI_CLIENT_FIELDS_H
#define LATCHKEY_CLI_CLIENT_FIELDS_H

#include "cli/cli.h"

/* The options both take; each row sets one field. */
#define CLIENT_FIELD_OPTIONS                                                            \
	{ "redirect-uri", OPTION_LIST, "URI", "where answers may go (exact; repeat)" }, \
	{ "scope", OPTION_LIST, "SCOPE", "what it may ask for (repeat)" },              \
	{ "default-scope", OPTION_LIST, "SCOPE", "what it gets when it names none" },   \
	{ "grant", OPTION_LIST, "TYPE",                                                 \
		"authorization_code, refresh_token, client_credentials (repeat)" },     \
	{ "origin", OPTION_LIST, "URL", "browser origin that may call (CORS; public only)" }, \
	{ "browser-refresh", OPTION_FLAG, NULL, "refresh tokens although it runs in a browser" }, \
	{ "native", OPTION_FLAG, NULL, "an installed app: loopback or private-use redirects" }, \
	{ "development", OPTION_FLAG, NULL,                                             \
		"may use http://localhost; says so on the consent page" },              \
	{ "client-uri", OPTION_TEXT, "URL", "its home page" },                          \
	{ "logo-file", OPTION_TEXT, "FILE", "square PNG, JPEG or WebP, at most 256 KiB" }, \
	{ "tos-uri", OPTION_TEXT, "URL", "its terms of service" },                      \
	{ "policy-uri", OPTION_TEXT, "URL", "its privacy policy" },                     \
	{ "contact", OPTION_LIST, "EMAIL", "whom to write to (repeat)" },               \
	{ "initiate-uri", OPTION_TEXT, "URL", "where a person starts connecting" },     \
	{ "settings-uri", OPTION_TEXT, "URL", "where a person manages the integration" }, \
	{ "subject-type", OPTION_TEXT, "TYPE", "company or entity: what it usually acts on" }, \
	{ "redirect-uri-optional", OPTION_FLAG, NULL,                                   \
		"may leave redirect_uri out at the token endpoint (OAuth 2.1 clients)" }, \
	{ "unsafe-pkce-exempt", OPTION_FLAG, NULL,                                      \
		"legacy confidential client without PKCE; a warning in every list" },   \
	{ "unsafe-retry-without-key", OPTION_TEXT, "SECONDS",                           \
		"repeat a lost answer without a retry key (at most 30)" }

/* Lays the given options over *client; a field that was not given stays. *logo is
 * set when --logo-file is. false: a sentence was printed. */
bool client_fields_read(struct cli *c, struct client *client, struct bytes *logo);
/* Sets put->client to what it is to be, by the catalogue as it is now, and judges it;
 * 0, or an exit status and a sentence. */
typedef int client_change(struct cli *c, struct client_put *put, void *arg);
/* Puts it, and if another command changed anything in between, once more from what is
 * there then: no change is lost, and none is judged by what is over. */
int client_change_put(struct cli *c, struct client_put *put, client_change *change,
	void *arg);
/* client_check, and that each scope is known; false: a sentence was printed. */
bool client_fields_check(struct cli *c, const struct client *client);
/* Everything but secrets, for show and add. */
json_t *client_fields_json(struct cli *c, const struct client *client);
/* Makes a new secret: the digest goes into the client, the secret is returned and
 * shown once. Older ones end at `until` (0: now). */
struct bytes client_new_secret(struct cli *c, struct client *client, int64_t until);

#endif
