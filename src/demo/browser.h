/* SPDX-License-Identifier: Apache-2.0 */
/*
 * browser.h - as much of a browser as a person needs to sign in and consent:
 * cookies, redirects, forms. It knows one host, localhost, whose ports share
 * their cookies as they do in any browser.
 */
#ifndef LATCHKEY_DEMO_BROWSER_H
#define LATCHKEY_DEMO_BROWSER_H

#include "http/http_fetch.h"

#define BROWSER_COOKIES 16

struct cookie {
	struct bytes name, value;
};

struct browser {
	struct arena *arena; /* of everything it sees */
	const char *ca_file;
	struct cookie cookies[BROWSER_COOKIES];
	size_t cookie_count;
};

struct browser_page {
	struct bytes url;
	int status;
	struct bytes html;
};

/* A field filled in, a choice made or the button pressed. */
struct filled {
	struct bytes name, value;
};

/* Follows redirects to the page they lead to; one to `stop` (its beginning; NONE: no
 * such) is not followed: its URL is page->url, its status 0. */
enum outcome browser_get(struct browser *b, struct bytes url, struct bytes stop,
	struct browser_page *page, struct fault *f) must_check;
/* Sends the form that has a control of the name filled[0].name. */
enum outcome
browser_submit(struct browser *b, const struct filled *filled, size_t count,
	struct bytes stop, struct browser_page *page, struct fault *f) must_check;
/* Is there a control of that name? *value gets that of the first, where it matters. */
bool browser_control(const struct browser *b, const struct browser_page *page,
	struct bytes name, struct bytes *value);
bool browser_shows(const struct browser_page *page, struct bytes text);

#endif
