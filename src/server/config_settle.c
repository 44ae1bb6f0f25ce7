/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_settle.c - settings that are right one by one, and must be so together.
 */
#include <string.h>

#include "http/http_address.h"
#include "http/http.h"
#include "rules/metadata.h"
#include "server/config.h"
#include "server/server.h"
#include "store/store.h"
#include "text/uri.h"

static const struct { struct bytes name; enum log_level level; } levels[] = {
	{ BI("debug"), LOG_DEBUG },
	{ BI("info"), LOG_INFO },
	{ BI("notice"), LOG_NOTICE },
	{ BI("warning"), LOG_WARNING },
	{ BI("error"), LOG_ERROR },
};

#define LEVELS (sizeof(levels) / sizeof(levels[0]))

void
wrongs_add(struct wrongs *w, const struct fault *f)
{
	size_t n = strlen(f->what);

	if (w->n++ == 0)
		w->first = *f;
	if (n + 2 > WRONGS_MAX - w->used)
		return;
	memcpy(w->text + w->used, f->what, n);
	w->used += n;
	w->text[w->used++] = '\n';
	w->text[w->used] = '\0';
}

static size_t
level_index(const struct config *c)
{
	size_t i = 0;

	while (i < LEVELS && !bytes_equal(levels[i].name, bytes_of(c->log_level)))
		i++;
	return i;
}

enum log_level
config_log_level(const struct config *c)
{
	size_t i = level_index(c);

	return i < LEVELS ? levels[i].level : LOG_INFO;
}

/* MD-03: one name, for ever; tokens, responses and metadata all say it. */
static enum outcome
issuer_settle(struct config *c, struct bytes installed, struct fault *f)
{
	const char *what;

	if (c->issuer[0] == '\0')
		c->issuer = arena_cstr(c->arena, installed);
	if (!bytes_empty(installed) && !bytes_equal(bytes_of(c->issuer), installed))
		return FAULT_AT(f, "issuer is %s, but this installation was made for %.*s; "
			"an issuer cannot be renamed", c->issuer, BYTES_FMT(installed));
	if (!issuer_valid(c->arena, bytes_of(c->issuer), &what))
		return FAULT_AT(f, "issuer: %s", what);
	return DONE;
}

/* A sentence of the caller's own, or none: what is right adds nothing. */
#define WRONG(w, ...)                                \
	do {                                         \
		struct fault wrong;                  \
		(void)FAULT_AT(&wrong, __VA_ARGS__); \
		wrongs_add((w), &wrong);             \
	} while (0)

static void
listener_agree(const char *key, const char *where, bool plain, struct wrongs *w)
{
	struct fault f;

	if (http_listen_check(where, plain, &f) != DONE)
		WRONG(w, "%s: %s", key, f.what);
}

/* Port 0 is another one each time. */
static bool
same_place(const char *a, const char *b)
{
	return bytes_equal(bytes_of(a), bytes_of(b)) && !bytes_ends(bytes_of(a), B(":0"));
}

static void
listeners_differ(const struct config *c, struct wrongs *w)
{
	size_t n = c->listen.n + c->proxy_listen.n;

	for (size_t i = 0; i <= n; i++) {
		const char *a = i == n ? c->health_listen : i < c->listen.n ?
			c->listen.p[i] : c->proxy_listen.p[i - c->listen.n];

		for (size_t k = 0; k < i; k++) {
			const char *b = k < c->listen.n ? c->listen.p[k] :
				c->proxy_listen.p[k - c->listen.n];

			if (same_place(a, b))
				WRONG(w, "%s: %s is listened on twice", i == n ?
					"health_listen" : "listen", a);
		}
	}
}

static void
listeners_agree(const struct config *c, struct wrongs *w)
{
	if (c->listen.n == 0 && c->proxy_listen.n == 0)
		WRONG(w, "neither listen nor proxy_listen is set");
	/* R2.2: only from proxies the operator named. */
	if (c->proxy_listen.n > 0 && c->proxies.n == 0)
		WRONG(w, "proxy_listen needs proxies: the addresses of the "
			"TLS-terminating proxies, or: unix");
	for (size_t i = 0; i < c->listen.n; i++)
		listener_agree("listen", c->listen.p[i], false, w);
	for (size_t i = 0; i < c->proxy_listen.n; i++)
		listener_agree("proxy_listen", c->proxy_listen.p[i], true, w);
	if (!bytes_equal(bytes_of(c->health_listen), B("off")))
		listener_agree("health_listen", c->health_listen, true, w);
	listeners_differ(c, w);
}

