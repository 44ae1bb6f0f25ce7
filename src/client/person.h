/* SPDX-License-Identifier: Apache-2.0 */
/*
 * person.h - how an installed program reaches the person's browser (RFC 8252): which
 * way is right here, the system browser, the listener on loopback, and a pasted URL.
 *
 * Promises: the browser is started without a shell (CL-09); the listener is bound to
 * 127.0.0.1 or ::1 only, takes GET on one path with the right Host, answers 404 and 400
 * to the rest and keeps waiting, sends a page without foreign content and
 * `no-referrer`, and is closed after success or the deadline (CL-14, CL-15).
 */
#ifndef LATCHKEY_CLIENT_PERSON_H
#define LATCHKEY_CLIENT_PERSON_H

#include "client/authorization.h"

/* From the environment: SSH session, container, no display. */
enum lk_way person_best_way(bool device_offered, bool paste_offered);
/* xdg-open (or $BROWSER) with the URL as one argument; false: none could be started. */
bool person_open_browser(const char *url);

struct listener;
/* Listens on the loopback address of the redirect URI; port: as it says, or the kernel's
 * choice where it says none. *redirect_uri is the one to send, with the port. */
enum lk_status listener_open(struct arena *a, struct bytes redirect_uri,
	struct listener **out, struct bytes *actual_redirect_uri, struct lk_error *e)
	must_check;
/* Waits for a query whose state is `state`; the browser is shown that it is being worked
 * on until listener_answer says how it ended (a redirect to a clean URL first). */
enum lk_status listener_wait(struct listener *l, struct arena *a, struct bytes state,
	int64_t deadline_ms, struct bytes *query, struct lk_error *e) must_check;
/* Tells the person in their browser; sentence is escaped. Then it is closed. */
void listener_close(struct listener *l, bool good, const char *sentence);

#endif
