/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The data key and what opens it: key file, systemd credential, passphrase, agent. A
 * vault that has a key never gets another, and what cannot be had is said. The desktop
 * keyring has test_vault_keyring.c.
 */
#include "vault/vault_key.h"

#include <pwd.h>

#include "vault_place.h"

/* No desktop, no credentials, and a home of the test's own. */
static void
make_alone(struct place *at)
{
	place_make(at);
	unsetenv("DBUS_SESSION_BUS_ADDRESS");
	unsetenv("XDG_RUNTIME_DIR");
	unsetenv("CREDENTIALS_DIRECTORY");
	unsetenv("XDG_CONFIG_HOME");
	setenv("HOME", at->root, 1);
}

static void
reopen(struct place *at, const char *key, const struct vault_ask *ask,
	enum vault_result want)
{
	vault_close(at->vault);
	at->vault = NULL;
	check_result(at, vault_open(at->where, key, ask, &at->vault, &at->fault), want);
}

static void
check_said(const struct place *at, const char *words)
{
	if (!check(strstr(at->fault.what, words) != NULL))
		printf("#    said: %s\n", at->fault.what);
}

static void
write_key(struct place *at, const char *path, const char *content)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	check(fd >= 0 &&
		write(fd, content, strlen(content)) == (ssize_t)strlen(content));
	close(fd);
	(void)at;
}

/* ---- key file -------------------------------------------------------------- */

/* Nobody makes directories in /sys, root included; the first refusal is the reason. */
TEST(a_directory_that_cannot_be_made_says_why)
{
	struct vault *v = NULL;
	struct fault f;

	check_int(vault_open("/sys/latchkey/state/vault", "file:/sys/latchkey/key", NULL, &v,
			  &f), VAULT_STORAGE);
	if (!check(strstr(f.what, "No such file") == NULL))
		printf("#    said: %s\n", f.what);
	vault_close(v);
}

/* As a service often is; the vault is looked for below the same directory. */
TEST(without_HOME_the_user_database_says_where_the_key_file_is)
{
	const struct passwd *me = getpwuid(getuid());
	char where[KEY_WHERE_MAX], want[KEY_WHERE_MAX];
	struct fault f;

	unsetenv("XDG_CONFIG_HOME");
	unsetenv("HOME");
	check_int(key_file_default(where, &f), VAULT_DONE);
	if (!check(me != NULL))
		return;
	snprintf(want, sizeof(want), "%s/.config/latchkey/vault.key", me->pw_dir);
	check_str(where, want);
}

TEST(without_a_word_a_key_file_is_made_in_the_configuration_directory)
{
	struct place at;
	struct stat st;
	const char *path;

	make_alone(&at);
	reopen(&at, NULL, NULL, VAULT_DONE);
	path = arena_printf(at.arena, "%s/.config/latchkey/vault.key", at.root);
	check(stat(path, &st) == 0 && st.st_size == 32 &&
		st.st_mode == (S_IFREG | 0600));
	check_str(
		vault_key_place(at.vault), arena_printf(at.arena, "key file %s", path));
	check_str(vault_place(at.vault),
		arena_printf(at.arena, "directory %s", at.where));
	reopen(&at, NULL, NULL, VAULT_DONE);
	place_remove(&at);
}

TEST(a_key_file_may_move_and_may_not_be_another)
{
	struct place at = place_new();
	const char *moved = arena_printf(at.arena, "%s/moved.key", at.root);
	struct bytes got;

	check_result(&at, put_record(&at, B("acme"), B("x")), VAULT_DONE);
	check(rename(at.key_path, moved) == 0);
	reopen(&at, NULL, NULL, VAULT_LOCKED);
	check_said(&at, "is gone: bring it back");
	check(access(at.key_path, F_OK) != 0); /* and no other was made */
	reopen(&at, arena_printf(at.arena, "file:%s", moved), NULL, VAULT_DONE);
	check_result(&at, get_record(&at, B("acme"), &got), VAULT_DONE);
	write_key(&at, at.key_path, "another key of thirty-two octets!");
	reopen(&at, NULL, NULL, VAULT_LOCKED);
	check_said(&at, "does not open this vault");
	write_key(&at, at.key_path, "too short");
	reopen(&at, NULL, NULL, VAULT_STORAGE);
	check_said(&at, "9 bytes");
	place_remove(&at);
}