static void
proxies_agree(const struct config *c, struct wrongs *w)
{
	struct http_address address;

	for (size_t i = 0; i < c->proxies.n; i++)
		if (!http_address_parse(bytes_of(c->proxies.p[i]), &address))
			WRONG(w, "proxies: %s is neither an IP address nor: unix",
				c->proxies.p[i]);
}

/* RFC 8414 section 2: what people are sent to. */
static void
link_agree(const char *key, const char *url, struct wrongs *w)
{
	struct uri u;

	if (url[0] == '\0' || (uri_parse(bytes_of(url), &u) &&
		bytes_equal_nocase(u.scheme, B("https")) && !bytes_empty(u.host) &&
		!u.has_userinfo))
		return;
	WRONG(w, "%s: %s is not a URL with https", key, url);
}

/* RFC 6797 section 6.1; preload lists want both. */
static bool
hsts_known(struct bytes text)
{
	return bytes_empty(text) || bytes_equal(text, B("includeSubDomains")) ||
		bytes_equal(text, B("includeSubDomains; preload"));
}

const char *
config_database(const struct config *c, const char *dir)
{
	if (c->database[0] != '\0')
		return c->database;
	return arena_printf(c->arena, "%s/%s", dir, DIR_DATABASE);
}

static void
database_agrees(const struct config *c, struct wrongs *w)
{
	struct fault f;

	if (c->database[0] == '\0')
		return;
	if (strstr(c->database, "://") == NULL)
		WRONG(w, "database: must be postgresql://..., or not be set");
	else if (store_url_good(c->database, &f) != DONE)
		WRONG(w, "database: %s", f.what);
}

void
config_agree(const struct config *c, struct wrongs *w)
{
	if (level_index(c) == LEVELS)
		WRONG(w, "log_level: must be debug, info, notice, warning or error");
	if (!hsts_known(bytes_of(c->hsts)))
		WRONG(w, "hsts: must be includeSubDomains, or "
			"includeSubDomains; preload");
	database_agrees(c, w);
	listeners_agree(c, w);
	proxies_agree(c, w);
	link_agree("service_documentation", c->service_documentation, w);
	link_agree("policy_uri", c->policy_uri, w);
	link_agree("tos_uri", c->tos_uri, w);
}

enum outcome
config_name(struct config *c, struct bytes issuer, struct bytes brand, struct fault *f)
{
	if (c->brand[0] == '\0')
		c->brand = bytes_empty(brand) ? "Latchkey" : arena_cstr(c->arena, brand);
	return issuer_settle(c, issuer, f);
}

enum outcome
config_settle(struct config *c, struct bytes issuer, struct bytes brand, struct fault *f)
{
	struct wrongs w = { .n = 0 };

	config_agree(c, &w);
	if (w.n == 0)
		return config_name(c, issuer, brand, f);
	*f = w.first;
	return FAULT;
}

/* ---- what a reload puts in force ------------------------------------------------ */

static const struct bytes reloaded[] = {
	BI("code_lifetime"), BI("access_lifetime"), BI("refresh_lifetime"),
	BI("grant_lifetime"), BI("retry_window"), BI("session_lifetime"),
	BI("store_queue"), BI("drain_timeout"), BI("log_level"), BI("tls_cert"),
	BI("tls_key"), BI("service_documentation"), BI("policy_uri"), BI("tos_uri"),
};

static bool
is_reloaded(struct bytes key)
{
	for (size_t i = 0; i < sizeof(reloaded) / sizeof(reloaded[0]); i++)
		if (bytes_equal(reloaded[i], key))
			return true;
	return false;
}

static struct bytes
written(struct arena *a, const struct config *c)
{
	struct buf b = buf_new(a, (size_t)1 << 20);

	config_write(c, &b);
	return buf_bytes(&b);
}

/* Both are written in the same order, one `key = value` a line. */
struct bytes
config_needs_restart(struct arena *a, const struct config *running,
	const struct config *fresh)
{
	struct bytes old = written(a, running), new = written(a, fresh);

	while (old.n > 0 && new.n > 0) {
		struct bytes was = bytes_cut(&old, '\n'), is = bytes_cut(&new, '\n');
		struct bytes key = bytes_cut(&was, ' '), same = bytes_cut(&is, ' ');

		if (bytes_equal(key, same) && !bytes_equal(was, is) && !is_reloaded(key))
			return key;
	}
	return NONE;
}
