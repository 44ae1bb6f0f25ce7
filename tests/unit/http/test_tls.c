/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of tls.c, and of what http_conn.c does before a handshake: RULEBOOK
 * H-01 to H-04. */
#include "http/http.h"

#include "http_test.h"

static struct test_server server, second;
static struct client client;
static struct answer answer;
static struct tls_config *tls;

static bool
start(struct test_server *s)
{
	struct http_config config = test_config();
	bool started;

	tls = test_tls(1);
	config.tls = tls;
	started = test_start(s, config);
	tls_config_free(tls); /* the server has its own count */
	return started;
}

/* ---- what is answered ----------------------------------------------------- */

TEST(requests_are_answered_over_tls)
{
	SSL_CTX *ctx;

	if (!start(&server))
		return;
	ctx = client_context();
	client_connect(&client, server.port);
	check(client_tls(&client, ctx));
	check_str(SSL_get_version(client.ssl), "TLSv1.3");
	check_str(SSL_get_cipher(client.ssl), "TLS_AES_128_GCM_SHA256");
	for (int i = 0; i < 3; i++) {
		client_ask(&client, B("POST /echo HTTP/1.1\r\nHost: a\r\n"
			"Content-Length: 2\r\n\r\nhi"), &answer);
		check_bytes(answer.body, B("hi"));
		/* H-04 */
		check(strstr(answer.head, "\r\nStrict-Transport-Security: "
			"max-age=63072000\r\n") != NULL);
		client_next(&client, &answer);
	}
	client_close(&client);
	SSL_CTX_free(ctx);
	test_stop(&server);
}

static atomic_size_t handshakes;

static bool
handshakes_become(size_t n)
{
	for (int i = 0; i < 500 && atomic_load(&handshakes) != n; i++)
		usleep(10000);
	return check_int((int64_t)atomic_load(&handshakes), (int64_t)n);
}

/* A ClientHello as it is sent. */
static struct bytes
client_hello(SSL_CTX *ctx, char memory[static 1024])
{
	BIO *in = BIO_new(BIO_s_mem()), *sent = BIO_new(BIO_s_mem());
	SSL *ssl = SSL_new(ctx);
	int n;

	SSL_set_bio(ssl, in, sent);
	SSL_connect(ssl);
	n = BIO_read(sent, memory, 1024);
	SSL_free(ssl);
	ERR_clear_error();
	return (struct bytes){ memory, n > 0 ? (size_t)n : 0 };
}

static struct client
begin_with(struct bytes hello)
{
	struct client c;

	client_connect(&c, server.port);
	client_send(&c, hello);
	return c;
}

/* From an address that is known. Half a ClientHello is no handshake yet: it costs us
 * nothing. */
