/* SPDX-License-Identifier: Apache-2.0 */
/*
 * certificate.c - X.509 by OpenSSL, just enough for development, and a look at others'.
 */
#include "crypto/certificate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#define DAY (24L * 60 * 60)
#define AUTHORITY_DAYS 3650
#define CERTIFICATE_DAYS 397 /* what browsers accept at most (398) */

static enum outcome
openssl_fault(struct fault *f, const char *doing)
{
	char why[120];

	ERR_error_string_n(ERR_get_error(), why, sizeof why);
	ERR_clear_error();
	return FAULT_AT(f, "%s: %s", doing, why);
}

/* A new file; the mode is set before the first byte is written. */
static FILE *
create(const char *path, mode_t mode, struct fault *f)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);

	if (fd < 0) {
		(void)FAULT_AT(f, "%s: %s", path, strerror(errno));
		return NULL;
	}
	return fdopen(fd, "w");
}

static enum outcome
write_pair(const char *cert_file, X509 *cert, const char *key_file, EVP_PKEY *key,
	struct fault *f)
{
	FILE *out = create(key_file, 0600, f);
	int ok;

	if (out == NULL)
		return FAULT;
	ok = PEM_write_PKCS8PrivateKey(out, key, NULL, NULL, 0, NULL, NULL);
	ok = fclose(out) == 0 && ok;
	out = create(cert_file, 0644, f);
	if (out == NULL)
		return FAULT;
	ok = PEM_write_X509(out, cert) && ok;
	ok = fclose(out) == 0 && ok;
	return ok ? DONE : openssl_fault(f, "writing a certificate");
}

static bool
add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *e;
	bool ok;

	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ok = e != NULL && X509_add_ext(cert, e, -1) == 1;
	X509_EXTENSION_free(e);
	return ok;
}

/* Serial, dates, name and public key; random so that no two ever clash. */
static bool
fill(X509 *cert, EVP_PKEY *key, const char *name, int days)
{
	unsigned char serial[16];
	ASN1_INTEGER *number = X509_get_serialNumber(cert);
	X509_NAME *subject = X509_get_subject_name(cert);

	if (RAND_bytes(serial, sizeof serial) != 1)
		return false;
	serial[0] = (serial[0] & 0x3f) | 0x40; /* positive, and no leading zero: X.690 8.3.2 */
	return X509_set_version(cert, X509_VERSION_3) == 1
		&& ASN1_STRING_set(number, serial, sizeof serial) == 1
		&& X509_gmtime_adj(X509_getm_notBefore(cert), -DAY) != NULL
		&& X509_gmtime_adj(X509_getm_notAfter(cert), days * DAY) != NULL
		&& X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
			   (const unsigned char *)name, -1, -1, 0) == 1
		&& X509_set_pubkey(cert, key) == 1;
}

static bool
make_authority(X509 *cert, EVP_PKEY *key)
{
	return fill(cert, key, "Latchkey development CA (this machine only)",
		       AUTHORITY_DAYS)
		&& X509_set_issuer_name(cert, X509_get_subject_name(cert)) == 1
		&& add_extension(cert, cert, NID_basic_constraints,
			"critical,CA:TRUE,pathlen:0")
		&& add_extension(cert, cert, NID_key_usage, "critical,keyCertSign,cRLSign")
		&& add_extension(cert, cert, NID_name_constraints,
			"critical,permitted;DNS:localhost,"
			"permitted;IP:127.0.0.0/255.0.0.0,"
			"permitted;IP:::1/ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")
		&& add_extension(cert, cert, NID_subject_key_identifier, "hash")
		&& X509_sign(cert, key, EVP_sha256()) > 0;
}

static bool
make_certificate(X509 *cert, EVP_PKEY *key, X509 *ca, EVP_PKEY *ca_key)
{
	return fill(cert, key, "localhost", CERTIFICATE_DAYS)
		&& X509_set_issuer_name(cert, X509_get_subject_name(ca)) == 1
		&& add_extension(cert, ca, NID_basic_constraints, "critical,CA:FALSE")
		&& add_extension(cert, ca, NID_key_usage, "critical,digitalSignature")
		&& add_extension(cert, ca, NID_ext_key_usage, "serverAuth")
		&& add_extension(cert, ca, NID_subject_alt_name,
			"DNS:localhost,IP:127.0.0.1,IP:::1")
		&& add_extension(cert, ca, NID_subject_key_identifier, "hash")
		&& add_extension(cert, ca, NID_authority_key_identifier, "keyid:always")
		&& X509_sign(cert, ca_key, EVP_sha256()) > 0;
}

enum outcome
certificate_authority_new(const char *ca_cert, const char *ca_key, struct fault *f)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	enum outcome outcome;

	if (key != NULL && cert != NULL && make_authority(cert, key))
		outcome = write_pair(ca_cert, cert, ca_key, key, f);
	else
		outcome = openssl_fault(f, "making the development CA");
	X509_free(cert);
	EVP_PKEY_free(key);
	return outcome;
}

static bool
read_pair(const char *cert_file, const char *key_file, X509 **cert, EVP_PKEY **key,
	struct fault *f)
{
	FILE *in = fopen(cert_file, "re");

	*cert = in != NULL ? PEM_read_X509(in, NULL, NULL, NULL) : NULL;
	if (in != NULL)
		fclose(in);
	in = fopen(key_file, "re");
	*key = in != NULL ? PEM_read_PrivateKey(in, NULL, NULL, NULL) : NULL;
	if (in != NULL)
		fclose(in);
	if (*cert != NULL && *key != NULL)
		return true;
	(void)FAULT_AT(f, "%s and %s do not hold a certificate and its key", cert_file,
		key_file);
	return false;
}

enum outcome
certificate_issue(const char *ca_cert, const char *ca_key, const char *cert_file,
	const char *key_file, struct fault *f)
{
	X509 *ca = NULL, *cert = X509_new();
	EVP_PKEY *signer = NULL, *key = EVP_EC_gen("P-256");
	enum outcome outcome = FAULT;

	if (read_pair(ca_cert, ca_key, &ca, &signer, f)) {
		if (key != NULL && cert != NULL && make_certificate(cert, key, ca, signer))
			outcome = write_pair(cert_file, cert, key_file, key, f);
		else
			outcome = openssl_fault(f, "making a certificate");
	}
	X509_free(ca);
	X509_free(cert);
	EVP_PKEY_free(signer);
	EVP_PKEY_free(key);
	return outcome;
}

/* ---- any certificate ------------------------------------------------------- */

static bool
unix_seconds(const ASN1_TIME *t, int64_t *out)
{
	ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
	int days, seconds;
	bool ok = epoch != NULL && ASN1_TIME_diff(&days, &seconds, epoch, t) == 1;

	ASN1_TIME_free(epoch);
	if (ok)
		*out = (int64_t)days * DAY + seconds;
	return ok;
}

enum outcome
certificate_read(const char *path, const char *host, struct certificate_facts *out,
	struct fault *f)
{
	FILE *in = fopen(path, "re");
	X509 *cert = in != NULL ? PEM_read_X509(in, NULL, NULL, NULL) : NULL;
	bool ok = cert != NULL && unix_seconds(X509_get0_notBefore(cert), &out->not_before) &&
		unix_seconds(X509_get0_notAfter(cert), &out->not_after);

	if (in != NULL)
		fclose(in);
	out->covers_host = ok && host != NULL && (X509_check_host(cert, host, 0, 0, NULL) == 1 ||
		X509_check_ip_asc(cert, host, 0) == 1);
	X509_free(cert);
	return ok ? DONE : openssl_fault(f, path);
}
