/* SPDX-License-Identifier: Apache-2.0 */
/*
 * samples.c - see samples.h.
 */
#include "samples.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct page_hidden hidden[] = {
	{ BI("transaction"), BI("c2FtcGxlLXRyYW5zYWN0aW9u") },
	{ BI("form"), BI("b25lLXRpbWU") },
};
#define HIDDEN .hidden = hidden, .hidden_count = COUNT(hidden)

/* By the standard a static table takes no struct that is itself a variable. */
#define LEDGER_SYNC { \
	.name = BI("Ledger Sync"), \
	.client_uri = BI("https://ledgersync.example/"), \
	.tos_uri = BI("https://ledgersync.example/terms"), \
	.policy_uri = BI("https://ledgersync.example/privacy"), \
	.contact = BI("support@ledgersync.example"), \
}
static const struct page_client ledger_sync = LEDGER_SYNC;

#define LONGEST { \
	.name = BI("Internationale Buchhaltungsverbindung AG"), \
	.client_uri = BI("https://www.internationale-buchhaltungsverbindung.example/" \
		"products/connectors/spend-management/overview?lang=en&region=emea"), \
	.policy_uri = BI("https://www.internationale-buchhaltungsverbindung.example/" \
		"legal/datenschutzgrundverordnungserklaerung"), \
	.contact = BI("integration@internationale-buchhaltungsverbindung.example"), \
	.development = true, \
	.pkce_exempt = true, \
}
static const struct page_client longest = LONGEST;

#define PICTURED { \
	.name = BI("Tally"), \
	.logo_path = BI("/logo/sample/0a1b2c3d"), \
}
static const struct page_client pictured = PICTURED;

static const struct page_scope few_scopes[] = {
	{ BI("export-jobs:read"), BI("See your export jobs and their results") },
	{ BI("users:read"), BI("See the names and e-mail addresses of people in your "
		"company") },
};

static const struct page_scope many_scopes[] = {
	{ BI("export-jobs:read"), BI("See your export jobs and their results") },
	{ BI("export-jobs:write"), BI("Start, repeat and cancel export jobs") },
	{ BI("users:read"), BI("See the names and e-mail addresses of people in your "
		"company") },
	{ BI("cards:read"), BI("See company cards, without their numbers") },
	{ BI("cards:write"), BI("Order, block and replace company cards") },
	{ BI("transactions:read"),
	  BI("See every payment, with merchant, amount and date") },
	{ BI("receipts:read"), BI("Download receipts and invoices") },
	{ BI("receipts:write"), BI("Attach receipts and invoices to payments") },
	{ BI("cost-centres:read"),
	  BI("See cost centres, projects and how costs are split") },
	{ BI("reimbursements:approve"),
	  BI("Approve the reimbursement of expenses: money is "
		"paid out to employees without anyone at your company looking again") },
	{ BI("accounting-export-configurations-and-mappings:administrate"),
	  BI("Change how "
		"payments are mapped to your chart of accounts") },
	{ BI("audit-log:read"), BI_NONE },
};

static const struct page_context one_context[] = {
	{ BI("urn:latchkey:company:1"), BI("Northwind Traders GmbH"), BI("Company"),
	  true },
};

static const struct page_context two_contexts[] = {
	{ BI("urn:latchkey:company:1"), BI("Northwind Traders GmbH"), BI("Company"),
	  true },
	{ BI("urn:latchkey:entity:11"), BI("Northwind France SARL"), BI("Entity"),
	  false },
};

static const struct page_context six_contexts[] = {
	{ BI("urn:latchkey:company:1"), BI("Northwind Traders GmbH"), BI("Company"),
	  false },
	{ BI("urn:latchkey:entity:11"), BI("Northwind France SARL"), BI("Entity"),
	  false },
	{ BI("urn:latchkey:entity:12"), BI("Northwind Logistics and Warehousing "
		"(Netherlands) Besloten Vennootschap"), BI("Entity"), false },
	{ BI("urn:latchkey:entity:13"), BI("Northwind \xC3\x96sterreich"), BI("Entity"),
	  false },
	{ BI("urn:latchkey:entity:14"),
	  BI("\xE5\x8C\x97\xE9\xA2\xA8\xE6\xA0\xAA\xE5\xBC\x8F\xE4"
		"\xBC\x9A\xE7\xA4\xBE"), BI("Entity"), false },
	{ BI("urn:latchkey:company:2"), BI("Fabrikam"), BI("Company"), false },
};

