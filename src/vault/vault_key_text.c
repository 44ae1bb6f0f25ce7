/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault_key_text.c - vault.key as lines, in one order:
 *
 *	latchkey vault key 1
 *	id 32 hexadecimal digits
 *	wrap keyring | credential | file | passphrase
 *	where ...                       (what the source remembers; may be missing)
 *	argon2id SALT PASSES BYTES      (passphrase)
 *	check ...
 *	data ...
 */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "text/base64url.h"
#include "vault/vault_key.h"

#define VERSION 1
#define FIRST "latchkey vault key "

static const struct key_source *const sources[] = {
	&key_keyring,
	&key_credential,
	&key_file,
	&key_passphrase,
};

const struct key_source *
key_source_of(struct bytes word)
{
	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++)
		if (bytes_equal(word, bytes_of(sources[i]->word)))
			return sources[i];
	return NULL;
}

/* ---- writing ------------------------------------------------------------------ */

static void
put_base64url(struct buf *b, const uint8_t *p, size_t n)
{
	char text[BASE64URL_SIZE(KEY_BOX)];

	buf_put(b, (struct bytes){ text, base64url_encode(p, n, text) });
}

struct bytes
key_text_write(const struct key_text *t, char *out)
{
	struct buf b = buf_fixed(out, VAULT_KEY_TEXT_MAX);

	buf_printf(&b, FIRST "%d\nid %s\nwrap %s\n", VERSION, t->id, t->source->word);
	if (t->where[0] != '\0')
		buf_printf(&b, "where %s\n", t->where);
	if (t->passes > 0) {
		buf_put(&b, B("argon2id "));
		put_base64url(&b, t->salt, sizeof(t->salt));
		buf_printf(
			&b, " %ju %ju\n", (uintmax_t)t->passes, (uintmax_t)t->memory);
	}
	buf_put(&b, B("check "));
	put_base64url(&b, t->check, sizeof(t->check));
	buf_put(&b, B("\ndata "));
	put_base64url(&b, t->box, sizeof(t->box));
	buf_putc(&b, '\n');
	return buf_bytes(&b);
}

/* ---- reading ------------------------------------------------------------------ */

/* The next line's value, if it begins with that word and a space. */
static bool
take(struct bytes *rest, struct bytes word, struct bytes *value)
{
	struct bytes line;

	if (!bytes_starts(*rest, word) || bytes_index(*rest, '\n') == rest->n)
		return false;
	line = bytes_cut(rest, '\n');
	*value = bytes_slice(line, word.n, line.n);
	return true;
}

static bool
take_octets(struct bytes text, uint8_t *out, size_t want)
{
	size_t n;

	return base64url_decode(text, out, want, &n) && n == want;
}

static bool
take_argon2id(struct bytes value, struct key_text *t)
{
	struct bytes salt = bytes_cut(&value, ' ');
	struct bytes passes = bytes_cut(&value, ' ');

	/* What is written may not make us work for ever, or with the memory of all. */
	return take_octets(salt, t->salt, sizeof(t->salt)) &&
		bytes_to_u64(passes, &t->passes) && bytes_to_u64(value, &t->memory) &&
		t->passes >= 1 && t->passes <= 16 && t->memory >= 8 << 20 &&
		t->memory <= 1 << 30;
}

static bool
plain_text(struct bytes b, size_t max)
{
	for (size_t i = 0; i < b.n; i++)
		if ((unsigned char)b.p[i] < 0x20 || b.p[i] == 0x7F)
			return false;
	return b.n > 0 && b.n < max;
}

static bool
take_head(struct bytes *rest, struct key_text *t)
{
	struct bytes value;

	if (!take(rest, B("id "), &value) || !plain_text(value, sizeof(t->id)) ||
		value.n != sizeof(t->id) - 1)
		return false;
	memcpy(t->id, value.p, value.n);
	if (!take(rest, B("wrap "), &value) ||
		(t->source = key_source_of(value)) == NULL)
		return false;
	if (take(rest, B("where "), &value)) {
		if (!plain_text(value, sizeof(t->where)))
			return false;
		memcpy(t->where, value.p, value.n);
	}
	return !take(rest, B("argon2id "), &value) || take_argon2id(value, t);
}

static enum vault_result
not_as_written(struct fault *f)
{
	return VAULT_FAIL(f, VAULT_DAMAGED,
		"vault.key is not as it was written: bring it back from a copy");
}

enum vault_result
key_text_read(struct bytes text, struct key_text *out, struct fault *f)
{
	struct bytes whole = text;
	char again[VAULT_KEY_TEXT_MAX];
	struct key_text t = { .source = NULL };
	struct bytes value;
	uint64_t version;

	if (!take(&text, B(FIRST), &value) || !bytes_to_u64(value, &version))
		return VAULT_FAIL(
			f, VAULT_DAMAGED, "vault.key is not one of Latchkey's");
	if (version > VERSION)
		return VAULT_FAIL(f, VAULT_DAMAGED,
			"vault.key was written by a newer "
			"version of Latchkey (format %ju): install that one",
			(uintmax_t)version);
	if (version < 1 || !take_head(&text, &t) || !take(&text, B("check "), &value) ||
		!take_octets(value, t.check, sizeof(t.check)) ||
		!take(&text, B("data "), &value) ||
		!take_octets(value, t.box, sizeof(t.box)) || text.n > 0)
		return not_as_written(f);
	/* There is one way to write it; nothing in it is not understood. */
	if (!bytes_equal(key_text_write(&t, again), whole))
		return not_as_written(f);
	*out = t;
	return VAULT_DONE;
}
