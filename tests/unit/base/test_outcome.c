/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of base/outcome.c. */
#include "base/outcome.h"

#include "tap.h"

static enum outcome
passes_up(enum outcome o, bool *went_on)
{
	TRY(o);
	*went_on = true;
	return DONE;
}

TEST(a_fault_says_where_it_began_and_what_it_was)
{
	struct fault f = { 0 };
	int line = __LINE__ + 1;
	enum outcome o = FAULT_AT(&f, "disk %s, %d left", "full", 0);

	check_int(o, FAULT);
	check_int(f.line, line);
	check_bytes(bytes_slice(bytes_of(f.file), strlen(f.file) - 14, 14),
		B("test_outcome.c"));
	check_str(f.what, "disk full, 0 left");
	check_int(FAULT_AT(NULL, "nobody asks"), FAULT);
}

TEST(a_long_fault_is_cut)
{
	struct fault f;

	FAULT_AT(&f, "%0400d", 1);
	check_int((int64_t)strlen(f.what), sizeof(f.what) - 1);
}

TEST(try_passes_up_all_but_done)
{
	bool went_on = false;

	check_int(passes_up(FAULT, &went_on), FAULT);
	check_int(passes_up(REFUSED, &went_on), REFUSED);
	check(!went_on);
	check_int(passes_up(DONE, &went_on), DONE);
	check(went_on);
}
