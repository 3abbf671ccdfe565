// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "pool.h"

int pool_init(struct pool *p, size_t size, size_t n)
{
	void *rows = mmap(NULL, size * n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (rows == MAP_FAILED)
		return -ENOMEM;
	madvise(rows, size * n, MADV_NOHUGEPAGE);	/* else the first row takes 2 MB */
	*p = (struct pool){ .rows = rows, .size = size, .n = n };
	return 0;
}

void pool_free(struct pool *p)
{
	if (p->rows)
		munmap(p->rows, p->size * p->n);
	p->rows = NULL;
}

void *pool_take(struct pool *p)
{
	void *row = p->given;

	if (row) {
		memcpy(&p->given, row, sizeof(p->given));
		return memset(row, 0, p->size);
	}
	return p->used < p->n ? p->rows + p->size * p->used++ : NULL;
}

void pool_give(struct pool *p, void *row)
{
	memcpy(row, &p->given, sizeof(p->given));
	p->given = row;
}
