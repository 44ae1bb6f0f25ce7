/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the vault keeps of a connection comes back as it was, or not at all.
 */
#include "client_test.h"
#include "client/record.h"
#include "client/status.h"

static struct record
example(void)
{
	return (struct record){
		.issuer = B("https://login.example.com"),
		.client_id = B("ledger sync"),
		.client_secret = B("p+q r&=%"),
		.redirect_uri = B("https://app.example/cb?x=1"),
		.scope = B("openid export-jobs:read"),
		.resource = B("https://api.example.com/"),
		.ca_file = B("/etc/\xC3\xA9/ca.pem"),
		.authorization_endpoint = B("https://login.example.com/a"),
		.token_endpoint = B("https://login.example.com/t"),
		.revocation_endpoint = B("https://login.example.com/r"),
		.parameters = B("prompt=consent&acr_values=a%20b"),
		.flags = LK_DEVELOPMENT | LK_S256_UNADVERTISED,
		.known_token_endpoint = B("https://login.example.com/oauth/token"),
		.known_revocation_endpoint = B("https://login.example.com/oauth/revoke"),
		.known_retry_key = 1,
		.known_at = 1800000001,
		.access_token = B("lk_at_abc+/=~"),
		.refresh_token = B("lk_rt_def"),
		.granted_scope = B("export-jobs:read"),
		.subject = B("urn:acme:company:42"),
		.connected_at = 1800000000,
		.life = { 600000, BI("11111111-1111-1111-1111-111111111111"), 601000,
			INT64_C(1800000600000) },
		.life_unsaid = 1,
		.settled_key = B("k1"),
		.tried_at = 1800000002,
		.failures = 3,
		.outcome = LK_TRY_LATER,
		.detail = B("nothing answers there"),
		.code = B("temporarily_unavailable"),
		.pause = { 1000, BI("b"), 2, 3 },
	};
}

static void
check_span(const struct span *got, const struct span *want)
{
	check_int(got->length_ms, want->length_ms);
	check_bytes(got->boot, want->boot);
	check_int(got->end_boot_ms, want->end_boot_ms);
	check_int(got->end_wall_ms, want->end_wall_ms);
}

TEST(a_record_comes_back_whole)
{
	struct record was = example(), is;

	if (!check(record_read(test_arena(), record_write(test_arena(), &was), &is)))
		return;
	check_bytes(is.issuer, was.issuer);
	check_bytes(is.client_id, was.client_id);
	check_bytes(is.client_secret, was.client_secret);
	check_bytes(is.redirect_uri, was.redirect_uri);
	check_bytes(is.scope, was.scope);
	check_bytes(is.resource, was.resource);
	check_bytes(is.ca_file, was.ca_file);
	check_bytes(is.authorization_endpoint, was.authorization_endpoint);
	check_bytes(is.token_endpoint, was.token_endpoint);
	check_bytes(is.revocation_endpoint, was.revocation_endpoint);
	check_bytes(is.parameters, was.parameters);
	check_int(is.flags, was.flags);
	check_bytes(is.known_token_endpoint, was.known_token_endpoint);
	check_bytes(is.known_revocation_endpoint, was.known_revocation_endpoint);
	check_int(is.known_retry_key, was.known_retry_key);
	check_int(is.known_at, was.known_at);
	check_bytes(is.access_token, was.access_token);
	check_bytes(is.refresh_token, was.refresh_token);
	check_bytes(is.granted_scope, was.granted_scope);
	check_bytes(is.subject, was.subject);
	check_int(is.connected_at, was.connected_at);
	check_span(&is.life, &was.life);
	check_int(is.life_unsaid, was.life_unsaid);
	check_bytes(is.settled_key, was.settled_key);
	check_int(is.tried_at, was.tried_at);
	check_int(is.failures, was.failures);
	check_int(is.outcome, was.outcome);
	check_bytes(is.detail, was.detail);
	check_bytes(is.code, was.code);
	check_span(&is.pause, &was.pause);
}

TEST(what_is_not_there_is_empty)
{
	const struct record was = { .issuer = B("https://i"), .client_id = B("c") };
	struct record is;

	check_bytes(record_write(test_arena(), &was),
		B("v=1&issuer=https%3A%2F%2Fi&client_id=c"));
	if (!check(record_read(test_arena(), record_write(test_arena(), &was), &is)))
		return;
	check(bytes_empty(is.refresh_token) && bytes_empty(is.client_secret));
	check_int(is.life.length_ms, 0);
	check_int(is.outcome, LK_OK);
}

TEST(what_is_no_record_is_not_read)
{
	static const char *const texts[] = {
		"", "v=1", "v=1&issuer=https%3A%2F%2Fi", "issuer=i&client_id=c",
		"v=2&issuer=i&client_id=c", "v=01x&issuer=i&client_id=c",
		"v=1&v=1&issuer=i&client_id=c", "v=1&issuer=i&issuer=i&client_id=c",
		"v=1&issuer=i&client_id=c&failures=x", "v=1&issuer=i&client_id=c&failures=-1",
		"v=1&issuer=i&client_id=c&failures=9223372036854775808",
		"v=1&issuer=i&client_id=c&outcome=99", "v=1&issuer=%0A&client_id=c",
		"v=1&issuer=i&client_id=c&access_token=%FF",
		"v=1&issuer=i&client_id=c&access_token=%2",
	};
	struct record is = { .failures = 7 };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		row("%s", texts[i]);
		check(!record_read(test_arena(), bytes_of(texts[i]), &is));
		check_int(is.failures, 7);
	}
	check(record_read(test_arena(), B("v=1&issuer=i&client_id=c&later=x"), &is));
}

