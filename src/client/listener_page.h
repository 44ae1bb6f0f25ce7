/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listener_page.h - what the listener on loopback says to a browser: a redirect, or a
 * page that stands alone. Whole answers, status line and all.
 *
 * Promises: no script, nothing foreign, nothing kept, no Referer (CL-14); text escaped.
 */
#ifndef LATCHKEY_CLIENT_LISTENER_PAGE_H
#define LATCHKEY_CLIENT_LISTENER_PAGE_H

#include "base/arena.h"

#define LISTENER_ANSWER_MAX 8192 /* fits in any socket's buffer at once */

struct bytes listener_redirect(struct arena *a, struct bytes location);
/* status: 200, 400, 404, 405, 408, 431 ...; title and sentence in words. */
struct bytes listener_page(struct arena *a, int status, const char *title,
	const char *sentence);

#endif
