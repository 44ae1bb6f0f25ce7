/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of crypto/digest.c. */
#include "crypto/digest.h"

#include <pthread.h>

#include "base/secret.h"
#include "text/base64url.h"
#include "tap.h"

__attribute__((constructor)) static void
begin(void)
{
	if (crypto_start(NULL) != DONE)
		abort();
}

static const char *
hex(const uint8_t *p, size_t n)
{
	static char text[2 * DIGEST_SIZE + 1];

	for (size_t i = 0; i < n; i++)
		snprintf(text + 2 * i, 3, "%02x", p[i]);
	return text;
}

TEST(starting_twice_is_fine)
{
	struct fault f;

	check_int(crypto_start(&f), DONE);
}

TEST(sha_256_of_fips_180_4)
{
	static const struct {
		struct bytes message;
		const char *digest;
	} rows[] = {
		{ BI_NONE,
			"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
		{ BI("abc"),
			"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
		{ BI("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
			"248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t out[DIGEST_SIZE];

		sha256(rows[i].message, out);
		check_str(hex(out, sizeof(out)), rows[i].digest);
	}
}

TEST(the_fixed_values_of_rulebook_a3)
{
	static const struct {
		struct bytes message, base64url;
	} rows[] = {
		/* RFC 7636 appendix B */
		{ BI("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
			BI("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM") },
		/* RFC 9449 section 7.1 */
		{ BI("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"),
			BI("fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo") },
		/* RFC 9449 section 6.1, made up as RFC 7638 section 3 says */
		{ BI("{\"crv\":\"P-256\",\"kty\":\"EC\","
		     "\"x\":\"l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs\","
		     "\"y\":\"9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA\"}"),
			BI("0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I") },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t out[DIGEST_SIZE];
		char text[BASE64URL_SIZE(DIGEST_SIZE)];

		sha256(rows[i].message, out);
		base64url_encode(out, sizeof(out), text);
		check_bytes(((struct bytes){ text, sizeof(text) }), rows[i].base64url);
	}
}

/*
 * RFC 4231. A key of less than 32 bytes is the same key filled up with zeroes;
 * one longer than a block is the same as its digest (RFC 2104 section 2).
 */
TEST(hmac_of_rfc_4231)
{
	static const struct {
		uint8_t fill;
		size_t size;
		struct bytes key, message;
		const char *mac;
	} rows[] = {
		{ 0x0B, 20, BI_NONE, BI("Hi There"),
			"b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
		{ 0, 0, BI("Jefe"), BI("what do ya want for nothing?"),
			"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
		{ 0xAA, 20, BI_NONE,
			BI("\xDD\xDD\xDD\xDD\xDD\xDD\xDD\xDD\xDD\xDD\xDD\xDD\xDD\xDD\xDD\xDD\xDD"
			   "\xDD\xDD\xDD\xDD\xDD\xDD\xDD\xDD\xDD\xDD\xDD\xDD\xDD\xDD\xDD\xDD\xDD"
			   "\xDD\xDD\xDD\xDD\xDD\xDD\xDD\xDD\xDD\xDD\xDD\xDD\xDD\xDD\xDD\xDD"),
			"773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe" },
		{ 0, 0,
			BI("\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10"
			   "\x11\x12\x13\x14\x15\x16\x17\x18\x19"),
			BI("\xCD\xCD\xCD\xCD\xCD\xCD\xCD\xCD\xCD\xCD\xCD\xCD\xCD\xCD\xCD\xCD\xCD"
			   "\xCD\xCD\xCD\xCD\xCD\xCD\xCD\xCD\xCD\xCD\xCD\xCD\xCD\xCD\xCD\xCD\xCD"
			   "\xCD\xCD\xCD\xCD\xCD\xCD\xCD\xCD\xCD\xCD\xCD\xCD\xCD\xCD\xCD\xCD"),
			"82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b" },
		{ 0xAA, 131, BI_NONE,
			BI("Test Using Larger Than Block-Size Key - Hash Key First"),
			"60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54" },
		{ 0xAA, 131, BI_NONE,
			BI("This is a test using a larger than block-size key and a larger "
			   "than block-size data. The key needs to be hashed before being "
			   "used by the HMAC algorithm."),
			"9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t key[131] = { 0 }, out[DIGEST_SIZE];
		struct mac_key *k;

		memset(key, rows[i].fill, rows[i].size);
		if (rows[i].key.n > 0)
			memcpy(key, rows[i].key.p, rows[i].key.n);
		if (rows[i].size > 64)
			sha256((struct bytes){ (char *)key, rows[i].size }, key);
		k = mac_key_new(key);
		row("%zu", i);
		for (int again = 0; again < 2; again++) {
			mac(k, rows[i].message.p, rows[i].message.n, out);
			check_str(hex(out, sizeof(out)), rows[i].mac);
		}
		mac_key_free(k);
	}
}

/* RFC 5869 A.1 and A.2: expand only; info is split into label and number. */
TEST(hkdf_expand_of_rfc_5869)
{
	static const uint8_t prk_1[32] = { 0x07, 0x77, 0x09, 0x36, 0x2c, 0x2e, 0x32, 0xdf,
		0x0d, 0xdc, 0x3f, 0x0d, 0xc4, 0x7b, 0xba, 0x63, 0x90, 0xb6, 0xc7, 0x3b, 0xb5,
		0x0f, 0x9c, 0x31, 0x22, 0xec, 0x84, 0x4a, 0xd7, 0xc2, 0xb3, 0xe5 };
	static const uint8_t prk_2[32] = { 0x06, 0xa6, 0xb8, 0x8c, 0x58, 0x53, 0x36, 0x1a,
		0x06, 0x10, 0x4c, 0x9c, 0xeb, 0x35, 0xb4, 0x5c, 0xef, 0x76, 0x00, 0x14, 0x90,
		0x46, 0x71, 0x01, 0x4a, 0x19, 0x3f, 0x40, 0xc1, 0x5f, 0xc2, 0x44 };
	char label[77] = { 0 };
	uint8_t out[32];

	derive_key(prk_1, "\xf0\xf1\xf2\xf3\xf4\xf5", 0xf6f7f8f9, out);
	check_str(hex(out, 32),
		"3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf");
	for (int i = 0; i < 76; i++)
		label[i] = (char)(0xb0 + i);
	derive_key(prk_2, label, 0xfcfdfeff, out);
	check_str(hex(out, 32),
		"b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c");
}

TEST(derived_keys_differ_by_master_label_and_number)
{
	static const uint8_t masters[2][32] = { { 0 }, { 1 } };
	uint8_t keys[8][32];

	for (unsigned i = 0; i < 8; i++) {
		derive_key(masters[i & 1], i & 2 ? "a" : "b", i >> 2, keys[i]);
		for (unsigned j = 0; j < i; j++)
			check(!secret_equal(keys[i], keys[j], 32));
	}
}

#define KEYS 40 /* more than a thread keeps */

static struct mac_key *keys[KEYS];
static uint8_t expected[KEYS][DIGEST_SIZE];

static void *
use_all_keys(void *wrong)
{
	for (int round = 0; round < 50; round++) {
		for (size_t i = 0; i < KEYS; i++) {
			uint8_t out[DIGEST_SIZE];

			mac(keys[i], "message", 7, out);
			if (!secret_equal(out, expected[i], sizeof(out)))
				*(int *)wrong += 1;
		}
	}
	return NULL;
}

TEST(many_keys_by_many_threads)
{
	pthread_t threads[4];
	int wrong[4] = { 0 };

	/* The second time, keys that are gone must not be remembered. */
	for (uint8_t time = 0; time < 2; time++) {
		for (uint8_t i = 0; i < KEYS; i++) {
			uint8_t key[32] = { i, time };

			keys[i] = mac_key_new(key);
			mac(keys[i], "message", 7, expected[i]);
			for (size_t j = 0; j < i; j++)
				check(!secret_equal(expected[i], expected[j], 32));
		}
		for (int t = 0; t < 4; t++)
			check(pthread_create(&threads[t], NULL, use_all_keys,
				      &wrong[t]) == 0);
		for (int t = 0; t < 4; t++) {
			pthread_join(threads[t], NULL);
			check_int(wrong[t], 0);
		}
		use_all_keys(&wrong[0]);
		check_int(wrong[0], 0);
		for (size_t i = 0; i < KEYS; i++)
			mac_key_free(keys[i]);
	}
}
