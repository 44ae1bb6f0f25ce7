/* SPDX-License-Identifier: Apache-2.0 */
/*
 * logo.h - is this file a picture we would show to people under our own name?
 *
 * PNG, JPEG or WebP by what is in it, never by its name; never SVG, which is a
 * document that may hold a script. It is served as it is, with its type and
 * nosniff, and never decoded here: only its header is read.
 */
#ifndef LATCHKEY_PAGES_LOGO_H
#define LATCHKEY_PAGES_LOGO_H

#include "base/bytes.h"

#define LOGO_MAX ((size_t)256 * 1024)
#define LOGO_SIDE_MIN 48    /* below, it is a smudge on today's screens */
#define LOGO_SIDE_MAX 2048

/*
 * True: type ("image/png", a literal), width and height are set. False: *what is a
 * sentence for the operator, saying what is wrong and what to do.
 */
bool logo_check(struct bytes file, struct bytes *type, uint32_t *width,
	uint32_t *height, const char **what);
/* R4.1 wants clients' logos square: sides that differ by no more than 2 %. */
bool logo_is_square(uint32_t width, uint32_t height);

#endif
