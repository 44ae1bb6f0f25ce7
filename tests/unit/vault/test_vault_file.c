/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directory itself: what others may see of it, what was changed in it behind our
 * back, and what happens when its disk is full.
 */
#include <sched.h>
#include <sys/mount.h>

#include "base/secret.h"
#include "vault/vault_backend.h"
#include "vault_place.h"

#define ACME B("acme")
#define BETA B("beta")

/* ---- owners, modes, links -------------------------------------------------- */

static void
check_refused(struct place *at, const char *because)
{
	struct vault *v;

	check_result(
		at, vault_open(at->where, NULL, NULL, &v, &at->fault), VAULT_STORAGE);
	if (!check(strstr(at->fault.what, because) != NULL))
		printf("#    said: %s\n", at->fault.what);
}

/* Of two who came to a new directory one gives up, while the other makes its key. */
TEST(a_directory_of_which_nothing_came_goes_again_but_not_under_somebody)
{
	struct place at;
	struct vault *first, *second;

	place_make(&at);
	check_result(&at, vault_file.open(at.where, false, &first, &at.fault), VAULT_DONE);
	check_result(&at, vault_file.open(at.where, false, &second, &at.fault), VAULT_DONE);
	check_result(&at, vault_file.key_begin(second, &at.fault), VAULT_DONE);
	vault_file.close(first);
	check_int(access(place_file(&at, ".lock"), F_OK), 0);
	vault_file.key_end(second);
	vault_file.close(second);
	place_remove(&at);
	place_make(&at);
	check_result(&at, vault_file.open(at.where, false, &first, &at.fault), VAULT_DONE);
	vault_file.close(first);
	check_int(access(at.where, F_OK), -1);
	place_remove(&at);
}

#define ATTEMPT_OF_1 \
	"attempts/0100000000000000000000000000000000000000000000000000000000000000"

TEST(what_is_made_is_the_callers_alone)
{
	static const char *const files[] = { "vault.key", "acme.record", "acme.journal",
		"acme.lock", "acme.log",
		ATTEMPT_OF_1 };
	static const uint8_t id[32] = { 1 };
	struct place at;
	struct vault_lock *l;
	struct stat st;
	mode_t before = umask(0);

	place_make(&at);
	check(place_open(&at));
	check_result(&at, put_record(&at, ACME, B("x")), VAULT_DONE);
	check_result(&at, vault_lock(at.vault, ACME, 0, &l, &at.fault), VAULT_DONE);
	check_result(&at, vault_journal_write(l, B("x"), &at.fault), VAULT_DONE);
	vault_unlock(l);
	check_result(
		&at, vault_log_append(at.vault, ACME, B("x"), &at.fault), VAULT_DONE);
	check_result(
		&at, vault_attempt_put(at.vault, id, B("x"), &at.fault), VAULT_DONE);
	umask(before);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		row("%s", files[i]);
		if (check(stat(place_file(&at, files[i]), &st) == 0))
			check_int(st.st_mode, S_IFREG | 0600);
	}
	check(stat(at.where, &st) == 0 && st.st_mode == (S_IFDIR | 0700));
	check(stat(place_file(&at, "attempts"), &st) == 0 &&
		st.st_mode == (S_IFDIR | 0700));
	check(stat(at.key_path, &st) == 0 && st.st_mode == (S_IFREG | 0600));
	place_remove(&at);
}

TEST(a_directory_that_others_may_enter_is_refused)
{
	static const mode_t modes[] = { 0750, 0705, 0710, 0701, 0720, 0777, 01777 };
	struct place at = place_new();

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		row("mode %o", (unsigned)modes[i]);
		chmod(at.where, modes[i]);
		check_refused(&at, "chmod 700");
	}
	chmod(at.where, 0700);
	place_remove(&at);
}

TEST(a_file_that_others_may_read_is_refused)
{
	struct place at = place_new();
	struct bytes got;

	check_result(&at, put_record(&at, ACME, B("x")), VAULT_DONE);
	chmod(place_file(&at, "acme.record"), 0640);
	check_result(&at, get_record(&at, ACME, &got), VAULT_STORAGE);
	check(strstr(at.fault.what, "chmod 600") != NULL);
	chmod(place_file(&at, "acme.record"), 0600);
	check_result(&at, get_record(&at, ACME, &got), VAULT_DONE);
	chmod(place_file(&at, "vault.key"), 0604);
	check_refused(&at, "chmod 600");
	chmod(place_file(&at, "vault.key"), 0600);
	chmod(at.key_path, 0660);
	check_refused(&at, "chmod 600");
	place_remove(&at);
}

