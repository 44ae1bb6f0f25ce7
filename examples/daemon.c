/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daemon.c - a program without anybody at it that calls an API every minute.
 *
 * Its difference from webapp.c: somebody has connected "acme" before (webapp.c, or
 * `latchkey connect acme`), so there is no lk_connect_*; it lives long and opens once;
 * and it acts on how a call ended instead of showing it: waits, or says who must act.
 */
#include <latchkey/latchkey.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(void)
{
	struct lk_request request = LK_INIT(struct lk_request);
	struct lk_connection *acme;
	struct lk_response *answer;
	struct lk_error e;
	struct lk *lk;
	unsigned wait;

	request.url = getenv("API");
	if (lk_open(NULL, &lk, &e) != LK_OK ||
	    lk_connection_open(lk, "acme", &acme, &e) != LK_OK)
		return fprintf(stderr, "%s\n", e.message), 1;
	for (;;) {
		enum lk_status status = lk_call(acme, &request, &answer, &e);

		wait = 60;
		if (status == LK_OK) {
			printf("%d\n", lk_response_status(answer));
			fflush(stdout);
			lk_response_free(answer);
		} else if (status == LK_TRY_LATER) {
			wait = e.retry_after > 0 ? (unsigned)e.retry_after : 5;
		} else {
			return fprintf(stderr, "%s\n", e.message), 1;
		}
		sleep(wait);
	}
}
