/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_logo.c - any bytes as a picture: known with a sane size, or a sentence. */
#include "fuzz.h"
#include "pages/logo.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes file = { (const char *)data, size }, type = NONE;
	uint32_t width = 0, height = 0;
	const char *what = NULL;

	if (logo_check(file, &type, &width, &height, &what)) {
		holds(bytes_starts(type, B("image/")));
		holds(width >= LOGO_SIDE_MIN && width <= LOGO_SIDE_MAX);
		holds(height >= LOGO_SIDE_MIN && height <= LOGO_SIDE_MAX);
		(void)logo_is_square(width, height);
	} else {
		holds(what != NULL && what[0] != '\0');
	}
	return 0;
}
