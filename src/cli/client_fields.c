/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client_fields.c - options into a client record (R4), and a record into JSON.
 */
#include "cli/client_fields.h"

#include "base/clock.h"
#include "base/secret.h"
#include "pages/logo.h"
#include "rules/client_auth.h"
#include "rules/scope.h"

static bool
set_text(struct cli *c, const char *option, struct bytes *field)
{
	const char *value = option_text(c, option);

	if (value != NULL)
		*field = bytes_of(value);
	return value != NULL;
}

static void
set_list(struct cli *c, const char *option, struct strings *field)
{
	if (option_given(c, option))
		*field = option_list(c, option);
}

/* --scope a --scope "b c" into canonical text. */
static bool
set_scope(struct cli *c, const char *option, struct bytes *field)
{
	struct strings given = option_list(c, option);
	struct buf joined = buf_new(c->arena, SCOPE_MAX);

	if (given.n == 0)
		return true;
	for (size_t i = 0; i < given.n; i++) {
		if (i > 0)
			buf_putc(&joined, ' ');
		buf_put(&joined, given.p[i]);
	}
	if (!joined.failed && scope_parse(c->arena, buf_bytes(&joined), field))
		return true;
	cli_usage(c, "--%s: expected scopes such as export-jobs:read", option);
	return false;
}

static bool
set_grants(struct cli *c, struct client *client)
{
	static const struct { const char *name; enum grant_type bit; } types[] = {
		{ "authorization_code", GRANT_TYPE_AUTHORIZATION_CODE },
		{ "refresh_token", GRANT_TYPE_REFRESH_TOKEN },
		{ "client_credentials", GRANT_TYPE_CLIENT_CREDENTIALS },
	};
	struct strings given = option_list(c, "grant");
	unsigned bits = 0;

	for (size_t i = 0; i < given.n; i++) {
		unsigned bit = 0;
		for (size_t k = 0; k < sizeof types / sizeof types[0]; k++)
			if (bytes_equal(given.p[i], bytes_of(types[k].name)))
				bit = types[k].bit;
		if (bit == 0) {
			cli_usage(c, "--grant %.*s is not offered; expected"
				     " authorization_code, refresh_token or"
				     " client_credentials", BYTES_FMT(given.p[i]));
			return false;
		}
		bits |= bit;
	}
	if (given.n > 0)
		client->grant_types = bits;
	return true;
}

static bool
set_subject_type(struct cli *c, struct client *client)
{
	const char *value = option_text(c, "subject-type");

	if (value == NULL)
		return true;
	for (enum subject_type t = SUBJECT_ANY; t <= SUBJECT_ENTITY; t++)
		if (bytes_equal(bytes_of(value), bytes_of(subject_type_name(t)))) {
			client->subject_type = t;
			return true;
		}
	cli_usage(c, "--subject-type %s: expected company, entity or any", value);
	return false;
}

static bool
set_retry(struct cli *c, struct client *client)
{
	const char *value = option_text(c, "unsafe-retry-without-key");
	uint64_t seconds = 0;

	if (value == NULL)
		return true;
	if (!bytes_to_u64(bytes_of(value), &seconds) || seconds > 30) {
		cli_usage(c, "--unsafe-retry-without-key %s: expected 0 to 30 seconds",
			value);
		return false;
	}
	client->retry_without_key = (int64_t)seconds;
	return true;
}

static bool
set_logo(struct cli *c, struct client *client, struct bytes *logo)
{
	const char *path = option_text(c, "logo-file");
	const char *what = NULL;
	struct fault f;
	uint32_t w, h;

	if (path == NULL)
		return true;
	if (!read_file(c->arena, path, LOGO_MAX, logo, &f)) {
		cli_fail(c, "%s", f.what);
		return false;
	}
	if (!logo_check(*logo, &client->logo_type, &w, &h, &what)) {
		cli_fail(c, "%s: %s", path, what);
		return false;
	}
	if (!logo_is_square(w, h)) {
		cli_fail(c, "%s is %u by %u pixels; a logo must be square", path, w, h);
		return false;
	}
	client->has_logo = true;
	sha256(*logo, client->logo_digest);
	return true;
}

