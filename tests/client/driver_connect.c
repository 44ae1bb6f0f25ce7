/* SPDX-License-Identifier: Apache-2.0 */
/* driver_connect.c - connecting as a web application. */
#include "driver.h"

struct lk_registration
registration(const json_t *command)
{
	struct lk_registration r = LK_INIT(struct lk_registration);

	r.issuer = text(command, "issuer");
	r.client_id = text(command, "client_id");
	r.client_secret_file = text(command, "client_secret_file");
	r.redirect_uri = text(command, "redirect_uri");
	r.scope = text(command, "scope");
	r.resource = text(command, "resource");
	r.parameters = text(command, "parameters");
	r.ca_file = text(command, "ca_file");
	r.authorization_endpoint = text(command, "authorization_endpoint");
	r.token_endpoint = text(command, "token_endpoint");
	r.revocation_endpoint = text(command, "revocation_endpoint");
	r.flags = (flag(command, "development") ? LK_DEVELOPMENT : 0) |
		(flag(command, "s256_unadvertised") ? LK_S256_UNADVERTISED : 0);
	return r;
}

enum lk_status
do_start(const json_t *command, json_t *answer, struct lk_error *e)
{
	struct lk_registration r = registration(command);
	char *url;
	enum lk_status status = lk_connect_start(lk, text(command, "name"), &r,
		text(command, "browser"), &url, e);

	if (status == LK_OK) {
		put(answer, "url", url);
		lk_free(url);
	}
	return status;
}

enum lk_status
do_finish(const json_t *command, json_t *answer, struct lk_error *e)
{
	struct lk_connection *c;
	enum lk_status status = lk_connect_finish(lk, text(command, "browser"),
		text(command, "query"), &c, e);

	(void)answer;
	if (status == LK_OK)
		lk_connection_close(c);
	return status;
}
