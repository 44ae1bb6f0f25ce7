/* SPDX-License-Identifier: Apache-2.0 */
/*
 * retry_after.h - RFC 9110 10.2.3: when a server wants to be asked again.
 */
#ifndef LATCHKEY_CLIENT_RETRY_AFTER_H
#define LATCHKEY_CLIENT_RETRY_AFTER_H

#include "base/bytes.h"

#define RETRY_AFTER_MAX INT64_C(86400) /* a day: who says more has no plan, but a typo */

/* Seconds from now (Unix) of a field's value, seconds or a date in any of the three
 * forms of RFC 9110 5.6.7; 0: not there, past, or neither. */
int64_t retry_after_seconds(struct bytes value, int64_t now);

#endif
