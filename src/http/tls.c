/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls.c - one SSL_CTX a thread, set up the only way we allow (RULEBOOK H-02,
 * H-03; RFC 9325 sections 3 and 4).
 *
 * Each config has its own OSSL_LIB_CTX: threads that share the default one lose
 * a fifth of their handshakes to its locks. Session tickets are sealed with keys
 * derived from the ticket secret and the day's PERIOD, so every thread can open
 * every thread's tickets, and a key is forgotten after two periods.
 */
#include "http/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/secret.h"

enum { PERIOD = 12 * 3600 }; /* seconds a ticket key seals; it opens for twice that */

struct ticket_key {
	uint8_t name[16], cipher[32], mac[32];
};

struct tls_config {
	atomic_int references;
	OSSL_LIB_CTX *library;
	SSL_CTX *ctx;
	EVP_CIPHER *ticket_cipher;
	uint8_t ticket_secret[32];
	int64_t period;           /* what keys[0] belongs to; keys[1] is one older */
	struct ticket_key keys[2];
};

/* ---- the certificate and its key ------------------------------------------ */

/* Takes the oldest of OpenSSL's complaints and forgets the others. */
static const char *
openssl_why(void)
{
	const char *why = ERR_reason_error_string(ERR_get_error());

	ERR_clear_error();
	return why != NULL ? why : "unknown error";
}

/*
 * The key is checked and read through one descriptor, so it cannot be swapped in
 * between. A group of root only may read it: systemd hands credentials over so.
 */
static enum outcome
open_key(const char *path, BIO **out, struct fault *f)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	FILE *file;

	if (fd < 0 || fstat(fd, &st) != 0) {
		(void)FAULT_AT(f, "%s: cannot be read: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return FAULT;
	}
	if ((st.st_mode & S_IRWXO) != 0 || ((st.st_mode & S_IRWXG) != 0 && st.st_gid != 0)) {
		close(fd);
		return FAULT_AT(f, "%s: others may read this private key; "
				   "chmod 600 it", path);
	}
	file = fdopen(fd, "r");
	*out = file != NULL ? BIO_new_fp(file, BIO_CLOSE) : NULL;
	if (*out != NULL)
		return DONE;
	close(fd);
	return FAULT_AT(f, "%s: cannot be read", path);
}

/* Without this OpenSSL would ask at the terminal, and a service has none. */
static int
no_passphrase(char *out, int size, int writing, void *asked)
{
	(void)out;
	(void)size;
	(void)writing;
	*(bool *)asked = true;
	return -1;
}

static enum outcome
load_key(struct tls_config *c, const char *path, struct fault *f)
{
	BIO *bio;
	EVP_PKEY *key;
	bool encrypted = false;
	int used;

	TRY(open_key(path, &bio, f));
	key = PEM_read_bio_PrivateKey_ex(bio, NULL, no_passphrase, &encrypted, c->library,
		NULL);
	BIO_free(bio);
	if (key == NULL && encrypted) {
		ERR_clear_error();
		return FAULT_AT(f, "%s: this private key is encrypted, and a server has "
				   "nobody to ask for its password; take it off with: openssl "
				   "pkey -in KEY -out NEW", path);
	}
	if (key == NULL)
		return FAULT_AT(f, "%s: not a private key in PEM form: %s", path,
			openssl_why());
	used = SSL_CTX_use_PrivateKey(c->ctx, key);
	EVP_PKEY_free(key);
	if (used != 1)
		return FAULT_AT(f, "%s: this key does not belong to the certificate: %s",
			path, openssl_why());
	return DONE;
}

static enum outcome
load_certificate(struct tls_config *c, const char *cert, const char *key, struct fault *f)
{
	if (SSL_CTX_use_certificate_chain_file(c->ctx, cert) != 1)
		return FAULT_AT(f, "%s: not a certificate chain in PEM form: %s", cert,
			openssl_why());
	TRY(load_key(c, key, f));
	if (SSL_CTX_check_private_key(c->ctx) != 1)
		return FAULT_AT(f, "%s does not belong to %s: %s", key, cert,
			openssl_why());
	return DONE;
}

/* ---- session tickets: RFC 5077, RFC 8446 section 4.6.1 -------------------- */

static bool
derive(const struct tls_config *c, const char *what, int64_t period, uint8_t out[static 32])
{
	char text[64];
	struct buf b = buf_fixed(text, sizeof(text));

	buf_put(&b, bytes_of(what));
	buf_puti(&b, period);
	return HMAC(EVP_sha256(), c->ticket_secret, sizeof(c->ticket_secret),
		       (const unsigned char *)b.p, b.n, out, NULL) != NULL;
}

static bool
make_key(const struct tls_config *c, int64_t period, struct ticket_key *out)
{
	uint8_t name[32];

	if (!derive(c, "latchkey ticket name ", period, name) ||
	    !derive(c, "latchkey ticket cipher ", period, out->cipher) ||
	    !derive(c, "latchkey ticket mac ", period, out->mac))
		return false;
	memcpy(out->name, name, sizeof(out->name));
	return true;
}

/* Makes the keys of now, if those at hand are older. */
static bool
turn_keys(struct tls_config *c)
{
	int64_t period = clock_now() / PERIOD;

	if (period == c->period)
		return true;
	if (!make_key(c, period, &c->keys[0]) || !make_key(c, period - 1, &c->keys[1]))
		return false;
	c->period = period;
	return true;
}

static bool
use_mac(EVP_MAC_CTX *mac, struct ticket_key *key)
{
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->mac,
			sizeof(key->mac)),
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
			(char[]){ "SHA256" }, 0),
		OSSL_PARAM_construct_end(),
	};

	return EVP_MAC_CTX_set_params(mac, params) == 1;
}

