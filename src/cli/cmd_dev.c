/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_dev.c - latchkey dev certificate|trust: a trusted certificate for
 * localhost. The CA is the directory's own and may vouch for localhost only.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/development.h"

#define SYSTEM_STORE "/usr/local/share/ca-certificates/latchkey-development.crt"

static int
dev_certificate(struct cli *c)
{
	struct fault f;

	if (!cli_become_owner(c))
		return 1;
	if (development_certificate(c->arena, c->dir, &f) != DONE)
		return cli_fail(c, "%s", f.what);
	if (!c->json)
		printf("%s/tls-cert.pem is for localhost, 127.0.0.1 and ::1.\n"
		       "Its CA is %s/%s; trust it with: latchkey dev trust --dir %s\n",
			c->dir, c->dir, DEVELOPMENT_CA_FILE, c->dir);
	return 0;
}

static bool
copy(const char *from, const char *to, struct arena *a, struct fault *f)
{
	struct bytes text;
	FILE *out;
	bool ok;

	if (!read_file(a, from, 65536, &text, f))
		return false;
	out = fopen(to, "we");
	ok = out != NULL && fwrite(text.p, 1, text.n, out) == text.n;
	if ((out != NULL && fclose(out) != 0) || !ok) {
		(void)FAULT_AT(f, "%s: %s", to, strerror(errno));
		return false;
	}
	return true;
}

static bool
run_update(void)
{
	int status = -1;
	pid_t child = fork();

	if (child == 0) {
		execl("/usr/sbin/update-ca-certificates", "update-ca-certificates",
			(char *)NULL);
		_exit(127);
	}
	return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status)
		&& WEXITSTATUS(status) == 0;
}

static int
dev_trust(struct cli *c)
{
	const char *ca = arena_printf(c->arena, "%s/%s", c->dir, DEVELOPMENT_CA_FILE);
	struct fault f;

	if (access(ca, R_OK) != 0)
		return cli_fail(c, "there is no %s; make it with: latchkey dev certificate"
				   " --dir %s", ca, c->dir);
	if (geteuid() != 0)
		return cli_fail(c, "only root may change the system's store; run: sudo"
				   " latchkey dev trust --dir %s", c->dir);
	if (!copy(ca, SYSTEM_STORE, c->arena, &f))
		return cli_fail(c, "%s", f.what);
	if (!run_update())
		return cli_fail(c, "update-ca-certificates failed; is the package"
				   " ca-certificates installed?");
	printf("curl and most programs trust it now. Firefox and Chromium keep stores of\n"
	       "their own: import %s under Settings, Certificates, Authorities.\n"
	       "To undo: rm %s && update-ca-certificates --fresh\n", ca, SYSTEM_STORE);
	return 0;
}

const struct command command_dev_certificate = { "dev", "certificate", "",
	"make a development CA and a certificate for localhost", NULL, dev_certificate,
	false };
const struct command command_dev_trust = { "dev", "trust", "",
	"put the development CA into the system's store", NULL, dev_trust, false };
