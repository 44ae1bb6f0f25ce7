/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of pages/html.c. */
#include "pages/html.h"

#include "base/arena.h"
#include "tap.h"

struct row {
	struct bytes value, want;
};

static void
check_rows(void (*put)(struct buf *, struct bytes), const struct row *rows,
	size_t count)
{
	struct arena *a = arena_new();

	for (size_t i = 0; i < count; i++) {
		struct buf out = buf_new(a, 4096);

		row("%zu", i);
		put(&out, rows[i].value);
		check(!out.failed);
		check_bytes(buf_bytes(&out), rows[i].want);
	}
	arena_free(a);
}

#define CHECK_ROWS(put, rows) check_rows(put, rows, sizeof(rows) / sizeof((rows)[0]))

TEST(text_cannot_leave_an_element_or_a_quoted_attribute)
{
	static const struct row rows[] = {
		{ BI_NONE, BI("") },
		{ BI("Ledger Sync"), BI("Ledger Sync") },
		{ BI("<script>alert(1)</script>"),
		  BI("&lt;script&gt;alert(1)&lt;/script&gt;") },
		{ BI("\"><img src=x onerror=alert(1)>"),
		  BI("&#34;&gt;&lt;img src=x onerror=alert(1)&gt;") },
		{ BI("' onfocus='alert(1)"), BI("&#39; onfocus=&#39;alert(1)") },
		{ BI("AT&T &lt; &#60;"), BI("AT&amp;T &amp;lt; &amp;#60;") },
		{ BI("</title><svg/onload=alert(1)>"),
		  BI("&lt;/title&gt;&lt;svg/onload=alert(1)&gt;") },
		{ BI("<\0script>"), BI("&lt;script&gt;") },
		{ BI("{{name}}"), BI("{{name}}") },
		/* +ADw- is a '<' in UTF-7, which no page of ours is in */
		{ BI("+ADw-script+AD4-"), BI("+ADw-script+AD4-") },
		/* overlong '<' is no '<' */
		{ BI("\xC0\xBCscript>"), BI("\xEF\xBF\xBD\xEF\xBF\xBDscript&gt;") },
	};

	CHECK_ROWS(html_text, rows);
}

TEST(what_nobody_sees_and_what_turns_text_round_is_left_out_U08)
{
	static const struct row rows[] = {
		{ BI("Ledger\xE2\x80\xAE" "cnyS"), BI("LedgercnyS") }, /* RLO */
		{ BI("a\xE2\x80\xAA\xE2\x80\xAB\xE2\x80\xAC\xE2\x80\xAD" "b"),
		  BI("ab") },
		{ BI("a\xE2\x81\xA6\xE2\x81\xA7\xE2\x81\xA8\xE2\x81\xA9" "b"),
		  BI("ab") },
		/* LRM RLM ALM */
		{ BI("a\xE2\x80\x8E\xE2\x80\x8F\xD8\x9C" "b"), BI("ab") },
		{ BI("Ac\xE2\x80\x8Bme"), BI("Acme") }, /* zero width space */
		{ BI("Ac\xC2\xADme"), BI("Acme") }, /* soft hyphen */
		{ BI("\xEF\xBB\xBF" "Acme"), BI("Acme") }, /* byte order mark */
		{ BI("A\xF3\xA0\x81\x81" "B"), BI("AB") }, /* tag */
		{ BI("a\tb\nc\rd"), BI("a b c d") },
		{ BI("a\xE2\x80\xA8" "b\xC2\x85" "c"), BI("a b c") }, /* LS, NEL */
		{ BI("\x01\x02\x1B[31m\x7F"), BI("[31m") },
		{ BI("\xC2\x9B" "x"), BI("x") }, /* C1 */
		{ BI("\xD9\x85\xDB\x8C\xE2\x80\x8C\xD8\xAE"),
		  BI("\xD9\x85\xDB\x8C\xE2\x80\x8C\xD8\xAE") }, /* Persian keeps ZWNJ */
		{ BI("e\xCC\x81"), BI("e\xCC\x81") },
		{ BI("e\xCC\x81\xCC\x82\xCC\x83\xCC\x84\xCC\x85\xCC\x86z"),
		  BI("e\xCC\x81\xCC\x82\xCC\x83\xCC\x84z") },
		{ BI("\xE5\x8C\x97\xE9\xA2\xA8 \xF0\x9F\x94\x91"),
		  BI("\xE5\x8C\x97\xE9\xA2\xA8 \xF0\x9F\x94\x91") },
		/* surrogate */
		{ BI("\xED\xA0\x80"), BI("\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD") },
		{ BI("\xF4\x90\x80\x80"),
		  BI("\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD") },
		{ BI("ab\xE2\x80"), BI("ab\xEF\xBF\xBD\xEF\xBF\xBD") },
	};

	CHECK_ROWS(html_clean, rows);
	CHECK_ROWS(html_text, rows);
}

