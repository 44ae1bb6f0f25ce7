/* SPDX-License-Identifier: Apache-2.0 */
/* What a person's record may say, one thing wrong at a time (R4.6, U-08). */
#include "rules/user.h"
#include "rules/wording.h"
#include "tap.h"

#include <string.h>

static struct context contexts[] = {
	{ BI("urn:acme:company:42"), BI("Example Trading Ltd"), SUBJECT_COMPANY },
	{ BI("urn:acme:entity:7"), BI("Example Berlin"), SUBJECT_ENTITY },
};

static struct user
ada(void)
{
	return (struct user){ .username = B("ada@example.com"), .name = B("Ada Example"),
		.contexts = contexts, .context_count = 2 };
}

TEST(an_ordinary_person_is_kept)
{
	struct arena *a = arena_new();
	struct user u = ada();
	const char *what = NULL;

	check(user_check(a, &u, &what));
	arena_free(a);
}

TEST(usernames_are_what_every_keyboard_has)
{
	static const struct { struct bytes name; bool good; } rows[] = {
		{ BI("ada"), true }, { BI("Ada.Example+x@example.com"), true },
		{ BI(""), false }, { BI(" ada"), false }, { BI("ada "), false },
		{ BI("a b"), false }, { BI("ada\n"), false }, { BI("ad\xd0\xb0"), false },
		{ BI("a\0b"), false }, { BI("a/b"), false },
	};
	char longest[USERNAME_MAX + 1];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_int(username_valid(rows[i].name), rows[i].good);
	memset(longest, 'a', sizeof(longest));
	check(username_valid((struct bytes){ longest, USERNAME_MAX }));
	check(!username_valid((struct bytes){ longest, USERNAME_MAX + 1 }));
}

static const char *
refused(struct context c, size_t count)
{
	static struct arena *a;
	struct context list[2] = { contexts[0], c };
	struct user u = ada();
	const char *what = "";

	if (a == NULL)
		a = arena_new();
	u.contexts = list;
	u.context_count = count;
	return user_check(a, &u, &what) ? "" : what;
}

TEST(contexts_are_urns_with_names_each_once)
{
	struct context c = contexts[1];

	check_str(refused(c, 2), "");
	c.urn = B("urn:acme:company"); /* URN:NAME without the name */
	c.name = B("42");
	check(strstr(refused(c, 2), "URN:NAME") != NULL);
	c.name = contexts[1].name;
	check_str(refused(c, 2), "");
	c.urn = B("urn:acme::7");
	check(strstr(refused(c, 2), "URN:NAME") != NULL);
	c.urn = contexts[0].urn;
	check(strstr(refused(c, 2), "twice") != NULL);
	c = contexts[1];
	c.name = B("");
	check(strstr(refused(c, 2), "is empty") != NULL);
}

TEST(words_for_people_are_plain_text)
{
	static const struct { struct bytes text; const char *fault; } rows[] = {
		{ BI("See your export jobs"), NULL }, { BI("\xc3\xbcn\xc3\xaf"), NULL },
		{ BI(""), "empty" }, { BI(" x"), "space" }, { BI("x "), "space" },
		{ BI("a\nb"), "control" }, { BI("\xff"), "UTF-8" },
		{ BI("a\xe2\x80\xae" "b"), "direction" }, { BI("12345678901"), "more than 10" },
	};
	struct arena *a = arena_new();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t most = rows[i].text.n == 11 ? 10 : 100;
		const char *fault = wording_fault(a, "it", rows[i].text, most);

		check((fault == NULL) == (rows[i].fault == NULL));
		if (fault != NULL && rows[i].fault != NULL)
			check(strstr(fault, rows[i].fault) != NULL);
	}
	arena_free(a);
}
