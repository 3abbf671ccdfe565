/* SPDX-License-Identifier: GPL-2.0-only */
/* Rows of one size, as many as there can ever be: memory is taken when one is used for the first time. */
#ifndef TCPTRACE_POOL_H
#define TCPTRACE_POOL_H

#include <stddef.h>

struct pool {
	char *rows;
	size_t size, n, used;		/* of a row; how many; how many were ever taken */
	void *given;			/* chain of those that were given back */
};

int pool_init(struct pool *p, size_t size, size_t n);	/* 0 or -ENOMEM; size: at least that of a pointer */
void pool_free(struct pool *p);
void *pool_take(struct pool *p);	/* zeroed; NULL: all are taken */
void pool_give(struct pool *p, void *row);

#endif
