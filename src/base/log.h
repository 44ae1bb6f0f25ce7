/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log.h - one JSON object a line; names of events come from events.def.
 *
 * Promises: one line is one write, never torn; control characters, quotes and
 * non-UTF-8 are escaped; a value over 512 bytes is cut. A struct secret has no
 * way in: pass a digest. Lines are gathered by thread and written by
 * log_flush, which every event loop calls once a turn. text, crypto, rules and
 * store never log; they return.
 */
#ifndef LATCHKEY_BASE_LOG_H
#define LATCHKEY_BASE_LOG_H

#include <stdint.h>

#include "base/bytes.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_NOTICE, LOG_WARNING, LOG_ERROR };

enum event {
#define EVENT(name, level, fields, sentence) EVENT_##name,
#include "base/events.def"
#undef EVENT
	EVENT_COUNT
};

/* Where lines go (default: standard error) and the least level written. */
void log_open(int fd, enum log_level least);

/* log_begin .. fields .. log_end; nothing is formatted when the level is off (false),
 * and a caller whose fields cost something may leave the rest out. */
bool log_begin(enum event e);
void log_bytes(const char *key, struct bytes value); /* left out when empty */
void log_str(const char *key, const char *value);    /* left out when NULL */
void log_int(const char *key, int64_t value);
void log_end(void);
void log_flush(void);

const char *event_name(enum event e);
enum log_level event_level(enum event e);
const char *event_fields(enum event e);
const char *event_sentence(enum event e);

#endif
