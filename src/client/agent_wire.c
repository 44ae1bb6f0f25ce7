/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent_wire.c - a line is written by json_out and read by the few lines here: a JSON
 * parser would leave copies of tokens on the heap.
 */
#include "client/agent_wire.h"

#include "base/secret.h"
#include "text/base64url.h"
#include "text/json.h"
#include "text/utf8.h"

static const char *const what_names[] = {
	[AGENT_TOKEN] = "token",
	[AGENT_KEY] = "key",
	[AGENT_HELLO] = "hello",
};

/* ---- writing ------------------------------------------------------------ */

static struct bytes
end_line(struct json_out *j)
{
	json_close(j, '}');
	buf_putc(j->b, '\n');
	return j->b->failed ? NONE : buf_bytes(j->b);
}

struct bytes
agent_request_write(struct arena *a, const struct agent_request *r)
{
	struct buf b = buf_new(a, AGENT_LINE_MAX);
	struct json_out j = json_out(&b);

	json_open(&j, '{');
	json_member(&j, "ask", bytes_of(what_names[r->what]));
	json_member(&j, "name", r->name);
	if (r->what == AGENT_TOKEN)
		json_member_number(&j, "min_ttl", r->min_ttl);
	json_member(&j, "refused", r->refused);
	return end_line(&j);
}

static void
write_key(struct json_out *j, struct bytes key)
{
	char text[BASE64URL_SIZE(AGENT_KEY_SIZE)];

	if (key.n != AGENT_KEY_SIZE)
		return;
	base64url_encode(key.p, key.n, text);
	json_member(j, "key", (struct bytes){ text, sizeof text });
	secret_wipe(text, sizeof text);
}

struct bytes
agent_reply_write(struct arena *a, const struct agent_reply *r)
{
	struct buf b = buf_new(a, AGENT_LINE_MAX);
	struct json_out j = json_out(&b);

	json_open(&j, '{');
	json_member(&j, "status", bytes_of(lk_status_name(r->status)));
	if (r->status != LK_OK) {
		if (r->error.retry_after > 0)
			json_member_number(&j, "retry_after", r->error.retry_after);
		json_member(&j, "code", bytes_of(r->error.code));
		json_member(&j, "message", bytes_of(r->error.message));
	}
	json_member(&j, "access_token", r->access_token);
	if (!bytes_empty(r->access_token))
		json_member_number(&j, "expires_at_ms", r->expires_at_ms);
	write_key(&j, r->key);
	if (r->pid != 0)
		json_member_number(&j, "pid", r->pid);
	return end_line(&j);
}

/* ---- reading ------------------------------------------------------------ */

#define MEMBERS_MAX 8 /* no line has more than five */

struct members {
	size_t count;
	struct member {
		struct bytes key, text; /* text NONE: it is a number */
		int64_t number;
	} list[MEMBERS_MAX];
};

static bool
skip(struct bytes *rest, char c)
{
	if (rest->n == 0 || rest->p[0] != c)
		return false;
	*rest = bytes_slice(*rest, 1, rest->n);
	return true;
}

/* What stands for one character behind a backslash: of the ways RFC 8259 section 7 has,
 * those that json_out uses. */
static bool
read_escape(struct bytes *rest, struct buf *b)
{
	unsigned value = 0;

	if (skip(rest, '"') || skip(rest, '\\')) {
		buf_putc(b, rest->p[-1]);
		return true;
	}
	if (rest->n < 5 || !skip(rest, 'u'))
		return false;
	for (int i = 0; i < 4; i++) {
		char c = rest->p[i];
		unsigned digit = c >= '0' && c <= '9' ? (unsigned)(c - '0')
			: c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 16;

		if (digit > 15)
			return false;
		value = value << 4 | digit;
	}
	*rest = bytes_slice(*rest, 4, rest->n);
	buf_putc(b, (char)value);
	return value > 0 && value < 0x20;
}

/* Up to the quote that ends it. */
static size_t
text_length(struct bytes rest)
{
	size_t n = 0;

	while (n < rest.n && rest.p[n] != '"')
		n += rest.p[n] == '\\' ? 2 : 1;
	return n < rest.n ? n : rest.n;
}

static bool
read_text(struct arena *a, struct bytes *rest, struct bytes *out)
{
	size_t room;
	struct buf b;

	if (!skip(rest, '"'))
		return false;
	room = text_length(*rest);
	b = buf_fixed(arena_alloc(a, room + 1), room);
	while (rest->n > 0 && rest->p[0] != '"') {
		if (skip(rest, '\\')) {
			if (!read_escape(rest, &b))
				return false;
			continue;
		}
		if ((unsigned char)rest->p[0] < 0x20)
			return false;
		buf_putc(&b, rest->p[0]);
		*rest = bytes_slice(*rest, 1, rest->n);
	}
	*out = buf_bytes(&b);
	return skip(rest, '"') && utf8_valid(*out);
}

