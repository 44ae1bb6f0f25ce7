/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key_keyring.c - a wrapping key in the desktop's keyring, through libsecret (the
 * freedesktop.org Secret Service): it opens with the person's login.
 *
 * Promises: nobody is ever prompted, a keyring that is locked is VAULT_LOCKED; no call
 * takes longer than ANSWER_MS, however the bus or the keyring hangs. libsecret and GLib
 * are loaded when a keyring is first asked, and only where there is a session bus.
 */
#include <libsecret/secret.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/library.h"
#include "base/secret.h"
#include "text/base64url.h"
#include "vault/vault_key.h"

#define ANSWER_MS 2000
#define KEY_TEXT BASE64URL_SIZE(32)

/* ---- the library ----------------------------------------------------------- */

#define FUNCTIONS(X)                                                                   \
	X(secret_service_open_sync)                                                    \
	X(secret_service_get_type)                                                     \
	X(secret_service_store_sync) X(secret_service_search_sync)                     \
		X(secret_collection_for_alias_sync) X(secret_collection_get_locked) X( \
			secret_item_get_locked) X(secret_item_get_secret)              \
			X(secret_value_new) X(secret_value_get) X(secret_value_unref)  \
				X(secret_attributes_build) X(g_object_unref)           \
					X(g_hash_table_unref) X(g_list_free)           \
						X(g_error_free) X(g_cancellable_new)   \
							X(g_cancellable_cancel)

static struct {
#define MEMBER(name) __typeof__(name) *name;
	FUNCTIONS(MEMBER)
#undef MEMBER
} lib;
static bool loaded;

static void
load(void)
{
	static const struct library_symbol wanted[] = {
#define ROW(name) { #name, &lib.name },
		FUNCTIONS(ROW)
#undef ROW
	};

	loaded = library_load(
		"libsecret-1.so.0", wanted, sizeof(wanted) / sizeof(wanted[0]));
}

/* ---- one question to the keyring ------------------------------------------- */

enum question { IS_IT_OPEN, STORE, FIND };

/* Belongs to the thread that asks the keyring once the caller has given it up. */
struct job {
	enum question question;
	char id[33];
	uint8_t key[32];
	enum vault_result result;
	struct fault fault;
	GCancellable *cancel;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	bool done, given_up;
};

static const SecretSchema schema = {
	.name = "org.latchkey.Vault",
	.flags = SECRET_SCHEMA_NONE,
	.attributes = { { "vault", SECRET_SCHEMA_ATTRIBUTE_STRING }, { NULL, 0 } },
};

static enum vault_result
failed(struct job *j, GError *error, const char *doing)
{
	enum vault_result r = VAULT_FAIL(&j->fault, VAULT_LOCKED,
		"the desktop keyring "
		"cannot %s: %.100s",
		doing, error != NULL ? error->message : "no reason given");

	if (error != NULL)
		lib.g_error_free(error);
	return r;
}

static enum vault_result
locked(struct job *j)
{
	return VAULT_FAIL(&j->fault, VAULT_LOCKED,
		"the desktop keyring is locked: unlock "
		"it (log in to the desktop, or use its Passwords and Keys)");
}

/* The keyring that new secrets go to must be there and open. */
static enum vault_result
default_open(struct job *j, SecretService *service)
{
	GError *error = NULL;
	SecretCollection *collection = lib.secret_collection_for_alias_sync(service,
		SECRET_COLLECTION_DEFAULT, SECRET_COLLECTION_NONE, j->cancel, &error);
	bool is_locked;

	if (error != NULL)
		return failed(j, error, "be asked");
	if (collection == NULL)
		return VAULT_FAIL(&j->fault, VAULT_LOCKED,
			"there is no default keyring: "
			"make one, or keep the vault's key elsewhere");
	is_locked = lib.secret_collection_get_locked(collection);
	lib.g_object_unref(collection);
	return is_locked ? locked(j) : VAULT_DONE;
}

