/* SPDX-License-Identifier: Apache-2.0 */
/*
 * certificate.h - a certificate authority for development, and certificates by
 * it, so that running locally over HTTPS takes no effort (R2.5); and what any
 * certificate says of itself.
 *
 * Promises: P-256 keys in files of mode 0600; the authority may only vouch for
 * localhost and loopback addresses (RFC 5280 4.2.1.10 name constraints), so
 * trusting it risks nothing else; nothing is overwritten.
 */
#ifndef LATCHKEY_CRYPTO_CERTIFICATE_H
#define LATCHKEY_CRYPTO_CERTIFICATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/outcome.h"

/* Makes ca_cert and ca_key (PEM). */
enum outcome certificate_authority_new(const char *ca_cert, const char *ca_key,
	struct fault *f) must_check;
/* Makes cert and key for localhost, 127.0.0.1 and ::1, good for 397 days. */
enum outcome certificate_issue(const char *ca_cert, const char *ca_key,
	const char *cert, const char *key, struct fault *f) must_check;

/* The first certificate of a PEM file: from when to when it is good (Unix seconds),
 * and whether it is for that DNS name or IP address (RFC 6125; NULL: for none). */
struct certificate_facts { int64_t not_before, not_after; bool covers_host; };
enum outcome certificate_read(const char *path, const char *host,
	struct certificate_facts *out, struct fault *f) must_check;

#endif
