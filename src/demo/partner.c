/* SPDX-License-Identifier: Apache-2.0 */
/*
 * partner.c - connecting: from a button to a pair of tokens (RFC 6749 section
 * 4.1 with RFC 7636 and RFC 9207). What is done with them: partner_acts.c.
 */
#include "demo/partner.h"

#include <string.h>

#include "base/secret.h"
#include "rules/pkce.h"
#include "text/base64url.h"
#include "text/form.h"
#include "text/json.h"

#define FORM_MAX ((size_t)4096)

/* ---- the server's metadata ------------------------------------------------ */

static enum outcome
read_metadata(struct arena *a, struct bytes issuer, const json_t *document,
	struct provider *out, struct fault *f)
{
	/* RFC 8414 section 3.3: metadata of another issuer must not be used. */
	if (!bytes_equal(json_get_bytes(a, document, "issuer"), issuer))
		return FAULT_AT(f, "the metadata are those of another issuer");
	*out = (struct provider){
		.issuer = issuer,
		.authorization_endpoint =
			json_get_bytes(a, document, "authorization_endpoint"),
		.token_endpoint = json_get_bytes(a, document, "token_endpoint"),
		.revocation_endpoint =
			json_get_bytes(a, document, "revocation_endpoint"),
		.introspection_endpoint =
			json_get_bytes(a, document, "introspection_endpoint"),
	};
	if (bytes_empty(out->authorization_endpoint) ||
		bytes_empty(out->token_endpoint) ||
		bytes_empty(out->revocation_endpoint) ||
		bytes_empty(out->introspection_endpoint))
		return FAULT_AT(f, "the metadata name no endpoints");
	return DONE;
}

enum outcome
provider_discover(struct arena *a, struct bytes issuer, const char *ca_file,
	struct provider *out, struct fault *f)
{
	struct http_fetch get = {
		.method = "GET",
		.url = arena_printf(a, "%.*s/.well-known/oauth-authorization-server",
			BYTES_FMT(issuer)),
		.ca_file = ca_file,
	};
	struct http_answer answer;
	enum outcome outcome;
	const char *why;
	json_t *document;

	TRY(http_fetch(a, &get, &answer, f));
	if (answer.status != 200)
		return FAULT_AT(f, "%s: status %d", get.url, answer.status);
	document = json_read(answer.body, 65536, &why);
	if (document == NULL)
		return FAULT_AT(f, "%s: %s", get.url, why);
	outcome = read_metadata(a, issuer, document, out, f);
	json_decref(document);
	return outcome;
}

/* ---- a partner's life ----------------------------------------------------- */

void
partner_start(struct partner *p, const struct provider *provider,
	const struct registration *me, struct story *story)
{
	p->provider = provider;
	p->me = me;
	p->story = story;
	p->arena = arena_new();
}

static void
end_attempt(struct partner *p)
{
	secret_wipe(p->state, sizeof p->state);
	secret_wipe(p->verifier, sizeof p->verifier);
}

void
partner_forget(struct partner *p)
{
	end_attempt(p);
	secret_wipe(&p->now, sizeof p->now);
	secret_wipe(&p->replaced, sizeof p->replaced);
	secret_wipe(p->retry_key, sizeof p->retry_key);
	p->connected = false;
}

void
partner_stop(struct partner *p)
{
	partner_forget(p);
	arena_free(p->arena);
	p->arena = NULL;
}

/* 256 random bits as 43 unreserved characters: a verifier of RFC 7636 section 4.1,
 * and more than enough for a state or a name. */
void
partner_random(char out[static 44])
{
	unsigned char raw[32];

	secret_random(raw, sizeof raw);
	out[base64url_encode(raw, sizeof raw, out)] = '\0';
	secret_wipe(raw, sizeof raw);
}

struct bytes
token_bytes(const struct token *t)
{
	return (struct bytes){ t->p, t->n };
}

