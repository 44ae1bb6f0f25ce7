/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api.h - a small API that honours access tokens, as a platform should write it.
 *
 * Promises: every call is asked about at the authorisation server
 * (RFC 7662), with the API's own credentials; refusals are those of RFC 6750
 * section 3; when the server cannot be asked nobody gets in.
 */
#ifndef LATCHKEY_DEMO_API_H
#define LATCHKEY_DEMO_API_H

#include "demo/clerk.h"

#define API_PATH "/api/export-jobs"
#define API_SCOPE "export-jobs:read"

struct api {
	struct bytes client_id, client_secret; /* of the API itself */
	const char *introspection_endpoint;
	const char *ca_file;
};

clerk_answer api_answer; /* arg: struct api */

#endif
