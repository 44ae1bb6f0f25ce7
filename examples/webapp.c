/* SPDX-License-Identifier: Apache-2.0 */
/* webapp.c - the first example, a CGI program for many people: /connect sends who is signed
 * in to the server, /callback has them back, any other path calls the API for them. */
#include <latchkey/latchkey.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void)
{
	const char *path = getenv("PATH_INFO"), *user = getenv("REMOTE_USER");
	struct lk_registration ours = { .size = sizeof(ours), .issuer = getenv("ISSUER"),
		.client_id = getenv("CLIENT_ID"), .redirect_uri = getenv("REDIRECT_URI"),
		.client_secret_file = getenv("CLIENT_SECRET_FILE"),
		.scope = getenv("SCOPE"), .ca_file = getenv("CA_FILE") };
	struct lk_request request = { .size = sizeof(request), .url = getenv("API") };
	struct lk_response *answer = NULL;
	struct lk_connection *acme;
	struct lk *lk = NULL;
	struct lk_error e;
	char *url = NULL;
	enum lk_status status = lk_open(NULL, &lk, &e);

	if (status == LK_OK && strcmp(path, "/connect") == 0)
		status = lk_connect_start(lk, user, &ours, user, &url, &e);
	else if (status == LK_OK && strcmp(path, "/callback") == 0)
		status = lk_connect_finish(lk, user, getenv("QUERY_STRING"), NULL, &e);
	else if (status == LK_OK && (status = lk_connection_open(lk, user, &acme, &e)) == LK_OK)
		status = lk_call(acme, &request, &answer, &e);
	if (answer != NULL)
		printf("Content-Type: text/plain\r\n\r\n%s", lk_response_body(answer, NULL));
	else if (status == LK_OK || status == LK_NOT_FOUND || status == LK_RECONNECT)
		printf("Status: 303 See Other\r\nLocation: %s\r\n\r\n",
			url != NULL ? url : status == LK_OK ? "/" : "/connect");
	else
		printf("Status: 503 Not Now\r\nContent-Type: text/plain\r\n\r\n%s\n", e.message);
	lk_response_free(answer);
	lk_free(url);
	lk_close(lk);
}
