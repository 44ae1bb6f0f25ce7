/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_files.h - the certificate and the key as an operator has put them there.
 */
#ifndef LATCHKEY_SERVER_TLS_FILES_H
#define LATCHKEY_SERVER_TLS_FILES_H

#include "http/http.h"
#include "server/config.h"

/* As tls_config_new, with the settings that name the files in its sentences. */
enum outcome tls_files_open(const struct config *c, const char *dir,
	const uint8_t ticket_secret[static 32], struct tls_config **out, struct fault *f)
	must_check;

/* What is wrong with a certificate that can be used: clients will refuse it now
 * (broken), or soon. Empty: nothing. */
struct tls_judgement { char time[512], host[512], soon[512]; };
void tls_files_judge(const struct config *c, int64_t now, struct tls_judgement *out);
/* Tells the log, loudly. */
void tls_files_warn(const struct config *c, int64_t now);
/* FAULT with the sentence when clients would refuse it now. */
enum outcome tls_files_good(const struct config *c, int64_t now, struct fault *f)
	must_check;

#endif