static int
seal_ticket(struct tls_config *c, unsigned char *name, unsigned char *iv,
	EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac)
{
	struct ticket_key *key = &c->keys[0];

	memcpy(name, key->name, sizeof(key->name));
	secret_random(iv, (size_t)EVP_CIPHER_get_iv_length(c->ticket_cipher));
	if (!use_mac(mac, key) ||
	    EVP_EncryptInit_ex(cipher, c->ticket_cipher, NULL, key->cipher, iv) != 1)
		return -1;
	return 1;
}

/* 0: not ours, a full handshake; 1: fine; 2: fine, and a new one is due: its key is
 * old, or TLS 1.3, whose clients use a ticket once (RFC 8446 appendix C.4). */
static int
open_ticket(SSL *ssl, const unsigned char *name, const unsigned char *iv,
	EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac)
{
	struct tls_config *c = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

	for (int age = 0; age < 2; age++) {
		struct ticket_key *key = &c->keys[age];

		if (memcmp(key->name, name, sizeof(key->name)) != 0)
			continue;
		if (!use_mac(mac, key) ||
		    EVP_DecryptInit_ex(cipher, c->ticket_cipher, NULL, key->cipher,
			    iv) != 1)
			return -1;
		return age > 0 || SSL_version(ssl) >= TLS1_3_VERSION ? 2 : 1;
	}
	return 0;
}

static int
ticket_callback(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
	EVP_MAC_CTX *mac, int sealing)
{
	struct tls_config *c = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

	if (!turn_keys(c))
		return -1;
	if (sealing)
		return seal_ticket(c, name, iv, cipher, mac);
	return open_ticket(ssl, name, iv, cipher, mac);
}

/* ---- the settings --------------------------------------------------------- */

/* RFC 7301 section 3.2: a client that offers protocols, but not ours, is told. */
static int
choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_n,
	const unsigned char *offered, unsigned int offered_n, void *arg)
{
	static const unsigned char ours[] = "\x08http/1.1";
	unsigned char *chosen;

	(void)ssl;
	(void)arg;
	if (SSL_select_next_proto(&chosen, out_n, ours, sizeof(ours) - 1, offered,
		    offered_n) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

static bool
set_protocol(SSL_CTX *ctx)
{
	/* H-02: 1.2 and 1.3; ECDHE and AEAD only. */
	if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1 ||
	    SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256:"
		    "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256") != 1 ||
	    SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20:"
		    "!aNULL:!PSK:!aDH") != 1 ||
	    SSL_CTX_set1_groups_list(ctx, "X25519:P-256:P-384") != 1)
		return false;
	/* What was decrypted is wiped once it is read: requests hold tokens. */
	SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
		SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_CLEANSE_PLAINTEXT);
	/* H-03: no early data. */
	return SSL_CTX_set_max_early_data(ctx, 0) == 1;
}

static bool
set_sessions(struct tls_config *c)
{
	c->ticket_cipher = EVP_CIPHER_fetch(c->library, "AES-256-CBC", NULL);
	SSL_CTX_set_app_data(c->ctx, c);
	SSL_CTX_set_session_cache_mode(c->ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_timeout(c->ctx, PERIOD);
	return c->ticket_cipher != NULL && SSL_CTX_set_num_tickets(c->ctx, 1) == 1 &&
		SSL_CTX_set_tlsext_ticket_key_evp_cb(c->ctx, ticket_callback) == 1;
}

static void
set_memory(SSL_CTX *ctx)
{
	/* Record buffers go when http_wire_rest says so: to wipe 16 KiB after each record
	 * costs more than to read it. A record is read by one call. */
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
		SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_read_ahead(ctx, 1);
}

enum outcome
tls_config_new(const char *cert_file, const char *key_file,
	const uint8_t ticket_secret[static 32], struct tls_config **out, struct fault *f)
{
	struct tls_config *c = must_calloc(1, sizeof(*c));

	atomic_init(&c->references, 1);
	memcpy(c->ticket_secret, ticket_secret, sizeof(c->ticket_secret));
	c->library = OSSL_LIB_CTX_new();
	if (c->library != NULL)
		c->ctx = SSL_CTX_new_ex(c->library, NULL, TLS_server_method());
	if (c->ctx == NULL || !set_protocol(c->ctx) || !set_sessions(c)) {
		tls_config_free(c);
		return FAULT_AT(f, "OpenSSL cannot be set up: %s", openssl_why());
	}
	set_memory(c->ctx);
	SSL_CTX_set_alpn_select_cb(c->ctx, choose_alpn, NULL);
	if (load_certificate(c, cert_file, key_file, f) != DONE) {
		tls_config_free(c);
		return FAULT;
	}
	/* It may be used and freed by another thread: OpenSSL must not remember that
	 * this one ever touched it, or it looks again when this thread ends. */
	OPENSSL_thread_stop_ex(c->library);
	*out = c;
	return DONE;
}

struct tls_config *
tls_config_ref(struct tls_config *c)
{
	if (c != NULL)
		atomic_fetch_add(&c->references, 1);
	return c;
}

void
tls_config_free(struct tls_config *c)
{
	if (c == NULL || atomic_fetch_sub(&c->references, 1) > 1)
		return;
	SSL_CTX_free(c->ctx);
	EVP_CIPHER_free(c->ticket_cipher);
	OSSL_LIB_CTX_free(c->library);
	secret_wipe(c, sizeof(*c));
	free(c);
}

SSL *
tls_accept(struct tls_config *c, int fd)
{
	SSL *ssl = SSL_new(c->ctx);

	if (ssl == NULL || SSL_set_fd(ssl, fd) != 1) {
		SSL_free(ssl);
		return NULL;
	}
	SSL_set_accept_state(ssl);
	return ssl;
}