void
partner_keep(struct partner *p, const struct pair *pair)
{
	p->replaced = p->now.refresh;
	p->now = *pair;
	secret_wipe(p->retry_key, sizeof p->retry_key);
	p->connected = true;
}

/* ---- step: connect -------------------------------------------------------- */

static struct bytes
challenge_of(struct arena *a, const char *verifier)
{
	uint8_t digest[PKCE_CHALLENGE_SIZE];
	char *text = arena_alloc(a, BASE64URL_SIZE(sizeof digest));

	pkce_challenge_of(bytes_of(verifier), digest);
	return (struct bytes){ text, base64url_encode(digest, sizeof digest, text) };
}

static void
add_parameter(struct partner *p, struct buf *url, struct bytes name, struct bytes value)
{
	form_pair(url, name, value);
	story_sent(p->story, name, value);
}

/* RFC 6749 section 4.1.1, RFC 7636 section 4.3. */
const char *
partner_connect(struct partner *p)
{
	struct buf url = buf_new(p->arena, FORM_MAX);

	partner_random(p->state);
	partner_random(p->verifier);
	story_begin(p->story);
	story_call(p->story, "your browser asks", "GET %.*s",
		BYTES_FMT(p->provider->authorization_endpoint));
	buf_put(&url, p->provider->authorization_endpoint);
	buf_putc(&url, '?');
	add_parameter(p, &url, B("response_type"), B("code"));
	add_parameter(p, &url, B("client_id"), p->me->client_id);
	add_parameter(p, &url, B("redirect_uri"), p->me->redirect_uri);
	add_parameter(p, &url, B("scope"), p->me->scope);
	add_parameter(p, &url, B("state"), bytes_of(p->state));
	add_parameter(
		p, &url, B("code_challenge"), challenge_of(p->arena, p->verifier));
	add_parameter(p, &url, B("code_challenge_method"), B("S256"));
	story_answer(p->story, "sign-in, consent");
	story_end(p->story, STEP_connect, true, "Your browser is on its way.");
	return buf_cstr(&url);
}

/* ---- step: the answer, and tokens for the code ---------------------------- */

/* Once, and equal: anything else is not the answer to our question. */
static bool
is_ours(const struct partner *p, const struct form *answer)
{
	return p->state[0] != '\0' && form_occurrences(answer, B("state")) == 1 &&
		secret_equal_bytes(form_get(answer, B("state")), bytes_of(p->state)) &&
		form_occurrences(answer, B("iss")) == 1 &&
		bytes_equal(form_get(answer, B("iss")), p->provider->issuer);
}

static bool
redeem(struct partner *p, struct bytes code)
{
	struct buf form = buf_new(p->arena, FORM_MAX);
	struct token_answer *answer;
	struct fault f;

	story_begin(p->story);
	form_pair(&form, B("grant_type"), B("authorization_code"));
	form_pair(&form, B("code"), code);
	form_pair(&form, B("redirect_uri"), p->me->redirect_uri);
	form_pair(&form, B("code_verifier"), bytes_of(p->verifier));
	end_attempt(p);
	if (partner_token(p, "the code for tokens", NONE, &form, &answer, &f) != DONE)
		return story_end(p->story, STEP_fault, false, "%s", f.what);
	if (!answer->good)
		return story_end(p->story, STEP_tokens, false, "No tokens: %.*s.",
			BYTES_FMT(answer->error));
	partner_forget(p);
	partner_keep(p, &answer->pair);
	return story_end(p->story, STEP_tokens, true,
		"The app is connected. It keeps both"
		" tokens in its own memory; your browser never sees them.");
}