bool
client_fields_read(struct cli *c, struct client *client, struct bytes *logo)
{
	set_text(c, "client-uri", &client->client_uri);
	set_text(c, "tos-uri", &client->tos_uri);
	set_text(c, "policy-uri", &client->policy_uri);
	set_text(c, "initiate-uri", &client->initiate_uri);
	set_text(c, "settings-uri", &client->settings_uri);
	set_list(c, "redirect-uri", &client->redirect_uris);
	set_list(c, "origin", &client->origins);
	set_list(c, "contact", &client->contacts);
	client->native |= option_given(c, "native");
	client->development |= option_given(c, "development");
	client->refresh_for_browser |= option_given(c, "browser-refresh");
	client->redirect_uri_optional |= option_given(c, "redirect-uri-optional");
	client->pkce_exempt |= option_given(c, "unsafe-pkce-exempt");
	return set_scope(c, "scope", &client->scope)
		&& set_scope(c, "default-scope", &client->default_scope)
		&& set_grants(c, client) && set_subject_type(c, client)
		&& set_retry(c, client) && set_logo(c, client, logo);
}

bool
client_fields_check(struct cli *c, const struct client *client)
{
	struct bytes rest = client->scope, token;
	const char *what = NULL;

	while (scope_next(&rest, &token))
		if (catalogue_scope(c->catalogue, token) == NULL) {
			cli_fail(c, "there is no scope %.*s yet; add it first: latchkey"
				    " scope add %.*s --describe \"...\"",
				BYTES_FMT(token), BYTES_FMT(token));
			return false;
		}
	if (client_check(c->arena, client, bytes_of(c->config->brand), &what))
		return true;
	cli_fail(c, "%s", what);
	return false;
}

int
client_change_put(struct cli *c, struct client_put *put, client_change *change, void *arg)
{
	for (int i = 0; i < CLI_TRIES; i++) {
		int status = change(c, put, arg);

		if (status != 0)
			return status;
		put->version = c->catalogue->version;
		if (!CLI_WAIT(c, store_client_put, put))
			return 1;
		if (!put->stale)
			return 0;
		if (!cli_reload(c))
			return 1;
	}
	return cli_fail(c, "other commands change clients and scopes all the time; nothing "
			   "was changed by this one: try again");
}

json_t *
client_fields_json(struct cli *c, const struct client *client)
{
	const char *warnings[4];
	size_t n = client_warnings(client, warnings);
	json_t *j = client_to_json(client);
	json_t *list = json_array(), *secrets = json_array();

	(void)c;
	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_string(warnings[i]));
	for (size_t i = 0; i < client->secret_count; i++)
		json_array_append_new(secrets,
			json_pack("{s:o, s:o}", "created_at",
				json_of_time(client->secrets[i].created_at), "expires_at",
				json_of_time(client->secrets[i].expires_at)));
	json_object_set_new(j, "client_id", json_of(client->client_id));
	json_object_set_new(j, "client_type",
		json_string(client_type_name(client->type)));
	json_object_set_new(j, "disabled", json_boolean(client->disabled));
	json_object_set_new(j, "has_logo", json_boolean(client->has_logo));
	json_object_set_new(j, "created_at", json_of_time(client->created_at));
	json_object_set_new(j, "client_secrets", secrets);
	json_object_set_new(j, "warnings", list);
	return j;
}

struct bytes
client_new_secret(struct cli *c, struct client *client, int64_t until)
{
	struct bytes secret = random_secret(c->arena);
	int64_t now = clock_now();

	/* R3.4: at most two are live; the older of two makes room. */
	if (client->secret_count == 2)
		client->secrets[0] = client->secrets[1];
	client->secret_count = until > now && client->secret_count > 0 ? 1 : 0;
	for (size_t i = 0; i < client->secret_count; i++)
		if (client->secrets[i].expires_at == 0
			|| client->secrets[i].expires_at > until)
			client->secrets[i].expires_at = until;
	client_secret_digest(c->keys->client_secret, secret,
		client->secrets[client->secret_count].digest);
	client->secrets[client->secret_count].created_at = now;
	client->secrets[client->secret_count++].expires_at = 0;
	return secret;
}
