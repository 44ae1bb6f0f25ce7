/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load_talk.c - what each mode asks, and whether the answer is the one hoped for.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/rand.h>

#include "load.h"

#define REDIRECT "https%3A%2F%2Fledger.example%2Fcallback"

static char *input;
static size_t input_n;
static char (*tokens)[TOKEN_SIZE];
static size_t token_count;

/* ---- requests ------------------------------------------------------------------------ */

static int
named(void)
{
	return options.named != 0 ? options.named : options.port;
}

static void
request_post(struct connection *c, const char *path, const char *body)
{
	c->out_n = (size_t)snprintf(c->out, sizeof(c->out),
		"POST %s HTTP/1.1\r\nHost: localhost:%d\r\nAuthorization: Basic %s\r\n"
		"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %zu\r\n\r\n%s",
		path, named(), options.basic, strlen(body), body);
}

static void
base64url(const unsigned char *p, int n, char *out)
{
	EVP_EncodeBlock((unsigned char *)out, p, n);
	for (; *out != '\0'; out++)
		*out = *out == '+' ? '-' : *out == '/' ? '_' : *out == '=' ? '\0' : *out;
}

static void
request_authorize(struct connection *c)
{
	unsigned char raw[32], digest[32];
	char challenge[64];

	RAND_bytes(raw, sizeof(raw));
	base64url(raw, sizeof(raw), c->verifier);
	EVP_Digest(c->verifier, strlen(c->verifier), digest, NULL, EVP_sha256(), NULL);
	base64url(digest, sizeof(digest), challenge);
	c->redeeming = false;
	c->out_n = (size_t)snprintf(c->out, sizeof(c->out),
		"GET /oauth/authorize?%s&redirect_uri=%s&code_challenge=%s"
		"&code_challenge_method=S256 HTTP/1.1\r\nHost: localhost:%d\r\nCookie: %s\r\n\r\n",
		options.authorize, REDIRECT, challenge, named(), options.cookie);
}

/* One of the tokens that are this connection's own: nobody else replaces them. */
static char *
any_token(const struct connection *c)
{
	size_t lanes = (size_t)options.connections;
	size_t own = (token_count - c->number + lanes - 1) / lanes;

	return tokens[c->number + lanes * ((size_t)random() % own)];
}

void
talk_next(struct connection *c)
{
	char body[2048];

	switch (options.mode) {
	case FIXED:
		assert(input_n <= sizeof(c->out));
		memcpy(c->out, input, input_n);
		c->out_n = input_n;
		break;
	case INTROSPECT:
		snprintf(body, sizeof(body), "token=%s", any_token(c));
		request_post(c, "/oauth/introspect", body);
		break;
	case REFRESH:
		c->token = any_token(c);
		snprintf(body, sizeof(body), "grant_type=refresh_token&refresh_token=%s",
			c->token);
		request_post(c, "/oauth/token", body);
		break;
	case EXCHANGE:
		request_authorize(c);
		break;
	}
}

/* ---- answers ---------------------------------------------------------------------------- */

/* Copies what stands between `before` and any of `end`; false: not there. */
static bool
cut(const char *text, const char *before, const char *end, char *out, size_t max)
{
	const char *p = strstr(text, before);
	size_t n;

	if (p == NULL)
		return false;
	p += strlen(before);
	n = strcspn(p, end);
	if (n == 0 || n >= max)
		return false;
	memcpy(out, p, n);
	out[n] = '\0';
	return true;
}

size_t
talk_answer_length(struct connection *c)
{
	const char *body, *field;
	size_t length = 0;

	c->in[c->in_n] = '\0';
	body = strstr(c->in, "\r\n\r\n");
	if (body == NULL)
		return 0;
	body += 4;
	field = strcasestr(c->in, "\r\ncontent-length:");
	if (field != NULL && field < body)
		length = (size_t)strtoull(field + 17, NULL, 10);
	return (size_t)(body - c->in) + length <= c->in_n
		? (size_t)(body - c->in) + length : 0;
}

/* exchange: the redirect's code becomes the second request. */
static bool
redeem(struct connection *c)
{
	char code[512], body[2048];

	if (!cut(c->in, "code=", "&\r\n", code, sizeof(code)))
		return false;
	snprintf(body, sizeof(body), "grant_type=authorization_code&code=%s"
		"&redirect_uri=%s&code_verifier=%s", code, REDIRECT, c->verifier);
	c->redeeming = true;
	request_post(c, "/oauth/token", body);
	return true;
}

bool
talk_answered(struct connection *c, bool *good)
{
	if (options.mode == EXCHANGE && !c->redeeming && redeem(c))
		return false;
	*good = strncmp(c->in, "HTTP/1.1 200", 12) == 0;
	if (options.mode == REFRESH)
		*good = *good && cut(c->in, "\"refresh_token\":\"", "\"", c->token,
			TOKEN_SIZE);
	if (options.mode == INTROSPECT)
		*good = *good && strstr(c->in, "\"active\":true") != NULL;
	return true;
}

/* ---- the input ------------------------------------------------------------------------------ */

static void
read_input(void)
{
	FILE *f = fopen(options.input, "r");
	long size;

	if (f == NULL || fseek(f, 0, SEEK_END) != 0 || (size = ftell(f)) < 0)
		die(options.input);
	rewind(f);
	input = calloc(1, (size_t)size + 1);
	assert(input != NULL);
	input_n = fread(input, 1, (size_t)size, f);
	fclose(f);
}

static void
read_tokens(void)
{
	char *rest = input;

	tokens = calloc(input_n / 2 + 1, sizeof(*tokens));
	assert(tokens != NULL);
	for (const char *line; (line = strsep(&rest, "\n")) != NULL && line[0] != '\0';)
		snprintf(tokens[token_count++], TOKEN_SIZE, "%s", line);
	if (token_count < (size_t)options.connections)
		die("--input has fewer tokens than connections");
	srandom((unsigned)getpid()); /* not the same ones in every run */
}

void
talk_begin(void)
{
	if (options.input != NULL)
		read_input();
	if (options.mode == INTROSPECT || options.mode == REFRESH)
		read_tokens();
}

void
talk_end(const struct connection *all, size_t n)
{
	FILE *f = options.keep != NULL ? fopen(options.keep, "w") : NULL;

	if (options.keep == NULL)
		return;
	if (f == NULL)
		die(options.keep);
	for (size_t i = 0; i < n; i++)
		if (all[i].token != NULL)
			all[i].token[0] = '\0'; /* replaced, or not: nobody told us */
	for (size_t i = 0; i < token_count; i++)
		if (tokens[i][0] != '\0')
			fprintf(f, "%s\n", tokens[i]);
	if (fclose(f) != 0)
		die(options.keep);
}
