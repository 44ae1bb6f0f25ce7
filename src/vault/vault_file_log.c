/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault_file_log.c - a connection's history: lines appended each in one write or not at
 * all, cut to the newest KEEP when there are MOST. A lock of its own keeps a line from
 * being written to a file that has just been replaced.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vault/vault_file.h"

#define KEEP 200
#define MOST 400
#define TEXT_MAX ((size_t)(MOST + 1) * VAULT_LOG_LINE_MAX)
#define WAIT_MS 1000

/* The last whole lines of what there is, into p (TEXT_MAX bytes at most are read). */
static bool
read_tail(int fd, off_t size, char *p, struct bytes *text)
{
	off_t from = size > (off_t)TEXT_MAX ? size - (off_t)TEXT_MAX : 0;
	size_t n = (size_t)(size - from);
	struct bytes all = { p, n };

	if (!disk_read_all(fd, p, n, from))
		return false;
	if (from > 0)
		bytes_cut(&all, '\n');
	while (all.n > 0 && all.p[all.n - 1] != '\n')
		all.n--; /* a power cut may leave half a line */
	*text = all;
	return true;
}

/* The newest n lines. */
static struct bytes
newest(struct bytes text, size_t n)
{
	size_t from = text.n;

	for (size_t lines = 0; from > 0; from--)
		if (text.p[from - 1] == '\n' && ++lines > n)
			break;
	return bytes_slice(text, from, text.n);
}

static enum vault_result
replace(struct file_vault *v, struct bytes name, const char *file, struct bytes text,
	struct fault *f)
{
	char temporary[DISK_NAME_MAX];
	enum vault_result r = VAULT_DONE;
	int fd;

	disk_name(temporary, ".", name, ".log.new");
	VAULT_TRY(
		disk_open(v->dir, temporary, O_RDWR | O_CREAT | O_TRUNC, &fd, NULL, f));
	if (!disk_write_all(fd, text) ||
		renameat(v->dir, temporary, v->dir, file) != 0) {
		r = vault_errno(f, errno, "cut", file);
		unlinkat(v->dir, temporary, 0);
	}
	close(fd);
	return r;
}

static enum vault_result
cut_if_long(struct file_vault *v, struct bytes name, const char *file, int fd,
	off_t size, struct fault *f)
{
	char *p = malloc(TEXT_MAX);
	enum vault_result r = VAULT_DONE;
	struct bytes text;

	if (p == NULL)
		return VAULT_FAIL(f, VAULT_MEMORY, "out of memory");
	if (!read_tail(fd, size, p, &text))
		r = vault_errno(f, errno, "read", file);
	else if (newest(text, MOST).n < text.n || size > (off_t)TEXT_MAX)
		r = replace(v, name, file, newest(text, KEEP), f);
	free(p);
	return r;
}

/* In one write, and whole or not at all: what the disk took of a line that it could not
 * take is taken back. */
static bool
append_whole(int fd, off_t end, const char *p, size_t n)
{
	ssize_t wrote = write(fd, p, n);

	if (wrote == (ssize_t)n)
		return true;
	if (wrote >= 0) {
		(void)!ftruncate(fd, end);
		errno = ENOSPC;
	}
	return false;
}

/* Half a line that stands at the end is ended first, in the same write. *size
 * follows. */
static bool
put_line(int fd, off_t *size, struct bytes line)
{
	char whole[VAULT_LOG_LINE_MAX + 1] = "\n", last = '\n';
	size_t n = 0;

	if (*size > 0 && !disk_read_all(fd, &last, 1, *size - 1))
		return false;
	if (last != '\n')
		n = 1;
	memcpy(whole + n, line.p, line.n);
	if (!append_whole(fd, *size, whole, n + line.n))
		return false;
	*size += (off_t)(n + line.n);
	return true;
}

enum vault_result
file_log_append(
	struct vault *vault, struct bytes name, struct bytes line, struct fault *f)
{
	struct file_vault *v = file_of(vault);
	char file[DISK_NAME_MAX];
	struct held held;
	struct stat st;
	enum vault_result r;
	int fd;

	disk_name(file, "", name, ".log");
	VAULT_TRY(held_take(v, name, LOCK_LOG, WAIT_MS, &held, f));
	r = disk_open(v->dir, file, O_RDWR | O_APPEND | O_CREAT, &fd, &st, f);
	if (r == VAULT_DONE) {
		if (put_line(fd, &st.st_size, line))
			r = cut_if_long(v, name, file, fd, st.st_size, f);
		else
			r = vault_errno(f, errno, "write", file);
		close(fd);
	}
	held_drop(&held);
	return r;
}

enum vault_result
file_log_read(struct vault *vault, struct bytes name, struct arena *a,
	struct bytes *text, struct fault *f)
{
	struct file_vault *v = file_of(vault);
	char file[DISK_NAME_MAX];
	enum vault_result r = VAULT_DONE;
	struct stat st;
	size_t n;
	int fd;

	disk_name(file, "", name, ".log");
	VAULT_TRY(disk_open(v->dir, file, O_RDONLY, &fd, &st, f));
	n = (uintmax_t)st.st_size < TEXT_MAX ? (size_t)st.st_size : TEXT_MAX;
	if (!read_tail(fd, st.st_size, arena_alloc(a, n + 1), text))
		r = vault_errno(f, errno, "read", file);
	close(fd);
	return r;
}