static enum vault_result
store(struct job *j, SecretService *service, GHashTable *attributes)
{
	char text[KEY_TEXT];
	GError *error = NULL;
	SecretValue *value;
	gboolean stored;

	VAULT_TRY(default_open(j, service));
	value = lib.secret_value_new(
		text, (gssize)base64url_encode(j->key, 32, text), "text/plain");
	secret_wipe(text, sizeof(text));
	stored = lib.secret_service_store_sync(service, &schema, attributes,
		SECRET_COLLECTION_DEFAULT, "Latchkey vault", value, j->cancel, &error);
	lib.secret_value_unref(value);
	return stored ? VAULT_DONE : failed(j, error, "keep the vault's key");
}

static enum vault_result
key_in(struct job *j, SecretItem *item)
{
	SecretValue *value = lib.secret_item_get_secret(item);
	gsize n = 0;
	size_t got = 0;
	const char *text = value != NULL ? lib.secret_value_get(value, &n) : NULL;
	bool whole = text != NULL &&
		base64url_decode((struct bytes){ text, n }, j->key, 32, &got) &&
		got == 32;

	if (value != NULL)
		lib.secret_value_unref(value);
	if (whole)
		return VAULT_DONE;
	return VAULT_FAIL(&j->fault, VAULT_LOCKED,
		"what the desktop keyring has for this "
		"vault is not a key of Latchkey's");
}

/* Nothing was found: a keyring that is locked may not tell what it has. */
static enum vault_result
missing(struct job *j, SecretService *service)
{
	VAULT_TRY(default_open(j, service));
	return VAULT_FAIL(&j->fault, VAULT_LOCKED,
		"the desktop keyring does not have the "
		"key of this vault: bring that keyring back");
}

static enum vault_result
find(struct job *j, SecretService *service, GHashTable *attributes)
{
	GError *error = NULL;
	GList *items = lib.secret_service_search_sync(service, &schema, attributes,
		SECRET_SEARCH_ALL | SECRET_SEARCH_LOAD_SECRETS, j->cancel, &error);
	enum vault_result r = VAULT_LOCKED;
	bool any_locked = false;

	if (error != NULL)
		return failed(j, error, "be asked");
	for (GList *at = items; at != NULL; at = at->next) {
		bool shut = lib.secret_item_get_locked(at->data);

		any_locked |= shut;
		if (!shut && r != VAULT_DONE)
			r = key_in(j, at->data);
		lib.g_object_unref(at->data);
	}
	if (items == NULL)
		return missing(j, service);
	lib.g_list_free(items);
	return r == VAULT_LOCKED && any_locked ? locked(j) : r;
}

static enum vault_result
answer(struct job *j)
{
	GError *error = NULL;
	SecretService *service =
		lib.secret_service_open_sync(lib.secret_service_get_type(), NULL,
			SECRET_SERVICE_OPEN_SESSION, j->cancel, &error);
	GHashTable *attributes;
	enum vault_result r;

	if (service == NULL)
		return failed(j, error, "be reached");
	attributes = lib.secret_attributes_build(&schema, "vault", j->id, NULL);
	switch (j->question) {
	case IS_IT_OPEN: r = default_open(j, service); break;
	case STORE: r = store(j, service, attributes); break;
	case FIND: r = find(j, service, attributes); break;
	default: r = VAULT_LOCKED;
	}
	lib.g_hash_table_unref(attributes);
	lib.g_object_unref(service);
	return r;
}

/* ---- asking, for so long and no longer ------------------------------------- */

static void
job_free(struct job *j)
{
	lib.g_object_unref(j->cancel);
	pthread_cond_destroy(&j->changed);
	pthread_mutex_destroy(&j->mutex);
	secret_wipe(j, sizeof(*j));
	free(j);
}

static void *
work(void *arg)
{
	struct job *j = arg;
	enum vault_result r = answer(j);
	bool given_up;

	pthread_mutex_lock(&j->mutex);
	j->result = r;
	j->done = true;
	given_up = j->given_up;
	pthread_cond_signal(&j->changed);
	pthread_mutex_unlock(&j->mutex);
	if (given_up)
		job_free(j);
	return NULL;
}

/* A thread that takes none of the host's signals; nor do those that GLib starts in
 * it. */