TEST(what_somebody_else_owns_is_refused)
{
	struct place at = place_new();
	struct bytes got;

	if (geteuid() != 0) {
		skip("only root can give files away");
		place_remove(&at);
		return;
	}
	check_result(&at, put_record(&at, ACME, B("x")), VAULT_DONE);
	check(chown(place_file(&at, "acme.record"), 65534, 65534) == 0);
	check_result(&at, get_record(&at, ACME, &got), VAULT_STORAGE);
	check(strstr(at.fault.what, "belongs to user 65534") != NULL);
	check(chown(at.where, 65534, 65534) == 0);
	check_refused(&at, "belongs to user 65534");
	place_remove(&at);
}

TEST(no_link_is_followed)
{
	struct place at = place_new();
	struct bytes got;
	const char *aside = arena_printf(at.arena, "%s/aside", at.root);

	check_result(&at, put_record(&at, ACME, B("x")), VAULT_DONE);
	check(rename(place_file(&at, "acme.record"), aside) == 0);
	check(symlink(aside, place_file(&at, "acme.record")) == 0);
	check_result(&at, get_record(&at, ACME, &got), VAULT_STORAGE);
	check(strstr(at.fault.what, "symbolic link") != NULL);
	/* Writing puts a file in its place, and leaves what it pointed at. */
	check_result(&at, put_record(&at, ACME, B("new")), VAULT_DONE);
	check_result(&at, get_record(&at, ACME, &got), VAULT_DONE);
	check_bytes(got, B("new"));
	check(symlink(aside, place_file(&at, ".acme.record.new")) == 0);
	check_result(&at, put_record(&at, ACME, B("newer")), VAULT_STORAGE);
	check(unlink(place_file(&at, ".acme.record.new")) == 0);

	check(rename(at.where, arena_printf(at.arena, "%s/real", at.root)) == 0);
	check(symlink(arena_printf(at.arena, "%s/real", at.root), at.where) == 0);
	check_refused(&at, "symbolic link");
	place_remove(&at);
}

TEST(what_is_no_file_does_not_hold_us)
{
	struct place at = place_new();
	struct bytes got;

	check(mkfifo(place_file(&at, "acme.record"), 0600) == 0);
	check_result(&at, get_record(&at, ACME, &got), VAULT_STORAGE);
	check(mkdir(place_file(&at, "beta.record"), 0700) == 0);
	check_result(&at, get_record(&at, BETA, &got), VAULT_STORAGE);
	place_remove(&at);
}

/* ---- changed behind our back ----------------------------------------------- */

static size_t
read_file(struct place *at, const char *name, uint8_t *out, size_t max)
{
	int fd = open(place_file(at, name), O_RDONLY);
	ssize_t n = fd >= 0 ? read(fd, out, max) : -1;

	close(fd);
	return n > 0 ? (size_t)n : 0;
}

TEST(a_record_that_was_changed_anywhere_is_damaged)
{
	struct place at = place_new();
	uint8_t whole[512], changed[512];
	struct bytes got;
	size_t n;

	check_result(&at, put_record(&at, ACME, B("the tokens of acme")), VAULT_DONE);
	n = read_file(&at, "acme.record", whole, sizeof(whole));
	check_int((int64_t)n, 18 + 49);
	for (size_t bit = 0; bit < n * 8; bit++) {
		row("bit %zu", bit);
		memcpy(changed, whole, n);
		changed[bit / 8] ^= (uint8_t)(1U << bit % 8);
		write_file(&at, "acme.record", changed, n);
		check_result(&at, get_record(&at, ACME, &got), VAULT_DAMAGED);
		check_bytes(got, NONE);
	}
	for (size_t cut = 0; cut < n; cut++) {
		row("cut to %zu", cut);
		write_file(&at, "acme.record", whole, cut);
		check_result(&at, get_record(&at, ACME, &got), VAULT_DAMAGED);
	}
	write_file(&at, "acme.record", whole, n);
	check_result(&at, get_record(&at, ACME, &got), VAULT_DONE);
	place_remove(&at);
}

TEST(a_file_is_good_for_one_name_and_one_kind)
{
	struct place at = place_new();
	struct vault_lock *l;
	struct bytes got;

	check_result(&at, put_record(&at, ACME, B("acme's")), VAULT_DONE);
	check_result(&at, put_record(&at, BETA, B("beta's")), VAULT_DONE);
	check(rename(place_file(&at, "acme.record"), place_file(&at, "beta.record")) ==
		0);
	check_result(&at, get_record(&at, BETA, &got), VAULT_DAMAGED);
	check(strstr(at.fault.what, "moved here from another name") != NULL);
	check(rename(place_file(&at, "beta.record"), place_file(&at, "acme.journal")) ==
		0);
	check_result(&at, vault_lock(at.vault, ACME, 0, &l, &at.fault), VAULT_DONE);
	check_result(
		&at, vault_journal_read(l, at.arena, &got, &at.fault), VAULT_DAMAGED);
	check(rename(place_file(&at, "acme.journal"), place_file(&at, "acme.record")) ==
		0);
	check_result(&at, get_record(&at, ACME, &got), VAULT_DONE);
	vault_unlock(l);
	place_remove(&at);
}

