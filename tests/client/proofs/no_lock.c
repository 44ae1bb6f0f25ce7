/* SPDX-License-Identifier: Apache-2.0 */
/*
 * no_lock.c - a file system whose locks hold nobody (LD_PRELOAD): every lock is given.
 * The control of the crowd: without locks, one refresh must become several.
 */
/* glibc has two names for the one call, and redirects the one to the other here. */
#undef _FILE_OFFSET_BITS
#include <fcntl.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

static int
pass(int fd, int command, void *argument)
{
	if (command == F_OFD_SETLK || command == F_OFD_SETLKW)
		return 0;
	return (int)syscall(SYS_fcntl, fd, command, argument);
}

int fcntl64(int fd, int command, ...) __attribute__((alias("fcntl"), visibility("default")));

__attribute__((visibility("default"))) int
fcntl(int fd, int command, ...)
{
	va_list rest;
	void *argument;

	va_start(rest, command);
	argument = va_arg(rest, void *);
	va_end(rest);
	return pass(fd, command, argument);
}
