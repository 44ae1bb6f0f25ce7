/* SPDX-License-Identifier: Apache-2.0 */
/*
 * webapp.c - a web application, as a CGI program whose web server has signed the person
 * in (REMOTE_USER): /connect sends them to the authorization server, /callback brings
 * them back, and any other path shows what the API says for them.
 */
#include <latchkey/latchkey.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum lk_status show(struct lk *lk, const char *user, struct lk_error *e)
{
	struct lk_request request = LK_INIT(struct lk_request);
	struct lk_connection *acme = NULL;
	struct lk_response *answer;
	enum lk_status status = lk_connection_open(lk, user, &acme, e);

	request.url = getenv("API");
	if (status == LK_OK)
		status = lk_call(acme, &request, &answer, e);
	if (status == LK_OK) {
		printf("Content-Type: text/plain\r\n\r\n%s",
			lk_response_body(answer, NULL));
		lk_response_free(answer);
	}
	lk_connection_close(acme);
	return status;
}

int main(void)
{
	const char *path = getenv("PATH_INFO"), *user = getenv("REMOTE_USER");
	struct lk_registration r = LK_INIT(struct lk_registration);
	struct lk_error e;
	struct lk *lk = NULL;
	char *url;
	enum lk_status status = lk_open(NULL, &lk, &e);

	r.issuer = getenv("ISSUER");
	r.client_id = getenv("CLIENT_ID");
	r.client_secret_file = getenv("CLIENT_SECRET_FILE");
	r.redirect_uri = getenv("REDIRECT_URI");
	r.scope = getenv("SCOPE");
	r.ca_file = getenv("CA_FILE");
	if (status == LK_OK && strcmp(path, "/connect") == 0) {
		status = lk_connect_start(lk, user, &r, user, &url, &e);
		if (status == LK_OK) {
			printf("Status: 303 See Other\r\nLocation: %s\r\n\r\n", url);
			lk_free(url);
		}
	} else if (status == LK_OK && strcmp(path, "/callback") == 0) {
		status = lk_connect_finish(lk, user, getenv("QUERY_STRING"), NULL, &e);
		if (status == LK_OK)
			printf("Status: 303 See Other\r\nLocation: /\r\n\r\n");
	} else if (status == LK_OK) {
		status = show(lk, user, &e);
	}
	if (status == LK_NOT_FOUND || status == LK_RECONNECT)
		printf("Status: 303 See Other\r\nLocation: /connect\r\n\r\n");
	else if (status != LK_OK)
		printf("Status: 503 Not Now\r\nContent-Type: text/plain\r\n\r\n%s\n",
			e.message);
	lk_close(lk);
	return 0;
}