TEST(a_file_of_another_vault_is_damaged)
{
	struct place at = place_new(), other = place_new();
	uint8_t whole[256];
	struct bytes got;
	size_t n;

	check_result(&other, put_record(&other, ACME, B("x")), VAULT_DONE);
	n = read_file(&other, "acme.record", whole, sizeof(whole));
	write_file(&at, "acme.record", whole, n);
	check_result(&at, get_record(&at, ACME, &got), VAULT_DAMAGED);
	place_remove(&at);
	place_remove(&other);
}

TEST(a_newer_version_is_said_to_be_one)
{
	struct place at = place_new();
	uint8_t whole[256];
	struct bytes got;
	size_t n;

	check_result(&at, put_record(&at, ACME, B("x")), VAULT_DONE);
	n = read_file(&at, "acme.record", whole, sizeof(whole));
	whole[7] = 2;
	write_file(&at, "acme.record", whole, n);
	check_result(&at, get_record(&at, ACME, &got), VAULT_DAMAGED);
	check(strstr(at.fault.what, "newer version of Latchkey (format 2)") != NULL);
	place_remove(&at);
}

TEST(a_file_that_is_too_large_is_not_read)
{
	struct place at = place_new();
	struct bytes got;

	check_result(&at, put_record(&at, ACME, B("x")), VAULT_DONE);
	check(truncate(place_file(&at, "acme.record"), 1 << 30) == 0);
	check_result(&at, get_record(&at, ACME, &got), VAULT_DAMAGED);
	check(arena_size(at.arena) < 1 << 20);
	place_remove(&at);
}

/* ---- attempts --------------------------------------------------------------- */

static const char *
attempt_file(struct place *at, const uint8_t id[static 32])
{
	return place_file(at,
		arena_printf(at->arena, "attempts/%s", arena_hex(at->arena, id, 32)));
}

static void
make_old(const char *path)
{
	struct timespec old[2] = { { clock_now() - VAULT_ATTEMPT_LIFE - 5, 0 },
		{ clock_now() - VAULT_ATTEMPT_LIFE - 5, 0 } };

	check(utimensat(AT_FDCWD, path, old, 0) == 0);
}

TEST(an_attempt_older_than_ten_minutes_is_not_given_and_swept)
{
	static const uint8_t one[32] = { 1 }, two[32] = { 2 }, three[32] = { 3 };
	struct place at = place_new();
	struct bytes got;

	check_result(
		&at, vault_attempt_put(at.vault, one, B("x"), &at.fault), VAULT_DONE);
	check_result(
		&at, vault_attempt_put(at.vault, two, B("x"), &at.fault), VAULT_DONE);
	make_old(attempt_file(&at, one));
	make_old(attempt_file(&at, two));
	check_result(&at, vault_attempt_take(at.vault, one, at.arena, &got, &at.fault),
		VAULT_ABSENT);
	vault_close(at.vault);
	check(place_open(&at));
	check_result(
		&at, vault_attempt_put(at.vault, three, B("x"), &at.fault), VAULT_DONE);
	check(access(attempt_file(&at, two), F_OK) != 0);
	check(access(attempt_file(&at, three), F_OK) == 0);
	place_remove(&at);
}

TEST(ten_thousand_attempts_stand_and_no_more)
{
	struct place at = place_new();
	uint8_t id[32] = { 0 };
	enum vault_result r = VAULT_DONE;
	int put = 0;

	while (r == VAULT_DONE && put < 10100) {
		id[0] = (uint8_t)put;
		id[1] = (uint8_t)(put >> 8);
		r = vault_attempt_put(at.vault, id, B("x"), &at.fault);
		put += r == VAULT_DONE;
	}
	check_int(put, 10000);
	check_int(r, VAULT_STORAGE);
	check(strstr(at.fault.what, "ten minutes") != NULL);
	place_remove(&at);
}

/* ---- nothing in the clear -------------------------------------------------- */

static const char secret_text[] = "eyJ-a-secret-that-must-not-be-found";

static int
hold_no_secret(const char *path, const struct stat *st, int kind, struct FTW *walk)
{
	static uint8_t content[1 << 20];
	int fd = open(path, O_RDONLY);
	ssize_t n = S_ISREG(st->st_mode) ? read(fd, content, sizeof(content)) : 0;

	(void)kind, (void)walk;
	row("%s", path);
	check(n <= 0 || memmem(content, (size_t)n, secret_text, 12) == NULL);
	close(fd);
	return 0;
}

