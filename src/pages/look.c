/* SPDX-License-Identifier: Apache-2.0 */
/*
 * look.c - brand.json, read strictly.
 */
#include "pages/look.h"

#include <math.h>
#include <string.h>

#include "pages/html.h"
#include "text/json.h"

#define BRAND_MAX ((size_t)16 * 1024)
#define NAME_MAX_BYTES 60 /* it stands in a heading on a phone */
#define READABLE 4.5

/* What accents are drawn on; style.css has the same (--card). */
#define GROUND_LIGHT 0xFFFFFFu
#define GROUND_DARK 0x171D1Bu

struct look
look_default(struct bytes name)
{
	return (struct look){ .name = name, .accent = B("#0b6153"),
		.accent_dark = B("#7fd6bd") };
}

bool
look_colour(struct bytes text, uint32_t *out)
{
	uint32_t colour = 0;

	if (text.n != 7 || text.p[0] != '#')
		return false;
	for (size_t i = 1; i < text.n; i++) {
		int digit = hex_digit(text.p[i]);

		if (digit < 0)
			return false;
		colour = colour << 4 | (uint32_t)digit;
	}
	*out = colour;
	return true;
}

/* WCAG 2.2, "relative luminance": sRGB made linear, weighted as the eye does. */
static double
luminance(uint32_t colour)
{
	static const double weights[] = { 0.2126, 0.7152, 0.0722 };
	double sum = 0;

	for (unsigned i = 0; i < 3; i++) {
		double c = (double)(colour >> (16 - 8 * i) & 0xFF) / 255;

		sum += weights[i] * (c <= 0.04045 ? c / 12.92
			: pow((c + 0.055) / 1.055, 2.4));
	}
	return sum;
}

double
look_contrast(uint32_t x, uint32_t y)
{
	double lx = luminance(x), ly = luminance(y);

	return lx > ly ? (lx + 0.05) / (ly + 0.05) : (ly + 0.05) / (lx + 0.05);
}

#define REFUSE(f, ...) (FAULT_AT((f), "brand.json: " __VA_ARGS__), REFUSED)

static enum outcome
check_colour(const char *member, struct bytes text, uint32_t ground, struct fault *f)
{
	uint32_t colour;

	if (!look_colour(text, &colour))
		return REFUSE(f, "%s is to be a colour like #0b6153, not \"%.*s\"",
			member, BYTES_FMT(bytes_slice(text, 0, 40)));
	if (look_contrast(colour, ground) < READABLE)
		return REFUSE(f,
			"%s %.*s has a contrast of %.1f to the ground (#%06x), "
			"which too few can read: choose a %s one (at least %.1f)",
			member, BYTES_FMT(text), look_contrast(colour, ground), ground,
			ground == GROUND_LIGHT ? "darker" : "lighter", READABLE);
	return DONE;
}

static bool
name_is_clean(struct bytes name)
{
	char memory[NAME_MAX_BYTES * 3];
	struct buf cleaned = buf_fixed(memory, sizeof(memory));

	html_clean(&cleaned, name);
	return bytes_equal(buf_bytes(&cleaned), name);
}

static enum outcome
check_name(struct bytes name, struct fault *f)
{
	if (name.n == 0 || name.n > NAME_MAX_BYTES)
		return REFUSE(f, "name is to be 1 to %d bytes long", NAME_MAX_BYTES);
	if (!name_is_clean(name))
		return REFUSE(f, "name holds control characters");
	return DONE;
}

/* A plain file beside brand.json, so that no path leads elsewhere. */
static enum outcome
check_logo(struct bytes file, struct fault *f)
{
	if (file.n == 0 || file.p[0] == '.' || bytes_index(file, '/') < file.n)
		return REFUSE(f, "logo is to name a file in the same directory");
	return DONE;
}

static enum outcome
read_member(const char *key, struct bytes value, struct look *b, struct fault *f)
{
	if (strcmp(key, "name") == 0) {
		b->name = value;
		return check_name(value, f);
	}
	if (strcmp(key, "accent") == 0) {
		b->accent = value;
		return check_colour(key, value, GROUND_LIGHT, f);
	}
	if (strcmp(key, "accent_dark") == 0) {
		b->accent_dark = value;
		return check_colour(key, value, GROUND_DARK, f);
	}
	if (strcmp(key, "logo") == 0) {
		b->logo_file = value;
		return check_logo(value, f);
	}
	return REFUSE(f,
		"there is no member \"%.40s\" (name, accent, accent_dark, logo)", key);
}

static enum outcome
read_members(struct arena *a, const json_t *document, struct look *b, struct fault *f)
{
	const char *key;
	json_t *value;

	if (!json_is_object(document))
		return REFUSE(f, "it is to be one object");
	json_object_foreach((json_t *)document, key, value) {
		if (!json_is_string(value))
			return REFUSE(f, "%.40s is to be a string", key);
		TRY(read_member(key, json_get_bytes(a, document, key), b, f));
	}
	return DONE;
}

enum outcome
look_read(struct arena *a, struct bytes document, struct look *out, struct fault *f)
{
	const char *why;
	json_t *read = json_read(document, BRAND_MAX, &why);
	struct look b = *out;
	enum outcome outcome;

	if (read == NULL)
		return REFUSE(f, "%s", why);
	outcome = read_members(a, read, &b, f);
	json_decref(read);
	if (outcome == DONE)
		*out = b;
	return outcome;
}
