/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The desktop keyring as it is: gnome-keyring-daemon on a session bus of the test's
 * own, unlocked, locked, hanging and gone.
 */
#include <spawn.h>
#include <time.h>

#include "vault/vault_key.h"
#include "vault_place.h"

extern char **environ;

static struct place home; /* its root holds bus, keyrings and vaults */
static pid_t bus, keyring;

static const char bus_rules[] =
	"<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration "
	"1.0//EN\"\n"
	" \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n"
	"<busconfig><type>session</type><listen>unix:path=%s/bus</listen>\n"
	"<policy context=\"default\"><allow send_destination=\"*\"/>\n"
	"<allow eavesdrop=\"true\"/><allow own=\"*\"/></policy></busconfig>\n";

/* Starts a program that reads `input` and says nothing. */
static pid_t
run(char *const argv[], const char *input)
{
	posix_spawn_file_actions_t files;
	int in[2];
	pid_t child = -1;

	if (pipe2(in, O_CLOEXEC) != 0)
		exit(1);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, in[0], 0);
	posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
	if (posix_spawnp(&child, argv[0], &files, NULL, argv, environ) != 0)
		child = -1;
	posix_spawn_file_actions_destroy(&files);
	if (write(in[1], input, strlen(input)) < 0)
		child = -1;
	close(in[0]);
	close(in[1]);
	return child;
}

static void
stop(pid_t *child)
{
	if (*child <= 0)
		return;
	kill(*child, SIGKILL);
	waitpid(*child, NULL, 0);
	*child = 0;
}

static void
set_home(const char *variable, const char *below)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", home.root, below);
	mkdir(path, 0700);
	setenv(variable, path, 1);
}

/* A bus that starts nothing by itself. */
static bool
start_bus(void)
{
	char rules[96], address[96], option[128];
	char *argv[] = { (char[]){ "dbus-daemon" }, option, (char[]){ "--nofork" },
		NULL };
	FILE *file;

	signal(SIGPIPE, SIG_IGN);
	place_make(&home);
	set_home("HOME", "home");
	set_home("XDG_DATA_HOME", "data");
	set_home("XDG_CONFIG_HOME", "config");
	set_home("XDG_CACHE_HOME", "cache");
	set_home("XDG_RUNTIME_DIR", "run");
	unsetenv("CREDENTIALS_DIRECTORY");
	snprintf(rules, sizeof(rules), "%s/bus.conf", home.root);
	snprintf(option, sizeof(option), "--config-file=%s", rules);
	snprintf(address, sizeof(address), "unix:path=%s/bus", home.root);
	setenv("DBUS_SESSION_BUS_ADDRESS", address, 1);
	file = fopen(rules, "w");
	if (file == NULL)
		return false;
	fprintf(file, bus_rules, home.root);
	fclose(file);
	bus = run(argv, "");
	for (int i = 0; i < 500 && bus > 0; i++) {
		if (access(address + strlen("unix:path="), F_OK) == 0)
			return true;
		nanosleep(&(struct timespec){ 0, 10000000 }, NULL);
	}
	return false;
}

static void
end_all(void)
{
	stop(&keyring);
	stop(&bus);
}

/* With its login keyring unlocked, or not; waits until it has come up as that. */
static bool
start_keyring(bool unlocked)
{
	char *argv[] = { (char[]){ "gnome-keyring-daemon" }, (char[]){ "--foreground" },
		(char[]){ "--components=secrets" },
		unlocked ? (char[]){ "--unlock" } : NULL, NULL };

	stop(&keyring);
	keyring = run(argv, unlocked ? "the login password" : "");
	for (int i = 0; i < 100 && unlocked && keyring > 0; i++) {
		if (key_keyring_open())
			return true;
		nanosleep(&(struct timespec){ 0, 50000000 }, NULL);
	}
	return keyring > 0 && !unlocked;
}

/* A vault beside the others; NULL and f where it does not open. */
static struct vault *
vault_named(const char *name, const char *key, const struct vault_ask *ask,
	enum vault_result want)
{
	char where[128];
	struct vault *v = NULL;

	snprintf(where, sizeof(where), "%s/%s", home.root, name);
	check_result(&home, vault_open(where, key, ask, &v, &home.fault), want);
	return v;
}

static bool
agent_has_no_key(void *arg, uint8_t key[static 32])
{
	(void)arg;
	memset(key, 7, 32);
	return true;
}