TEST(nothing_in_the_directory_holds_a_secret)
{
	static const uint8_t id[32] = { 1 };
	struct place at = place_new();
	struct bytes secret = bytes_of(secret_text);
	struct vault_lock *l;

	check_result(&at, vault_lock(at.vault, ACME, 0, &l, &at.fault), VAULT_DONE);
	for (int i = 0; i < 3; i++) {
		check_result(&at, vault_reserve(l, 5000, &at.fault), VAULT_DONE);
		check_result(
			&at, vault_journal_write(l, secret, &at.fault), VAULT_DONE);
		check_result(&at, vault_write(l, secret, &at.fault), VAULT_DONE);
	}
	check_result(&at, vault_reserve(l, 5000, &at.fault), VAULT_DONE);
	check_result(
		&at, vault_attempt_put(at.vault, id, secret, &at.fault), VAULT_DONE);
	nftw(at.root, hold_no_secret, 16, FTW_PHYS);
	vault_unlock(l);
	place_remove(&at);
}

/* ---- a full disk ----------------------------------------------------------- */

/* Takes what room is left. */
static void
fill_disk(struct place *at)
{
	static uint8_t block[4096];
	int fd = open(place_file(at, "filler"), O_WRONLY | O_CREAT | O_APPEND, 0600);

	while (write(fd, block, sizeof(block)) > 0)
		;
	check_int(errno, ENOSPC);
	close(fd);
}

static void
check_what_reserve_is_for(struct place *at)
{
	char *p = arena_alloc(at->arena, 60000);
	struct vault_lock *l;
	struct bytes got;

	memset(p, 'z', 60000);
	check_result(at, put_record(at, ACME, B("old")), VAULT_DONE);
	check_result(at, vault_lock(at->vault, ACME, 0, &l, &at->fault), VAULT_DONE);
	check_result(at, vault_reserve(l, 60000, &at->fault), VAULT_DONE);
	check_result(at, vault_journal_write(l, B("entry"), &at->fault), VAULT_DONE);
	fill_disk(at);
	/* What was reserved can be written though there is no byte left ... */
	check_result(
		at, vault_write(l, (struct bytes){ p, 60000 }, &at->fault), VAULT_DONE);
	check_result(at, get_record(at, ACME, &got), VAULT_DONE);
	check_int((int64_t)got.n, 60000);
	/* ... and what cannot be is said before it matters. */
	check_result(at, vault_reserve(l, 200000, &at->fault), VAULT_STORAGE);
	check(strstr(at->fault.what, "the disk is full") != NULL);
	check_result(at, vault_write(l, (struct bytes){ p, 50000 }, &at->fault),
		VAULT_STORAGE);
	check_result(at, get_record(at, ACME, &got), VAULT_DONE);
	check_int((int64_t)got.n, 60000);
	vault_unlock(l);
	/* A lock file that does not fit is a sentence, not a SIGBUS. */
	fill_disk(at);
	check_result(at, vault_lock(at->vault, BETA, 0, &l, &at->fault), VAULT_STORAGE);
	check(unlink(place_file(at, "filler")) == 0);
	check_result(at, put_record(at, ACME, B("room again")), VAULT_DONE);
}

static bool
write_word(const char *path, const char *word)
{
	int fd = open(path, O_WRONLY);
	bool written = fd >= 0 && write(fd, word, strlen(word)) == (ssize_t)strlen(word);

	close(fd);
	return written;
}

/* A mount name space of our own; as an ordinary user, being root in one of users too. */
static bool
own_mounts(void)
{
	char user[32], group[32];

	snprintf(user, sizeof(user), "0 %u 1", (unsigned)geteuid());
	snprintf(group, sizeof(group), "0 %u 1", (unsigned)getegid());
	if (unshare(CLONE_NEWNS) != 0 &&
		(unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0 ||
			!write_word("/proc/self/uid_map", user) ||
			!write_word("/proc/self/setgroups", "deny") ||
			!write_word("/proc/self/gid_map", group)))
		return false;
	return mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

static void
fill_a_small_file_system(void *arg)
{
	struct place at;

	(void)arg;
	place_make(&at);
	mkdir(at.where, 0700);
	if (!own_mounts() ||
		mount("none", at.where, "tmpfs", 0, "size=1m,mode=0700") != 0) {
		place_remove(&at);
		_exit(77);
	}
	if (place_open(&at))
		check_what_reserve_is_for(&at);
	vault_close(at.vault);
	at.vault = NULL;
	umount(at.where);
	place_remove(&at);
}

TEST(a_disk_that_fills_up_after_reserving_loses_nothing)
{
	int status = in_child(fill_a_small_file_system, NULL);

	if (status == 77)
		skip("no file system can be mounted here");
	else
		check_int(status, 0);
}
