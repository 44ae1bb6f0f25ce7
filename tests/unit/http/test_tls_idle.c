/* SPDX-License-Identifier: Apache-2.0 */
/* Contract of http_conn.c: who idles holds no memory for TLS records. */
#include <malloc.h>

#include "http/http.h"
#include "http_test.h"

#define IDLERS 40
#define AT_REST ((size_t)68 << 10) /* both ends of one take 52 KB, and 85 with records */

/* All of it is counted in one place. */
__attribute__((constructor)) static void
one_heap(void)
{
	mallopt(M_ARENA_MAX, 1);
}

static size_t
in_use(void)
{
	return mallinfo2().uordblks;
}

TEST(who_idles_gives_back_the_memory_for_records_and_gets_it_again)
{
	static struct test_server server;
	static struct client idle[IDLERS];
	static struct answer answer;
	struct bytes request = B("GET /echo HTTP/1.1\r\nHost: a\r\n\r\n");
	struct http_config config = test_config();
	struct tls_config *tls = test_tls(1);
	SSL_CTX *ctx;
	size_t before;

	config.tls = tls;
	if (!test_start(&server, config))
		return;
	tls_config_free(tls); /* the server has its own count */
	ctx = client_context();
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	before = in_use(); /* with sanitizers always the same */
	for (size_t i = 0; i < IDLERS; i++) {
		client_connect(&idle[i], server.port);
		check(client_tls(&idle[i], ctx));
		client_ask(&idle[i], request, &answer);
		client_next(&idle[i], &answer);
	}
	for (int i = 0; i < 500 && in_use() > before + IDLERS * AT_REST; i++)
		usleep(10000);
	check(in_use() <= before + IDLERS * AT_REST);
	for (size_t i = 0; i < IDLERS; i++) {
		client_ask(&idle[i], request, &answer);
		check_int(answer.status, 200);
		client_next(&idle[i], &answer);
		client_close(&idle[i]);
	}
	SSL_CTX_free(ctx);
	test_stop(&server);
}