static bool
take_answer(struct partner *p, struct bytes query)
{
	struct form answer = { .count = 0 };
	struct bytes error, code;

	form_read(p->arena, &answer, query, FORM_QUERY);
	error = form_get(&answer, B("error"));
	code = form_get(&answer, B("code"));
	story_begin(p->story);
	story_call(p->story, "your browser brings the answer", "GET %.*s",
		BYTES_FMT(p->me->redirect_uri));
	for (size_t i = 0; i < answer.count; i++)
		story_sent(p->story, answer.fields[i].name, answer.fields[i].value);
	if (!is_ours(p, &answer)) {
		story_answer(p->story, "refused");
		return story_end(p->story, STEP_answered, false,
			"This belongs to no question that this browser was sent with."
			" Nothing was done.");
	}
	story_answer(p->story, "believed");
	if (!bytes_empty(error)) {
		end_attempt(p);
		return story_end(p->story, STEP_denied,
			bytes_equal(error, B("access_denied")), "The answer was %.*s.",
			BYTES_FMT(error));
	}
	story_end(p->story, STEP_answered, !bytes_empty(code),
		"The answer is genuine, and it brings a code.");
	return redeem(p, code);
}

bool
partner_callback(struct partner *p, struct bytes query)
{
	bool good = take_answer(p, query);

	arena_reset(p->arena);
	return good;
}

/* ---- the token endpoint --------------------------------------------------- */

/* RFC 6749 section 2.3.1: each half is form-encoded, then both are Basic. */
static struct bytes
basic(struct partner *p)
{
	struct buf both = buf_new(p->arena, FORM_MAX),
		   header = buf_new(p->arena, FORM_MAX);

	form_put(&both, p->me->client_id);
	buf_putc(&both, ':');
	form_put(&both, p->me->client_secret);
	buf_put(&header, B("Basic "));
	buf_put(&header, base64_encode(p->arena, buf_bytes(&both)));
	return buf_bytes(&header);
}

enum outcome
partner_ask(struct partner *p, const char *what, struct bytes endpoint,
	struct bytes retry_key, struct buf *form, struct http_answer *out,
	struct fault *f)
{
	struct http_header headers[3] = {
		{ B("Content-Type"), B("application/x-www-form-urlencoded") },
	};
	size_t n = 1;

	/* A public client has nothing to prove itself with (RFC 6749 section 3.2.1). */
	if (bytes_empty(p->me->client_secret))
		form_pair(form, B("client_id"), p->me->client_id);
	else
		headers[n++] = (struct http_header){ B("Authorization"), basic(p) };
	if (!bytes_empty(retry_key))
		headers[n++] = (struct http_header){ B("Idempotency-Key"), retry_key };
	return story_fetch(p->story, what, p->arena,
		&(struct http_fetch){ .method = "POST",
			.url = arena_cstr(p->arena, endpoint),
			.headers = headers,
			.header_count = n,
			.body = buf_bytes(form),
			.ca_file = p->provider->ca_file },
		out, f);
}

static bool
take_token(struct arena *a, const json_t *j, const char *key, struct token *out)
{
	struct bytes text = json_get_bytes(a, j, key);

	if (bytes_empty(text) || text.n > sizeof out->p)
		return false;
	memcpy(out->p, text.p, text.n);
	out->n = text.n;
	return true;
}

static struct token_answer *
read_answer(struct arena *a, int status, const json_t *j)
{
	struct token_answer *out = ARENA_NEW(a, struct token_answer);

	out->status = status;
	out->error = json_get_bytes(a, j, "error");
	out->good = status == 200 &&
		bytes_equal_nocase(json_get_bytes(a, j, "token_type"), B("Bearer")) &&
		take_token(a, j, "access_token", &out->pair.access) &&
		take_token(a, j, "refresh_token", &out->pair.refresh);
	return out;
}

/* RFC 6749 sections 5.1 and 5.2. */
enum outcome
partner_token(struct partner *p, const char *what, struct bytes retry_key,
	struct buf *form, struct token_answer **out, struct fault *f)
{
	struct http_answer answer;
	const char *why;
	json_t *j;

	TRY(partner_ask(
		p, what, p->provider->token_endpoint, retry_key, form, &answer, f));
	j = json_read(answer.body, 65536, &why);
	if (j == NULL)
		return FAULT_AT(f, "the token endpoint's answer is no JSON: %s", why);
	*out = read_answer(p->arena, answer.status, j);
	json_decref(j);
	return DONE;
}
