/* SPDX-License-Identifier: Apache-2.0 */
/* daemon.c URL - its difference from webapp.c: nobody is at it. `latchkey connect acme` was
 * run before; what passes waits for the next minute, and what needs a person ends it. */
#include <err.h>
#include <latchkey/latchkey.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct lk_request request = { .size = sizeof(request), .url = argv[argc - 1] };
	struct lk_response *answer;
	struct lk_connection *acme;
	struct lk_error e;
	struct lk *lk;

	if (lk_open(NULL, &lk, &e) != LK_OK || lk_connection_open(lk, "acme", &acme, &e) != LK_OK)
		errx(1, "%s", e.message);
	for (;; fflush(stdout), sleep(60))
		if (lk_call(acme, &request, &answer, &e) == LK_OK) {
			printf("%d\n", lk_response_status(answer));
			lk_response_free(answer);
		} else if (e.status != LK_TRY_LATER)
			errx(1, "%s", e.message);
}