static bool
read_number(struct bytes *rest, int64_t *out)
{
	bool minus = skip(rest, '-');
	size_t n = 0;
	uint64_t value;

	while (n < rest->n && rest->p[n] >= '0' && rest->p[n] <= '9')
		n++;
	if (!bytes_to_u64(bytes_slice(*rest, 0, n), &value) || value > INT64_MAX)
		return false;
	*rest = bytes_slice(*rest, n, rest->n);
	*out = minus ? -(int64_t)value : (int64_t)value;
	return true;
}

static const struct member *
find(const struct members *m, struct bytes key)
{
	for (size_t i = 0; i < m->count; i++)
		if (bytes_equal(m->list[i].key, key))
			return &m->list[i];
	return NULL;
}

static bool
read_member(struct arena *a, struct bytes *rest, struct members *m)
{
	struct member *next = &m->list[m->count];

	*next = (struct member){ .number = 0 };
	if (!read_text(a, rest, &next->key) || !skip(rest, ':')
		|| find(m, next->key) != NULL)
		return false;
	m->count++;
	return rest->n > 0 && rest->p[0] == '"' ? read_text(a, rest, &next->text)
						: read_number(rest, &next->number);
}

static bool
read_members(struct arena *a, struct bytes line, struct members *m)
{
	m->count = 0;
	if (line.n > AGENT_LINE_MAX || !skip(&line, '{'))
		return false;
	do
		if (m->count == MEMBERS_MAX || !read_member(a, &line, m))
			return false;
	while (skip(&line, ','));
	return skip(&line, '}') && line.n == 0;
}

static struct bytes
text(const struct members *m, const char *key)
{
	const struct member *found = find(m, bytes_of(key));

	return found != NULL ? found->text : NONE;
}

static int64_t
number(const struct members *m, const char *key, int64_t absent)
{
	const struct member *found = find(m, bytes_of(key));

	return found != NULL ? found->number : absent;
}

static bool
read_what(struct bytes word, enum agent_what *out)
{
	for (size_t i = 0; i < sizeof(what_names) / sizeof(what_names[0]); i++)
		if (bytes_equal(word, bytes_of(what_names[i]))) {
			*out = (enum agent_what)i;
			return true;
		}
	return false;
}

bool
agent_request_read(struct arena *a, struct bytes line, struct agent_request *out)
{
	struct members m;

	if (!read_members(a, line, &m) || !read_what(text(&m, "ask"), &out->what))
		return false;
	out->name = text(&m, "name");
	out->refused = text(&m, "refused");
	out->min_ttl = number(&m, "min_ttl", 0);
	return out->min_ttl >= 0
		&& (out->what != AGENT_TOKEN || vault_name_valid(out->name));
}

static bool
read_status(struct bytes word, enum lk_status *out)
{
	for (int i = LK_OK; i <= LK_BUG; i++)
		if (bytes_equal(word, bytes_of(lk_status_name((enum lk_status)i)))) {
			*out = (enum lk_status)i;
			return true;
		}
	return false;
}

static void
copy_text(char *out, size_t size, struct bytes from)
{
	struct buf b = buf_fixed(out, size - 1);

	buf_put(&b, bytes_slice(from, 0, size - 1));
	out[b.n] = '\0';
}

/* NONE when there is none, or it is no key. */
static struct bytes
read_key(struct arena *a, struct bytes encoded)
{
	uint8_t *key = arena_alloc(a, AGENT_KEY_SIZE);
	size_t n;

	if (!base64url_decode(encoded, key, AGENT_KEY_SIZE, &n) || n != AGENT_KEY_SIZE)
		return NONE;
	return (struct bytes){ (const char *)key, n };
}

bool
agent_reply_read(struct arena *a, struct bytes line, struct agent_reply *out)
{
	struct members m;

	*out = (struct agent_reply){ .status = LK_BUG };
	if (!read_members(a, line, &m) ||
		!read_status(text(&m, "status"), &out->status))
		return false;
	out->error.status = out->status;
	out->error.retry_after = number(&m, "retry_after", 0);
	copy_text(out->error.code, sizeof(out->error.code), text(&m, "code"));
	copy_text(out->error.message, sizeof(out->error.message), text(&m, "message"));
	out->access_token = text(&m, "access_token");
	out->expires_at_ms = number(&m, "expires_at_ms", -1);
	out->key = read_key(a, text(&m, "key"));
	out->pid = number(&m, "pid", 0);
	return true;
}
