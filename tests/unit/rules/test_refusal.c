/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of rules/refusal.c and reasons.def. */
#include "rules/refusal.h"

#include "tap.h"

/* H-17: %x20-21 %x23-5B %x5D-7E */
static bool
description_clean(const char *why)
{
	for (; *why != '\0'; why++)
		if (*why < ' ' || *why > '~' || *why == '"' || *why == '\\')
			return false;
	return true;
}

TEST(every_reason_says_what_to_do)
{
	for (enum reason r = REASON_NONE + 1; r < REASON_COUNT; r++) {
		row("%s", reason_name(r));
		check(reason_error(r) != OAUTH_OK);
		check(description_clean(reason_why(r)));
		check(strlen(reason_why(r)) >= 15 && strlen(reason_why(r)) <= 160);
		check(strlen(reason_meaning(r)) > 15);
		check(strlen(reason_remedy(r)) > 10);
	}
}

TEST(a_reason_is_found_by_its_name)
{
	for (enum reason r = REASON_NONE + 1; r < REASON_COUNT; r++) {
		row("%s", reason_name(r));
		check_int(reason_by_name(bytes_of(reason_name(r))), r);
	}
	check_int(reason_by_name(B("no_such_reason")), REASON_NONE);
	check_int(reason_by_name(NONE), REASON_NONE);
	check_int(reason_by_name(B("none")), REASON_NONE);
}

/* What must not be told apart has one code and one text (C-06, A-01, 6749 5.2). */
TEST(families_share_one_public_text)
{
	static const enum reason families[][20] = {
		{ REASON_client_unknown, REASON_client_secret_wrong,
			REASON_client_secret_expired, REASON_client_disabled,
			REASON_client_secret_missing },
		{ REASON_authz_client_unknown, REASON_authz_client_disabled },
		{ REASON_grant_unknown, REASON_token_not_ours,
			REASON_token_of_other_kind, REASON_token_epoch_retired,
			REASON_token_of_other_client, REASON_code_expired,
			REASON_code_from_future, REASON_code_burned,
			REASON_code_replayed,
			REASON_code_replayed_unproven, REASON_refresh_replayed,
			REASON_refresh_expired, REASON_lifetime_over,
			REASON_grant_rolled_back, REASON_ended_by_person,
			REASON_ended_by_client, REASON_ended_by_operator,
			REASON_ended_client_removed, REASON_ended_account },
	};

	for (size_t f = 0; f < sizeof(families) / sizeof(families[0]); f++) {
		for (size_t i = 0; families[f][i] != REASON_NONE; i++) {
			enum reason r = families[f][i];

			row("%s", reason_name(r));
			check_str(reason_why(r), reason_why(families[f][0]));
			check_int(reason_error(r), reason_error(families[f][0]));
			for (size_t k = 0; k < i; k++)
				check(strcmp(reason_meaning(r),
					reason_meaning(families[f][k])) != 0);
		}
	}
}

/* R3.2, C-06, C-08, C-09 */
TEST(client_authentication_names_the_way_that_works)
{
	static const enum reason reasons[] = { REASON_client_unknown,
		REASON_client_secret_wrong, REASON_client_secret_in_body,
		REASON_client_secret_missing, REASON_client_missing,
		REASON_client_assertion_not_offered,
		REASON_authorization_scheme_wrong };

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		row("%s", reason_name(reasons[i]));
		check(strstr(reason_why(reasons[i]), "client_secret_basic") != NULL);
	}
	check_str(reason_why(REASON_client_is_public),
		"public client, send client_id only");
}

/* H-15: what is our fault never looks like the client's. */
TEST(faults_of_ours_are_never_invalid_grant)
{
	static const enum reason reasons[] = { REASON_storage_fault, REASON_overloaded,
		REASON_rate_limited, REASON_clock_behind };

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		enum oauth_error e = reason_error(reasons[i]);

		row("%s", reason_name(reasons[i]));
		check(e == SERVER_ERROR || e == TEMPORARILY_UNAVAILABLE);
	}
}

TEST(errors_are_spelled_as_the_rfcs_spell_them)
{
	static const struct {
		enum oauth_error error;
		const char *name;
	} rows[] = {
		{ INVALID_REQUEST, "invalid_request" },
		{ INVALID_CLIENT, "invalid_client" },
		{ INVALID_GRANT, "invalid_grant" },
		{ UNAUTHORIZED_CLIENT, "unauthorized_client" },
		{ UNSUPPORTED_GRANT_TYPE, "unsupported_grant_type" },
		{ INVALID_SCOPE, "invalid_scope" },
		{ INVALID_TARGET, "invalid_target" },
		{ ACCESS_DENIED, "access_denied" },
		{ UNSUPPORTED_RESPONSE_TYPE, "unsupported_response_type" },
		{ UNSUPPORTED_TOKEN_TYPE, "unsupported_token_type" },
		{ LOGIN_REQUIRED, "login_required" },
		{ CONSENT_REQUIRED, "consent_required" },
		{ ACCOUNT_SELECTION_REQUIRED, "account_selection_required" },
		{ INTERACTION_REQUIRED, "interaction_required" },
		{ REQUEST_NOT_SUPPORTED, "request_not_supported" },
		{ REQUEST_URI_NOT_SUPPORTED, "request_uri_not_supported" },
		{ REGISTRATION_NOT_SUPPORTED, "registration_not_supported" },
		{ SERVER_ERROR, "server_error" },
		{ TEMPORARILY_UNAVAILABLE, "temporarily_unavailable" },
		{ INVALID_TOKEN, "invalid_token" },
		{ INSUFFICIENT_SCOPE, "insufficient_scope" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_str(oauth_error_name(rows[i].error), rows[i].name);
	/* Every error there is stands in the table. */
	check_int(sizeof(rows) / sizeof(rows[0]), INSUFFICIENT_SCOPE);
}