/* RULEBOOK AR-02: a state comes back as it was sent. */
TEST(what_is_resent_keeps_every_character)
{
	static const struct row rows[] = {
		{ BI("a\xE2\x80\xAE" "b\x7F"), BI("a\xE2\x80\xAE" "b\x7F") },
		{ BI("\"'<>&"), BI("&#34;&#39;&lt;&gt;&amp;") },
		{ BI("x\r\ny\rz"), BI("x&#13;\ny&#13;z") },
	};

	CHECK_ROWS(html_exact, rows);
}

TEST(a_link_is_a_path_of_ours_or_https_and_nothing_else)
{
	static const struct row rows[] = {
		{ BI("/signin"), BI("/signin") },
		{ BI("/logo/lkc_x/0a1b?x=1&y=2"), BI("/logo/lkc_x/0a1b?x=1&amp;y=2") },
		{ BI("https://app.example/cb?a='b'"),
		  BI("https://app.example/cb?a=&#39;b&#39;") },
		{ BI("HTTPS://app.example/"), BI("HTTPS://app.example/") },
		{ BI_NONE, BI("#") },
		{ BI("http://app.example/"), BI("#") },
		{ BI("javascript:alert(1)"), BI("#") },
		{ BI("JaVaScRiPt:alert(1)"), BI("#") },
		{ BI("java\tscript:alert(1)"), BI("#") },
		{ BI(" javascript:alert(1)"), BI("#") },
		{ BI("\x01javascript:alert(1)"), BI("#") },
		{ BI("data:text/html,<script>"), BI("#") },
		{ BI("vbscript:x"), BI("#") },
		{ BI("//evil.example/"), BI("#") },
		{ BI("/\\evil.example/"), BI("#") },
		{ BI("/\t/evil.example/"), BI("#") },
		{ BI("https:\\\\evil.example"), BI("#") },
		{ BI("https:evil.example"), BI("#") },
		{ BI("signin"), BI("#") },
		{ BI("https://app.example/\"onclick=x"),
		  BI("https://app.example/&#34;onclick=x") },
		{ BI("https://app.example/\xC3\xA4"), BI("#") },
	};

	CHECK_ROWS(html_url, rows);
}

TEST(a_part_of_a_link_stays_a_part)
{
	static const struct row rows[] = {
		{ BI("lkc_Ab-9.~"), BI("lkc_Ab-9.~") },
		{ BI("../x"), BI("..%2Fx") },
		{ BI("a?b#c&d"), BI("a%3Fb%23c%26d") },
		{ BI("\"><\0"), BI("%22%3E%3C%00") },
		{ BI("\xC3\xA4"), BI("%C3%A4") },
	};

	CHECK_ROWS(html_url_part, rows);
}

TEST(code_points_are_read_as_RFC_3629_says)
{
	static const struct {
		struct bytes text;
		uint32_t c;
		size_t n;
	} rows[] = {
		{ BI("A"), 'A', 1 },
		{ BI("\xC2\x80"), 0x80, 2 },
		{ BI("\xE0\xA0\x80"), 0x800, 3 },
		{ BI("\xF0\x90\x80\x80"), 0x10000, 4 },
		{ BI("\xF4\x8F\xBF\xBF"), 0x10FFFF, 4 },
		{ BI("\xC1\xBF"), 0xFFFD, 1 },
		{ BI("\xE0\x9F\xBF"), 0xFFFD, 1 },
		{ BI("\xF0\x8F\xBF\xBF"), 0xFFFD, 1 },
		{ BI("\xF5\x80\x80\x80"), 0xFFFD, 1 },
		{ BI("\x80"), 0xFFFD, 1 },
		{ BI("\xC2"), 0xFFFD, 1 },
		{ BI("\xC2\x41"), 0xFFFD, 1 },
		{ BI("\xE2\x80\x41"), 0xFFFD, 1 },
	};
	uint32_t untouched = 4711;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint32_t c = 0;

		row("%zu", i);
		check_int((int64_t)html_code_point(rows[i].text, &c),
			(int64_t)rows[i].n);
		check_int(c, rows[i].c);
	}
	check_int((int64_t)html_code_point(NONE, &untouched), 0);
	check_int(untouched, 4711);
}
