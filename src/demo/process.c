/* SPDX-License-Identifier: Apache-2.0 */
/* process.c - fork, exec, pipes. */
#include "demo/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "text/json.h"

enum { ARGUMENTS_MAX = 64, OUTPUT_MAX = 65536, CANNOT_RUN = 127 };

#define OURSELVES "/proc/self/exe"

/* ---- in the child, where only async-signal-safe calls are allowed --------- */

static _Noreturn void
become(const char *const *arguments)
{
	const char *all[ARGUMENTS_MAX] = { "latchkey" };
	sigset_t none;
	size_t n = 1;

	for (; *arguments != NULL && n < ARGUMENTS_MAX - 1; arguments++)
		all[n++] = *arguments;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execv(OURSELVES, (char *const *)(uintptr_t)all);
	_exit(CANNOT_RUN);
}

/* ---- commands that end ---------------------------------------------------- */

struct talk {
	int input[2], output[2], errors[2];
};

static void
close_pair(int pair[2])
{
	for (int i = 0; i < 2; i++)
		if (pair[i] >= 0)
			close(pair[i]);
}

static bool
talk_open(struct talk *t)
{
	*t = (struct talk){ { -1, -1 }, { -1, -1 }, { -1, -1 } };
	return pipe2(t->input, O_CLOEXEC) == 0 && pipe2(t->output, O_CLOEXEC) == 0 &&
		pipe2(t->errors, O_CLOEXEC) == 0;
}

static struct bytes
read_all(struct arena *a, int fd)
{
	struct buf b = buf_new(a, OUTPUT_MAX);
	char part[4096];
	ssize_t n;

	while ((n = read(fd, part, sizeof part)) > 0 || (n < 0 && errno == EINTR))
		buf_put(&b, (struct bytes){ part, n > 0 ? (size_t)n : 0 });
	return buf_bytes(&b);
}

/* What our commands print and are told is shorter than a pipe holds. */
static int
talk_through(struct arena *a, struct talk *t, pid_t child, struct bytes input,
	struct bytes *output, struct bytes *errors)
{
	int status = -1;
	bool told;

	close(t->input[0]);
	close(t->output[1]);
	close(t->errors[1]);
	told = write(t->input[1], input.p, input.n) == (ssize_t)input.n;
	close(t->input[1]);
	*output = read_all(a, t->output[0]);
	*errors = read_all(a, t->errors[0]);
	close(t->output[0]);
	close(t->errors[0]);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		continue;
	return told && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

enum outcome
process_run(struct arena *a, const char *const *arguments, struct bytes input,
	json_t **out, struct fault *f)
{
	struct bytes output, errors, sentence;
	struct talk t;
	const char *why;
	int status;
	pid_t child = -1;

	if (!talk_open(&t) || (child = fork()) < 0) {
		(void)FAULT_AT(f, "cannot start a process: %s", strerror(errno));
		close_pair(t.input);
		close_pair(t.output);
		close_pair(t.errors);
		return FAULT;
	}
	if (child == 0) {
		dup2(t.input[0], STDIN_FILENO);
		dup2(t.output[1], STDOUT_FILENO);
		dup2(t.errors[1], STDERR_FILENO);
		become(arguments);
	}
	status = talk_through(a, &t, child, input, &output, &errors);
	if (status == CANNOT_RUN)
		return FAULT_AT(f, "cannot run %s: the demo needs /proc to be mounted",
			OURSELVES);
	sentence = bytes_cut(&errors, '\n');
	if (status != 0)
		return FAULT_AT(f, "%.*s", BYTES_FMT(sentence));
	if (out != NULL && (*out = json_read(output, OUTPUT_MAX, &why)) == NULL)
		return FAULT_AT(f, "latchkey %s: %s", arguments[0], why);
	return DONE;
}

/* ---- a command that goes on ----------------------------------------------- */

enum outcome
process_start(
	const char *const *arguments, const char *log_file, pid_t *out, struct fault *f)
{
	int log = open(log_file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	pid_t parent = getpid(), child;

	if (log < 0)
		return FAULT_AT(f, "%s: %s", log_file, strerror(errno));
	child = fork();
	if (child == 0) {
		/* A key pressed at the terminal is for us: we end it in order. */
		setpgid(0, 0);
		if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != parent)
			_exit(CANNOT_RUN);
		dup2(log, STDOUT_FILENO);
		dup2(log, STDERR_FILENO);
		become(arguments);
	}
	close(log);
	if (child < 0)
		return FAULT_AT(f, "cannot start a process: %s", strerror(errno));
	*out = child;
	return DONE;
}

#define LAST_WORDS_MAX 2048

const char *
process_last_words(struct arena *a, const char *log_file)
{
	char *text = arena_alloc(a, LAST_WORDS_MAX + 1);
	int fd = open(log_file, O_RDONLY | O_CLOEXEC);
	off_t size = fd >= 0 ? lseek(fd, 0, SEEK_END) : 0;
	off_t from = size > LAST_WORDS_MAX ? size - LAST_WORDS_MAX : 0;
	ssize_t n = fd >= 0 ? pread(fd, text, LAST_WORDS_MAX, from) : 0;

	if (fd >= 0)
		close(fd);
	while (n > 0 && text[n - 1] == '\n')
		text[--n] = '\0';
	while (n > 0 && text[n - 1] != '\n')
		n--;
	return text[n > 0 ? n : 0] != '\0' ? text + (n > 0 ? n : 0) : "nothing";
}

void
process_end(pid_t child)
{
	if (child <= 0)
		return;
	kill(child, SIGTERM);
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		continue;
}
