/* SPDX-License-Identifier: Apache-2.0 */
/*
 * demo_setup.c - `latchkey init`, `scope add`, `user add`, `client add`,
 * `resource add`, run as an operator would; the lists below are what they say.
 */
#include "demo/demo_setup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/secret.h"
#include "demo/api.h"
#include "demo/app.h"
#include "demo/demo_logo.h"
#include "demo/process.h"
#include "text/json.h"

#define WEB_NAME APP_NAME
#define NATIVE_NAME "Ledger CLI"
#define API_NAME "Export API"

static const struct {
	const char *name, *sentence;
} scopes[] = {
	{ API_SCOPE, "See your export jobs and what they contain" },
	{ "expenses:read", "See your company's expenses" },
	{ "users:read", "See who works at your company" },
};
#define SCOPE_COUNT (sizeof scopes / sizeof scopes[0])

/* One of our commands, for this directory; the arguments end with NULL. */
#define RUN(in, input, out, f, ...)                                        \
	process_run((in)->arena,                                           \
		(const char *const[]){                                     \
			__VA_ARGS__, "--dir", (in)->dir, "--json", NULL }, \
		input, out, f)

/* ---- a directory ---------------------------------------------------------- */

static enum outcome
write_file(const char *path, struct bytes content, struct fault *f)
{
	FILE *file = fopen(path, "we");
	bool whole;

	if (file == NULL)
		return FAULT_AT(f, "%s: %s", path, strerror(errno));
	whole = fwrite(content.p, 1, content.n, file) == content.n;
	if (fclose(file) != 0 || !whole)
		return FAULT_AT(f, "%s: %s", path, strerror(errno));
	return DONE;
}

static enum outcome
write_look(struct installation *in, struct fault *f)
{
	if (mkdir(in->look_dir, 0700) != 0 && errno != EEXIST)
		return FAULT_AT(f, "%s: %s", in->look_dir, strerror(errno));
	TRY(write_file(arena_printf(in->arena, "%s/logo.png", in->look_dir),
		demo_logo(in->arena), f));
	return write_file(arena_printf(in->arena, "%s/brand.json", in->look_dir),
		B("{\"name\":\"" APP_NAME "\",\"accent\":\"#35509a\","
		  "\"accent_dark\":\"#a9bdf5\",\"logo\":\"logo.png\"}"),
		f);
}

#define PORT_FILE "demo-port" /* in the directory: what an earlier demo is known by */

uint16_t
installation_port(struct arena *a, const char *dir)
{
	FILE *file = fopen(arena_printf(a, "%s/" PORT_FILE, dir), "re");
	char line[8];
	uint64_t port = 0;

	if (file == NULL)
		return 0;
	if (fgets(line, sizeof line, file) == NULL ||
		!bytes_to_u64(bytes_of(line), &port) || port > 65535)
		port = 0;
	fclose(file);
	return (uint16_t)port;
}

enum outcome
installation_make(struct installation *in, struct fault *f)
{
	in->ca_file = arena_printf(in->arena, "%s/dev-ca.pem", in->dir);
	in->cert_file = arena_printf(in->arena, "%s/tls-cert.pem", in->dir);
	in->key_file = arena_printf(in->arena, "%s/tls-key.pem", in->dir);
	in->look_dir = arena_printf(in->arena, "%s/demo-look", in->dir);
	in->log_file = arena_printf(in->arena, "%s/demo-server.log", in->dir);
	if (installation_port(in->arena, in->dir) == in->port)
		return DONE;
	TRY(RUN(in, NONE, NULL, f, "init", "--issuer", in->issuer, "--brand",
		DEMO_PLATFORM, "--development"));
	TRY(write_look(in, f));
	return write_file(arena_printf(in->arena, "%s/" PORT_FILE, in->dir),
		bytes_of(arena_printf(in->arena, "%u", in->port)), f);
}

/* ---- what an earlier demo left ------------------------------------------- */

/* Secrets cannot be read again, so all is made anew. */
static enum outcome
remove_listed(struct installation *in, const char *group, const char *name_of,
	const char *id_of, struct fault *f)
{
	json_t *list, *one;
	enum outcome outcome = DONE;
	size_t i;

	TRY(RUN(in, NONE, &list, f, group, "list"));
	json_array_foreach(list, i, one)
	{
		struct bytes name = json_get_bytes(in->arena, one, name_of);
		struct bytes id = json_get_bytes(in->arena, one, id_of);

		if (outcome == DONE &&
			(bytes_equal(name, B(WEB_NAME)) ||
				bytes_equal(name, B(NATIVE_NAME)) ||
				bytes_equal(name, B(API_NAME)) ||
				bytes_equal(name, B(DEMO_USERNAME))))
			outcome = RUN(in, NONE, NULL, f, group, "remove",
				arena_cstr(in->arena, id));
	}
	json_decref(list);
	return outcome;
}

