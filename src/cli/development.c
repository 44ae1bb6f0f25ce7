/* SPDX-License-Identifier: Apache-2.0 */
/* development.c - HTTPS on localhost without effort (R2.5). */
#include "cli/development.h"

#include <unistd.h>

#include "crypto/certificate.h"

enum outcome
development_certificate(struct arena *a, const char *dir, struct fault *f)
{
	const char *ca = arena_printf(a, "%s/%s", dir, DEVELOPMENT_CA_FILE);
	const char *ca_key = arena_printf(a, "%s/dev-ca-key.pem", dir);
	const char *cert = arena_printf(a, "%s/tls-cert.pem", dir);
	const char *key = arena_printf(a, "%s/tls-key.pem", dir);

	if (access(ca, F_OK) != 0)
		TRY(certificate_authority_new(ca, ca_key, f));
	if (access(cert, F_OK) == 0 && access(key, F_OK) == 0)
		return DONE;
	return certificate_issue(ca, ca_key, cert, key, f);
}
