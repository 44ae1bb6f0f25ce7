/* SPDX-License-Identifier: Apache-2.0 */
/*
 * id_token.c - OpenID Connect Core 3.1.3.7 for an ID token that came straight from the
 * token endpoint. Pure.
 *
 * Its signature is not checked: item 6 there lets the TLS connection to the token
 * endpoint stand for it, and ours is always verified and never redirected. What
 * remains is whether it is about us, this attempt and now (CL-22). "alg" must be a
 * signature's all the same: "none" is what a server says that cannot sign.
 */
#include "base/clock.h"
#include "client/authorization.h"
#include "crypto/digest.h"
#include "text/base64url.h"
#include "text/json.h"

#define LEEWAY 60 /* seconds clocks may differ (FA-10) */
#define ID_TOKEN_MAX ((size_t)65536)
#define SUB_MAX 255 /* Core 2 */

struct id_token {
	struct arena *arena;
	const struct id_token_wanted *wanted;
	json_t *header, *claims;
	struct lk_error *error;
};

static enum lk_status
reject(const struct id_token *t, const char *flaw)
{
	return lk_fail(t->error, LK_REJECTED, "the id_token does not fit, so no token of "
		"that answer is used: %s", flaw);
}

static struct bytes
text_of(const struct id_token *t, const char *claim)
{
	return json_get_bytes(t->arena, t->claims, claim);
}

/* ---- taking it apart ----------------------------------------------------------- */

static json_t *
read_part(struct arena *a, struct bytes part)
{
	char *text = arena_alloc(a, part.n + 1);
	const char *why;
	json_t *json;
	size_t n;

	if (!base64url_decode(part, text, part.n, &n))
		return NULL;
	json = json_read((struct bytes){ text, n }, ID_TOKEN_MAX, &why);
	if (json_is_object(json))
		return json;
	json_decref(json);
	return NULL;
}

/* RFC 7515 7.1: header.payload.signature. */
static enum lk_status
take_apart(struct id_token *t, struct bytes text)
{
	struct bytes rest = text;
	struct bytes header = bytes_cut(&rest, '.');
	struct bytes payload = bytes_cut(&rest, '.');

	if (text.n > ID_TOKEN_MAX || bytes_empty(rest) ||
		bytes_index(rest, '.') < rest.n)
		return reject(t, "it is not a signed JWT");
	t->header = read_part(t->arena, header);
	t->claims = read_part(t->arena, payload);
	if (t->header == NULL || t->claims == NULL)
		return reject(t, "it is not a signed JWT");
	return LK_OK;
}

/* RFC 7515 4.1.11: an extension that must be understood, and is not. */
static enum lk_status
check_header(const struct id_token *t)
{
	struct bytes alg = json_get_bytes(t->arena, t->header, "alg");

	if (bytes_empty(alg) || bytes_equal_nocase(alg, B("none")))
		return reject(t, "it is not signed");
	if (json_object_get(t->header, "crit") != NULL)
		return reject(t, "it has extensions that are not known");
	return LK_OK;
}

/* ---- who and for whom --------------------------------------------------------------- */

/* FAPI and CL-22: an audience of one, us; a list of just us is the same. */
static bool
is_only_us(const json_t *aud, struct bytes client_id)
{
	if (json_is_array(aud) && json_array_size(aud) == 1)
		aud = json_array_get(aud, 0);
	return json_is_string(aud) &&
		bytes_equal(client_id, (struct bytes){ json_string_value(aud),
					       json_string_length(aud) });
}

static enum lk_status
check_parties(const struct id_token *t)
{
	struct bytes client_id = t->wanted->client_id;
	struct bytes sub = text_of(t, "sub");

	if (!bytes_equal(text_of(t, "iss"), t->wanted->issuer))
		return reject(t, "iss is another server");
	if (!is_only_us(json_object_get(t->claims, "aud"), client_id))
		return reject(t, "aud is not this client alone");
	if (json_object_get(t->claims, "azp") != NULL &&
		!bytes_equal(text_of(t, "azp"), client_id))
		return reject(t, "azp is another client");
	if (bytes_empty(sub) || sub.n > SUB_MAX)
		return reject(t, "sub is missing or too long");
	return LK_OK;
}

/* ---- when ----------------------------------------------------------------------------- */

/* NumericDate of RFC 7519 2: a number, perhaps with a fraction. */
static bool
take_time(const struct id_token *t, const char *claim, double *out)
{
	const json_t *value = json_object_get(t->claims, claim);

	*out = json_number_value(value);
	return json_is_number(value) && *out > 0;
}

