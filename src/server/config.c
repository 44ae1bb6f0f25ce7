/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.c - config.def brought to life: parsed, bounded, shown.
 *
 * A value becomes what its type says or is refused with the place where it
 * stands; nothing is trimmed, rounded or guessed beyond white space at the ends.
 */
#include "server/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "text/utf8.h"

#define CONFIG_MAX ((size_t)65536)
#define VALUE_MAX ((size_t)1024)

enum config_type { TYPE_TEXT, TYPE_LIST, TYPE_TIME, TYPE_SIZE, TYPE_COUNT, TYPE_FLAG };

struct config_key {
	const char *key;
	enum config_type type;
	const char *standard;
	int64_t least, most;
	const char *sentence;
	size_t offset;
};

static const struct config_key keys[] = {
#define CONFIG(type, key, standard, least, most, sentence) \
	{ #key, TYPE_##type, standard, least, most, sentence, \
		offsetof(struct config, key) },
#include "server/config.def"
#undef CONFIG
};

#define KEYS (sizeof(keys) / sizeof(keys[0]))

static const char *const type_names[] = {
	[TYPE_TEXT] = "text",
	[TYPE_LIST] = "list",
	[TYPE_TIME] = "duration",
	[TYPE_SIZE] = "size",
	[TYPE_COUNT] = "number",
	[TYPE_FLAG] = "yes or no",
};

/* Where a setting stands, for the sentence about it. */
struct place {
	const char *name; /* the file's, or "command line" */
	unsigned line;    /* 0: no line */
};

static enum outcome
config_wrong(const struct place *at, struct fault *f, const char *key, const char *what)
{
	char line[16] = "";
	struct buf b = buf_fixed(line, sizeof(line));

	if (at->line > 0)
		buf_printf(&b, ":%u", at->line);
	return FAULT_AT(f, "%s%s: %s%s%s", at->name, line, key,
		key[0] != '\0' ? ": " : "", what);
}

static bool
blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct bytes
trimmed(struct bytes b)
{
	while (b.n > 0 && blank(b.p[0]))
		b = bytes_slice(b, 1, b.n);
	while (b.n > 0 && blank(b.p[b.n - 1]))
		b.n--;
	return b;
}

static struct bytes
next_word(struct bytes *rest)
{
	struct bytes word;
	size_t n = 0;

	*rest = trimmed(*rest);
	while (n < rest->n && !blank(rest->p[n]))
		n++;
	word = bytes_slice(*rest, 0, n);
	*rest = bytes_slice(*rest, n, rest->n);
	return word;
}

/* 64k, 1m, or plain octets. */
static bool
size_read(struct bytes text, int64_t *out)
{
	uint64_t unit = 1, number;

	if (bytes_ends(text, B("k")))
		unit = 1024;
	else if (bytes_ends(text, B("m")))
		unit = UINT64_C(1048576);
	if (unit > 1)
		text.n--;
	if (!bytes_to_u64(text, &number) || number > (uint64_t)INT64_MAX / unit)
		return false;
	*out = (int64_t)(number * unit);
	return true;
}

static bool
number_read(enum config_type type, struct bytes text, int64_t *out)
{
	uint64_t number;

	if (type == TYPE_TIME)
		return clock_duration(text, out);
	if (type == TYPE_SIZE)
		return size_read(text, out);
	if (!bytes_to_u64(text, &number) || number > INT64_MAX)
		return false;
	*out = (int64_t)number;
	return true;
}

static const char *
number_set(struct config *c, const struct config_key *k, struct bytes value)
{
	int64_t number;

	if (!number_read(k->type, value, &number))
		return arena_printf(c->arena, "not a %s", type_names[k->type]);
	if (number < k->least || number > k->most)
		return arena_printf(c->arena, "must be %lld to %lld", (long long)k->least,
			(long long)k->most);
	*(int64_t *)((char *)c + k->offset) = number;
	return NULL;
}

static const char *
list_set(struct config *c, const struct config_key *k, struct bytes value)
{
	struct config_list *list = (struct config_list *)((char *)c + k->offset);
	const char **words = ARENA_ARRAY(c->arena, const char *, (size_t)k->most);
	size_t n = 0;

	for (struct bytes w = next_word(&value); w.n > 0; w = next_word(&value)) {
		if (n == (size_t)k->most)
			return arena_printf(c->arena, "at most %lld words",
				(long long)k->most);
		words[n++] = arena_cstr(c->arena, w);
	}
	*list = (struct config_list){ words, n };
	return NULL;
}

