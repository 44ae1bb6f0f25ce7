/* SPDX-License-Identifier: Apache-2.0 */
/*
 * span.c - two clocks, and which of them is to be believed.
 */
#include "client/span.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"

struct moment
moment_now(const char *boot)
{
	return (struct moment){ boot, clock_boot_ms(), clock_now_ms() };
}

void
boot_id_read(char out[static BOOT_ID_SIZE])
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, out, BOOT_ID_SIZE - 1) : -1;

	if (fd >= 0)
		close(fd);
	out[n == BOOT_ID_SIZE - 1 ? n : 0] = '\0';
}

static int64_t
end_of(int64_t now_ms, int64_t left_ms)
{
	return now_ms + left_ms > 0 ? now_ms + left_ms : 0;
}

struct span
span_from(const struct moment *now, int64_t began_boot_ms, int64_t length_ms)
{
	int64_t left = length_ms - (now->boot_ms - began_boot_ms);

	return (struct span){ length_ms, bytes_of(now->boot), end_of(now->boot_ms, left),
		end_of(now->wall_ms, left) };
}

int64_t
span_left_ms(const struct span *s, const struct moment *now)
{
	bool same_boot = s->boot.n > 0 && bytes_equal(s->boot, bytes_of(now->boot));
	int64_t end = same_boot ? s->end_boot_ms : s->end_wall_ms;
	int64_t from = same_boot ? now->boot_ms : now->wall_ms;

	/* More than there ever was: the clock was set back. Damaged numbers end here too. */
	if (s->length_ms <= 0 || end <= from || from < 0 || end - from > s->length_ms)
		return 0;
	return end - from;
}