/* Where two clocks differ, ours is as likely to be wrong: it is said what it shows. */
static enum lk_status
reject_by_clock(const struct id_token *t, const char *flaw, double seconds)
{
	char now[21];

	return reject(t, arena_printf(t->arena, "%s by %.0f s, if this machine's clock is right,"
		" which shows %s", flaw, seconds, clock_rfc3339(t->wanted->now, now)));
}

static enum lk_status
check_times(const struct id_token *t)
{
	int64_t now = t->wanted->now;
	double exp, iat;

	if (!take_time(t, "exp", &exp) || !take_time(t, "iat", &iat))
		return reject(t, "exp or iat is missing");
	if (exp + LEEWAY <= (double)now)
		return reject_by_clock(t, "it has expired", (double)now - exp);
	if (iat - LEEWAY > (double)now)
		return reject_by_clock(t, "it is from the future", iat - (double)now);
	return LK_OK;
}

/* Items 12 and 13 there: who asked that the person has signed in of late, or in some way,
 * does not take another sign-in. */
static enum lk_status
check_sign_in(const struct id_token *t)
{
	struct bytes ways = t->wanted->acr_values, acr = text_of(t, "acr");
	uint64_t max_age = 0;
	double at = 0;
	bool found = ways.n == 0;

	if (bytes_to_u64(t->wanted->max_age, &max_age)) {
		if (!take_time(t, "auth_time", &at))
			return reject(t, "auth_time is missing, and max_age was asked for");
		if (at - LEEWAY > (double)t->wanted->now ||
			at + (double)max_age + LEEWAY < (double)t->wanted->now)
			return reject(t, "the person signed in longer ago than max_age");
	}
	while (ways.n > 0 && acr.n > 0 && !found)
		found = bytes_equal(bytes_cut(&ways, ' '), acr);
	return found ? LK_OK : reject(t, "acr is none of acr_values");
}

/* ---- this attempt, this token ------------------------------------------------------------ */

/* Which digest at_hash is made with: that of alg (Core 3.1.3.6). */
static bool
digest_of_alg(struct bytes alg, enum sha_bits *out)
{
	static const struct {
		struct bytes end;
		enum sha_bits bits;
	} ends[] = {
		{ BI("256"), SHA_256 }, { BI("384"), SHA_384 }, { BI("512"), SHA_512 },
		{ BI("ES256K"), SHA_256 }, { BI("EdDSA"), SHA_512 }, { BI("Ed25519"), SHA_512 },
	};

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		if (!bytes_ends(alg, ends[i].end))
			continue;
		*out = ends[i].bits;
		return true;
	}
	return false;
}

/* The left half of the digest; optional in this flow, binding where it is there. */
static enum lk_status
check_at_hash(const struct id_token *t, struct bytes access_token)
{
	uint8_t digest[SHA_MAX];
	char expected[BASE64URL_SIZE(SHA_MAX / 2)];
	enum sha_bits bits;
	size_t n;

	if (json_object_get(t->claims, "at_hash") == NULL)
		return LK_OK;
	if (!digest_of_alg(json_get_bytes(t->arena, t->header, "alg"), &bits))
		return reject(t, "at_hash cannot be checked: its alg is not known");
	if (!sha(bits, access_token, digest))
		return lk_fail(t->error, LK_MEMORY, "out of memory");
	n = base64url_encode(digest, (size_t)bits / 16, expected);
	if (!bytes_equal(text_of(t, "at_hash"), (struct bytes){ expected, n }))
		return reject(t, "at_hash is another access token's");
	return LK_OK;
}

static enum lk_status
check(struct id_token *t, struct bytes text)
{
	struct bytes nonce = t->wanted->nonce;

	LK_TRY(take_apart(t, text));
	LK_TRY(check_header(t));
	LK_TRY(check_parties(t));
	LK_TRY(check_times(t));
	LK_TRY(check_sign_in(t));
	/* CL-07: exactly, and once: the attempt is gone after it. */
	if (bytes_empty(nonce) || !bytes_equal(text_of(t, "nonce"), nonce))
		return reject(t, "nonce is another attempt's");
	return check_at_hash(t, t->wanted->access_token);
}

enum lk_status
id_token_check(struct arena *a, struct bytes id_token,
	const struct id_token_wanted *wanted, struct lk_error *e)
{
	struct id_token t = { .arena = a, .wanted = wanted, .error = e };
	enum lk_status status = check(&t, id_token);

	json_decref(t.header);
	json_decref(t.claims);
	return status;
}
