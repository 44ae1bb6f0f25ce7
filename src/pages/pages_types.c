/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pages_types.c - the tables that give templates their names.
 *
 * A row names a member, or a function that says the same in words. The names
 * `needed` are what an operator's own template may not leave out.
 */
#include "pages/pages_types.h"

#include "pages/words.h"

static void
brand_initial(const void *value, struct buf *out)
{
	words_initials(((const struct page_site *)value)->brand, 1, out);
}

static const struct template_field site_fields[] = {
	FIELD_TEXT(page_site, brand),
	FIELD_TEXT(page_site, style_path),
	FIELD_TEXT(page_site, icon_path),
	FIELD_TEXT(page_site, brand_logo),
	FIELD_MADE("brand_initial", brand_initial),
};
const struct template_type site_type =
	TEMPLATE_TYPE("site", page_site, site_fields);

/* A hidden input is resent as it is: not a byte of it may change (AR-02). */
static const struct template_field hidden_fields[] = {
	FIELD_EXACT(page_hidden, name),
	FIELD_EXACT(page_hidden, value),
};
static const struct template_type hidden_type =
	TEMPLATE_TYPE("hidden", page_hidden, hidden_fields);

static void
client_initials(const void *value, struct buf *out)
{
	words_initials(((const struct page_client *)value)->name, 2, out);
}

static void
client_tint(const void *value, struct buf *out)
{
	words_tint(((const struct page_client *)value)->name, out);
}

static bool
client_has_links(const void *value)
{
	const struct page_client *c = value;

	return c->client_uri.n + c->tos_uri.n + c->policy_uri.n + c->contact.n > 0;
}

static const struct template_field client_fields[] = {
	FIELD_TEXT(page_client, name),
	FIELD_TEXT(page_client, client_uri),
	FIELD_TEXT(page_client, tos_uri),
	FIELD_TEXT(page_client, policy_uri),
	FIELD_TEXT(page_client, logo_path),
	FIELD_TEXT(page_client, contact),
	FIELD_FLAG(page_client, development),
	FIELD_FLAG(page_client, pkce_exempt),
	FIELD_MADE("initials", client_initials),
	FIELD_MADE("tint", client_tint),
	FIELD_ASKED("has_links", client_has_links),
};
static const struct template_type client_type =
	TEMPLATE_TYPE("client", page_client, client_fields);

static const struct template_field scope_fields[] = {
	FIELD_TEXT(page_scope, name),
	FIELD_TEXT(page_scope, description),
};
static const struct template_type scope_type =
	TEMPLATE_TYPE("scope", page_scope, scope_fields);

/* ---- sign-in ---- */

static void
sign_in_wait(const void *value, struct buf *out)
{
	words_duration(((const struct page_sign_in *)value)->wait_seconds, out);
}

static bool
sign_in_must_wait(const void *value)
{
	return ((const struct page_sign_in *)value)->wait_seconds > 0;
}

/* Is there anything to say before the form? */
static bool
sign_in_problem(const void *value)
{
	const struct page_sign_in *v = value;

	return v->failed || v->out_of_date || v->wait_seconds > 0;
}

/* One message at a time: waiting outranks a wrong password, which is not repeated. */
static bool
sign_in_only_failed(const void *value)
{
	const struct page_sign_in *v = value;

	return v->failed && v->wait_seconds <= 0;
}

static const struct template_field sign_in_fields[] = {
	FIELD_LIST(page_sign_in, hidden, hidden_count, hidden_type),
	FIELD_TEXT(page_sign_in, action),
	FIELD_TEXT(page_sign_in, username),
	FIELD_TEXT(page_sign_in, client_name),
	FIELD_FLAG(page_sign_in, out_of_date),
	FIELD_ASKED("failed", sign_in_only_failed),
	FIELD_ASKED("must_wait", sign_in_must_wait),
	FIELD_ASKED("problem", sign_in_problem),
	FIELD_MADE("wait", sign_in_wait),
};
static const char *const sign_in_needed[] = { "hidden", "action", NULL };
const struct template_type sign_in_type =
	TEMPLATE_PAGE("sign_in", page_sign_in, sign_in_fields, sign_in_needed);

/* ---- consent ---- */

static const struct template_field context_fields[] = {
	FIELD_TEXT(page_context, name),
	FIELD_TEXT(page_context, kind),
	FIELD_EXACT(page_context, urn),
	FIELD_FLAG(page_context, chosen),
};
static const struct template_type context_type =
	TEMPLATE_TYPE("context", page_context, context_fields);

/* A list of plain texts: {{#resources}}{{text}}{{/resources}}. */
static const struct template_field text_fields[] = {
	{ .name = "text", .kind = TEMPLATE_TEXT, .offset = 0 },
};
static const struct template_type text_type =
	TEMPLATE_TYPE("text", bytes, text_fields);

