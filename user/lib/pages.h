/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory by the page. */
#ifndef TCPTRACE_PAGES_H
#define TCPTRACE_PAGES_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

/*
 * For tables that are mostly empty: zeroes, and each page is taken when it is written to. Not in huge pages, of which
 * the first row would take 2 MB. NULL: there is no room. The fuzzer's are small, and malloc() sees who leaves them.
 */
static inline void *pages_new(size_t size)
{
#ifdef FUZZED
	return calloc(1, size);
#else
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	madvise(p, size, MADV_NOHUGEPAGE);
	return p;
#endif
}

static inline void pages_free(void *p, size_t size)
{
#ifdef FUZZED
	(void)size;
	free(p);
#else
	if (p)
		munmap(p, size);
#endif
}

/* What is about to be filled, at once: a fault for each page takes as much as the page itself. */
static inline void pages_fill(void *p, size_t size)
{
#if defined(MADV_POPULATE_WRITE) && !defined(FUZZED)	/* 5.14; before that, and where it fails, pages come by themselves */
	const uintptr_t page = 4096;
	uintptr_t from = ((uintptr_t)p + page - 1) & ~(page - 1), to = ((uintptr_t)p + size) & ~(page - 1);

	if (from < to)
		madvise((void *)from, to - from, MADV_POPULATE_WRITE);
#else
	(void)p, (void)size;
#endif
}

#endif
