/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_config.c - what is accepted is within bounds, and reads back as itself.
 */
#include "server/config.h"

#include <string.h>

#include "fuzz.h"

static void
holds_round_trip(const struct config *c)
{
	struct arena *a = arena_new();
	struct buf first = buf_new(a, 1 << 20), second = buf_new(a, 1 << 20);
	struct config *again = NULL;
	struct fault f;

	config_write(c, &first);
	holds(!first.failed);
	holds(config_read("again", buf_bytes(&first), NULL, 0, &again, &f) == DONE);
	config_write(again, &second);
	holds(bytes_equal(buf_bytes(&first), buf_bytes(&second)));
	config_release(again);
	arena_free(a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes text = { (const char *)data, size };
	struct fault f = { .what = "" };
	struct config *c = NULL;

	if (config_read("fuzz", text, NULL, 0, &c, &f) != DONE) {
		holds(strncmp(f.what, "fuzz", 4) == 0); /* the sentence says where */
		return 0;
	}
	holds(c->code_lifetime <= 60);
	holds(c->access_lifetime <= 3600);
	holds(c->listen.n <= 16);
	holds_round_trip(c);
	config_release(c);
	return 0;
}
