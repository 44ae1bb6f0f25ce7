/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of text/form.c. */
#include "text/form.h"

#include "tap.h"

static struct arena *arena;

__attribute__((constructor)) static void
begin(void)
{
	arena = arena_new();
}

__attribute__((destructor)) static void
end(void)
{
	arena_free(arena);
}

static struct form
form_of(struct bytes text)
{
	struct form f = { 0 };

	form_read(arena, &f, text, FORM_BODY);
	return f;
}

/* RFC 6749 appendix B; RULEBOOK A3. */
TEST(the_vector_of_rfc_6749_appendix_b)
{
	const struct bytes plain = B(" %&+\xC2\xA3\xE2\x82\xAC");
	const struct bytes encoded = B("+%25%26%2B%C2%A3%E2%82%AC");
	struct buf b = buf_new(arena, 100);
	struct bytes decoded;
	struct form f;

	form_put(&b, plain);
	check_bytes(buf_bytes(&b), encoded);
	check(form_decode(arena, encoded, &decoded));
	check_bytes(decoded, plain);
	f = form_of(B("x=+%25%26%2B%C2%A3%E2%82%AC"));
	check_bytes(form_get(&f, B("x")), plain);
	check(!form_malformed(&f, B("x")));
}

TEST(fields_are_split_and_decoded)
{
	static const struct {
		struct bytes text, value;    /* of x */
		int occurrences, count;
		bool malformed;
	} rows[] = {
		{ BI("x=1"), BI("1"), 1, 1, false },
		{ BI("x=1&y=2"), BI("1"), 1, 2, false },
		{ BI("&&x=1&&"), BI("1"), 1, 1, false },
		{ BI("x=a=b"), BI("a=b"), 1, 1, false },
		{ BI("x=a;x=b"), BI("a;x=b"), 1, 1, false },       /* P-07 */
		{ BI("x=a+b%20c"), BI("a b c"), 1, 1, false },     /* P-07 */
		{ BI("x=%e2%82%ac"), BI("\xE2\x82\xAC"), 1, 1, false },
		{ BI("%78=1"), BI("1"), 1, 1, false },
		{ BI("X=1"), BI_NONE, 0, 1, false },               /* P-06 */
		{ BI(" x=1"), BI_NONE, 0, 1, false },              /* P-06 */
		{ BI("x= 1 "), BI(" 1 "), 1, 1, false },           /* P-06 */
		{ BI("x="), BI_NONE, 1, 1, false },                /* P-05 */
		{ BI("x"), BI_NONE, 1, 1, false },                 /* P-05 */
		{ BI("x&x=1"), BI("1"), 2, 2, false },             /* P-05, P-01 */
		{ BI("x=1&x=1"), BI("1"), 2, 2, false },           /* P-01 */
		{ BI("x=1&x=2"), BI("1"), 2, 2, false },           /* P-01 */
		{ BI("=1"), BI_NONE, 0, 1, false },
		{ BI("="), BI_NONE, 0, 1, false },
		{ BI(""), BI_NONE, 0, 0, false },
		{ BI("x=%"), BI_NONE, 1, 1, true },                /* P-07 from here */
		{ BI("x=%4"), BI_NONE, 1, 1, true },
		{ BI("x=%4&y=1"), BI_NONE, 1, 2, true },
		{ BI("x=%zz"), BI_NONE, 1, 1, true },
		{ BI("x=%+1"), BI_NONE, 1, 1, true },
		{ BI("x=%00"), BI_NONE, 1, 1, true },
		{ BI("x=a%0d%0ab"), BI_NONE, 1, 1, true },
		{ BI("x=a\tb"), BI_NONE, 1, 1, true },
		{ BI("x=%7F"), BI_NONE, 1, 1, true },
		{ BI("x=%C2%85"), BI_NONE, 1, 1, true },
		{ BI("x=%C0%AF"), BI_NONE, 1, 1, true },
		{ BI("x=%FF"), BI_NONE, 1, 1, true },
		{ BI("x=%ED%A0%80"), BI_NONE, 1, 1, true },
		{ BI("x=1&x=%zz"), BI("1"), 2, 2, true },
		{ BI("y=%zz&x=1"), BI("1"), 1, 2, false },         /* P-04 */
		{ BI("x%00=1"), BI_NONE, 0, 1, false },
		{ BI("%zz=1&x=2"), BI("2"), 1, 2, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct form f = form_of(rows[i].text);

		row("%.*s", BYTES_FMT(rows[i].text));
		check_bytes(form_get(&f, B("x")), rows[i].value);
		check_int((int64_t)form_occurrences(&f, B("x")), rows[i].occurrences);
		check_int((int64_t)f.count, rows[i].count);
		check_int(form_malformed(&f, B("x")), rows[i].malformed);
		check(!f.too_many);
	}
}

TEST(query_and_body_are_pooled_and_keep_their_source) /* P-03 */
{
	struct form f = { 0 };

	form_read(arena, &f, B("x=1&y=2"), FORM_QUERY);
	form_read(arena, &f, B("x=3"), FORM_BODY);
	check_int((int64_t)form_occurrences(&f, B("x")), 2);
	check_bytes(form_get(&f, B("x")), B("1"));
	check_int(f.fields[1].source, FORM_QUERY);
	check_int(f.fields[2].source, FORM_BODY);
	check_bytes(f.fields[2].value, B("3"));
}

TEST(a_hundred_fields_are_read_and_no_more) /* P-08 */
{
	struct buf b = buf_new(arena, 10000);
	struct form f = { 0 };

	for (int i = 0; i < 100; i++)
		form_pair(&b, B("x"), B("1"));
	f = form_of(buf_bytes(&b));
	check_int((int64_t)f.count, 100);
	check(!f.too_many);
	form_read(arena, &f, B("&&"), FORM_BODY);
	check(!f.too_many);
	form_read(arena, &f, B("y"), FORM_BODY);
	check(f.too_many);
	check_int((int64_t)f.count, 100);
	form_pair(&b, B("x"), B("1"));
	f = form_of(buf_bytes(&b));
	check(f.too_many);
	check_int((int64_t)f.count, 100);
}

TEST(the_text_may_go_away)
{
	char text[] = "x=abc";
	struct form f = form_of(bytes_of(text));

	memset(text, 'z', 5);
	check_bytes(form_get(&f, B("x")), B("abc"));
}

TEST(pairs_are_joined_where_they_belong) /* R-09, AR-02 */
{
	static const struct {
		struct bytes before, after;
	} rows[] = {
		{ BI(""), BI("state=a%20b") },
		{ BI("https://app.example/cb?"), BI("https://app.example/cb?state=a%20b") },
		{ BI("https://a.example/?t=1"), BI("https://a.example/?t=1&state=a%20b") },
		{ BI("t=1&"), BI("t=1&state=a%20b") },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf b = buf_new(arena, 100);

		buf_put(&b, rows[i].before);
		form_pair(&b, B("state"), B("a b"));
		check_bytes(buf_bytes(&b), rows[i].after);
	}
}

TEST(unreserved_characters_stay_and_all_others_are_escaped)
{
	const struct bytes stay = B("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789-._~");

	for (int c = 0; c < 256; c++) {
		char one = (char)c, want[8];
		struct buf b = buf_new(arena, 10), query = buf_new(arena, 10);
		struct bytes decoded;

		row("byte %d", c);
		form_put(&b, (struct bytes){ &one, 1 });
		form_put_query(&query, (struct bytes){ &one, 1 });
		snprintf(want, sizeof(want), "%%%02X", (unsigned)c);
		if (bytes_index(stay, one) < stay.n) {
			check_bytes(buf_bytes(&b), ((struct bytes){ &one, 1 }));
			check_bytes(buf_bytes(&query), ((struct bytes){ &one, 1 }));
		} else {
			check_bytes(buf_bytes(&b), c == ' ' ? B("+") : bytes_of(want));
			check_bytes(buf_bytes(&query), bytes_of(want));
		}
		check(form_decode(arena, buf_bytes(&b), &decoded));
		check_bytes(decoded, ((struct bytes){ &one, 1 }));
	}
}
