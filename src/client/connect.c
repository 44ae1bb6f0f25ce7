/* SPDX-License-Identifier: Apache-2.0 */
/*
 * connect.c - connecting a web application: one request sends the person's browser to
 * the server, another brings it back, in whatever process of the application.
 *
 * Between the two the attempt is in the vault, under the digest of its state; it is
 * taken out by the first answer, whatever that is (RULEBOOK CL-05).
 */
#include "client/connect.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/secret.h"
#include "client/client_secret.h"

/* ---- who we are ---------------------------------------------------------------- */

/* From the file that is named, or as the vault has it for the same client. */
static enum lk_status
find_secret(struct connecting *c)
{
	const char *file = c->registration.client_secret_file;
	struct record before;
	struct lk_error ignored;

	if (file != NULL && file[0] == '\0')
		return LK_OK; /* LK_PUBLIC_CLIENT, whatever is kept */
	if (file != NULL)
		return client_secret_read(c->a, file, &c->me.client_secret, c->e);
	if (record_load(c->lk, c->name, c->a, &before, &ignored) == LK_OK &&
	    bytes_equal(before.issuer, bytes_of(c->registration.issuer)) &&
	    bytes_equal(before.client_id, c->me.client_id))
		c->me.client_secret = before.client_secret;
	return LK_OK;
}

/* ---- the registration -------------------------------------------------------------- */

static bool
given(const char *text)
{
	return text != NULL && text[0] != '\0';
}

static void
keep(struct arena *a, const char **member, struct bytes kept)
{
	if (!given(*member) && kept.n > 0)
		*member = arena_cstr(a, kept);
}

/* What is not given is as it was when this name was connected; the secret is
 * find_secret's. */
static enum lk_status
take_kept(struct connecting *c)
{
	struct lk_registration *r = &c->registration;
	struct record kept;
	enum lk_status status = record_load(c->lk, c->name, c->a, &kept, c->e);

	if (status == LK_NOT_FOUND)
		return lk_fail(c->e, LK_CONFIGURATION, "there is no connection \"%.*s\" yet:"
			" a new one has an issuer and a client_id, which the server's"
			" operator gives", BYTES_FMT(c->name));
	LK_TRY(status);
	keep(c->a, &r->issuer, kept.issuer);
	keep(c->a, &r->client_id, kept.client_id);
	keep(c->a, &r->redirect_uri, kept.redirect_uri);
	keep(c->a, &r->scope, kept.scope);
	keep(c->a, &r->resource, kept.resource);
	keep(c->a, &r->parameters, kept.parameters);
	keep(c->a, &r->ca_file, kept.ca_file);
	keep(c->a, &r->authorization_endpoint, kept.authorization_endpoint);
	keep(c->a, &r->token_endpoint, kept.token_endpoint);
	keep(c->a, &r->revocation_endpoint, kept.revocation_endpoint);
	r->flags |= (unsigned)kept.flags;
	return LK_OK;
}

static enum lk_status
check_registration(struct connecting *c, const struct lk_registration *from)
{
	struct lk_registration *r = &c->registration;

	if (from == NULL || !lk_copy(r, sizeof(*r), from, from->size))
		return lk_fail(c->e, LK_BUG, "a registration begins with LK_INIT");
	if (given(r->issuer) != given(r->client_id))
		return lk_fail(c->e, LK_CONFIGURATION, "a registration has an issuer and a"
			" client_id, or neither to connect again");
	if (!given(r->issuer))
		LK_TRY(take_kept(c));
	if (given(r->authorization_endpoint) != given(r->token_endpoint))
		return lk_fail(c->e, LK_CONFIGURATION, "for a server without metadata its"
			" authorization and its token endpoint are named, both");
	return LK_OK;
}

enum lk_status
connect_prepare(struct connecting *c, const char *name,
	const struct lk_registration *registration)
{
	const struct lk_registration *r = &c->registration;
	struct as_wanted wanted;

	c->began_ms = clock_monotonic_ms();
	LK_TRY(name_check(bytes_of(name), c->e));
	c->name = bytes_of(name);
	LK_TRY(check_registration(c, registration));
	c->me.client_id = bytes_of(r->client_id);
	LK_TRY(find_secret(c));
	wanted = (struct as_wanted){
		.issuer = bytes_of(r->issuer),
		.ca_file = bytes_of(r->ca_file),
		.development = (r->flags & LK_DEVELOPMENT) != 0,
		.s256_unadvertised = (r->flags & LK_S256_UNADVERTISED) != 0,
		.connecting = true,
		.timeout_ms = c->lk->http_timeout_ms,
		.authorization_endpoint = bytes_of(r->authorization_endpoint),
		.token_endpoint = bytes_of(r->token_endpoint),
		.revocation_endpoint = bytes_of(r->revocation_endpoint),
	};
	return server_find(c->lk, c->a, &wanted, &c->as, c->e);
}

enum lk_status
connect_begin(struct connecting *c, struct bytes redirect_uri, struct bytes browser,
	struct bytes *url)
{
	const struct lk_registration *r = &c->registration;
	const struct authorization_wanted wanted = {
		.name = c->name,
		.redirect_uri = redirect_uri,
		.scope = bytes_of(r->scope),
		.resource = bytes_of(r->resource),
		.parameters = bytes_of(r->parameters),
		.browser = browser,
		.flags = r->flags,
	};

