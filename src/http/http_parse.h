/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_parse.h - the strict HTTP/1.1 reader: bytes in, one message out. Pure.
 *
 * Promises: never reads past what it was given; gives the same answer however
 * the bytes were cut; every ambiguity of RFC 9112 is an error, not a guess.
 */
#ifndef LATCHKEY_HTTP_PARSE_H
#define LATCHKEY_HTTP_PARSE_H

#include "http/http.h"

enum http_parse_state { HTTP_NEED_MORE, HTTP_HEAD_DONE, HTTP_MESSAGE_DONE, HTTP_BAD };

/* The room's owner shapes the rest: see http_parse.c. */

#endif
