/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of crypto/token.c. */
#include "crypto/token.h"

#include "base/secret.h"
#include "text/base64url.h"
#include "tap.h"

static const uint8_t master[32] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
	16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31 };

static const struct grant_token a_grant = {
	.epoch = 5,
	.id = { 0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xab,
		0xac, 0xad, 0xae, 0xaf },
	.generation = 0x01020304,
};

static const struct client_token a_client = {
	.epoch = 63,
	.client = 77,
	.issued_at = 1795442709,
	.expires_at = 1795446309,
	.nonce = { 0, 1, 2, 3, 4, 5, 6, 7 },
	.scopes = { 1, 65535 },
	.scope_count = 2,
};

static struct token_keys *keys;

__attribute__((constructor)) static void
begin(void)
{
	if (crypto_start(NULL) != DONE)
		abort();
	keys = token_keys_new(master);
	token_keys_allow(keys, 5);
	token_keys_allow(keys, 63);
	token_keys_allow(keys, 63);
}

__attribute__((destructor)) static void
end(void)
{
	token_keys_free(keys);
}

static struct bytes
text_of(const struct token_text *t)
{
	return (struct bytes){ t->p, t->n };
}

static enum token_read
read_as(enum token_kind kind, struct bytes text)
{
	struct token_any any;

	return token_read_kind(keys, kind, text, &any);
}

/* Computed once by another implementation (Python's hmac) from token.h's words. */
TEST(the_format_is_what_the_header_says)
{
	static const struct bytes texts[] = {
		[TOKEN_ACCESS] =
			BI("lk_at_RaChoqOkpaanqKmqq6ytrq8BAgMEl1ef1TedeF-ZogW4b7vr7Q"),
		[TOKEN_REFRESH] =
			BI("lk_rt_RaChoqOkpaanqKmqq6ytrq8BAgMET8UFpt-YIMbRGEZ9YRV0hA"),
		[TOKEN_CODE] =
			BI("lk_ac_RaChoqOkpaanqKmqq6ytrq8BAgME6BOP49brxI-y9YyueGUjPQ"),
	};
	struct token_text t;

	for (unsigned kind = 0; kind < 3; kind++) {
		grant_token_write(keys, kind, &a_grant, &t);
		check_bytes(text_of(&t), texts[kind]);
	}
	client_token_write(keys, &a_client, &t);
	check_bytes(text_of(&t), B("lk_at_vwAAAAAAAABNAGsESBUAawRWJQABAgMEBQYHAAH__"
				   "_mXT8L1x0AtM7qZTzs_fK8"));
}

TEST(what_was_written_is_read)
{
	for (unsigned kind = 0; kind < 3; kind++) {
		struct grant_token g = { .epoch = 5, .generation = kind * 0x7FFFFFFF };
		struct token_any any = { 0 };
		struct token_text t;

		secret_random(g.id, sizeof(g.id));
		grant_token_write(keys, kind, &g, &t);
		check_int(token_read(keys, text_of(&t), &any), TOKEN_IS_GRANT);
		check_int(any.kind, kind);
		check_int(any.grant.epoch, 5);
		check_int(any.grant.generation, g.generation);
		check_memory(any.grant.id, g.id, GRANT_ID_SIZE);
	}
}

TEST(client_tokens_with_any_number_of_scopes_are_read)
{
	for (size_t scopes = 0; scopes <= TOKEN_MAX_SCOPES; scopes++) {
		struct client_token c = { .epoch = 63, .client = -1, .issued_at = 0,
			.expires_at = (INT64_C(1) << 40) - 1, .scope_count = scopes };
		struct token_any any = { 0 };
		struct token_text t;

		for (size_t i = 0; i < scopes; i++)
			c.scopes[i] = (uint16_t)(i * 2113);
		client_token_write(keys, &c, &t);
		row("%zu scopes", scopes);
		check(t.n <= TOKEN_MAX);
		check_int(token_read(keys, text_of(&t), &any), TOKEN_IS_CLIENT);
		check_int(any.kind, TOKEN_ACCESS);
		check_int(any.client.epoch, 63);
		check_int(any.client.client, -1);
		check_int(any.client.issued_at, 0);
		check_int(any.client.expires_at, c.expires_at);
		check_int((int64_t)any.client.scope_count, (int64_t)scopes);
		check_memory(any.client.scopes, c.scopes, sizeof(c.scopes));
	}
}

