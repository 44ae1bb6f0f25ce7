/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of base/secret.c. */
#include "base/secret.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/asan.h"
#include "tap.h"

TEST(random_fills_every_byte_of_any_size)
{
	static unsigned char p[4000], ever_set[4000];

	for (int round = 0; round < 8; round++) {
		for (size_t i = 0, n = 1; i + n <= sizeof(p); i += n, n = n * 3 % 701)
			secret_random(p + i, n);
		for (size_t i = 0; i < sizeof(p); i++)
			ever_set[i] = (unsigned char)(ever_set[i] | p[i]);
	}
	/* A byte written eight times stays zero once in 2^64. */
	for (size_t i = 0; i < 1000; i++)
		check(ever_set[i] != 0);
	secret_random(NULL, 0);
}

TEST(two_randoms_are_never_the_same)
{
	unsigned char seen[100][16];

	for (size_t i = 0; i < 100; i++) {
		secret_random(seen[i], 16);
		for (size_t j = 0; j < i; j++)
			check(!secret_equal(seen[i], seen[j], 16));
	}
}

TEST(a_forked_child_has_other_randoms)
{
	unsigned char ours[16], theirs[16];
	int channel[2], status;
	pid_t child;

	secret_random(ours, 1); /* the pool is filled before the fork */
	if (!check(pipe(channel) == 0))
		return;
	child = fork();
	if (child == 0) {
		secret_random(theirs, sizeof(theirs));
		_exit(write(channel[1], theirs, sizeof(theirs)) == 16 ? 0 : 1);
	}
	secret_random(ours, sizeof(ours));
	check_int(read(channel[0], theirs, sizeof(theirs)), 16);
	check_int(waitpid(child, &status, 0), child);
	check(!secret_equal(ours, theirs, sizeof(ours)));
	close(channel[0]);
	close(channel[1]);
}

TEST(equality_sees_every_bit)
{
	unsigned char a[32], b[32];

	secret_random(a, sizeof(a));
	memcpy(b, a, sizeof(a));
	check(secret_equal(a, b, sizeof(a)));
	for (size_t bit = 0; bit < 256; bit++) {
		b[bit / 8] = (unsigned char)(b[bit / 8] ^ 1u << bit % 8);
		check(!secret_equal(a, b, sizeof(a)));
		b[bit / 8] = (unsigned char)(b[bit / 8] ^ 1u << bit % 8);
	}
	check(secret_equal_bytes(B("abc"), B("abc")));
	check(!secret_equal_bytes(B("abc"), B("ab")));
	check(secret_equal_bytes(NONE, B("")));
}

TEST(wiping_wipes)
{
	char p[5] = "abcd";

	secret_wipe(p, 3);
	check_memory(p, "\0\0\0d", 5);
	secret_wipe(NULL, 0);
}

/* What malloc hands out next, of that size, is the memory that was freed last. */
TEST(what_is_freed_was_wiped)
{
	unsigned char *p = malloc(200), *again;

	if (p == NULL)
		return;
	memset(p, 0xa5, 200);
	secret_free(p);
	secret_free(NULL);
	again = malloc(200);
	/* The first 16 are malloc's own while nobody has it. */
	for (size_t i = 16; again != NULL && i < 200; i++)
		check(again[i] != 0xa5);
	free(again);
}

TEST(the_process_leaves_no_core)
{
	struct rlimit core;

	secret_process();
	check(getrlimit(RLIMIT_CORE, &core) == 0);
	check_int((int64_t)core.rlim_max, 0);
	check_int(prctl(PR_GET_DUMPABLE), UNDER_ASAN ? 1 : 0);
}

/* In /proc/self/smaps, "dd" among the flags of the mapping that begins there. */
static bool
stays_out_of_core_dumps(const void *p)
{
	FILE *maps = fopen("/proc/self/smaps", "re");
	char line[512], start[40];
	bool ours = false, found = false;

	snprintf(start, sizeof(start), "%lx-", (unsigned long)(uintptr_t)p);
	while (maps != NULL && fgets(line, sizeof(line), maps) != NULL && !found) {
		struct bytes l = bytes_of(line);

		if (bytes_starts(l, bytes_of(start)))
			ours = true;
		else if (ours && bytes_starts(l, B("VmFlags:")))
			found = strstr(line, " dd ") != NULL || (ours = false);
	}
	if (maps != NULL)
		fclose(maps);
	return found;
}

TEST(pages_for_secrets_are_zero_writable_and_in_no_core_dump)
{
	size_t size = 10000;
	unsigned char *p = secret_pages_new(size);

	if (!check(p != NULL))
		return;
	for (size_t i = 0; i < size; i++)
		check(p[i] == 0);
	memset(p, 0xA5, size);
	check(stays_out_of_core_dumps(p));
	secret_pages_free(p, size);
	secret_pages_free(NULL, size);
}
