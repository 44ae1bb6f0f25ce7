/* SPDX-License-Identifier: Apache-2.0 */
/*
 * script.h - the whole story without a person: a browser of our own presses the
 * app's buttons and fills in the server's forms; every step is judged and printed.
 */
#ifndef LATCHKEY_DEMO_SCRIPT_H
#define LATCHKEY_DEMO_SCRIPT_H

#include "demo/demo_setup.h"

struct script;

struct script *script_new(void);
void script_free(struct script *s); /* NULL is fine */
/* What the app tells of its steps goes here (arg: the script). */
void script_told(const struct story_step *step, void *arg);
/* Walks it, on a thread that may block; returns how many steps went wrong. */
unsigned script_run(struct script *s, const struct installation *in,
	const struct provider *provider, const char *app_origin);
void script_stop(struct script *s); /* any thread: no further step is begun */

#endif