TEST(equal_input_gives_equal_tokens_and_other_input_others)
{
	struct grant_token g = a_grant;
	struct token_text one, same, other;

	grant_token_write(keys, TOKEN_REFRESH, &g, &one);
	grant_token_write(keys, TOKEN_REFRESH, &g, &same);
	check_bytes(text_of(&one), text_of(&same));
	g.generation++;
	grant_token_write(keys, TOKEN_REFRESH, &g, &other);
	check(!secret_equal(one.p + one.n - 21, other.p + other.n - 21, 21));
}

static void
every_flip_is_refused(const struct token_text *t, enum token_kind kind)
{
	uint8_t bytes[TOKEN_MAX];
	size_t n;

	/* Of each character ... */
	for (size_t bit = 0; bit < t->n * 8; bit++) {
		struct token_text flipped = *t;

		flipped.p[bit / 8] = (char)(flipped.p[bit / 8] ^ 1 << bit % 8);
		row("bit %zu of the text", bit);
		check_int(read_as(kind, text_of(&flipped)), TOKEN_NOT_OURS);
	}
	/* ... and of each byte that they stand for. */
	check(base64url_decode(bytes_slice(text_of(t), 6, t->n), bytes, sizeof(bytes), &n));
	for (size_t bit = 0; bit < n * 8; bit++) {
		struct token_text flipped = *t;

		bytes[bit / 8] = (uint8_t)(bytes[bit / 8] ^ 1u << bit % 8);
		base64url_encode(bytes, n, flipped.p + 6);
		bytes[bit / 8] = (uint8_t)(bytes[bit / 8] ^ 1u << bit % 8);
		row("bit %zu of the token", bit);
		check_int(read_as(kind, text_of(&flipped)), TOKEN_NOT_OURS);
	}
}

TEST(every_single_bit_counts)
{
	struct token_text t;

	for (unsigned kind = 0; kind < 3; kind++) {
		grant_token_write(keys, kind, &a_grant, &t);
		every_flip_is_refused(&t, kind);
	}
	client_token_write(keys, &a_client, &t);
	every_flip_is_refused(&t, TOKEN_ACCESS);
}

TEST(a_true_token_of_another_kind_is_known_as_such)
{
	for (unsigned written = 0; written < 3; written++) {
		struct token_text t;

		grant_token_write(keys, written, &a_grant, &t);
		for (unsigned asked = 0; asked < 3; asked++) {
			row("%u read as %u", written, asked);
			check_int(read_as(asked, text_of(&t)), written == asked ?
					TOKEN_IS_GRANT : TOKEN_OF_OTHER_KIND);
		}
	}
}

TEST(a_changed_prefix_makes_it_nobodys)
{
	static const char *prefixes[] = { "lk_at_", "lk_rt_", "lk_ac_", "LK_at_", "lk_xx_",
		"xk_at_" };

	for (unsigned kind = 0; kind < 3; kind++) {
		for (unsigned i = 0; i < 6; i++) {
			struct token_text t;

			grant_token_write(keys, kind, &a_grant, &t);
			memcpy(t.p, prefixes[i], 6);
			row("kind %u with %s", kind, prefixes[i]);
			for (unsigned asked = 0; asked < 3; asked++)
				check_int(read_as(asked, text_of(&t)), i != kind ?
						TOKEN_NOT_OURS : asked == kind ?
						TOKEN_IS_GRANT : TOKEN_OF_OTHER_KIND);
		}
	}
}

TEST(a_client_token_is_an_access_token_only)
{
	struct token_text t;

	client_token_write(keys, &a_client, &t);
	check_int(read_as(TOKEN_ACCESS, text_of(&t)), TOKEN_IS_CLIENT);
	check_int(read_as(TOKEN_REFRESH, text_of(&t)), TOKEN_OF_OTHER_KIND);
	check_int(read_as(TOKEN_CODE, text_of(&t)), TOKEN_OF_OTHER_KIND);
}

TEST(a_retired_epoch_is_named_but_a_forged_one_is_not)
{
	struct token_keys *later = token_keys_new(master);
	struct token_any any;
	struct token_text t;

	token_keys_allow(later, 6);
	grant_token_write(keys, TOKEN_ACCESS, &a_grant, &t);
	check_int(token_read(later, text_of(&t), &any), TOKEN_EPOCH_RETIRED);
	check_int(token_read_kind(later, TOKEN_CODE, text_of(&t), &any),
		TOKEN_EPOCH_RETIRED);
	t.p[10] ^= 1;
	check_int(token_read(later, text_of(&t), &any), TOKEN_NOT_OURS);
	token_keys_free(later);
}

