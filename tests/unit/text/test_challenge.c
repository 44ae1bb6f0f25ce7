/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of text/challenge.c: CL-35, RFC 9110 11.6.1. */
#include "text/challenge.h"

#include "tap.h"

/* "Scheme(name=value,name=value) Scheme(token68)" */
static const char *
said(struct arena *a, const char *field)
{
	struct bytes rest = bytes_of(field);
	struct buf b = buf_new(a, 4096);
	struct challenge c;

	while (challenge_next(a, &rest, &c)) {
		buf_printf(&b, "%s%.*s(%.*s", b.n > 0 ? " " : "", BYTES_FMT(c.scheme),
			BYTES_FMT(c.token68));
		for (size_t i = 0; i < c.count; i++)
			buf_printf(&b, "%s%.*s=%.*s", i > 0 ? "," : "",
				BYTES_FMT(c.parameters[i].name),
				BYTES_FMT(c.parameters[i].value));
		buf_putc(&b, ')');
	}
	return buf_cstr(&b);
}

TEST(CL_35_a_field_is_read_into_its_challenges)
{
	static const struct {
		const char *field, *want;
	} rows[] = {
		{ "Bearer", "Bearer()" },
		{ "", "" }, { " , ,", "" },
		{ "Bearer realm=\"x\"", "Bearer(realm=x)" },
		{ "Bearer realm=\"x\", error=\"invalid_token\"",
			"Bearer(realm=x,error=invalid_token)" },
		{ "Bearer error=invalid_token", "Bearer(error=invalid_token)" },
		{ "Basic realm=\"a, b=\\\"c\\\"\", Bearer error=\"invalid_token\"",
			"Basic(realm=a, b=\"c\") Bearer(error=invalid_token)" },
		{ "Basic, Bearer", "Basic() Bearer()" },
		{ "Negotiate YWJj==, Bearer realm=x", "Negotiate(YWJj==) Bearer(realm=x)" },
		{ "Negotiate YWJj, Bearer", "Negotiate(YWJj) Bearer()" },
		{ "Newauth realm=\"apps\", type=1, title=\"Login to \\\"apps\\\"\", "
		  "Basic realm=\"simple\"",
			"Newauth(realm=apps,type=1,title=Login to \"apps\") Basic(realm=simple)" },
		{ "Bearer realm = \"x\" ,  error=a", "Bearer(realm=x,error=a)" },
		{ ",Bearer  a=b,,c=d,", "Bearer(a=b,c=d)" },
		{ "DPoP algs=\"ES256\", Bearer error=\"insufficient_scope\", scope=\"a b\", "
		  "max_age=\"5\"",
			"DPoP(algs=ES256) Bearer(error=insufficient_scope,scope=a b,max_age=5)" },
		{ "Bearer a=\"\"", "Bearer(a=)" },
		/* What is malformed ends it; what was whole before stands. */
		{ "Basic realm=\"x\", Bearer error=\"invalid_token", "Basic(realm=x)" },
		{ "Bearer a=b c=d", "" }, { "Bearer a=\"b\"c", "" }, { "Bearer a=", "Bearer(a=)" },
		{ "Bearer =a", "" }, { "Bearer\ta=b", "" }, { "Bearer a=\"b\\", "" },
		{ "\"Bearer\"", "" }, { "Bearer a=\"x\ny\"", "" }, { "Be(arer", "" },
	};
	struct arena *a = arena_new();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].field);
		check_str(said(a, rows[i].field), rows[i].want);
	}
	arena_free(a);
}

TEST(CL_35_a_challenge_is_found_by_scheme_and_its_parameters_by_name)
{
	struct arena *a = arena_new();
	struct challenge c;

	check(challenge_find(a, B("Basic realm=x, bEARER Error=\"invalid_token\", realm=y"),
		B("Bearer"), &c));
	check_bytes(challenge_get(&c, B("error")), B("invalid_token"));
	check_bytes(challenge_get(&c, B("scope")), NONE);
	check(challenge_find(a, B("Bearer error=a, error=b"), B("Bearer"), &c));
	check_bytes(challenge_get(&c, B("error")), NONE);
	check(!challenge_find(a, B("Basic realm=\"Bearer error=x\""), B("Bearer"), &c));
	check(!challenge_find(a, NONE, B("Bearer"), &c));
	arena_free(a);
}

TEST(more_parameters_than_any_challenge_has_are_malformed)
{
	struct arena *a = arena_new();
	struct buf b = buf_new(a, 4096);
	struct challenge c;

	buf_put(&b, B("Bearer a=b"));
	for (int i = 1; i < CHALLENGE_PARAMETERS_MAX; i++)
		buf_put(&b, B(", a=b"));
	check(challenge_find(a, buf_bytes(&b), B("Bearer"), &c));
	buf_put(&b, B(", a=b"));
	check(!challenge_find(a, buf_bytes(&b), B("Bearer"), &c));
	arena_free(a);
}
