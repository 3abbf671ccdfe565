// SPDX-License-Identifier: GPL-2.0-only
/*
 * Conns in the order they got where they are: without a socket any more, alive, in a queue. The first of the first list
 * is who goes when the table is full.
 */
#include "internal.h"

void age_del(struct model *m, struct conn *c)
{
	if (c->prev_age)
		c->prev_age->next_age = c->next_age;
	else
		m->age_head[c->list] = c->next_age;
	if (c->next_age)
		c->next_age->prev_age = c->prev_age;
	else
		m->age_tail[c->list] = c->prev_age;
}

void age_add(struct model *m, struct conn *c, enum conn_list list)
{
	c->list = list;
	c->next_age = NULL;
	c->prev_age = m->age_tail[list];
	if (c->prev_age)
		c->prev_age->next_age = c;
	else
		m->age_head[list] = c;
	m->age_tail[list] = c;
}

void age_set(struct model *m, struct conn *c, enum conn_list list)
{
	if (c->list == list)
		return;
	age_del(m, c);
	age_add(m, c, list);
}

void model_each_conn(const struct model *m, void (*fn)(void *ctx, const struct conn *c), void *ctx)
{
	const struct conn *c;
	int list;

	for (list = 0; list < CONN_LISTS; list++)
		for (c = m->age_head[list]; c; c = c->next_age)
			fn(ctx, c);
}