TEST(what_could_not_be_read_again_is_not_written)
{
	struct record r = example();
	char *huge = arena_alloc(test_arena(), VAULT_RECORD_MAX);

	memset(huge, 'x', VAULT_RECORD_MAX);
	r.access_token = B("a\nb");
	check(bytes_empty(record_write(test_arena(), &r)));
	r.access_token = B("\xFF");
	check(bytes_empty(record_write(test_arena(), &r)));
	r.access_token = (struct bytes){ huge, VAULT_RECORD_MAX };
	check(bytes_empty(record_write(test_arena(), &r)));
	r.access_token = (struct bytes){ huge, 65536 };
	check(!bytes_empty(record_write(test_arena(), &r)));
	r.failures = -1;
	check(bytes_empty(record_write(test_arena(), &r)));
}

TEST(a_journal_comes_back_or_is_none)
{
	struct journal was = { .retry_key = B("AbC-_"), .began_at = 1800000000, .keyed = 1 };
	struct journal is;

	memset(was.token, 0xA5, sizeof(was.token));
	if (check(journal_read(test_arena(), journal_write(test_arena(), &was), &is))) {
		check_memory(is.token, was.token, sizeof(is.token));
		check_bytes(is.retry_key, was.retry_key);
		check_int(is.began_at, was.began_at);
		check_int(is.keyed, 1);
	}
	check(!journal_read(test_arena(), B("v=1&retry_key=k"), &is));
	check(!journal_read(test_arena(), B("v=1&token=AAAA&retry_key=k"), &is));
	was.retry_key = NONE;
	check(!journal_read(test_arena(), journal_write(test_arena(), &was), &is));
}

TEST(a_line_of_history_fits_whatever_was_said)
{
	struct lk_attempt was = { .at = 1800000000, .event = "refresh",
		.status = LK_TRY_LATER, .took_ms = 12 }, is;
	char said[512];
	struct bytes line;

	memset(said, '%', sizeof(said) - 1); /* each is three octets when escaped */
	said[sizeof(said) - 1] = '\0';
	was.detail = said;
	line = history_write(test_arena(), &was);
	check(line.n > 0 && line.n < VAULT_LOG_LINE_MAX);
	if (!check(history_read(test_arena(), line, &is)))
		return;
	check_int(is.at, was.at);
	check_str(is.event, "refresh");
	check_int(is.status, LK_TRY_LATER);
	check_int(is.took_ms, 12);
	check_str(is.detail, said);
	check(!history_read(test_arena(), B("v=1&status=99"), &is));
}

TEST(a_sentence_of_ours_is_kept_whole)
{
	struct lk_error e;
	char said[sizeof(e.message) + 90];

	memset(said, 'a', sizeof(said) - 1);
	said[sizeof(said) - 1] = '\0';
	(void)lk_fail(&e, LK_CONFIGURATION, "%s", said);
	check_int((int64_t)strlen(e.message), sizeof(e.message) - 1);
	check_bytes(detail_clean(bytes_of(e.message)), bytes_of(e.message));
}

TEST(a_line_of_an_older_version_is_read)
{
	struct lk_attempt is;

	if (!check(history_read(test_arena(), B("v=1&at=1800000000&event=refresh&status=4"
		"&took_ms=3&detail=the+server+answers+503"), &is)))
		return;
	check_int(is.at, 1800000000);
	check_str(is.detail, "the server answers 503");
}

TEST(a_sentence_is_cut_between_characters_and_never_unreadable)
{
	enum { MOST = sizeof(((struct lk_error *)0)->message) - 1 };
	char said[MOST + 90];

	memset(said, 'a', sizeof(said));
	memcpy(said + MOST - 1, "\xC3\xA9", 2);
	check_int((int64_t)detail_clean((struct bytes){ said, sizeof(said) }).n, MOST - 1);
	check_int((int64_t)detail_clean((struct bytes){ said, MOST }).n, MOST - 1);
	memcpy(said + MOST - 3, "\xF0\x9F\x94\x91", 4);
	check_int((int64_t)detail_clean((struct bytes){ said, sizeof(said) }).n, MOST - 3);
	memcpy(said + MOST - 3, "a\xC3\xA9", 3);
	check_int((int64_t)detail_clean((struct bytes){ said, MOST }).n, MOST);
	check_bytes(detail_clean(B("\xFF\xFF")), NONE);
	check_bytes(detail_clean(B("a\xFF bad")), B("(not printable)"));
	check_bytes(detail_clean(B("two\nlines")), B("(not printable)"));
	check_bytes(detail_clean(B("plain")), B("plain"));
	check(bytes_empty(detail_clean(NONE)));
}