static const char *
flag_set(struct config *c, const struct config_key *k, struct bytes value)
{
	bool yes = bytes_equal(value, B("yes"));

	if (!yes && !bytes_equal(value, B("no")))
		return "must be yes or no";
	*(bool *)((char *)c + k->offset) = yes;
	return NULL;
}

/* NULL, or what is wrong with the value. */
static const char *
value_set(struct config *c, const struct config_key *k, struct bytes value)
{
	if (value.n > VALUE_MAX)
		return "longer than 1024 characters";
	if (!utf8_valid(value) || bytes_index(value, '\0') < value.n)
		return "not UTF-8 text";
	switch (k->type) {
	case TYPE_TEXT:
		*(const char **)((char *)c + k->offset) = arena_cstr(c->arena, value);
		return NULL;
	case TYPE_LIST:
		return list_set(c, k, value);
	case TYPE_FLAG:
		return flag_set(c, k, value);
	case TYPE_TIME:
	case TYPE_SIZE:
	case TYPE_COUNT:
		break;
	}
	return number_set(c, k, value);
}

static const struct config_key *
key_find(struct bytes name)
{
	for (size_t i = 0; i < KEYS; i++)
		if (bytes_equal(bytes_of(keys[i].key), name))
			return &keys[i];
	return NULL;
}

static enum outcome
setting_set(struct config *c, const struct place *at, struct bytes name,
	struct bytes value, struct fault *f)
{
	const struct config_key *k = key_find(name);
	const char *key = arena_cstr(c->arena, bytes_slice(name, 0, 64)), *wrong;

	if (k == NULL)
		return config_wrong(at, f, key, "no such setting; "
			"latchkey(1) lists them");
	wrong = value_set(c, k, value);
	return wrong == NULL ? DONE : config_wrong(at, f, key, wrong);
}

static void
config_defaults(struct config *c)
{
	for (size_t i = 0; i < KEYS; i++) {
		const char *wrong = value_set(c, &keys[i], bytes_of(keys[i].standard));

		if (wrong != NULL)
			abort(); /* config.def contradicts itself; a test reads it */
	}
}

static enum outcome
line_read(struct config *c, const struct place *at, struct bytes line, bool seen[KEYS],
	struct fault *f)
{
	struct bytes value = line, name = trimmed(bytes_cut(&value, '='));
	const struct config_key *k = key_find(name);

	if (bytes_empty(trimmed(line)) || trimmed(line).p[0] == '#')
		return DONE;
	if (bytes_index(line, '=') == line.n)
		return config_wrong(at, f, "", "not of the form: key = value");
	if (k != NULL && seen[k - keys])
		return config_wrong(at, f, k->key, "is set twice");
	TRY(setting_set(c, at, name, trimmed(value), f));
	seen[k - keys] = true;
	return DONE;
}

static void
text_read(struct config *c, const char *name, struct bytes text, struct wrongs *w)
{
	struct place at = { name, 0 };
	bool seen[KEYS] = { false };
	struct fault f;

	if (text.n > CONFIG_MAX) {
		(void)config_wrong(&at, &f, "", "longer than 64 KiB");
		wrongs_add(w, &f);
		return;
	}
	while (text.n > 0) {
		at.line++;
		if (line_read(c, &at, bytes_cut(&text, '\n'), seen, &f) != DONE)
			wrongs_add(w, &f);
	}
}

static void
settings_read(struct config *c, const struct setting *s, size_t n, struct wrongs *w)
{
	static const struct place at = { "command line", 0 };
	struct fault f;

	for (size_t i = 0; i < n; i++)
		if (setting_set(c, &at, bytes_of(s[i].key), bytes_of(s[i].value), &f) !=
			DONE)
			wrongs_add(w, &f);
}

static struct config *
config_take(const char *name, struct bytes text, const struct setting *settings,
	size_t setting_count, struct wrongs *w)
{
	struct arena *a = arena_new();
	struct config *c = ARENA_NEW(a, struct config);

	c->arena = a;
	c->references = 1;
	config_defaults(c);
	text_read(c, name, text, w);
	settings_read(c, settings, setting_count, w);
	return c;
}

/* All or nothing, with the first sentence. */
static enum outcome
config_whole(struct config *c, const struct wrongs *w, struct config **out,
	struct fault *f)
{
	if (w->n == 0) {
		*out = c;
		return DONE;
	}
	config_release(c);
	*f = w->first;
	return FAULT;
}

