/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_class.h - which bytes may stand where in a message. Pure.
 */
#ifndef LATCHKEY_HTTP_HTTP_CLASS_H
#define LATCHKEY_HTTP_HTTP_CLASS_H

#include "base/bytes.h"

/* What a byte may be part of. */
enum http_class {
	HTTP_TOKEN = 1, /* tchar, RFC 9110 section 5.6.2 */
	HTTP_VALUE = 2, /* VCHAR, SP, HTAB, obs-text, RFC 9110 section 5.5 */
	HTTP_PATH = 4,  /* pchar and "/", RFC 3986 section 3.3 */
	HTTP_QUERY = 8, /* and what browsers leave as it is in a query: [ ] { } | \ ^ ` */
	HTTP_HOST = 16, /* reg-name, IP literal, port: RFC 3986 section 3.2 */
};

bool http_all_are(struct bytes b, enum http_class class);
/* Without the white space (SP, HTAB) around it. */
struct bytes http_trim(struct bytes b);

#endif
