/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ep_metadata.c - GET /.well-known/oauth-authorization-server (RFC 8414; RULEBOOK
 * section 18). The document is made once a snapshot (snapshot.c).
 */
#include "server/endpoints.h"

#define METADATA_MAX_AGE 3600 /* MD-02 */

enum step
metadata_answer(struct exchange *x)
{
	return reply_document(x, &(struct reply_document){
		.type = B("application/json"),
		.body = x->snapshot->metadata,
		.etag = x->snapshot->metadata_etag,
		.max_age = METADATA_MAX_AGE,
	});
}