enum outcome
config_read(const char *name, struct bytes text, const struct setting *settings,
	size_t setting_count, struct config **out, struct fault *f)
{
	struct wrongs w = { .n = 0 };
	struct config *c = config_take(name, text, settings, setting_count, &w);

	return config_whole(c, &w, out, f);
}

struct config *
config_hold(struct config *c)
{
	__atomic_add_fetch(&c->references, 1, __ATOMIC_RELAXED);
	return c;
}

void
config_release(struct config *c)
{
	if (c != NULL && __atomic_sub_fetch(&c->references, 1, __ATOMIC_ACQ_REL) == 0)
		arena_free(c->arena);
}

/* ---- the file -------------------------------------------------------------------- */

static enum outcome
file_read(struct arena *a, const char *path, struct bytes *text, struct fault *f)
{
	char *p;
	struct stat st;
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	*text = NONE;
	if (fd < 0)
		return errno == ENOENT ? DONE :
			FAULT_AT(f, "%s: %s", path, strerror(errno));
	p = arena_alloc(a, CONFIG_MAX + 1);
	n = fstat(fd, &st) == 0 ? read(fd, p, CONFIG_MAX + 1) : -1;
	close(fd);
	if (n >= 0 && (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return FAULT_AT(f, "%s: others may change it (mode %04o): chmod go-w %s", path,
			(unsigned)st.st_mode & 07777u, path);
	if (n < 0)
		return FAULT_AT(f, "%s: %s", path, strerror(errno));
	*text = (struct bytes){ p, (size_t)n };
	return DONE;
}

static void
below_dir(struct config *c, const char *dir, const char **name)
{
	if ((*name)[0] != '\0' && (*name)[0] != '/')
		*name = arena_printf(c->arena, "%s/%s", dir, *name);
}

void
config_examine(const char *dir, const struct setting *settings, size_t setting_count,
	struct config **out, struct wrongs *w)
{
	struct arena *a = arena_new();
	const char *path = arena_printf(a, "%s/latchkey.conf", dir);
	struct bytes text;
	struct fault f;

	if (file_read(a, path, &text, &f) != DONE)
		wrongs_add(w, &f);
	*out = config_take(path, text, settings, setting_count, w);
	below_dir(*out, dir, &(*out)->tls_cert);
	below_dir(*out, dir, &(*out)->tls_key);
	below_dir(*out, dir, &(*out)->pages_dir);
	arena_free(a);
}

enum outcome
config_open(const char *dir, const struct setting *settings, size_t setting_count,
	struct config **out, struct fault *f)
{
	struct wrongs w = { .n = 0 };
	struct config *c;

	config_examine(dir, settings, setting_count, &c, &w);
	return config_whole(c, &w, out, f);
}

/* ---- showing ---------------------------------------------------------------------- */

static void
value_write(const struct config *c, const struct config_key *k, struct buf *out)
{
	const char *field = (const char *)c + k->offset;
	const struct config_list *list = (const struct config_list *)field;

	switch (k->type) {
	case TYPE_TEXT:
		buf_put(out, bytes_of(*(const char *const *)field));
		return;
	case TYPE_LIST:
		for (size_t i = 0; i < list->n; i++) {
			buf_put(out, i > 0 ? B(" ") : NONE);
			buf_put(out, bytes_of(list->p[i]));
		}
		return;
	case TYPE_FLAG:
		buf_put(out, *(const bool *)field ? B("yes") : B("no"));
		return;
	case TYPE_TIME:
	case TYPE_SIZE:
	case TYPE_COUNT:
		buf_puti(out, *(const int64_t *)field);
		return;
	}
}

void
config_write(const struct config *c, struct buf *out)
{
	for (size_t i = 0; i < KEYS; i++) {
		buf_put(out, bytes_of(keys[i].key));
		buf_put(out, B(" = "));
		value_write(c, &keys[i], out);
		buf_putc(out, '\n');
	}
}

bool
config_entry(size_t number, struct config_entry *out)
{
	const struct config_key *k = &keys[number];

	if (number >= KEYS)
		return false;
	*out = (struct config_entry){ k->key, type_names[k->type], k->standard, k->sentence };
	return true;
}

size_t
config_unsafe(const struct config *c, const char *out[static 8])
{
	size_t n = 0;

	for (size_t i = 0; i < KEYS && n < 8; i++)
		if (keys[i].type == TYPE_FLAG && *(const bool *)((const char *)c +
			keys[i].offset) && bytes_starts(bytes_of(keys[i].key), B("unsafe_")))
			out[n++] = keys[i].sentence;
	return n;
}
