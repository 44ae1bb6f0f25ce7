/* SPDX-License-Identifier: Apache-2.0 */
/*
 * look.h - the platform's face: its name, its colour in light and dark, its logo.
 *
 *	{
 *	  "name": "Acme Spend",
 *	  "accent": "#0b6153",
 *	  "accent_dark": "#7fd6bd",
 *	  "logo": "logo.png"
 *	}
 *
 * Every member may be absent; others are refused. Colours must be readable: at
 * least 4.5 : 1 against the ground of each scheme (WCAG 2.2, 1.4.3), checked
 * here, because text and buttons are drawn in them.
 */
#ifndef LATCHKEY_PAGES_LOOK_H
#define LATCHKEY_PAGES_LOOK_H

#include "base/arena.h"
#include "base/outcome.h"

struct look {
	struct bytes name;
	struct bytes accent, accent_dark; /* "#rrggbb" */
	struct bytes logo_file;           /* a name in the same directory, or empty */
};

struct look look_default(struct bytes name);
/* Changes what the document names. REFUSED: f->what says which member and why. */
enum outcome look_read(struct arena *a, struct bytes document, struct look *out,
	struct fault *f) must_check;
/* "#rrggbb" to 0xRRGGBB. */
bool look_colour(struct bytes text, uint32_t *out);
/* Contrast of two colours, 1 to 21 (WCAG 2.2). */
double look_contrast(uint32_t x, uint32_t y);

#endif