static bool
consent_one_context(const void *value)
{
	return ((const struct page_consent *)value)->context_count == 1;
}

static bool
consent_many_contexts(const void *value)
{
	return ((const struct page_consent *)value)->context_count > 1;
}

static bool
consent_has_context(const void *value)
{
	return ((const struct page_consent *)value)->context_count > 0;
}

static const struct template_field consent_fields[] = {
	FIELD_LIST(page_consent, hidden, hidden_count, hidden_type),
	FIELD_TEXT(page_consent, action),
	FIELD_PART(page_consent, client, client_type),
	FIELD_TEXT(page_consent, person),
	FIELD_TEXT(page_consent, username),
	FIELD_LIST(page_consent, scopes, scope_count, scope_type),
	FIELD_LIST(page_consent, contexts, context_count, context_type),
	FIELD_TEXT(page_consent, recipient),
	FIELD_LIST(page_consent, resources, resource_count, text_type),
	FIELD_FLAG(page_consent, runs_on_this_device),
	FIELD_FLAG(page_consent, context_missing),
	FIELD_FLAG(page_consent, out_of_date),
	FIELD_ASKED("has_context", consent_has_context),
	FIELD_ASKED("one_context", consent_one_context),
	FIELD_ASKED("many_contexts", consent_many_contexts),
};
/* U-08, R5.2: who, for what, as whom, to where. */
static const char *const consent_needed[] = { "hidden", "action", "username", "scopes",
	"contexts", "recipient", "resources", NULL };
const struct template_type consent_type =
	TEMPLATE_PAGE("consent", page_consent, consent_fields, consent_needed);

/* ---- account ---- */

static const struct template_field connection_fields[] = {
	FIELD_PART(page_connection, client, client_type),
	FIELD_TEXT(page_connection, context),
	FIELD_LIST(page_connection, scopes, scope_count, scope_type),
	FIELD_TEXT(page_connection, since),
	FIELD_TEXT(page_connection, last_used),
	FIELD_TEXT(page_connection, ended),
	FIELD_FLAG(page_connection, ended_by_replay),
	FIELD_LIST(page_connection, hidden, hidden_count, hidden_type),
};
static const struct template_type connection_type =
	TEMPLATE_TYPE("connection", page_connection, connection_fields);

static bool
account_has(const struct page_account *v, bool live)
{
	for (size_t i = 0; i < v->connection_count; i++)
		if (bytes_empty(v->connections[i].ended) == live)
			return true;
	return false;
}

static bool
account_has_live(const void *value)
{
	return account_has(value, true);
}

static bool
account_has_ended(const void *value)
{
	return account_has(value, false);
}

static const struct template_field account_fields[] = {
	FIELD_TEXT(page_account, person),
	FIELD_TEXT(page_account, username),
	FIELD_LIST(page_account, connections, connection_count, connection_type),
	FIELD_TEXT(page_account, disconnect_action),
	FIELD_TEXT(page_account, sign_out_action),
	FIELD_LIST(page_account, sign_out_hidden, sign_out_hidden_count, hidden_type),
	FIELD_TEXT(page_account, notice),
	FIELD_ASKED("has_live", account_has_live),
	FIELD_ASKED("has_ended", account_has_ended),
};
static const char *const account_needed[] = { "connections", "disconnect_action",
	"sign_out_action", "sign_out_hidden", NULL };
const struct template_type account_type =
	TEMPLATE_PAGE("account", page_account, account_fields, account_needed);

/* ---- messages, and the answer that posts itself ---- */

static void
message_status(const void *value, struct buf *out)
{
	buf_puti(out, ((const struct page_message *)value)->status);
}

static const struct template_field link_fields[] = {
	FIELD_TEXT(page_link, label),
	FIELD_TEXT(page_link, href),
};
static const struct template_type link_type =
	TEMPLATE_TYPE("link", page_link, link_fields);

static const struct template_field message_fields[] = {
	FIELD_MADE("status", message_status),
	FIELD_TEXT(page_message, title),
	FIELD_TEXT(page_message, for_person),
	FIELD_TEXT(page_message, for_integrator),
	FIELD_TEXT(page_message, error_id),
	FIELD_PART(page_message, link, link_type),
};
static const char *const message_needed[] = { "title", "for_person", "error_id", NULL };
const struct template_type message_type =
	TEMPLATE_PAGE("message", page_message, message_fields, message_needed);

static const struct template_field form_post_fields[] = {
	FIELD_TEXT(page_form_post, action),
	FIELD_LIST(page_form_post, hidden, hidden_count, hidden_type),
	FIELD_TEXT(page_form_post, client_name),
	FIELD_EXACT(page_form_post, nonce),
};
const struct template_type form_post_type =
	TEMPLATE_TYPE("form_post", page_form_post, form_post_fields);
