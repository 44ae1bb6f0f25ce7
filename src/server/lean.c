/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lean.c - what only the start needed is given back.
 *
 * The linker, OpenSSL's tables, reading keys and certificates, and making pages touch
 * half of all the code there is, and the linker every table of symbols; and never
 * again. Code and constants are clean pages of files, so nothing is lost: what is
 * needed after all is still in the kernel's cache, and comes back by a fault of a
 * microsecond.
 */
#include "server/lean.h"

#include <link.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

static int
let_go(struct dl_phdr_info *object, size_t size, void *page_size)
{
	const uintptr_t page = *(const uintptr_t *)page_size;

	(void)size;
	for (size_t i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *part = &object->dlpi_phdr[i];
		uintptr_t from = object->dlpi_addr + part->p_vaddr;
		uintptr_t past = from + part->p_filesz;

		if (part->p_type != PT_LOAD || (part->p_flags & PF_W) != 0)
			continue;
		from &= ~(page - 1);
		(void)madvise((void *)from, past - from, MADV_DONTNEED);
	}
	return 0;
}

void
lean_after_start(void)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	dl_iterate_phdr(let_go, &page);
}