static bool
agent_has_the_key(void *arg, uint8_t key[static 32])
{
	memcpy(key, arg, 32);
	return true;
}

TEST(where_there_is_no_keyring_a_new_vault_takes_a_key_file)
{
	struct vault *v;

	if (!check(start_bus()))
		return;
	check(!key_keyring_open());
	check(vault_named("asked", "keyring", NULL, VAULT_LOCKED) == NULL);
	v = vault_named("plain", NULL, NULL, VAULT_DONE);
	if (v != NULL)
		check(strstr(vault_key_place(v), "key file ") == vault_key_place(v));
	vault_close(v);
}

TEST(a_new_vault_takes_the_keyring_that_is_open)
{
	struct vault *v;
	uint8_t key[32];

	if (!check(start_keyring(true)))
		return;
	v = vault_named("first", NULL, NULL, VAULT_DONE);
	if (v == NULL)
		return;
	check_str(vault_key_place(v), "desktop keyring");
	memcpy(key, vault_data_key(v), 32);
	vault_close(v);
	v = vault_named("first", "keyring", NULL, VAULT_DONE);
	check(v != NULL && memcmp(key, vault_data_key(v), 32) == 0);
	vault_close(v);
	/* Another vault has another key, and the older one keeps its file. */
	v = vault_named("second", NULL, NULL, VAULT_DONE);
	check(v != NULL && memcmp(key, vault_data_key(v), 32) != 0);
	vault_close(v);
	v = vault_named("plain", NULL, NULL, VAULT_DONE);
	check(v != NULL && strstr(vault_key_place(v), "key file ") != NULL);
	vault_close(v);
	check(vault_named("first", "file:/tmp/other.key", NULL, VAULT_UNFIT) == NULL);
	check(strstr(home.fault.what, "desktop keyring") != NULL);
}

TEST(a_keyring_that_hangs_is_waited_for_two_seconds)
{
	int64_t began = clock_monotonic_ms(), took;

	if (!check(keyring > 0))
		return;
	kill(keyring, SIGSTOP);
	check(vault_named("first", NULL, NULL, VAULT_LOCKED) == NULL);
	took = clock_monotonic_ms() - began;
	check(took >= 1900 && took < 4000);
	check(strstr(home.fault.what, "does not answer") != NULL);
	kill(keyring, SIGCONT);
	vault_close(vault_named("first", NULL, NULL, VAULT_DONE));
}

TEST(a_vault_whose_keyring_is_locked_is_locked_and_gets_no_other_key)
{
	struct vault *v = vault_named("first", NULL, NULL, VAULT_DONE);
	uint8_t key[32];
	struct vault_ask wrong = { .agent_key = agent_has_no_key };
	struct vault_ask right = { .agent_key = agent_has_the_key, .arg = key };

	if (v == NULL)
		return;
	memcpy(key, vault_data_key(v), 32);
	vault_close(v);
	if (!check(start_keyring(false)))
		return;
	nanosleep(&(struct timespec){ 1, 0 }, NULL);
	check(vault_named("first", NULL, NULL, VAULT_LOCKED) == NULL);
	printf("# %s\n", home.fault.what);
	check(strstr(home.fault.what, "is locked: unlock it") != NULL);
	check(vault_named("first", NULL, &wrong, VAULT_LOCKED) == NULL);
	v = vault_named("first", NULL, &right, VAULT_DONE);
	check(v != NULL && memcmp(key, vault_data_key(v), 32) == 0);
	vault_close(v);
	/* And a new one does not use it. */
	v = vault_named("third", NULL, NULL, VAULT_DONE);
	check(v != NULL && strstr(vault_key_place(v), "key file ") != NULL);
	vault_close(v);
	if (check(start_keyring(true)))
		vault_close(vault_named("first", NULL, NULL, VAULT_DONE));
}

TEST(a_keyring_that_is_gone_is_locked_too)
{
	stop(&keyring);
	check(vault_named("first", NULL, NULL, VAULT_LOCKED) == NULL);
	unsetenv("DBUS_SESSION_BUS_ADDRESS");
	check(vault_named("first", NULL, NULL, VAULT_LOCKED) == NULL);
	check(strstr(home.fault.what, "no desktop session") != NULL);
	end_all();
	place_remove(&home);
}
