/* SPDX-License-Identifier: Apache-2.0 */
/* test_keys.c - the master key's file, and what is derived from it. */
#include "server/keys.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "tap.h"

static char dir[] = "/tmp/keys-test-XXXXXX", path[64];

__attribute__((constructor)) static void
prepare(void)
{
	struct fault f;

	if (mkdtemp(dir) == NULL || crypto_start(&f) != DONE)
		abort();
	snprintf(path, sizeof(path), "%s/master.key", dir);
}

__attribute__((destructor)) static void
clean(void)
{
	unlink(path);
	rmdir(dir);
}

static void
write_file(const char *text, mode_t mode)
{
	int fd;

	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, mode);
	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		abort();
	fchmod(fd, mode);
	close(fd);
}

#define HEX "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

TEST(a_new_key_is_for_its_owner_only_and_never_overwritten)
{
	struct fault f = { .what = "" };
	struct stat st;
	struct keys *first = NULL, *again = NULL;

	unlink(path);
	check_int(keys_create(path, &f), DONE);
	check_int(stat(path, &st), 0);
	check_int(st.st_mode & 07777, 0600);
	check_int(st.st_size, 65);
	check_int(keys_open(path, &first, &f), DONE);
	check_int(keys_create(path, &f), FAULT);
	check_int(keys_open(path, &again, &f), DONE);
	if (first != NULL && again != NULL)
		check_str(again->check, first->check);
	keys_free(first);
	keys_free(again);
}

static const struct { const char *name, *text; mode_t mode; bool good; } files[] = {
	{ "with a newline", HEX "\n", 0600, true },
	{ "without a newline", HEX, 0600, true },
	{ "read-only", HEX "\n", 0400, true },
	{ "readable by the group", HEX "\n", 0640, false },
	{ "readable by others", HEX "\n", 0604, false },
	{ "writable by the group", HEX "\n", 0620, false },
	{ "empty", "", 0600, false },
	{ "too short", "00112233\n", 0600, false },
	{ "too long", HEX "00\n", 0600, false },
	{ "text behind it", HEX "\n#", 0600, false },
	{ "upper case", "00112233445566778899AABBCCDDEEFF00112233445566778899aabbccddeeff",
		0600, true },
	{ "not hex", "g0112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
		0600, false },
	{ "CR before the newline", HEX "\r\n", 0600, false },
};

TEST(a_file_that_is_not_a_private_key_is_refused)
{
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct fault f = { .what = "" };
		struct keys *k = NULL;

		row("%s", files[i].name);
		write_file(files[i].text, files[i].mode);
		check_int(keys_open(path, &k, &f), files[i].good ? DONE : FAULT);
		check((k != NULL) == files[i].good);
		/* The sentence names the file and nothing that is in it. */
		check(files[i].good || strstr(f.what, path) != NULL);
		check(strstr(f.what, "00112233") == NULL);
		keys_free(k);
	}
}

TEST(a_missing_file_says_what_to_do)
{
	struct fault f = { .what = "" };
	struct keys *k = NULL;

	unlink(path);
	check_int(keys_open(path, &k, &f), FAULT);
	check(strstr(f.what, "backup") != NULL);
}

TEST(a_systemd_credential_takes_the_place_of_the_file)
{
	struct fault f = { .what = "" };
	struct keys *k = NULL;

	write_file(HEX "\n", 0600);
	unsetenv("CREDENTIALS_DIRECTORY");
	check_int(keys_open(NULL, &k, &f), FAULT);
	setenv("CREDENTIALS_DIRECTORY", dir, 1);
	check_int(keys_open(NULL, &k, &f), DONE);
	keys_free(k);
	unsetenv("CREDENTIALS_DIRECTORY");
}

TEST(the_key_of_another_installation_is_recognised)
{
	uint8_t one[MASTER_KEY_SIZE] = { 1 }, two[MASTER_KEY_SIZE] = { 2 };
	struct keys a, b;
	struct fault f = { .what = "" };

	keys_derive(one, &a);
	keys_derive(two, &b);
	check_int(keys_belong(&a, bytes_of(a.check), &f), DONE);
	check_int(keys_belong(&a, bytes_of(b.check), &f), FAULT);
	check_int(keys_belong(&a, NONE, &f), FAULT);
	mac_key_free(a.client_secret);
	mac_key_free(a.retry);
	mac_key_free(b.client_secret);
	mac_key_free(b.retry);
}

/* What is sealed or signed for one use must never be good for another. */
TEST(no_two_derived_keys_are_equal)
{
	uint8_t master[MASTER_KEY_SIZE] = { 7 };
	struct keys k;
	const uint8_t *all[5];

	keys_derive(master, &k);
	all[0] = k.token_master;
	all[1] = k.transaction.bytes;
	all[2] = k.form.bytes;
	all[3] = k.known.bytes;
	all[4] = k.ticket_secret;
	for (int i = 0; i < 5; i++) {
		check(memcmp(all[i], master, 32) != 0);
		for (int j = 0; j < i; j++)
			check(memcmp(all[i], all[j], 32) != 0);
	}
	mac_key_free(k.client_secret);
	mac_key_free(k.retry);
}
