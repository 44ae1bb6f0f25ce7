/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app.h - the demo partner's web app "Ledger Sync": a button, and the story.
 *
 * Promises: the browser holds one HttpOnly, Secure, SameSite cookie and no token
 * (R7.6); a form counts only when it comes from our own page; no script, and a
 * policy that allows none.
 */
#ifndef LATCHKEY_DEMO_APP_H
#define LATCHKEY_DEMO_APP_H

#include "demo/clerk.h"
#include "demo/partner.h"
#include "pages/pages.h"

#define APP_NAME "Ledger Sync"
#define APP_CALLBACK_PATH "/callback"

struct app_config {
	const char *origin; /* "https://localhost:8444" */
	const char *pages_dir; /* its brand.json */
	const char *platform; /* "Acme Spend" */
	const char *username; /* whom to sign in as */
	const struct provider *provider;
	const struct registration *registration;
	void (*told)(const struct story_step *, void *); /* each step of any story */
	void *arg;
};

struct app;

enum outcome
app_new(const struct app_config *c, struct app **out, struct fault *f) must_check;
void app_free(struct app *a); /* NULL is fine */
clerk_answer app_answer; /* arg: struct app */

/* ---- app_page.c ----------------------------------------------------------- */

struct app_button {
	struct bytes name, label;
	bool next;
};

struct app_page {
	struct bytes platform, issuer, username, account;
	const struct story *story;
	struct bytes advice;
	const struct app_button *buttons;
	size_t button_count;
	bool connected, disconnect_next;
};

struct app_look;
enum outcome
app_look_new(const char *pages_dir, struct app_look **out, struct fault *f) must_check;
void app_look_free(struct app_look *l);
void app_look_story(const struct app_look *l, struct arena *a, const struct app_page *v,
	struct buf *out);
void app_look_message(
	const struct app_look *l, const struct page_message *v, struct buf *out);
const struct page_asset *app_look_asset(const struct app_look *l, struct bytes path);

#endif
