/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_settle.c - settings that are right one by one, and must be so together.
 */
#include "http/http.h"
#include "rules/metadata.h"
#include "server/config.h"

static const struct { struct bytes name; enum log_level level; } levels[] = {
	{ BI("debug"), LOG_DEBUG },
	{ BI("info"), LOG_INFO },
	{ BI("notice"), LOG_NOTICE },
	{ BI("warning"), LOG_WARNING },
	{ BI("error"), LOG_ERROR },
};

#define LEVELS (sizeof(levels) / sizeof(levels[0]))

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

static enum outcome
listeners_settle(const struct config *c, struct fault *f)
{
	if (c->listen.n == 0 && c->proxy_listen.n == 0)
		return FAULT_AT(f, "neither listen nor proxy_listen is set");
	/* R2.2: only from proxies the operator named. */
	if (c->proxy_listen.n > 0 && c->proxies.n == 0)
		return FAULT_AT(f, "proxy_listen needs proxies: the addresses of the "
			"TLS-terminating proxies, or: unix");
	for (size_t i = 0; i < c->listen.n; i++)
		TRY(http_listen_check(c->listen.p[i], false, f));
	for (size_t i = 0; i < c->proxy_listen.n; i++)
		TRY(http_listen_check(c->proxy_listen.p[i], true, f));
	if (bytes_equal(bytes_of(c->health_listen), B("off")))
		return DONE;
	return http_listen_check(c->health_listen, true, f);
}

/* RFC 6797 section 6.1; preload lists want both. */
static bool
hsts_known(struct bytes text)
{
	return bytes_empty(text) || bytes_equal(text, B("includeSubDomains")) ||
		bytes_equal(text, B("includeSubDomains; preload"));
}

enum outcome
config_settle(struct config *c, struct bytes issuer, struct bytes brand, struct fault *f)
{
	if (level_index(c) == LEVELS)
		return FAULT_AT(f, "log_level: must be debug, info, notice, warning or error");
	if (c->brand[0] == '\0')
		c->brand = bytes_empty(brand) ? "Latchkey" : arena_cstr(c->arena, brand);
	if (!hsts_known(bytes_of(c->hsts)))
		return FAULT_AT(f, "hsts: must be includeSubDomains, or "
			"includeSubDomains; preload");
	TRY(listeners_settle(c, f));
	return issuer_settle(c, issuer, f);
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
