/* SPDX-License-Identifier: Apache-2.0 */
/* user.c - finding one of a person's resource contexts (R4.6). */
#include "rules/user.h"

const struct context *
user_context(const struct user *u, struct bytes urn)
{
	for (size_t i = 0; i < u->context_count; i++)
		if (bytes_equal(u->contexts[i].urn, urn))
			return &u->contexts[i];
	return NULL;
}
