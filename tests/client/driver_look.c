/* SPDX-License-Identifier: Apache-2.0 */
/* driver_look.c - the end of a connection, and looking at what is there. */
#include "driver.h"

enum lk_status
do_disconnect(const json_t *command, json_t *answer, struct lk_error *e)
{
	struct kept *k;
	enum lk_status status = connection(command, &k, e);

	(void)answer;
	return status == LK_OK ? lk_disconnect(k->connection, e) : status;
}

enum lk_status
do_forget(const json_t *command, json_t *answer, struct lk_error *e)
{
	(void)answer;
	return lk_forget(lk, text(command, "name"), e);
}

enum lk_status
do_secret(const json_t *command, json_t *answer, struct lk_error *e)
{
	struct kept *k;
	enum lk_status status = connection(command, &k, e);

	(void)answer;
	return status == LK_OK
		? lk_client_secret(k->connection, text(command, "client_secret_file"), e)
		: status;
}

static int
add_info(void *arg, const struct lk_info *info)
{
	json_array_append_new(arg, json_pack("{ss ss ss ss ss ss sI sI sI ss ss sb ss ss}",
		"name", info->name, "state", info->state, "issuer", info->issuer,
		"client_id", info->client_id, "scope", info->scope, "subject", info->subject,
		"connected_at", (json_int_t)info->connected_at,
		"expires_at", (json_int_t)info->expires_at,
		"refreshed_at", (json_int_t)info->refreshed_at, "outcome", info->outcome,
		"detail", info->detail, "unanswered", info->unanswered,
		"redirect_uri", info->redirect_uri, "asked_scope", info->asked_scope));
	return 0;
}

enum lk_status
do_info(const json_t *command, json_t *answer, struct lk_error *e)
{
	json_t *list = json_array();
	struct kept *k;
	enum lk_status status = connection(command, &k, e);

	if (status == LK_OK)
		status = lk_info(k->connection, add_info, list, e);
	if (status == LK_OK)
		json_object_set(answer, "info", json_array_get(list, 0));
	json_decref(list);
	return status;
}

enum lk_status
do_list(const json_t *command, json_t *answer, struct lk_error *e)
{
	json_t *list = json_array();

	(void)command;
	json_object_set_new(answer, "list", list);
	return lk_list(lk, add_info, list, e);
}

static int
add_attempt(void *arg, const struct lk_attempt *attempt)
{
	json_array_append_new(arg, json_pack("{sI ss ss ss sI}", "at",
		(json_int_t)attempt->at, "event", attempt->event, "status",
		lk_status_name(attempt->status), "detail", attempt->detail, "took_ms",
		(json_int_t)attempt->took_ms));
	return 0;
}

enum lk_status
do_log(const json_t *command, json_t *answer, struct lk_error *e)
{
	json_t *log = json_array();

	json_object_set_new(answer, "log", log);
	return lk_log(lk, text(command, "name"), add_attempt, log, e);
}

enum lk_status
do_places(const json_t *command, json_t *answer, struct lk_error *e)
{
	(void)command, (void)e;
	put(answer, "vault", lk_vault_place(lk));
	put(answer, "key", lk_vault_key_place(lk));
	put(answer, "agent", lk_agent_place(lk));
	return LK_OK;
}

