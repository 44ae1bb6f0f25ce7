/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_files.c - what an operator must know about a certificate before clients do.
 *
 * A server that starts with a certificate that has run out says so and serves: the
 * operator may be on the way to replace it. `serve --check` and a reload refuse it.
 */
#include "server/tls_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "crypto/certificate.h"
#include "text/uri.h"

#define SOON (14 * INT64_C(86400))

static enum outcome
file_readable(const char *path, const char *key, const char *what, const char *dir,
	struct fault *f)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd >= 0) {
		close(fd);
		return DONE;
	}
	if (errno == ENOENT)
		return FAULT_AT(f, "%s does not exist; put the %s there or set %s (or: "
			"latchkey dev certificate --dir %s)", path, what, key, dir);
	if (errno == EACCES)
		return FAULT_AT(f, "%s (%s) may not be read by user %u: chown it, and look "
			"at the modes of its directories", path, key, (unsigned)geteuid());
	return FAULT_AT(f, "%s (%s) cannot be read: %s", path, key, strerror(errno));
}

enum outcome
tls_files_open(const struct config *c, const char *dir,
	const uint8_t ticket_secret[static 32], struct tls_config **out, struct fault *f)
{
	TRY(file_readable(c->tls_cert, "tls_cert", "certificate chain", dir, f));
	TRY(file_readable(c->tls_key, "tls_key", "private key", dir, f));
	return tls_config_new(c->tls_cert, c->tls_key, ticket_secret, out, f);
}

/* The issuer's, as certificates write it: without brackets. */
static const char *
issuer_host(const struct config *c, char *memory, size_t n)
{
	struct bytes host;
	struct uri issuer;

	if (!uri_parse(bytes_of(c->issuer), &issuer))
		return NULL;
	host = issuer.host_is_ipv6 ? bytes_slice(issuer.host, 1, issuer.host.n - 2) :
		issuer.host;
	snprintf(memory, n, "%.*s", BYTES_FMT(host));
	return memory;
}

static void
judge_time(const struct config *c, const struct certificate_facts *facts, int64_t now,
	struct tls_judgement *out)
{
	char at[21];

	if (now >= facts->not_after)
		snprintf(out->time, sizeof(out->time), "%s expired at %s: clients refuse it",
			c->tls_cert, clock_rfc3339(facts->not_after, at));
	else if (now < facts->not_before)
		snprintf(out->time, sizeof(out->time), "%s is not valid before %s: clients "
			"refuse it", c->tls_cert, clock_rfc3339(facts->not_before, at));
	else if (facts->not_after - now < SOON)
		snprintf(out->soon, sizeof(out->soon), "%s expires at %s: renew it",
			c->tls_cert, clock_rfc3339(facts->not_after, at));
}

void
tls_files_judge(const struct config *c, int64_t now, struct tls_judgement *out)
{
	struct certificate_facts facts;
	struct fault unread; /* tls_files_open has the sentence */
	char memory[256];
	const char *host = issuer_host(c, memory, sizeof(memory));

	*out = (struct tls_judgement){ .time = "" };
	if (c->listen.n == 0 ||
		certificate_read(c->tls_cert, host, &facts, &unread) != DONE)
		return;
	judge_time(c, &facts, now, out);
	if (host != NULL && !facts.covers_host)
		snprintf(out->host, sizeof(out->host), "%s is not for %s, the issuer's host: "
			"clients refuse it", c->tls_cert, host);
}

static void
warn(const char *what)
{
	if (what[0] == '\0')
		return;
	log_begin(EVENT_certificate);
	log_str("what", what);
	log_end();
}

void
tls_files_warn(const struct config *c, int64_t now)
{
	struct tls_judgement j;

	tls_files_judge(c, now, &j);
	warn(j.time);
	warn(j.host);
	warn(j.soon);
}

enum outcome
tls_files_good(const struct config *c, int64_t now, struct fault *f)
{
	struct tls_judgement j;

	tls_files_judge(c, now, &j);
	if (j.time[0] != '\0')
		return FAULT_AT(f, "%s", j.time);
	return j.host[0] == '\0' ? DONE : FAULT_AT(f, "%s", j.host);
}