	LK_TRY(authorization_begin(c->a, &c->as, &c->me, &wanted, &c->attempt, url, c->e));
	c->attempt.authorization_endpoint = bytes_of(r->authorization_endpoint);
	c->attempt.token_endpoint = bytes_of(r->token_endpoint);
	c->attempt.revocation_endpoint = bytes_of(r->revocation_endpoint);
	return LK_OK;
}

/* ---- the first request ----------------------------------------------------------------- */

static enum lk_status
start(struct connecting *c, const char *name, const struct lk_registration *registration,
	const char *browser, char **url)
{
	struct fault f = { 0 };
	uint8_t id[DIGEST_SIZE];
	struct bytes text, kept;

	LK_TRY(connect_prepare(c, name, registration));
	if (!given(c->registration.redirect_uri))
		return lk_fail(c->e, LK_CONFIGURATION, "a web application names its"
			" redirect_uri, as it is registered");
	LK_TRY(connect_begin(c, bytes_of(c->registration.redirect_uri), bytes_of(browser),
		&text));
	kept = attempt_write(c->a, &c->attempt);
	if (bytes_empty(kept))
		return lk_fail(c->e, LK_CONFIGURATION, "the registration is longer than any");
	sha256(c->attempt.state, id);
	LK_TRY(lk_vault_failed(c->e, vault_attempt_put(c->lk->vault, id, kept, &f), &f));
	*url = strndup(text.p, text.n);
	return *url != NULL ? LK_OK : lk_fail(c->e, LK_MEMORY, "out of memory");
}

LK_API enum lk_status
lk_connect_start(struct lk *lk, const char *name,
	const struct lk_registration *registration, const char *browser, char **url,
	struct lk_error *error)
{
	struct lk_error e = { .status = LK_OK };
	struct connecting c = { .lk = lk, .e = &e };
	enum lk_status status;
	char *made = NULL;

	LK_TRY(lk_begin(lk, error));
	if (url == NULL || !given(browser))
		return lk_fail(error, LK_BUG, "lk_connect_start: the browser session has a"
			" name (the value of its cookie), and there is a place for the URL");
	c.a = lk_arena(error);
	if (c.a == NULL)
		return LK_MEMORY;
	status = start(&c, name, registration, browser, &made);
	if (status == LK_OK)
		*url = made;
	else if (error != NULL)
		*error = e;
	arena_free(c.a);
	return status;
}

/* ---- the second request ------------------------------------------------------------------ */

/* The attempt leaves the vault here, and never comes back. */
static enum lk_status
take_attempt(struct connecting *c, struct bytes query)
{
	struct fault f = { 0 };
	uint8_t id[DIGEST_SIZE];
	struct bytes state, kept;
	enum vault_result taken;

	LK_TRY(callback_state(c->a, query, &state, c->e));
	sha256(state, id);
	taken = vault_attempt_take(c->lk->vault, id, c->a, &kept, &f);
	if (taken == VAULT_ABSENT)
		return lk_fail(c->e, LK_REJECTED, "this answer is not to be believed: its"
			" state is unknown, used, or more than ten minutes old");
	LK_TRY(lk_vault_failed(c->e, taken, &f));
	if (!attempt_read(c->a, kept, &c->attempt))
		return lk_fail(c->e, LK_STORAGE, "what the vault keeps of this attempt is of"
			" a newer version of latchkey, or damaged");
	return LK_OK;
}

static enum lk_status
finish(struct connecting *c, struct bytes query, struct bytes browser)
{
	struct as_wanted wanted;
	struct bytes code;

	c->began_ms = clock_monotonic_ms();
	LK_TRY(take_attempt(c, query));
	c->name = c->attempt.name;
	c->me = (struct credentials){ c->attempt.client_id, c->attempt.client_secret };
	wanted = (struct as_wanted){
		.issuer = c->attempt.issuer,
		.ca_file = c->attempt.ca_file,
		.development = (c->attempt.flags & LK_DEVELOPMENT) != 0,
		.s256_unadvertised = (c->attempt.flags & LK_S256_UNADVERTISED) != 0,
		.connecting = true,
		.timeout_ms = c->lk->http_timeout_ms,
		.authorization_endpoint = c->attempt.authorization_endpoint,
		.token_endpoint = c->attempt.token_endpoint,
		.revocation_endpoint = c->attempt.revocation_endpoint,
	};
	LK_TRY(server_find(c->lk, c->a, &wanted, &c->as, c->e));
	LK_TRY(callback_judge(c->a, &c->as, &c->attempt, query, browser, &code, c->e));
	return connect_redeem(c, code);
}

LK_API enum lk_status
lk_connect_finish(struct lk *lk, const char *browser, const char *query,
	struct lk_connection **out, struct lk_error *error)
{
	struct lk_error e = { .status = LK_OK };
	struct connecting c = { .lk = lk, .e = &e };
	enum lk_status status;

	LK_TRY(lk_begin(lk, error));
	if (!given(browser) || query == NULL)
		return lk_fail(error, LK_BUG, "lk_connect_finish: the browser session has a"
			" name, and there is a query string");
	c.a = lk_arena(error);
	if (c.a == NULL)
		return LK_MEMORY;
	status = connect_end(&c, finish(&c, bytes_of(query), bytes_of(browser)), out);
	if (status != LK_OK && error != NULL)
		*error = e;
	arena_free(c.a);
	return status;
}
