/* SPDX-License-Identifier: Apache-2.0 */
/*
 * demo_setup.h - the demo's own authorisation server, set up by the commands an
 * operator would type.
 */
#ifndef LATCHKEY_DEMO_DEMO_SETUP_H
#define LATCHKEY_DEMO_DEMO_SETUP_H

#include "demo/partner.h"

#define DEMO_PLATFORM "Acme Spend"
#define DEMO_USERNAME "ada"

struct installation {
	struct arena *arena;
	const char *dir; /* the data directory */
	uint16_t port;
	const char *issuer; /* https://localhost:PORT */
	const char *ca_file, *cert_file, *key_file; /* in dir */
	const char *look_dir; /* the partner's brand.json and logo, in dir */
	const char *log_file; /* what the server says, in dir */
	const char *password; /* of DEMO_USERNAME, made up */
	struct registration web, native;
	struct bytes api_id, api_secret;
};

/* The port an earlier demo's server had here; 0: there was none. */
uint16_t installation_port(struct arena *a, const char *dir);
/* arena, dir, port and issuer are set. A directory that an earlier demo made is used
 * again (its CA may be trusted by now); any other must be empty or absent. */
enum outcome installation_make(struct installation *in, struct fault *f) must_check;
/* The people and programs; needs to know where the app answers. */
enum outcome installation_fill(
	struct installation *in, const char *app_origin, struct fault *f) must_check;

#endif
