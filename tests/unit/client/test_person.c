/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of client/person.c: CL-09, and where there is a browser. */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/person.h"
#include "client_test.h"

TEST(where_there_is_a_browser_in_front_of_the_person)
{
	static const struct {
		const char *display, *wayland, *browser;
		bool ssh, container, want;
	} rows[] = {
		{ ":0", NULL, NULL, false, false, true },
		{ NULL, "wayland-0", NULL, false, false, true },
		{ NULL, NULL, NULL, false, false, false },
		{ "", "", NULL, false, false, false },
		{ NULL, NULL, "w3m", false, false, false },
		/* SSH: only a display that came along is in front of the person. */
		{ NULL, NULL, NULL, true, false, false },
		{ ":0", NULL, NULL, true, false, false },
		{ ":0", "wayland-0", NULL, true, false, false },
		{ "localhost:10.0", NULL, NULL, true, false, true },
		/* In a container: only a browser that somebody named. */
		{ ":0", NULL, NULL, false, true, false },
		{ ":0", NULL, "helper", false, true, true },
		{ NULL, NULL, "helper", false, true, true },
		{ NULL, NULL, "helper", true, true, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct surroundings s = { bytes_of(rows[i].display), bytes_of(rows[i].wayland),
			bytes_of(rows[i].browser), rows[i].ssh, rows[i].container };

		row("%zu", i);
		check_int(person_has_browser(&s), rows[i].want);
	}
}

TEST(the_best_way_is_one_that_is_offered)
{
	unsetenv("DISPLAY");
	unsetenv("WAYLAND_DISPLAY");
	setenv("SSH_CONNECTION", "192.0.2.1 1 192.0.2.2 22", 1);
	check_int(person_best_way(true, true), LK_WAY_DEVICE);
	check_int(person_best_way(false, true), LK_WAY_PASTE);
	check_int(person_best_way(false, false), LK_WAY_BROWSER);
	setenv("DISPLAY", "localhost:10.0", 1);
	unsetenv("BROWSER");
	if (access("/.dockerenv", F_OK) != 0 && access("/run/.containerenv", F_OK) != 0 &&
		getenv("container") == NULL)
		check_int(person_best_way(true, true), LK_WAY_BROWSER);
}

/* ---- starting one ------------------------------------------------------------------ */

static char dir[] = "/tmp/latchkey-person-XXXXXX";

static const char *
path(const char *name)
{
	return arena_printf(test_arena(), "%s/%s", dir, name);
}

static void
write_program(const char *name, const char *text)
{
	int fd = open(path(name), O_WRONLY | O_CREAT | O_TRUNC, 0700);

	(void)!write(fd, text, strlen(text));
	close(fd);
}

static const char *
read_file(const char *name)
{
	static char text[1000];
	ssize_t n = 0;

	for (int i = 0; i < 200 && n <= 0; i++) {
		int fd = open(path(name), O_RDONLY);

		n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;
		if (fd >= 0)
			close(fd);
		if (n <= 0)
			usleep(10000);
	}
	text[n > 0 ? n : 0] = '\0';
	return text;
}

#define URL "https://as.example/a?state=$(id)&x=`id`;'\"|\\%s"

TEST(CL_09_the_url_is_one_argument_and_no_shell_sees_it)
{
	char programs[300];

	if (!check(mkdtemp(dir) != NULL))
		return;
	write_program("browser", arena_printf(test_arena(),
		"#!/bin/sh\nprintf '%%s|%%s' \"$#\" \"$1\" >%s.new; mv %s.new %s\n", path("seen"),
		path("seen"), path("seen")));
	write_program("broken", "#!/bin/sh\nexit 3\n");
	snprintf(programs, sizeof(programs), "%s::%s:%s", path("none"), path("broken"),
		path("browser"));
	check(person_open_with(programs, URL));
	check_str(read_file("seen"), "1|" URL);
	check(!person_open_with(path("broken"), URL));
	check(!person_open_with(path("none"), URL));
	check(!person_open_with("", URL));
	check(!person_open_with(NULL, URL));
	unlink(path("seen"));
	check(!person_open_with(path("browser"), "--version"));
	check(!person_open_with(path("browser"), "file:///etc/passwd"));
	check(!person_open_with(path("browser"), "javascript:1"));
	check(access(path("seen"), F_OK) != 0);
}

TEST(a_browser_may_have_arguments_and_says_where_the_url_goes)
{
	static const struct {
		const char *arguments, *seen;
	} rows[] = {
		{ "", "<" URL ">" },
		{ " %s", "<" URL ">" },
		{ "  --new-window  %s  -x", "<--new-window><" URL "><-x>" },
		{ " --app=%s", "<--app=" URL ">" },
		{ " -a", "<-a><" URL ">" },
		{ " 100%% %", "<100%><%><" URL ">" },
		{ " '%s' $HOME `id`", "<'" URL "'><$HOME><`id`>" },
	};
	char line[300];

	write_program("prints", arena_printf(test_arena(),
		"#!/bin/sh\nprintf '<%%s>' \"$@\" >%s.new; mv %s.new %s\n", path("seen"),
		path("seen"), path("seen")));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(line, sizeof(line), "%s:%s%s:%s", path("none"), path("prints"),
			rows[i].arguments, path("broken"));
		check(person_open_with(line, URL));
		check_str(read_file("seen"), rows[i].seen);
	}
	check(!person_open_with("  : ", URL));
	unlink(path("seen"));
	unlink(path("prints"));
}

TEST(a_browser_that_runs_on_has_started_and_leaves_no_zombie)
{
	siginfo_t child;
	int gone = 0;

	write_program("stays", "#!/bin/sh\nexec sleep 2\n");
	check(person_open_with(path("stays"), "https://as.example/"));
	/* Its reaper waits for it; after that we have no child, nor a zombie. */
	for (int i = 0; i < 400 && gone == 0; i++) {
		usleep(10000);
		gone = waitid(P_ALL, 0, &child, WEXITED | WNOHANG | WNOWAIT);
	}
	check_int(gone, -1);
	unlink(path("stays"));
	unlink(path("browser"));
	unlink(path("broken"));
	rmdir(dir);
}