TEST(an_epoch_another_node_has_just_begun_is_honoured_and_none_after_it)
{
	struct token_keys *behind = token_keys_new(master);
	struct grant_token g = a_grant;
	struct token_any any;
	struct token_text t;

	token_keys_allow(behind, 4);
	token_keys_newest(behind, 4);
	grant_token_write(keys, TOKEN_ACCESS, &g, &t);
	check_int(token_read(behind, text_of(&t), &any), TOKEN_IS_GRANT);
	g.epoch = 6;
	grant_token_write(keys, TOKEN_ACCESS, &g, &t);
	check_int(token_read(behind, text_of(&t), &any), TOKEN_EPOCH_RETIRED);
	g.epoch = 3;
	grant_token_write(keys, TOKEN_ACCESS, &g, &t);
	check_int(token_read(behind, text_of(&t), &any), TOKEN_EPOCH_RETIRED);
	token_keys_newest(behind, TOKEN_EPOCHS - 1);
	g.epoch = 0;
	grant_token_write(keys, TOKEN_ACCESS, &g, &t);
	check_int(token_read(behind, text_of(&t), &any), TOKEN_EPOCH_RETIRED);
	token_keys_free(behind);
}

TEST(each_epoch_and_each_master_has_its_own_key)
{
	static const uint8_t other_master[32] = { 9 };
	struct token_keys *others = token_keys_new(other_master);
	struct grant_token g = a_grant;
	struct token_any any;
	struct token_text one, two;

	token_keys_allow(others, 5);
	grant_token_write(keys, TOKEN_ACCESS, &g, &one);
	check_int(token_read(others, text_of(&one), &any), TOKEN_NOT_OURS);
	g.epoch = 63;
	grant_token_write(keys, TOKEN_ACCESS, &g, &two);
	check_int(token_read(keys, text_of(&two), &any), TOKEN_IS_GRANT);
	check(!secret_equal(one.p + one.n - 21, two.p + two.n - 21, 21));
	token_keys_free(others);
}

TEST(only_the_one_spelling_is_read)
{
	struct token_text t;
	struct bytes whole;

	grant_token_write(keys, TOKEN_ACCESS, &a_grant, &t);
	whole = text_of(&t);
	for (size_t n = 0; n < t.n; n++) {
		row("cut to %zu", n);
		check_int(read_as(TOKEN_ACCESS, bytes_slice(whole, 0, n)),
			TOKEN_NOT_OURS);
		check_int(read_as(TOKEN_ACCESS, bytes_slice(whole, n + 1, t.n)),
			TOKEN_NOT_OURS);
	}
	for (int c = 0; c < 256; c++) {
		t.p[t.n] = (char)c;
		row("byte %d behind it", c);
		check_int(read_as(TOKEN_ACCESS, (struct bytes){ t.p, t.n + 1 }),
			TOKEN_NOT_OURS);
	}
	memset(t.p + t.n, '=', 2);
	row("padded");
	check_int(read_as(TOKEN_ACCESS, (struct bytes){ t.p, t.n + 2 }), TOKEN_NOT_OURS);
	/* 37 bytes are 50 characters, the last of which has 4 bits to spare. */
	for (int c = 0; c < 256; c++) {
		char last = t.p[t.n - 1];

		t.p[t.n - 1] = (char)c;
		row("last character %d", c);
		check_int(read_as(TOKEN_ACCESS, text_of(&t)),
			c == last ? TOKEN_IS_GRANT : TOKEN_NOT_OURS);
		t.p[t.n - 1] = last;
	}
}

TEST(what_is_not_read_leaves_the_output_alone)
{
	struct token_any any, before;
	struct token_text t;

	memset(&any, 0xA5, sizeof(any));
	before = any;
	grant_token_write(keys, TOKEN_REFRESH, &a_grant, &t);
	check_int(token_read_kind(keys, TOKEN_ACCESS, text_of(&t), &any),
		TOKEN_OF_OTHER_KIND);
	t.p[20] ^= 1;
	check_int(token_read(keys, text_of(&t), &any), TOKEN_NOT_OURS);
	check_int(token_read(keys, NONE, &any), TOKEN_NOT_OURS);
	check_int(token_read(keys, B("lk_at_"), &any), TOKEN_NOT_OURS);
	check_memory(&any, &before, sizeof(any));
}

TEST(the_key_of_a_grant_is_a_digest_of_its_id)
{
	uint8_t key[GRANT_KEY_SIZE];

	grant_key(a_grant.id, key);
	check_memory(key, "\xa3\xf2\x20\x78\x98\x3a\x4d\xc1\x95\xfe\x5b\x8d\xe8\x22\x2a\xb0",
		GRANT_KEY_SIZE);
}
