/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault_key.c - which source, and the data key through it. For a new vault the first
 * that works of: the desktop keyring (not for a vault that machines share), a systemd
 * credential, a key file; for one that exists, its own.
 */
#include "vault/vault_key.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/secret.h"

#define CREDENTIAL "latchkey-vault"
#define NONCE crypto_aead_xchacha20poly1305_ietf_NPUBBYTES

/* What was asked for: "file:/path", "keyring", or nothing. */
struct asked {
	const struct key_source *source; /* NULL: nothing */
	const char *where; /* "" where nothing was said */
};

static enum vault_result
read_asked(const char *text, struct asked *out, struct fault *f)
{
	struct bytes rest = bytes_of(text), word = bytes_cut(&rest, ':');

	*out = (struct asked){ NULL, "" };
	if (text == NULL)
		return VAULT_DONE;
	out->source = key_source_of(word);
	if (out->source == NULL)
		return VAULT_FAIL(f, VAULT_UNFIT,
			"a vault's key is in one of: keyring, "
			"credential:NAME, file:PATH, passphrase "
			"(lk_options.key, LATCHKEY_KEY)");
	if (rest.n >= KEY_WHERE_MAX)
		return VAULT_FAIL(f, VAULT_UNFIT, "the key's path is too long");
	for (size_t i = 0; i < rest.n; i++)
		if ((unsigned char)rest.p[i] < 0x20)
			return VAULT_FAIL(f, VAULT_UNFIT,
				"the key's path has a control "
				"character");
	if (rest.n > 0)
		out->where = rest.p;
	return VAULT_DONE;
}

/* ---- wrapping ------------------------------------------------------------------- */

/* Bound into the box: the format's version, the vault's id, the kind of source. */
static struct bytes
beside(const struct key_text *t, char *out, size_t size)
{
	int n = snprintf(
		out, size, "latchkey vault key 1 %s %s", t->id, t->source->word);

	return (struct bytes){ out, (size_t)n };
}

static void
check_of(const uint8_t data_key[static 32], uint8_t out[static 16])
{
	static const char label[] = "latchkey vault check";

	crypto_generichash(
		out, 16, (const uint8_t *)label, sizeof(label) - 1, data_key, 32);
}

static void
wrap(struct key_text *t, const uint8_t key[static 32],
	const uint8_t data_key[static 32])
{
	char memory[96];
	struct bytes with = beside(t, memory, sizeof(memory));

	check_of(data_key, t->check);
	secret_random(t->box, NONCE);
	crypto_aead_xchacha20poly1305_ietf_encrypt(t->box + NONCE, NULL, data_key, 32,
		(const uint8_t *)with.p, with.n, NULL, t->box, key);
}

static bool
unwrap(const struct key_text *t, const uint8_t key[static 32],
	uint8_t data_key[static 32])
{
	char memory[96];
	struct bytes with = beside(t, memory, sizeof(memory));

	return crypto_aead_xchacha20poly1305_ietf_decrypt(data_key, NULL, NULL,
		       t->box + NONCE, sizeof(t->box) - NONCE, (const uint8_t *)with.p,
		       with.n, t->box, key) == 0;
}

/* ---- a vault that has a key ------------------------------------------------ */

static bool
agent_has_it(const struct key_text *t, const struct vault_ask *ask, struct vault *v)
{
	uint8_t key[32], check[16];
	bool right;

	if (ask == NULL || ask->agent_key == NULL || !ask->agent_key(ask->arg, key))
		return false;
	check_of(key, check);
	right = secret_equal(check, t->check, sizeof(check));
	if (right)
		memcpy(v->data_key, key, sizeof(key));
	secret_wipe(key, sizeof(key));
	return right;
}

static void
say_place(struct vault *v, const struct key_text *t)
{
	struct bytes format = bytes_of(t->source->place);
	struct buf b = buf_fixed(v->key_place, sizeof(v->key_place));

	buf_put(&b, bytes_cut(&format, '%'));
	if (format.n > 0) {
		buf_put(&b, bytes_of(t->where));
		buf_put(&b, bytes_slice(format, 1, format.n));
	}
	(void)buf_cstr(&b);
}

static enum vault_result
from_source(struct vault *v, const struct key_text *t, const struct vault_ask *ask,
	struct fault *f)
{
	uint8_t key[32];
	bool opened;

