/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log.c - lines are built in the thread's own buffer and leave it whole: one
 * write a flush, under a lock, so lines of several threads are never mixed.
 *
 * A line that does not fit in LINE_MAX_BYTES loses its last fields, never its
 * end. What cannot be written is dropped: a full disk must not stop a server.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

enum {
	VALUE_MAX = 512,
	LINE_MAX_BYTES = 8192, /* every event's fields, unless many are escaped */
	GATHERED_MAX = 32768,
};

static atomic_int log_fd = STDERR_FILENO;
static atomic_int log_least = LOG_INFO;
static pthread_mutex_t writing = PTHREAD_MUTEX_INITIALIZER;

static _Thread_local struct {
	char text[GATHERED_MAX];
	size_t n;         /* whole lines, to be written */
	struct buf line;  /* the one under way, behind them */
	bool on;          /* between log_begin and log_end of a level that is written */
	int64_t second;   /* what `time` says */
	char time[21];
} mine;

static const struct {
	const char *name, *fields, *sentence;
	enum log_level level;
} events[] = {
#define EVENT(name, level, fields, sentence) { #name, fields, sentence, level },
#include "base/events.def"
#undef EVENT
};

static const char *const level_names[] = {
	[LOG_DEBUG] = "debug",
	[LOG_INFO] = "info",
	[LOG_NOTICE] = "notice",
	[LOG_WARNING] = "warning",
	[LOG_ERROR] = "error",
};

void
log_open(int fd, enum log_level least)
{
	atomic_store(&log_fd, fd);
	atomic_store(&log_least, (int)least);
}

/* ---- one line ------------------------------------------------------------- */

bool
log_begin(enum event e)
{
	int64_t now;

	mine.on = (int)events[e].level >= atomic_load(&log_least);
	if (!mine.on)
		return false;
	if (sizeof(mine.text) - mine.n < LINE_MAX_BYTES)
		log_flush();
	now = clock_now();
	if (now != mine.second || mine.time[0] == '\0') {
		mine.second = now;
		clock_rfc3339(now, mine.time);
	}
	/* Two bytes are kept for the end of the line. */
	mine.line = buf_fixed(mine.text + mine.n, LINE_MAX_BYTES - 2);
	buf_put(&mine.line, B("{\"time\":\""));
	buf_put(&mine.line, bytes_of(mine.time));
	buf_put(&mine.line, B("\",\"level\":\""));
	buf_put(&mine.line, bytes_of(level_names[events[e].level]));
	buf_put(&mine.line, B("\",\"event\":\""));
	buf_put(&mine.line, bytes_of(events[e].name));
	buf_putc(&mine.line, '"');
	return true;
}

/* Length of the well-formed UTF-8 character at p (RFC 3629), 0 if there is none;
 * *code is its number. */
static size_t
utf8_length(const unsigned char *p, size_t n, uint32_t *code)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t want = p[0] < 0x80 ? 1 : p[0] < 0xC2 ? 0 : p[0] < 0xE0 ? 2
		: p[0] < 0xF0 ? 3 : p[0] < 0xF5 ? 4 : 0;
	uint32_t c = want == 1 ? p[0] : p[0] & (0xFFU >> (want + 1));

	if (want == 0 || want > n)
		return 0;
	for (size_t i = 1; i < want; i++) {
		if ((p[i] & 0xC0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3FU);
	}
	if (c < least[want] || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
		return 0;
	*code = c;
	return want;
}

/* One character, escaped where JSON (RFC 8259 section 7) or a terminal needs it;
 * returns how many bytes it was. */
static size_t
put_escaped(struct buf *b, const char *p, size_t n)
{
	uint32_t c = 0;
	size_t length = utf8_length((const unsigned char *)p, n, &c);

	if (length == 0) {
		buf_put(b, B("\\ufffd"));
		return 1;
	}
	if (c == '"' || c == '\\') {
		buf_putc(b, '\\');
		buf_putc(b, (char)c);
	} else if (c < 0x20 || (c >= 0x7F && c < 0xA0)) {
		buf_printf(b, "\\u%04x", (unsigned)c);
	} else {
		buf_put(b, (struct bytes){ p, length });
	}
	return length;
}

static void
put_value(struct buf *b, struct bytes value)
{
	size_t keep = value.n < VALUE_MAX ? value.n : VALUE_MAX;

	/* Cut between characters, not within one. */
	while (keep < value.n && keep > VALUE_MAX - 4 &&
	       ((unsigned char)value.p[keep] & 0xC0) == 0x80)
		keep--;
	for (size_t i = 0; i < keep;)
		i += put_escaped(b, value.p + i, keep - i);
	if (keep < value.n)
		buf_put(b, B("..."));
}

/* A field that does not fit is taken back whole. */
static void
end_field(size_t before)
{
	if (!mine.line.failed)
		return;
	mine.line.n = before;
	mine.line.failed = false;
}

static void
put_key(const char *key)
{
	buf_put(&mine.line, B(",\""));
	buf_put(&mine.line, bytes_of(key));
	buf_put(&mine.line, B("\":"));
}

void
log_bytes(const char *key, struct bytes value)
{
	size_t before = mine.line.n;

	if (!mine.on || bytes_empty(value))
		return;
	put_key(key);
	buf_putc(&mine.line, '"');
	put_value(&mine.line, value);
	buf_putc(&mine.line, '"');
	end_field(before);
}

void
log_str(const char *key, const char *value)
{
	log_bytes(key, bytes_of(value));
}

void
log_int(const char *key, int64_t value)
{
	size_t before = mine.line.n;

	if (!mine.on)
		return;
	put_key(key);
	buf_puti(&mine.line, value);
	end_field(before);
}

void
log_end(void)
{
	if (!mine.on)
		return;
	mine.n += mine.line.n;
	mine.text[mine.n++] = '}';
	mine.text[mine.n++] = '\n';
	mine.on = false;
}

/* ---- out ------------------------------------------------------------------ */

static void
write_all(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t wrote = write(fd, p, n);
		struct pollfd full = { .fd = fd, .events = POLLOUT };

		if (wrote > 0) {
			p += wrote;
			n -= (size_t)wrote;
		} else if (errno == EAGAIN) {
			(void)poll(&full, 1, -1);
		} else if (errno != EINTR) {
			return;
		}
	}
}

void
log_flush(void)
{
	if (mine.n == 0)
		return;
	pthread_mutex_lock(&writing);
	write_all(atomic_load(&log_fd), mine.text, mine.n);
	pthread_mutex_unlock(&writing);
	mine.n = 0;
}

/* ---- the manual's table --------------------------------------------------- */

const char *
event_name(enum event e)
{
	return events[e].name;
}

enum log_level
event_level(enum event e)
{
	return events[e].level;
}

const char *
event_fields(enum event e)
{
	return events[e].fields;
}

const char *
event_sentence(enum event e)
{
	return events[e].sentence;
}
