/* SPDX-License-Identifier: Apache-2.0 */
/*
 * samples.h - one value for each face a page can show: ordinary ones and the
 * largest, longest and emptiest. Screenshots, the HTML check and unit tests
 * all look at these.
 */
#ifndef LATCHKEY_TESTS_PAGES_SAMPLES_H
#define LATCHKEY_TESTS_PAGES_SAMPLES_H

#include "pages/pages.h"

struct sample {
	const char *name; /* of the file: "sign_in_failed" */
	void (*write)(const struct pages *p, struct buf *out);
};

extern const struct sample samples[];
extern const size_t sample_count;

#endif
