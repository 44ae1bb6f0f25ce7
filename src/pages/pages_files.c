/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pages_files.c - reads an operator's directory.
 */
#include "pages/pages_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX_BYTES ((size_t)128 * 1024) /* ten times our largest */

static enum outcome
read_all(struct arena *a, int fd, size_t max, struct bytes *out)
{
	char *p = arena_alloc(a, max + 1);
	size_t n = 0;
	ssize_t got;

	while (n <= max && (got = read(fd, p + n, max + 1 - n)) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return FAULT;
		n += (size_t)got;
	}
	*out = (struct bytes){ p, n };
	return n > max ? REFUSED : DONE;
}

enum outcome
pages_file(struct arena *a, const char *dir, const char *name, size_t max,
	struct bytes *out, bool *found, struct fault *f)
{
	const char *path = arena_printf(a, "%s/%s", dir, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	enum outcome outcome;

	*found = fd >= 0;
	if (fd < 0 && errno == ENOENT)
		return DONE;
	if (fd < 0)
		return FAULT_AT(f, "%s: %s", path, strerror(errno));
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		outcome = FAULT_AT(f, "%s: not a plain file", path);
	else if (st.st_size > (off_t)max)
		outcome = REFUSED;
	else
		outcome = read_all(a, fd, (size_t)st.st_size, out);
	if (outcome == REFUSED)
		(void)FAULT_AT(f, "%s: larger than %zu bytes", path, max);
	close(fd);
	return outcome;
}

static bool
is_built_in(const char *name)
{
	for (size_t i = 0; i < pages_built_in_count; i++)
		if (strcmp(pages_built_in[i].name, name) == 0)
			return true;
	return false;
}

/* The page that posts the answer is a machine's: it holds the one script. */
static bool
may_override(const char *name)
{
	return is_built_in(name) && strcmp(name, "form_post.html") != 0;
}

/* A misspelt name would be ignored in silence: say so instead. */
static enum outcome
check_names(const char *path, DIR *dir, struct fault *f)
{
	const struct dirent *d;

	while ((d = readdir(dir)) != NULL) {
		struct bytes name = bytes_of(d->d_name);

		if (name.p[0] == '.' || !bytes_ends(name, B(".html")) ||
			may_override(d->d_name))
			continue;
		(void)FAULT_AT(f, "%s/%.60s: no page may be replaced under this name",
			path, d->d_name);
		return REFUSED;
	}
	return DONE;
}

static enum outcome
check_directory(const char *path, struct fault *f)
{
	DIR *dir = opendir(path);
	enum outcome outcome;

	if (dir == NULL)
		return FAULT_AT(f, "%s: %s", path, strerror(errno));
	outcome = check_names(path, dir, f);
	closedir(dir);
	return outcome;
}

enum outcome
pages_files_read(struct arena *a, const char *dir, struct pages_files *out,
	struct fault *f)
{
	struct pages_files files = { .sources = arena_copy(a, pages_built_in,
		pages_built_in_count * sizeof(pages_built_in[0])) };
	bool found;

	if (dir == NULL) {
		*out = files;
		return DONE;
	}
	TRY(check_directory(dir, f));
	for (size_t i = 0; i < pages_built_in_count; i++) {
		struct template_source *s = &files.sources[i];

		if (may_override(s->name))
			TRY(pages_file(a, dir, s->name, FILE_MAX_BYTES, &s->text,
				&found, f));
	}
	TRY(pages_file(a, dir, "brand.json", FILE_MAX_BYTES, &files.brand,
		&files.has_brand, f));
	*out = files;
	return DONE;
}