static const struct bytes resources[] = { BI("the Acme Spend API "
	"(https://api.acme.example)") };

/* ---- sign-in ---- */

static void
sign_in(const struct pages *p, struct buf *out)
{
	struct page_sign_in v = { HIDDEN, .action = B("/signin"),
		.client_name = ledger_sync.name };

	page_sign_in(p, &v, out);
}

static void
sign_in_account(const struct pages *p, struct buf *out)
{
	struct page_sign_in v = { HIDDEN, .action = B("/signin"),
		.username = B("nadia") };

	page_sign_in(p, &v, out);
}

static void
sign_in_failed(const struct pages *p, struct buf *out)
{
	struct page_sign_in v = { HIDDEN, .action = B("/signin"),
		.username = B("nadia"),
		.client_name = ledger_sync.name, .failed = true };

	page_sign_in(p, &v, out);
}

static void
sign_in_wait(const struct pages *p, struct buf *out)
{
	struct page_sign_in v = { HIDDEN, .action = B("/signin"),
		.username = B("nadia"),
		.client_name = longest.name, .failed = true, .wait_seconds = 300 };

	page_sign_in(p, &v, out);
}

static void
sign_in_expired(const struct pages *p, struct buf *out)
{
	struct page_sign_in v = { HIDDEN, .action = B("/signin"),
		.username = B("nadia"),
		.client_name = ledger_sync.name, .out_of_date = true };

	page_sign_in(p, &v, out);
}

/* ---- consent ---- */

static struct page_consent
usual_consent(void)
{
	return (struct page_consent){ HIDDEN, .action = B("/consent"),
		.client = ledger_sync, .person = B("Nadia Petrova"),
		.username = B("nadia@northwind.example"), .scopes = few_scopes,
		.scope_count = COUNT(few_scopes), .contexts = two_contexts,
		.context_count = COUNT(two_contexts),
		.recipient = B("app.ledgersync.example") };
}

static void
consent(const struct pages *p, struct buf *out)
{
	struct page_consent v = usual_consent();

	page_consent(p, &v, out);
}

static void
consent_one(const struct pages *p, struct buf *out)
{
	struct page_consent v = usual_consent();

	v.client = pictured;
	v.contexts = one_context;
	v.context_count = COUNT(one_context);
	v.runs_on_this_device = true;
	v.recipient = B("127.0.0.1 (this device)");
	page_consent(p, &v, out);
}

static void
consent_none(const struct pages *p, struct buf *out)
{
	struct page_consent v = usual_consent();

	v.context_count = 0;
	page_consent(p, &v, out);
}

static void
consent_most(const struct pages *p, struct buf *out)
{
	struct page_consent v = usual_consent();

	v.client = longest;
	v.scopes = many_scopes;
	v.scope_count = COUNT(many_scopes);
	v.contexts = six_contexts;
	v.context_count = COUNT(six_contexts);
	v.resources = resources;
	v.resource_count = COUNT(resources);
	v.context_missing = true;
	v.recipient = B("oauth-callback.production.eu-central-1."
		"internationale-buchhaltungsverbindung.example");
	page_consent(p, &v, out);
}

/* ---- account ---- */