static bool
start(struct job *j)
{
	pthread_attr_t detached;
	sigset_t all, before;
	pthread_t thread;
	bool started;

	sigfillset(&all);
	pthread_attr_init(&detached);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	started = pthread_create(&thread, &detached, work, j) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&detached);
	return started;
}

static bool
wait_done(struct job *j)
{
	struct timespec until;
	int error = 0;
	bool done;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ANSWER_MS / 1000;
	pthread_mutex_lock(&j->mutex);
	while (!j->done && error == 0)
		error = pthread_cond_timedwait(&j->changed, &j->mutex, &until);
	done = j->done;
	j->given_up = !done;
	if (!done)
		lib.g_cancellable_cancel(j->cancel);
	pthread_mutex_unlock(&j->mutex);
	return done;
}

static struct job *
job_new(enum question question, const char *id, const uint8_t *key)
{
	struct job *j = calloc(1, sizeof(*j));
	pthread_condattr_t monotonic;

	if (j == NULL)
		return NULL;
	j->question = question;
	snprintf(j->id, sizeof(j->id), "%s", id);
	if (key != NULL)
		memcpy(j->key, key, sizeof(j->key));
	j->cancel = lib.g_cancellable_new();
	pthread_mutex_init(&j->mutex, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&j->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	return j;
}

/* Without one, libsecret would try to start a bus of its own. */
static bool
session_bus(void)
{
	const char *address = secure_getenv("DBUS_SESSION_BUS_ADDRESS");
	const char *runtime = secure_getenv("XDG_RUNTIME_DIR");
	char path[256];

	if (address != NULL && address[0] != '\0')
		return true;
	if (runtime == NULL || runtime[0] != '/' ||
		snprintf(path, sizeof(path), "%s/bus", runtime) >= (int)sizeof(path))
		return false;
	return access(path, F_OK) == 0;
}

/* key: to be stored, or where the one that is found goes. */
static enum vault_result
ask_keyring(
	enum question question, const char *id, uint8_t key[static 32], struct fault *f)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	enum vault_result r;
	struct job *j;

	if (!session_bus())
		return VAULT_FAIL(f, VAULT_LOCKED,
			"there is no desktop session here, so no "
			"keyring: log in, or start `latchkey agent` in the session");
	pthread_once(&once, load);
	if (!loaded)
		return VAULT_FAIL(f, VAULT_LOCKED,
			"libsecret-1.so.0 cannot be loaded: is "
			"libsecret-1-0 installed?");
	j = job_new(question, id, question == STORE ? key : NULL);
	if (j == NULL || !start(j)) {
		if (j != NULL)
			job_free(j);
		return VAULT_FAIL(f, VAULT_MEMORY, "out of memory");
	}
	if (!wait_done(j))
		return VAULT_FAIL(f, VAULT_LOCKED,
			"the desktop keyring does not answer "
			"within %d seconds",
			ANSWER_MS / 1000);
	r = j->result;
	if (r == VAULT_DONE && question == FIND)
		memcpy(key, j->key, 32);
	if (r != VAULT_DONE && f != NULL)
		*f = j->fault;
	job_free(j);
	return r;
}

/* ---- the source ------------------------------------------------------------ */

bool
key_keyring_open(void)
{
	uint8_t none[32] = { 0 };

	return ask_keyring(IS_IT_OPEN, "", none, NULL) == VAULT_DONE;
}

static enum vault_result
keyring_make(struct key_text *t, const struct vault *v, const struct vault_ask *ask,
	uint8_t key[static 32], struct fault *f)
{
	(void)v;
	(void)ask;
	secret_random(key, 32);
	return ask_keyring(STORE, t->id, key, f);
}

static enum vault_result
keyring_get(const struct key_text *t, const struct vault_ask *ask,
	uint8_t key[static 32], struct fault *f)
{
	(void)ask;
	return ask_keyring(FIND, t->id, key, f);
}

const struct key_source key_keyring = {
	.word = "keyring",
	.make = keyring_make,
	.get = keyring_get,
	.place = "desktop keyring",
};
