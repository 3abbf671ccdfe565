/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory that is about to be filled, taken at once: a fault for each page takes as much as the page itself. */
#ifndef TCPTRACE_PAGES_H
#define TCPTRACE_PAGES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

static inline void pages_fill(void *p, size_t size)
{
#ifdef MADV_POPULATE_WRITE	/* 5.14; before that, and where it fails, pages come by themselves */
	const uintptr_t page = 4096;
	uintptr_t from = ((uintptr_t)p + page - 1) & ~(page - 1), to = ((uintptr_t)p + size) & ~(page - 1);

	if (from < to)
		madvise((void *)from, to - from, MADV_POPULATE_WRITE);
#else
	(void)p, (void)size;
#endif
}

#endif