TEST(a_key_file_is_never_in_the_vault_itself)
{
	static const char *const below[] = { "vault.key.file", "deeper/vault.key",
		"../vault/x.key" };
	struct place at;

	for (size_t i = 0; i < 3; i++) {
		place_make(&at);
		row("%s", below[i]);
		reopen(&at,
			arena_printf(at.arena, "file:%s", place_file(&at, below[i])),
			NULL, VAULT_UNFIT);
		check_said(&at, "in the vault itself");
		check(access(place_file(&at, below[i]), F_OK) != 0);
		place_remove(&at);
	}
}

TEST(two_vaults_may_share_a_key_file_and_not_a_data_key)
{
	struct place one = place_new(), two;

	place_make(&two);
	check_result(&two, vault_open(two.where, one.key, NULL, &two.vault, &two.fault),
		VAULT_DONE);
	check(memcmp(vault_data_key(one.vault), vault_data_key(two.vault), 32) != 0);
	place_remove(&two);
	place_remove(&one);
}

/* ---- vault.key ------------------------------------------------------------- */

TEST(what_is_asked_for_must_be_what_there_is)
{
	static const struct {
		const char *key, *said;
	} rows[] = {
		{ "keyring", "key file" },
		{ "passphrase", "key file" },
		{ "credential:x", "key file" },
		{ "nothing", "one of: keyring" },
		{ "", "one of: keyring" },
		{ "file:a\nb", "control character" },
	};
	struct place at = place_new();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row("%s", rows[i].key);
		reopen(&at, rows[i].key, NULL, VAULT_UNFIT);
		check_said(&at, rows[i].said);
	}
	place_remove(&at);
}

TEST(a_vault_that_lost_its_vault_key_gets_no_other)
{
	struct place at = place_new();

	check_result(&at, put_record(&at, B("acme"), B("x")), VAULT_DONE);
	check(unlink(place_file(&at, "vault.key")) == 0);
	reopen(&at, at.key, NULL, VAULT_DAMAGED);
	check_said(&at, "bring it back");
	check(access(place_file(&at, "vault.key"), F_OK) != 0);
	place_remove(&at);
}

TEST(a_vault_key_that_was_changed_opens_nothing)
{
	struct place at = place_new();
	static char whole[2048], changed[2048];
	int fd = open(place_file(&at, "vault.key"), O_RDONLY);
	ssize_t n = read(fd, whole, sizeof(whole));

	close(fd);
	for (ssize_t i = 0; i < n; i++) {
		struct vault *v = NULL;
		enum vault_result r;

		row("octet %zd", i);
		memcpy(changed, whole, (size_t)n);
		changed[i] ^= 1;
		fd = open(place_file(&at, "vault.key"), O_WRONLY | O_TRUNC);
		check(write(fd, changed, (size_t)n) == n);
		close(fd);
		r = vault_open(at.where, at.key, NULL, &v, &at.fault);
		/* The path is a hint, and the check is for agents: they open
		 * nothing. */
		if (memmem(changed, (size_t)i, "\nwhere ", 7) == NULL ||
			memmem(changed, (size_t)i, "\ndata ", 6) != NULL)
			check(r == VAULT_DAMAGED || r == VAULT_LOCKED ||
				r == VAULT_STORAGE);
		if (r == VAULT_DONE)
			check(memcmp(vault_data_key(v), vault_data_key(at.vault), 32) ==
				0);
		vault_close(v);
	}
	place_remove(&at);
}

TEST(a_newer_vault_key_is_said_to_be_one)
{
	struct place at = place_new();

	write_key(
		&at, place_file(&at, "vault.key"), "latchkey vault key 2\nwhatever\n");
	reopen(&at, NULL, NULL, VAULT_DAMAGED);
	check_said(&at, "newer version of Latchkey (format 2)");
	place_remove(&at);
}

static void
open_new_at_once(void *arg)
{
	struct place *at = arg;
	struct vault *v;

	if (vault_open(at->where, at->key, NULL, &v, &at->fault) != VAULT_DONE)
		_exit(1);
	_exit(vault_data_key(v)[0] == 0 ? 0 : 2 + vault_data_key(v)[0] % 250);
}

TEST(of_many_who_make_a_vault_at_once_all_get_the_same_key)
{
	struct place at;
	pid_t children[16];
	int first = -1;

	place_make(&at);
	fflush(stdout);
	for (int i = 0; i < 16; i++) {
		children[i] = fork();
		if (children[i] == 0)
			open_new_at_once(&at);
	}
	for (int i = 0; i < 16; i++) {
		int status = -1;

		waitpid(children[i], &status, 0);
		check(WIFEXITED(status) && WEXITSTATUS(status) != 1);
		first = first < 0 ? status : first;
		check_int(status, first);
	}
	place_remove(&at);
}

