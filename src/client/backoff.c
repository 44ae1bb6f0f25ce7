/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backoff.c - exponential, with full jitter and a cap.
 */
#include "client/backoff.h"

int64_t
backoff_ms(int attempt, int attempts, uint64_t random, int64_t retry_after)
{
	int64_t bound = BACKOFF_FIRST_MS;

	if (attempt >= attempts)
		return -1;
	for (int i = 1; i < attempt && bound < BACKOFF_CAP_MS; i++)
		bound *= 2;
	if (bound > BACKOFF_CAP_MS)
		bound = BACKOFF_CAP_MS;
	/* The remainder's bias is one part in 10^14. */
	return retry_after * 1000 + (int64_t)(random % ((uint64_t)bound + 1));
}
