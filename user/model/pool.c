// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>

#include "../lib/pages.h"
#include "pool.h"

int pool_init(struct pool *p, size_t size, size_t n)
{
	*p = (struct pool){ .rows = pages_new(size * n), .size = size, .n = n };
	return p->rows ? 0 : -ENOMEM;
}

void pool_free(struct pool *p)
{
	pages_free(p->rows, p->size * p->n);
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