	VAULT_TRY(t->source->get(t, ask, key, f));
	opened = unwrap(t, key, v->data_key);
	secret_wipe(key, sizeof(key));
	if (opened)
		return VAULT_DONE;
	if (t->source == &key_passphrase)
		return VAULT_FAIL(
			f, VAULT_LOCKED, "this is not the vault's passphrase");
	return VAULT_FAIL(f, VAULT_LOCKED,
		"the %s does not open this vault: bring back "
		"the key that it was made with",
		v->key_place);
}

static enum vault_result
open_existing(struct vault *v, struct bytes text, const struct asked *asked,
	const struct vault_ask *ask, struct fault *f)
{
	struct key_text t;
	enum vault_result r;

	VAULT_TRY(key_text_read(text, &t, f));
	if (asked->source != NULL && asked->source != t.source) {
		say_place(v, &t);
		return VAULT_FAIL(f, VAULT_UNFIT,
			"the key of this vault is: %s; another "
			"was asked for (%s)",
			v->key_place, asked->source->word);
	}
	/* It may have moved: what opens the box is the key. */
	if (asked->where[0] != '\0')
		snprintf(t.where, sizeof(t.where), "%s", asked->where);
	say_place(v, &t);
	if (t.source == &key_passphrase && agent_has_it(&t, ask, v))
		return VAULT_DONE;
	r = from_source(v, &t, ask, f);
	if (r == VAULT_LOCKED && t.source != &key_passphrase &&
		agent_has_it(&t, ask, v))
		return VAULT_DONE;
	return r;
}

/* ---- a new vault ----------------------------------------------------------- */

static enum vault_result
choose(const struct vault *v, const struct asked *asked, struct key_text *t,
	struct fault *f)
{
	t->source = asked->source;
	snprintf(t->where, sizeof(t->where), "%s", asked->where);
	if (t->source == NULL && !v->backend->shared_by_machines &&
		key_keyring_open()) {
		t->source = &key_keyring;
	} else if (t->source == NULL && key_credential_stands(CREDENTIAL)) {
		t->source = &key_credential;
		snprintf(t->where, sizeof(t->where), "%s", CREDENTIAL);
	} else if (t->source == NULL) {
		t->source = &key_file;
	}
	if (t->source == &key_file && t->where[0] == '\0')
		VAULT_TRY(key_file_default(t->where, f));
	return VAULT_DONE;
}

static enum vault_result
make_new(struct vault *v, const struct asked *asked, const struct vault_ask *ask,
	struct fault *f)
{
	char text[VAULT_KEY_TEXT_MAX];
	struct key_text t = { .source = NULL };
	uint8_t key[32], id[16];

	VAULT_TRY(choose(v, asked, &t, f));
	secret_random(id, sizeof(id));
	sodium_bin2hex(t.id, sizeof(t.id), id, sizeof(id));
	VAULT_TRY(t.source->make(&t, v, ask, key, f));
	secret_random(v->data_key, 32);
	wrap(&t, key, v->data_key);
	secret_wipe(key, sizeof(key));
	say_place(v, &t);
	return v->backend->key_write(v, key_text_write(&t, text), f);
}

/* Under the lock, somebody may have been quicker. */
static enum vault_result
open_or_make(struct vault *v, const struct asked *asked, const struct vault_ask *ask,
	struct fault *f)
{
	char text[VAULT_KEY_TEXT_MAX];
	enum vault_result r;
	size_t n;

	r = v->backend->key_read(v, text, &n, f);
	if (r == VAULT_DONE)
		return open_existing(v, (struct bytes){ text, n }, asked, ask, f);
	return r == VAULT_ABSENT ? make_new(v, asked, ask, f) : r;
}

enum vault_result
vault_key_open(struct vault *v, const char *asked_text, const struct vault_ask *ask,
	struct fault *f)
{
	char text[VAULT_KEY_TEXT_MAX];
	struct asked asked;
	enum vault_result r;
	size_t n;

	VAULT_TRY(read_asked(asked_text, &asked, f));
	r = v->backend->key_read(v, text, &n, f);
	if (r == VAULT_DONE)
		return open_existing(v, (struct bytes){ text, n }, &asked, ask, f);
	if (r != VAULT_ABSENT)
		return r;
	if (ask != NULL && ask->existing)
		return vault_none(v, f);
	VAULT_TRY(v->backend->key_begin(v, f));
	r = open_or_make(v, &asked, ask, f);
	v->backend->key_end(v);
	return r;
}
