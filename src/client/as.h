/* SPDX-License-Identifier: Apache-2.0 */
/*
 * as.h - an authorization server as a client knows it: its metadata (RFC 8414, OpenID
 * Connect Discovery 1.0 as the fall-back), checked before anything is believed.
 *
 * Promises: the issuer comes from configuration and must be the document's own, octet
 * for octet (CL-02); endpoints are https (or loopback in development); a server that
 * does not offer S256 is refused (CL-03).
 */
#ifndef LATCHKEY_CLIENT_AS_H
#define LATCHKEY_CLIENT_AS_H

#include "client/status.h"
#include "base/arena.h"

struct as {
	struct bytes issuer;
	struct bytes authorization_endpoint, token_endpoint, revocation_endpoint;
	struct bytes device_authorization_endpoint;
	struct bytes pushed_authorization_request_endpoint;
	bool iss_in_response;  /* authorization_response_iss_parameter_supported */
	bool par_required;
	bool retry_key;        /* refresh_retry_key_supported (DESIGN.md 2, invariant 5) */
	bool openid;           /* found by OpenID discovery, or scopes name openid */
	bool basic_refused;    /* client_secret_basic is not among what it takes */
	struct bytes ca_file;  /* NONE: the system's */
	bool development;      /* http on loopback is allowed */
	bool connecting;       /* somebody is there who can change what is configured */
	int timeout_ms;
};

struct as_wanted {
	struct bytes issuer, ca_file;
	bool development, s256_unadvertised;
	bool connecting; /* then a certificate that is not trusted is a configuration */
	int timeout_ms;
	/* all given: no discovery */
	struct bytes authorization_endpoint, token_endpoint, revocation_endpoint;
};

/* Fetches and checks; everything in *out is in a. */
enum lk_status as_discover(struct arena *a, const struct as_wanted *wanted,
	struct as *out, struct lk_error *e) must_check;
/* The same without I/O, for tests and fuzzing: the document at that issuer's URL. */
enum lk_status as_read(struct arena *a, const struct as_wanted *wanted,
	struct bytes document, struct as *out, struct lk_error *e) must_check;

#endif
