/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backoff.h - how long to wait before asking again (CL-32). Pure: the random number is
 * an argument.
 */
#ifndef LATCHKEY_CLIENT_BACKOFF_H
#define LATCHKEY_CLIENT_BACKOFF_H

#include <stdint.h>

#define BACKOFF_FIRST_MS 500 /* the bound of the first wait; it doubles */
#define BACKOFF_CAP_MS 30000 /* and grows no further */

/*
 * Milliseconds to wait after the attempt with that number (from 1) has failed, or -1:
 * that was the last of `attempts`. Full jitter: anything from 0 to the bound, evenly, so
 * that those who failed together do not come back together; on top of what the server
 * asked for (Retry-After in seconds, 0: nothing), which is the minimum.
 */
int64_t backoff_ms(int attempt, int attempts, uint64_t random, int64_t retry_after);

#endif
