/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The history in a directory: a line is there whole or not at all, whatever became of the
 * machine or its disk while it was written.
 */
#include <sys/resource.h>

#include "vault_place.h"

#define ACME B("acme")

TEST(half_a_line_left_by_a_power_cut_is_not_read_and_not_continued)
{
	struct place at = place_new();
	struct bytes *lines;
	size_t n = 0;

	write_file(&at, "acme.log", (const uint8_t *)"one\ntw", 6);
	check_result(&at,
		vault_log_read(at.vault, ACME, at.arena, &lines, &n, &at.fault),
		VAULT_DONE);
	check_int((int64_t)n, 1);
	check_result(&at, vault_log_append(at.vault, ACME, B("three"), &at.fault),
		VAULT_DONE);
	check_result(&at,
		vault_log_read(at.vault, ACME, at.arena, &lines, &n, &at.fault),
		VAULT_DONE);
	if (check_int((int64_t)n, 3))
		check_bytes(lines[2], B("three"));
	place_remove(&at);
}

/* The file may grow by `more` octets from what it has; false: by any. */
static void
limit_growth(const char *file, bool limited, rlim_t more)
{
	struct rlimit limit;
	struct stat st;

	check(stat(file, &st) == 0 && getrlimit(RLIMIT_FSIZE, &limit) == 0);
	limit.rlim_cur = limited ? (rlim_t)st.st_size + more : limit.rlim_max;
	check(setrlimit(RLIMIT_FSIZE, &limit) == 0);
}

TEST(a_long_line_for_which_only_a_part_has_room_leaves_nothing)
{
	struct place at = place_new();
	const char *file = place_file(&at, "acme.log");
	char *p = arena_alloc(at.arena, VAULT_LOG_LINE_MAX);
	struct bytes line = { p, VAULT_LOG_LINE_MAX - 1 };
	struct bytes *lines;
	size_t n = 0;

	memset(p, 'x', line.n);
	signal(SIGXFSZ, SIG_IGN);
	check_result(
		&at, vault_log_append(at.vault, ACME, line, &at.fault), VAULT_DONE);
	limit_growth(file, true, 1000);
	check_result(
		&at, vault_log_append(at.vault, ACME, line, &at.fault), VAULT_STORAGE);
	check(strstr(at.fault.what, "full") != NULL);
	limit_growth(file, false, 0);
	check_result(
		&at, vault_log_append(at.vault, ACME, B("after"), &at.fault), VAULT_DONE);
	check_result(&at,
		vault_log_read(at.vault, ACME, at.arena, &lines, &n, &at.fault),
		VAULT_DONE);
	if (check_int((int64_t)n, 2)) {
		check_bytes(lines[0], line);
		check_bytes(lines[1], B("after"));
	}
	place_remove(&at);
}

