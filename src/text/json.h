/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json.h - writing JSON without building a tree, and reading it by jansson with
 * the strictness this project wants (no duplicate members, a depth, a size).
 */
#ifndef LATCHKEY_TEXT_JSON_H
#define LATCHKEY_TEXT_JSON_H

#include <jansson.h>

#include "base/arena.h"

/* A writer over a buf; commas are its business. Keys are literals of ours,
 * which need no escaping. */
struct json_out {
	struct buf *b;
	bool first;
};
struct json_out json_out(struct buf *b);
void json_open(struct json_out *j, char bracket);  /* '{' or '[' */
void json_close(struct json_out *j, char bracket); /* '}' or ']' */
void json_key(struct json_out *j, const char *key);
void json_bytes(struct json_out *j, struct bytes value); /* escaped; bad UTF-8: U+FFFD */
void json_number(struct json_out *j, int64_t value);
void json_bool(struct json_out *j, bool value);
/* key and value at once; empty strings are left out (no nulls ever: H-13). */
void json_member(struct json_out *j, const char *key, struct bytes value);
void json_member_number(struct json_out *j, const char *key, int64_t value);
void json_member_bool(struct json_out *j, const char *key, bool value);

/* One document of at most max bytes, depth 16; NULL: *why says what and where.
 * The caller owns it (json_decref). */
json_t *json_read(struct bytes text, size_t max, const char **why);
/* A string member as a copy in a, NONE when absent or not a string. */
struct bytes json_get_bytes(struct arena *a, const json_t *object, const char *key);

#endif