TEST(handshakes_under_way_are_counted)
{
	struct http_config config = test_config();
	struct client stranger, half;
	SSL_CTX *ctx = client_context();
	char memory[1024];
	struct bytes hello = client_hello(ctx, memory);

	config.tls = test_tls(1);
	config.handshakes = &handshakes;
	if (!test_start(&server, config))
		return;
	tls_config_free(config.tls);
	check(hello.n > 100);
	stranger = begin_with(hello);
	client_connect(&client, server.port);
	check(client_tls(&client, ctx));
	client_ask(&client, B("GET /known HTTP/1.1\r\nHost: a\r\n\r\n"), &answer);
	client_next(&client, &answer);
	half = begin_with(bytes_slice(hello, 0, 3));
	client_send(&half, bytes_slice(hello, 3, hello.n - 4));
	client_ask(&client, B("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), &answer);
	client_next(&client, &answer);
	handshakes_become(0);
	client_send(&half, bytes_slice(hello, hello.n - 1, 1));
	handshakes_become(1);
	client_ask(&client, B("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), &answer);
	handshakes_become(1); /* the half one; the other is over */
	close(half.fd);
	handshakes_become(0);
	close(stranger.fd);
	client_close(&client);
	SSL_CTX_free(ctx);
	test_stop(&server);
}

/* No byte more will come, so there is nothing to wait for. */
TEST(a_client_hello_cut_short_ends_at_once)
{
	SSL_CTX *ctx = client_context();
	char memory[1024], c;
	struct bytes hello = client_hello(ctx, memory);
	struct client half = { .fd = -1 };
	int64_t begun;

	if (!start(&server))
		return;
	begun = clock_monotonic_ms();
	client_connect(&half, server.port);
	client_send(&half, bytes_slice(hello, 0, hello.n - 1));
	usleep(50000);
	shutdown(half.fd, SHUT_WR);
	while (recv(half.fd, &c, 1, 0) > 0)
		;
	check(clock_monotonic_ms() - begun < http_limits_default().handshake_ms / 2);
	close(half.fd);
	SSL_CTX_free(ctx);
	test_stop(&server);
}

/* The end is said (close_notify): without it clients throw their session away. */
TEST(a_close_is_announced)
{
	SSL_CTX *ctx;
	char c;

	if (!start(&server))
		return;
	ctx = client_context();
	client_connect(&client, server.port);
	check(client_tls(&client, ctx));
	client_ask(&client, GET("/close"), &answer);
	check_int(answer.status, 200);
	check_int(SSL_get_error(client.ssl, SSL_read(client.ssl, &c, 1)),
		SSL_ERROR_ZERO_RETURN);
	client_close(&client);
	SSL_CTX_free(ctx);
	test_stop(&server);
}

TEST(requests_may_be_cut_by_records_and_records_by_packets)
{
	struct bytes request = B("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
	SSL_CTX *ctx;

	if (!start(&server))
		return;
	ctx = client_context();
	client_connect(&client, server.port);
	check(client_tls(&client, ctx));
	for (size_t i = 0; i < request.n; i++)
		client_send(&client, bytes_slice(request, i, 1));
	client_answer(&client, &answer, true);
	check_bytes(answer.body, B("abc"));
	client_next(&client, &answer);

	row("ten requests in one record");
	{
		static char text[1000];
		struct buf b = buf_fixed(text, sizeof(text));

		for (int i = 0; i < 10; i++)
			buf_printf(&b, "GET /%s%d HTTP/1.1\r\nHost: a\r\n\r\n",
				i == 4 ? "wait?" : "", i);
		client_send(&client, buf_bytes(&b));
	}
	for (int i = 0; i < 10; i++) {
		char want[10];

		snprintf(want, sizeof(want), "/%s%d", i == 4 ? "wait?" : "", i);
		client_answer(&client, &answer, true);
		if (!check_bytes(answer.body, bytes_of(want)))
			break;
		client_next(&client, &answer);
	}
	client_close(&client);
	SSL_CTX_free(ctx);
	test_stop(&server);
}

TEST(a_large_reply_arrives_whole)
{
	size_t got = 0;
	SSL_CTX *ctx;

	if (!start(&server))
		return;
	ctx = client_context();
	client_connect(&client, server.port);
	check(client_tls(&client, ctx));
	client_send(&client, GET("/big"));
	client_answer(&client, &answer, false);
	do {
		got += client.n;
		client.n = 0;
	} while (got < answer.body_length && client_more(&client) > 0);
	check_int((int64_t)got, 8 << 20);
	client_close(&client);
	SSL_CTX_free(ctx);
	test_stop(&server);
}

/* ---- plain HTTP on this port: H-01 ---------------------------------------- */

TEST(plain_http_is_answered_400_and_not_read)
{
	if (!start(&server))
		return;
	client_connect(&client, server.port);
	client_ask(&client, B("POST /oauth/token HTTP/1.1\r\nHost: a\r\n"
		"Authorization: Basic YTpi\r\nContent-Length: 1\r\n\r\nx"), &answer);
	check_int(answer.status, 400);
	check(strstr(answer.head, "Location") == NULL);
	check(strstr(answer.head, "Strict-Transport-Security") == NULL);
	check(strstr(answer.head, "\r\nConnection: close\r\n") != NULL);
	check_bytes(answer.body, B("This port speaks HTTPS only; the request was not read.\n"));
	client_next(&client, &answer);
	check(client_is_closed(&client));
	client_close(&client);
	check_int((int64_t)http_server_counts(server.http).requests, 0);

	row("anything else is only closed");
	client_connect(&client, server.port);
	client_send(&client, B("\x80\x2e\x01\x00\x02")); /* an SSL 2 hello */
	check(client_is_closed(&client));
	client_close(&client);
	test_stop(&server);
	check_int(server.refused_status, 400);
}

/* ---- what is spoken: H-02, H-03 ------------------------------------------- */

static const struct {
	const char *name;
	int version;
	const char *ciphers, *alpn;
	bool works;
} hellos[] = {
	{ "TLS 1.3", TLS1_3_VERSION, NULL, NULL, true },
	{ "TLS 1.2, ECDHE, AES-GCM", TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256", NULL, true },
	{ "TLS 1.2, ECDHE, ChaCha20", TLS1_2_VERSION, "ECDHE-ECDSA-CHACHA20-POLY1305", NULL, true },
	{ "TLS 1.2, CBC", TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA256", NULL, false },
	{ "TLS 1.2, CBC and SHA-1", TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA", NULL, false },
	{ "TLS 1.2, no (EC)DHE", TLS1_2_VERSION, "AES128-GCM-SHA256", NULL, false },
	{ "TLS 1.2, no authentication", TLS1_2_VERSION, "aNULL:@SECLEVEL=0", NULL, false },
	{ "TLS 1.1", TLS1_1_VERSION, "ALL:@SECLEVEL=0", NULL, false },
	{ "TLS 1.0", TLS1_VERSION, "ALL:@SECLEVEL=0", NULL, false },
	{ "ALPN http/1.1", TLS1_3_VERSION, NULL, "\x02h2\x08http/1.1", true },
	{ "ALPN without http/1.1", TLS1_3_VERSION, NULL, "\x02h2", false },
};

TEST(only_what_is_safe_is_spoken)
{
	if (!start(&server))
		return;
	for (size_t i = 0; i < sizeof(hellos) / sizeof(hellos[0]); i++) {
		SSL_CTX *ctx = client_context();

		row("%s", hellos[i].name);
		SSL_CTX_set_min_proto_version(ctx, hellos[i].version);
		SSL_CTX_set_max_proto_version(ctx, hellos[i].version);
		if (hellos[i].ciphers != NULL)
			check(SSL_CTX_set_cipher_list(ctx, hellos[i].ciphers) == 1);
		if (hellos[i].alpn != NULL)
			SSL_CTX_set_alpn_protos(ctx, (const unsigned char *)hellos[i].alpn,
				(unsigned)strlen(hellos[i].alpn));
		client_connect(&client, server.port);
		check_int(client_tls(&client, ctx), hellos[i].works);
		if (hellos[i].works) {
			client_ask(&client, GET("/echo"), &answer);
			check_int(answer.status, 200);
			check(SSL_get_current_compression(client.ssl) == NULL);
		}
		client_close(&client);
		SSL_CTX_free(ctx);
	}
	test_stop(&server);
}

TEST(renegotiation_is_refused)
{
	SSL_CTX *ctx;

	if (!start(&server))
		return;
	ctx = client_context();
	SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
	client_connect(&client, server.port);
	check(client_tls(&client, ctx));
	check(SSL_renegotiate(client.ssl) == 1);
	check(SSL_do_handshake(client.ssl) != 1);
	client_close(&client);
	SSL_CTX_free(ctx);
	test_stop(&server);
}

/* ---- sessions ------------------------------------------------------------- */

static SSL_SESSION *kept;
static int tickets;

static int
keep_session(SSL *ssl, SSL_SESSION *session)
{
	(void)ssl;
	tickets++;
	SSL_SESSION_free(kept);
	kept = session;
	return 1;
}

/* One request, with the kept session if there is one; was it resumed? */
static bool
resumes(uint16_t port, int version)
{
	SSL_CTX *ctx = client_context();
	bool resumed;

	SSL_CTX_set_session_cache_mode(ctx,
		SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(ctx, keep_session);
	SSL_CTX_set_max_proto_version(ctx, version);
	client_connect(&client, port);
	client.ssl = SSL_new(ctx);
	SSL_set_fd(client.ssl, client.fd);
	if (kept != NULL)
		SSL_set_session(client.ssl, kept);
	tickets = 0;
	check(SSL_connect(client.ssl) == 1);
	client_ask(&client, GET("/echo"), &answer);
	check_int(answer.status, 200);
	resumed = SSL_session_reused(client.ssl) == 1;
	client_close(&client);
	SSL_CTX_free(ctx);
	return resumed;
}

TEST(one_ticket_is_given_and_honoured_by_every_thread)
{
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
	struct http_config config = test_config();
	struct tls_config *stranger = test_tls(2);

	if (!start(&server) || !start(&second))
		return;
	for (size_t i = 0; i < 2; i++) {
		row("TLS 1.%zu", i + 2);
		check(!resumes(server.port, versions[i]));
		check_int(tickets, 1);
		check(SSL_SESSION_get_max_early_data(kept) == 0); /* H-03 */
		check(resumes(server.port, versions[i]));
		check(resumes(second.port, versions[i]));
		SSL_SESSION_free(kept);
		kept = NULL;
	}
	test_stop(&second);
	row("another ticket secret");
	check(!resumes(server.port, TLS1_3_VERSION));
	config.tls = stranger;
	if (test_start(&second, config)) {
		check(!resumes(second.port, TLS1_3_VERSION));
		test_stop(&second);
	}
	SSL_SESSION_free(kept);
	kept = NULL;
	tls_config_free(stranger);
	test_stop(&server);
}

/* ---- certificates --------------------------------------------------------- */

static void
check_refused(const char *cert, const char *key, const char *why)
{
	uint8_t secret[32] = { 0 };
	struct tls_config *c = NULL;
	struct fault f = { 0 };

	if (check_int(tls_config_new(cert, key, secret, &c, &f), FAULT) &&
	    !check(strstr(f.what, why) != NULL))
		printf("# %s\n", f.what);
}

TEST(a_certificate_or_key_that_cannot_be_used_is_refused_in_words)
{
	test_certificate("cert", "key");
	test_certificate("other", "other-key");
	check_refused(test_path("none"), test_path("key"), "none: not a certificate chain");
	check_refused(test_path("key"), test_path("key"), "not a certificate chain");
	check_refused(test_path("cert"), test_path("none"), "No such file");
	check_refused(test_path("cert"), test_path("cert"), "others may read");
	check_refused(test_path("cert"), test_path("other-key"), "does not belong");
	chmod(test_path("key"), 0604);
	check_refused(test_path("cert"), test_path("key"), "others may read");
	chmod(test_path("key"), 0640);
	if (chown(test_path("key"), (uid_t)-1, 12345) == 0) /* as root */
		check_refused(test_path("cert"), test_path("key"), "others may read");
	chmod(test_path("cert"), 0600);
	check_refused(test_path("cert"), test_path("cert"), "not a private key");
	test_certificate("cert", "key");
}

static struct letter change;
static struct tls_config *changed;

static void
open_change(struct letter *l)
{
	(void)l;
	http_server_set_tls(server.http, changed);
}

TEST(new_connections_get_the_new_certificate_and_old_ones_live_on)
{
	static struct client newer;
	SSL_CTX *before, *after;

	if (!start(&server))
		return;
	before = client_context();
	client_connect(&client, server.port);
	check(client_tls(&client, before));
	client_ask(&client, GET("/1"), &answer);
	client_next(&client, &answer);

	test_certificate("cert", "key");
	changed = test_tls(1);
	change.open = open_change;
	mailbox_post(loop_mailbox(server.loop), &change);
	after = client_context();
	for (int i = 0; i < 100; i++) {
		bool ok;

		client_connect(&newer, server.port);
		ok = client_tls(&newer, after);
		client_close(&newer);
		if (ok)
			break;
		usleep(10000);
		check(i < 99);
	}
	client_ask(&client, GET("/2"), &answer);
	check_bytes(answer.body, B("/2"));
	client_close(&client);
	SSL_CTX_free(before);
	SSL_CTX_free(after);
	test_stop(&server);
	tls_config_free(changed);
}
