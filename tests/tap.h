/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tap.h - the whole test framework: include it once in a test program.
 *
 *	TEST(a_retired_epoch_is_refused)
 *	{
 *		check_int(token_read(k, text, &any), TOKEN_EPOCH_RETIRED);
 *	}
 *
 * A check that fails says where and what, and the test goes on; each gives
 * true when it held, for `if (!check(...)) return;`. In a table, row("...")
 * names the row that later failures belong to. With an argument the program
 * runs only the tests whose name contains it. Output is TAP 13.
 */
#ifndef LATCHKEY_TESTS_TAP_H
#define LATCHKEY_TESTS_TAP_H

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

struct tap_test {
	struct tap_test *next;
	const char *name;
	void (*run)(void);
};

static struct {
	struct tap_test *first, **last;
	const char *skipped; /* why the running test was skipped */
	char row[200];
	bool failed;
} tap = { .last = &tap.first };

#define TAP_UNUSED __attribute__((unused))

#define TEST(test_name)                                                          \
	static void test_name(void);                                             \
	__attribute__((constructor)) static void tap_register_##test_name(void) \
	{                                                                        \
		static struct tap_test t = { NULL, #test_name, test_name };      \
		*tap.last = &t;                                                  \
		tap.last = &t.next;                                              \
	}                                                                        \
	static void test_name(void)

#define check(condition) tap_check((condition), __FILE__, __LINE__, #condition)
#define check_int(got, want) tap_int((got), (want), __FILE__, __LINE__, #got)
#define check_bytes(got, want) tap_bytes((got), (want), __FILE__, __LINE__, #got)
#define check_str(got, want) \
	tap_bytes(bytes_of(got), bytes_of(want), __FILE__, __LINE__, #got)
#define check_memory(got, want, size)                                    \
	tap_bytes((struct bytes){ (const char *)(got), (size) },         \
		(struct bytes){ (const char *)(want), (size) }, __FILE__, \
		__LINE__, #got)
#define row(...) ((void)snprintf(tap.row, sizeof(tap.row), __VA_ARGS__))
#define skip(why) ((void)(tap.skipped = (why)))

TAP_UNUSED static void
tap_fail(const char *file, int line, const char *what)
{
	tap.failed = true;
	printf("# %s:%d: %s\n", file, line, what);
	if (tap.row[0] != '\0')
		printf("#    row: %s\n", tap.row);
}

TAP_UNUSED static bool
tap_check(bool held, const char *file, int line, const char *what)
{
	if (!held)
		tap_fail(file, line, what);
	return held;
}

TAP_UNUSED static bool
tap_int(int64_t got, int64_t want, const char *file, int line, const char *what)
{
	if (got == want)
		return true;
	tap_fail(file, line, what);
	printf("#    got:  %" PRId64 "\n#    want: %" PRId64 "\n", got, want);
	return false;
}

TAP_UNUSED static void
tap_show(const char *label, struct bytes b)
{
	printf("#    %s (%zu) \"", label, b.n);
	for (size_t i = 0; i < b.n; i++) {
		unsigned char c = (unsigned char)b.p[i];

		if (c < 0x20 || c > 0x7E || c == '"' || c == '\\')
			printf("\\x%02X", c);
		else
			putchar(c);
	}
	printf("\"\n");
}

TAP_UNUSED static bool
tap_bytes(struct bytes got, struct bytes want, const char *file, int line,
	const char *what)
{
	if (bytes_equal(got, want))
		return true;
	tap_fail(file, line, what);
	tap_show("got: ", got);
	tap_show("want:", want);
	return false;
}

/* A rule that a name begins with: CL_05 of TEST(CL_05_a_state_is_used_once). */
static bool
tap_rule(const char *name)
{
	size_t letters = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");

	return letters >= 1 && letters <= 2 && name[letters] == '_' &&
		strspn(name + letters + 1, "0123456789") == 2 && name[letters + 3] == '_';
}

/* As a sentence, with the rules before it spelled as in the rulebook: "CL-05 a state is
 * used once", which is how the coverage of rules finds them. */
static void
tap_name(const char *name)
{
	bool rule = tap_rule(name);

	for (const char *c = name; *c != '\0'; c++) {
		putchar(*c != '_' ? *c : rule ? '-' : ' ');
		if (*c != '_' || !rule)
			continue;
		printf("%.2s ", c + 1);
		c += 3;
		rule = tap_rule(c + 1);
	}
}

static void
tap_result(const struct tap_test *t, int number)
{
	printf("%s %d - ", tap.failed ? "not ok" : "ok", number);
	tap_name(t->name);
	if (tap.skipped != NULL)
		printf(" # SKIP %s", tap.skipped);
	putchar('\n');
	fflush(stdout);
}

int
main(int argc, char **argv)
{
	int ran = 0, failures = 0;

	printf("TAP version 13\n");
	for (struct tap_test *t = tap.first; t != NULL; t = t->next) {
		if (argc > 1 && strstr(t->name, argv[1]) == NULL)
			continue;
		tap.failed = false;
		tap.skipped = NULL;
		tap.row[0] = '\0';
		t->run();
		failures += tap.failed;
		tap_result(t, ++ran);
	}
	printf("1..%d\n# %d passed, %d failed\n", ran, ran - failures, failures);
	return failures > 0 || ran == 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
