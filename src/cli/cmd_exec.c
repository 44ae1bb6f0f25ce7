/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_exec.c - latchkey exec NAME -- COMMAND: a program gets the token by a descriptor,
 * or by a socket that has a fresh one whenever it asks; never by its environment or its
 * arguments, which others can read and children inherit.
 *
 * With a descriptor this process becomes the command, so that signals and exit status
 * are the command's own. The socket is child_socket.c's.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cli/child_socket.h"

#define DESCRIPTOR 3
#define DESCRIPTOR_MAX 1023

/* As env(1) has it. */
enum { NOT_EXECUTABLE = 126, NO_SUCH_COMMAND = 127 };

static int
become(const struct cli *c, const char *const *command)
{
	int why;

	signal(SIGPIPE, SIG_DFL); /* main ignores it, which would be inherited */
	execvp(command[0], (char *const *)(uintptr_t)command);
	why = errno;
	cli_fail(c, "%s: %s", command[0], strerror(why));
	return why == ENOENT ? NO_SUCH_COMMAND : NOT_EXECUTABLE;
}

/* ---- by a descriptor ------------------------------------------------------------ */

/* A file in memory that cannot be changed any more: whoever opens /dev/fd/N reads it
 * from its beginning, as often as needed. */
static int
sealed_memory(const struct lk_token *token, bool header)
{
	static const char field[] = "Authorization: Bearer ";
	const int seals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;
	const char *text = lk_token_text(token);
	int fd = memfd_create("latchkey-token", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -1;
	if ((!header || write_all(fd, field, sizeof field - 1)) &&
		write_all(fd, text, strlen(text)) && write_all(fd, "\n", 1) &&
		fcntl(fd, F_ADD_SEALS, seals) == 0 && lseek(fd, 0, SEEK_SET) == 0)
		return fd;
	close(fd);
	return -1;
}

/* The number for the child; false: said why not. Before anything is opened here. */
static bool
choose_descriptor(const struct cli *c, int *out)
{
	const char *given = option_text(c, "fd");
	uint64_t number = DESCRIPTOR;

	if (given != NULL &&
		(!bytes_to_u64(bytes_of(given), &number) || number < DESCRIPTOR ||
			number > DESCRIPTOR_MAX)) {
		cli_usage(
			c, "--fd is a number of %d to %d", DESCRIPTOR, DESCRIPTOR_MAX);
		return false;
	}
	*out = (int)number;
	if (fcntl(*out, F_GETFD) == -1)
		return true;
	cli_usage(c, "descriptor %d is open already: choose another by --fd", *out);
	return false;
}

/* memory is 3 or more, and may be the very one. */
static bool
place_descriptor(int memory, int number)
{
	char text[16];

	snprintf(text, sizeof text, "%d", number);
	if (memory == number ? fcntl(memory, F_SETFD, 0) != 0
			     : dup2(memory, number) < 0)
		return false;
	return setenv("LATCHKEY_TOKEN_FD", text, 1) == 0;
}

static bool
hand_over(const struct lk_token *token, bool header, int number)
{
	int memory = sealed_memory(token, header);

	return memory >= 0 && place_descriptor(memory, number);
}

static int
exec_with_descriptor(struct cli *c, int64_t least, int number)
{
	struct lk_token *token;
	struct lk_error e;
	int status = cli_connection(c);

	if (status != EXIT_DONE)
		return status;
	if (lk_token_for(c->connection, least, &token, &e) != LK_OK)
		return cli_lk_failed(c, &e);
	if (!hand_over(token, option_given(c, "header"), number))
		status = cli_fail(
			c, "the token cannot be handed over: %s", strerror(errno));
	lk_token_free(token);
	return status == EXIT_DONE ? become(c, c->operands + 1) : status;
}

/* ---- the command ---------------------------------------------------------------- */

static int
exec_command(struct cli *c)
{
	int64_t least = 0;
	int number, status;

	if (!option_seconds(c, "min-ttl", &least))
		return EXIT_USAGE;
	if (option_given(c, "socket") && option_given(c, "fd"))
		return cli_usage(c, "of --socket and --fd one at most");
	if (!option_given(c, "socket"))
		return choose_descriptor(c, &number)
			? exec_with_descriptor(c, least, number)
			: EXIT_USAGE;
	status = cli_connection(c);
	if (status != EXIT_DONE)
		return status;
	return child_with_socket(c, c->operands + 1, least, become);
}

static const struct option options[] = {
	{ "fd", OPTION_TEXT, "N",
		"the descriptor (default: 3; $LATCHKEY_TOKEN_FD tells it)" },
	{ "socket", OPTION_FLAG, NULL,
		"a socket at $LATCHKEY_TOKEN_SOCKET instead: each who connects reads a"
		" fresh token" },
	{ "header", OPTION_FLAG, NULL,
		"as the field Authorization, for curl -H @/dev/fd/3" },
	{ "min-ttl", OPTION_TEXT, "TIME",
		"good for that long at least, where the server's lifetimes allow it" },
	{ NULL, OPTION_FLAG, NULL, NULL },
};

const struct command command_exec = { NULL, "exec", "NAME -- COMMAND...",
	"run a command that has a token, and neither argument nor environment shows it",
	options, exec_command, true, COMMON_VAULT | COMMON_AGENT };