/* ---- systemd credential ---------------------------------------------------- */

TEST(a_credential_is_taken_where_systemd_gives_one)
{
	struct place at;
	const char *directory, *file;

	make_alone(&at);
	directory = arena_printf(at.arena, "%s/credentials", at.root);
	file = arena_printf(at.arena, "%s/latchkey-vault", directory);
	mkdir(directory, 0700);
	write_key(&at, file, "a credential of thirty-two octets or more");
	setenv("CREDENTIALS_DIRECTORY", directory, 1);
	reopen(&at, NULL, NULL, VAULT_DONE);
	check_str(vault_key_place(at.vault), "systemd credential latchkey-vault");
	reopen(&at, "credential:latchkey-vault", NULL, VAULT_DONE);
	chmod(file, 0440); /* as systemd does it for a service's group */
	reopen(&at, NULL, NULL, VAULT_DONE);
	chmod(file, 0444);
	reopen(&at, NULL, NULL, VAULT_STORAGE);
	chmod(file, 0400);
	reopen(&at, "credential:../credentials/latchkey-vault", NULL, VAULT_UNFIT);
	unsetenv("CREDENTIALS_DIRECTORY");
	reopen(&at, NULL, NULL, VAULT_LOCKED);
	check_said(&at, "LoadCredentialEncrypted=latchkey-vault");
	place_remove(&at);
}

/* ---- passphrase, agent ----------------------------------------------------- */

struct person {
	const char *says;
	int asked, twice;
	uint8_t agent[32];
};

static bool
say(void *arg, bool twice, char *text, size_t *n)
{
	struct person *p = arg;
	size_t size = strlen(p->says);

	p->asked++;
	p->twice += twice;
	if (size == 0 || size > *n)
		return false;
	memcpy(text, p->says, size);
	*n = size;
	return true;
}

static bool
agent_key(void *arg, uint8_t key[static 32])
{
	memcpy(key, ((struct person *)arg)->agent, 32);
	return true;
}

TEST(a_passphrase_is_asked_of_a_person_or_had_from_the_agent)
{
	struct person p = { .says = "correct horse battery" };
	struct vault_ask person = { NULL, say, &p }, agent = { agent_key, NULL, &p };
	struct vault_ask both = { agent_key, say, &p };
	struct place at;

	make_alone(&at);
	reopen(&at, "passphrase", NULL, VAULT_LOCKED);
	check_said(&at, "latchkey agent");
	p.says = "short";
	reopen(&at, "passphrase", &person, VAULT_LOCKED);
	check_said(&at, "8 characters");
	p = (struct person){ .says = "correct horse battery" };
	reopen(&at, "passphrase", &person, VAULT_DONE);
	check(p.asked == 1 && p.twice == 1);
	check_str(vault_key_place(at.vault), "passphrase");
	memcpy(p.agent, vault_data_key(at.vault), 32);

	reopen(&at, NULL, &agent, VAULT_DONE);
	reopen(&at, NULL, &both, VAULT_DONE);
	check_int(p.asked, 1);
	reopen(&at, NULL, NULL, VAULT_LOCKED);
	p.agent[0] ^= 1; /* the agent of another vault */
	reopen(&at, NULL, &agent, VAULT_LOCKED);
	reopen(&at, NULL, &both, VAULT_DONE);
	check(p.asked == 2 && p.twice == 1);
	p.says = "incorrect horse battery";
	reopen(&at, NULL, &person, VAULT_LOCKED);
	check_said(&at, "not the vault's passphrase");
	p.says = "";
	reopen(&at, NULL, &person, VAULT_LOCKED);
	place_remove(&at);
}

TEST(an_agent_helps_where_the_key_file_cannot_be_had)
{
	struct person p = { .says = "" };
	struct vault_ask agent = { agent_key, NULL, &p };
	struct place at = place_new();

	memcpy(p.agent, vault_data_key(at.vault), 32);
	check(unlink(at.key_path) == 0);
	reopen(&at, NULL, NULL, VAULT_LOCKED);
	reopen(&at, NULL, &agent, VAULT_DONE);
	p.agent[5] ^= 1;
	reopen(&at, NULL, &agent, VAULT_LOCKED);
	place_remove(&at);
}
