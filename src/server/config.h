/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.h - what an operator may set, and reading it.
 *
 * config.def is the one list: struct, parser, --show-config and the manual come
 * from it. Promises: an unknown key, a key given twice, a value out of bounds
 * is refused with file and line; nothing is guessed.
 *
 * The file: `key = value`, one a line; '#' begins a comment line; a list is
 * separated by white space; durations are 90, 15m, 24h, 60d; sizes 64k, 1m.
 */
#ifndef LATCHKEY_SERVER_CONFIG_H
#define LATCHKEY_SERVER_CONFIG_H

#include "base/arena.h"
#include "base/log.h"
#include "base/outcome.h"

struct setting { const char *key, *value; };

struct config_list { const char *const *p; size_t n; };

/* C types of config.def's types. */
typedef const char *config_TEXT;      /* "" when not set */
typedef struct config_list config_LIST;
typedef int64_t config_TIME;          /* seconds */
typedef int64_t config_SIZE;          /* bytes */
typedef int64_t config_COUNT;
typedef bool config_FLAG;             /* yes, no */

struct config {
#define CONFIG(type, key, standard, least, most, sentence) config_##type key;
#include "server/config.def"
#undef CONFIG
	struct arena *arena;
	int references; /* atomic */
};

/* Everything that is wrong, a sentence a line. */
#define WRONGS_MAX 8192
struct wrongs {
	struct fault first;
	size_t n;
	char text[WRONGS_MAX]; /* what does not fit is left out */
	size_t used;
};
void wrongs_add(struct wrongs *w, const struct fault *f);

/* Defaults, then the file's text, then the settings. name: of the file, for the
 * sentence in *f ("latchkey.conf:12: ..."). Relative file names stay as they are. */
enum outcome config_read(const char *name, struct bytes text,
	const struct setting *settings, size_t setting_count, struct config **out,
	struct fault *f) must_check;
/* dir/latchkey.conf (none: defaults), names of files made absolute under dir. */
enum outcome config_open(const char *dir, const struct setting *settings,
	size_t setting_count, struct config **out, struct fault *f) must_check;
/* As config_open, but goes on to the end: *out has what could be read. */
void config_examine(const char *dir, const struct setting *settings,
	size_t setting_count, struct config **out, struct wrongs *w);
/* What store_open is to be given: the setting, or the file in the data directory. */
const char *config_database(const struct config *c, const char *dir);
/* What must be true of all of it together. */
void config_agree(const struct config *c, struct wrongs *w);
/* What the installation says where the file does not (facts "issuer" and "brand" of
 * the store). */
enum outcome config_name(struct config *c, struct bytes issuer, struct bytes brand,
	struct fault *f) must_check;
/* Both: config_agree, config_name. */
enum outcome config_settle(struct config *c, struct bytes issuer, struct bytes brand,
	struct fault *f) must_check;
/* A setting that differs and is read at the start only; NONE: all is in force. */
struct bytes config_needs_restart(struct arena *a, const struct config *running,
	const struct config *fresh);
enum log_level config_log_level(const struct config *c);
struct config *config_hold(struct config *c);
void config_release(struct config *c); /* NULL is fine */

/* What is in force, one `key = value` a line, as --show-config prints it. */
void config_write(const struct config *c, struct buf *out);
/* The list itself, for the manual; false after the last. */
struct config_entry { const char *key, *type, *standard, *sentence; };
bool config_entry(size_t number, struct config_entry *out);
/* Settings in force whose name begins with unsafe_, each a sentence; n returned. */
size_t config_unsafe(const struct config *c, const char *out[static 8]);

#endif