static const struct page_connection connections[] = {
	{ .client = LEDGER_SYNC, .context = BI("Northwind Traders GmbH"),
	  .scopes = few_scopes, .scope_count = COUNT(few_scopes),
	  .since = BI("23 November 2026"), .last_used = BI("today, 14:05"), HIDDEN },
	{ .client = LONGEST, .context = BI("Northwind Logistics and Warehousing "
		"(Netherlands) Besloten Vennootschap"),
	  .scopes = many_scopes, .scope_count = COUNT(many_scopes),
	  .since = BI("1 February 2026"), HIDDEN },
	{ .client = PICTURED, .context = BI("Fabrikam"),
	  .scopes = few_scopes, .scope_count = COUNT(few_scopes),
	  .since = BI("2 March 2026"), .last_used = BI("9 November 2026"),
	  .ended = BI("Ended on 9 November 2026, because a key was used twice."),
	  .ended_by_replay = true },
	{ .client = LEDGER_SYNC, .context = BI("Northwind France SARL"),
	  .scopes = few_scopes, .scope_count = COUNT(few_scopes),
	  .since = BI("5 January 2026"), .last_used = BI("7 March 2026"),
	  .ended = BI("Ended on 6 May 2026, because it was unused for 60 days.") },
};

static void
account(const struct pages *p, struct buf *out)
{
	struct page_account v = { .person = B("Nadia Petrova"),
		.username = B("nadia@northwind.example"), .connections = connections,
		.connection_count = COUNT(connections),
		.disconnect_action = B("/account"),
		.sign_out_action = B("/signout"), .sign_out_hidden = hidden,
		.sign_out_hidden_count = 1, .notice = B("Disconnected Ledger Sync.") };

	page_account(p, &v, out);
}

static void
account_empty(const struct pages *p, struct buf *out)
{
	struct page_account v = { .person = B("Nadia Petrova"),
		.username = B("nadia@northwind.example"),
		.disconnect_action = B("/account"),
		.sign_out_action = B("/signout"), .sign_out_hidden = hidden,
		.sign_out_hidden_count = 1 };

	page_account(p, &v, out);
}

/* ---- messages ---- */

static void
message_error(const struct pages *p, struct buf *out)
{
	struct page_message v = { .status = 400,
		.title = B("This link does not work"),
		.for_person = B("The app that sent you here made a mistake, so we "
			"stopped before anything happened. Go back to the app and "
			"try again; if it happens again, show this page to the "
			"app's support."),
		.for_integrator = B("invalid_request: the redirect_uri "
			"https://app.ledgersync.example/oauth/callback/?from=connect-"
			"button-on-the-settings-page is not one of those registered "
			"for this client. It must match a registered one character "
			"for character."),
		.error_id = B("k7q2m9xa4t") };

	page_message(p, &v, out);
}

static void
message_neutral(const struct pages *p, struct buf *out)
{
	struct page_message v = { .status = 200,
		.title = B("You have already answered"),
		.for_person = B("This request was answered before, and an answer "
			"counts only once. Nothing more was done."),
		.link = { B("Connected apps"), B("/account") } };

	page_message(p, &v, out);
}

static void
message_fault(const struct pages *p, struct buf *out)
{
	struct page_message v = { .status = 503,
		.title = B("We cannot answer just now"),
		.for_person = B("Something on our side is not working. Nothing was "
			"changed. Please try again in a minute."),
		.error_id = B("b3n8zc5r1w") };

	page_message(p, &v, out);
}

static void
form_post(const struct pages *p, struct buf *out)
{
	static const struct page_hidden answer[] = {
		{ BI("code"), BI("lk_ac_sample") },
		{ BI("iss"), BI("https://localhost:8443") },
		{ BI("state"), BI("\"><script>alert(1)</script>") },
	};
	struct page_form_post v = { .action = B("https://app.ledgersync.example/cb"),
		.hidden = answer, .hidden_count = COUNT(answer),
		.client_name = ledger_sync.name, .nonce = B("c2FtcGxl") };

	page_form_post(p, &v, out);
}

const struct sample samples[] = {
	{ "sign_in", sign_in },
	{ "sign_in_account", sign_in_account },
	{ "sign_in_failed", sign_in_failed },
	{ "sign_in_wait", sign_in_wait },
	{ "sign_in_expired", sign_in_expired },
	{ "consent", consent },
	{ "consent_one", consent_one },
	{ "consent_none", consent_none },
	{ "consent_most", consent_most },
	{ "account", account },
	{ "account_empty", account_empty },
	{ "message_error", message_error },
	{ "message_neutral", message_neutral },
	{ "message_fault", message_fault },
	{ "form_post", form_post },
};
const size_t sample_count = COUNT(samples);
