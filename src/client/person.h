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

/* The same, of what was found; for tests. */
struct surroundings {
	struct bytes display, wayland_display; /* $DISPLAY, $WAYLAND_DISPLAY */
	struct bytes browser;                  /* $BROWSER */
	bool ssh, container;
};
bool person_has_browser(const struct surroundings *s);

/* Each browser of $BROWSER ("firefox:chromium --app=%s", a colon between), then xdg-open,
 * until one does not fail at once; false: none could be started, or url is not http(s). */
bool person_open_browser(const char *url);
bool person_open_with(const char *programs, const char *url); /* $BROWSER's form */

struct listener;
/* Listens on the loopback address of the redirect URI ("localhost" is both, where there
 * is IPv6); port: as it says, or the kernel's choice where it says none.
 * *actual_redirect_uri is the one to send, with the port. *out is freed by
 * listener_close alone. */
enum lk_status listener_open(struct arena *a, struct bytes redirect_uri,
	struct listener **out, struct bytes *actual_redirect_uri, struct lk_error *e)
	must_check;
/* Waits for a query whose state is `state`, until deadline_ms (clock_monotonic_ms), which
 * is LK_TRY_LATER; the browser is sent to a clean URL and waits there until
 * listener_close says how it ended. */
enum lk_status listener_wait(struct listener *l, struct arena *a, struct bytes state,
	int64_t deadline_ms, struct bytes *query, struct lk_error *e) must_check;
/* Tells the person in their browser, if it came, and waits a moment for it; sentence is
 * escaped. Then it is closed. NULL is fine. */
void listener_close(struct listener *l, bool good, const char *sentence);

#endif
