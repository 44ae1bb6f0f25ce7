/* SPDX-License-Identifier: Apache-2.0 */
/*
 * development.h - a certificate authority and a certificate of a directory's
 * own, made on first use; shared by `init --development`, `demo` and `dev`.
 */
#ifndef LATCHKEY_CLI_DEVELOPMENT_H
#define LATCHKEY_CLI_DEVELOPMENT_H

#include "base/arena.h"
#include "base/outcome.h"

#define DEVELOPMENT_CA_FILE "dev-ca.pem"

/* Makes dir/dev-ca.pem and dir/dev-ca-key.pem unless they are there, then
 * dir/tls-cert.pem and dir/tls-key.pem by them. */
enum outcome development_certificate(struct arena *a, const char *dir, struct fault *f)
	must_check;

#endif