static enum outcome
remove_earlier(struct installation *in, struct fault *f)
{
	TRY(remove_listed(in, "client", "client_name", "client_id", f));
	TRY(remove_listed(in, "resource", "client_name", "client_id", f));
	return remove_listed(in, "user", "username", "username", f);
}

/* ---- people and programs -------------------------------------------------- */

/* Easy to type, and 52 bits: "kmptrw-zdhvnc". */
static const char *
make_up_password(struct arena *a)
{
	static const char letters[] = "bcdfghjkmnpqrstvwxyz";
	char *text = arena_alloc(a, 16);
	size_t n = 0;

	while (n < 13) {
		unsigned char byte;

		secret_random(&byte, 1);
		if (n == 6)
			text[n++] = '-';
		else if (byte < 240) /* 12 whole rounds: each letter as likely */
			text[n++] = letters[byte % 20];
	}
	return text;
}

static enum outcome
add_person(struct installation *in, struct fault *f)
{
	in->password = make_up_password(in->arena);
	return RUN(in, bytes_of(arena_printf(in->arena, "%s\n", in->password)), NULL, f,
		"user", "add", "--username", DEMO_USERNAME, "--name", "Ada Fairweather",
		"--company", "urn:acme:company:1042:Fairweather Trading Ltd",
		"--entity", "urn:acme:entity:1042-uk:Fairweather UK", "--entity",
		"urn:acme:entity:1042-ie:Fairweather Ireland", "--password-stdin");
}

/* What `add` printed: who the new one is. */
static void
take_identity(struct arena *a, json_t *printed, struct bytes *id, struct bytes *secret)
{
	*id = json_get_bytes(a, printed, "client_id");
	*secret = json_get_bytes(a, printed, "client_secret");
	json_decref(printed);
}

static enum outcome
add_web(struct installation *in, const char *origin, struct fault *f)
{
	const char *callback = arena_printf(in->arena, "%s" APP_CALLBACK_PATH, origin);
	json_t *printed;

	TRY(RUN(in, NONE, &printed, f, "client", "add", "--name", WEB_NAME, "--type",
		"confidential", "--redirect-uri", callback, "--scope", API_SCOPE,
		"--scope", "users:read", "--logo-file",
		arena_printf(in->arena, "%s/logo.png", in->look_dir), "--client-uri",
		"https://ledger-sync.example", "--tos-uri",
		"https://ledger-sync.example/terms", "--policy-uri",
		"https://ledger-sync.example/privacy", "--contact",
		"help@ledger-sync.example", "--initiate-uri", origin));
	in->web = (struct registration){ .redirect_uri = bytes_of(callback),
		.scope = B(API_SCOPE " users:read") };
	take_identity(in->arena, printed, &in->web.client_id, &in->web.client_secret);
	return DONE;
}

/* RFC 8252 section 7.3: of a loopback redirect the port does not count. */
static enum outcome
add_native(struct installation *in, struct fault *f)
{
	json_t *printed;

	TRY(RUN(in, NONE, &printed, f, "client", "add", "--name", NATIVE_NAME, "--type",
		"public", "--native", "--redirect-uri",
		"http://127.0.0.1" APP_CALLBACK_PATH, "--scope", API_SCOPE));
	in->native = (struct registration){
		.redirect_uri = B("http://127.0.0.1:51004" APP_CALLBACK_PATH),
		.scope = B(API_SCOPE)
	};
	take_identity(
		in->arena, printed, &in->native.client_id, &in->native.client_secret);
	return DONE;
}

static enum outcome
add_api(struct installation *in, struct fault *f)
{
	json_t *printed;

	TRY(RUN(in, NONE, &printed, f, "resource", "add", "--name", API_NAME));
	take_identity(in->arena, printed, &in->api_id, &in->api_secret);
	return DONE;
}

enum outcome
installation_fill(struct installation *in, const char *app_origin, struct fault *f)
{
	TRY(remove_earlier(in, f));
	for (size_t i = 0; i < SCOPE_COUNT; i++)
		TRY(RUN(in, NONE, NULL, f, "scope", "add", scopes[i].name, "--describe",
			scopes[i].sentence));
	TRY(add_person(in, f));
	TRY(add_web(in, app_origin, f));
	TRY(add_native(in, f));
	return add_api(in, f);
}
