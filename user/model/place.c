// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which unit, pod and container processes belong to. A 'place' tells of one process, in several records. Many processes
 * have one place; a closed listener keeps that of its owner, whose number another process may get.
 */
#include <errno.h>

#include "../lib/pages.h"
#include "internal.h"

#define YOUNG	(PLACE_PIDS / 4)	/* so many that came last stay when room is made */

int places_init(struct model *m)
{
	struct places *p = &m->places;

	p->rows = pages_new(sizeof(*p->rows));
	if (!p->rows)
		return -ENOMEM;
	p->slot = p->rows->slot[0];
	p->spare = p->rows->slot[1];
	return 0;
}

void places_free(struct model *m)
{
	pages_free(m->places.rows, sizeof(*m->places.rows));
}

static struct place_slot *slot_of(struct place_slot *slot, uint32_t pid)
{
	uint32_t i = pid * 2654435761u % PLACE_SLOTS;

	while (slot[i].pid && slot[i].pid != pid)
		i = (i + 1) % PLACE_SLOTS;
	return &slot[i];
}

const struct proc_place *model_place(const struct model *m, uint32_t pid)
{
	const struct place_slot *slot = slot_of(m->places.slot, pid);

	return pid && slot->pid ? slot->place : NULL;
}

const struct proc_place *listener_place(const struct model *m, const struct listener *l)
{
	return l->open ? model_place(m, listener_named(l)->pid) : l->place;
}

const struct proc_place *model_next_place(const struct model *m, uint32_t *i)
{
	while (*i < PLACES && !m->places.used[*i])
		++*i;
	return *i < PLACES ? &m->places.rows->place[(*i)++] : NULL;
}

/* ---- making room ---- */

static void stay(struct places *p, const struct place_slot *slot)
{
	struct place_slot *to = slot_of(p->spare, slot->pid);

	p->pids += !to->pid;
	*to = *slot;
	if (slot->place)
		p->used[slot->place - p->rows->place] = true;
}

/* Those whose listener is open, and those that came last, stay. */
static void make_room(struct model *m)
{
	struct places *p = &m->places;
	struct place_slot *old = p->slot;

	memset(p->used, 0, sizeof(p->used));
	memset(p->spare, 0, PLACE_SLOTS * sizeof(*p->spare));
	p->pids = 0;
	for (uint32_t i = 0; i < PLACE_SLOTS; i++) {
		if (old[i].pid && p->count - old[i].since < YOUNG)
			stay(p, &old[i]);
	}
	for (uint32_t i = 0; i < m->nlisteners; i++) {
		const struct listener *l = &m->listeners[m->listener_order[i]];
		const struct place_slot *slot = slot_of(old, listener_named(l)->pid);

		if (l->open && slot->pid && p->pids < PLACE_PIDS - YOUNG)
			stay(p, slot);
		if (!l->open && l->place)
			p->used[l->place - p->rows->place] = true;
	}
	p->slot = p->spare;
	p->spare = old;
}

static const struct proc_place *find(const struct places *p, const struct proc_place *place, uint32_t *room)
{
	*room = PLACES;
	for (uint32_t i = 0; i < PLACES; i++) {
		if (p->used[i] && !memcmp(&p->rows->place[i], place, sizeof(*place)))
			return &p->rows->place[i];
		if (!p->used[i] && *room == PLACES)
			*room = i;
	}
	return NULL;
}

/* NULL: there are too many. */
static const struct proc_place *row_of(struct model *m, const struct proc_place *place)
{
	struct places *p = &m->places;
	const struct proc_place *row;
	uint32_t room;

	row = find(p, place, &room);
	if (!row && room == PLACES) {
		make_room(m);
		row = find(p, place, &room);
	}
	if (row || room == PLACES)
		return row;
	p->used[room] = true;
	p->rows->place[room] = *place;
	return &p->rows->place[room];
}

static void learn(struct model *m, uint32_t pid, const struct proc_place *place)
{
	static const struct proc_place nowhere;
	struct places *p = &m->places;
	const struct proc_place *row;
	struct place_slot *slot;

	if (!slot_of(p->slot, pid)->pid && p->pids == PLACE_PIDS)
		make_room(m);
	row = memcmp(place, &nowhere, sizeof(nowhere)) ? row_of(m, place) : NULL;
	slot = slot_of(p->slot, pid);		/* only now: making room moves them */
	if (!slot->pid && !row)
		return;
	p->pids += !slot->pid;
	*slot = (struct place_slot){ .pid = pid, .since = ++p->count, .place = row };
}

/* ---- records ---- */

/* A part that is missing (the file before has it) makes the rest worthless. */
void on_place(struct model *m, const struct tcptrace_record *rec)
{
	struct places *p = &m->places;
	struct proc_place place;

	if (rec->flags & TCPTRACE_F_ACTOR || !rec->pid)
		return;
	if (!rec->rport) {
		p->pid = rec->pid;
		p->next = 0;
		p->of = rec->lport;
	}
	if (rec->pid != p->pid || rec->rport != p->next || rec->lport != p->of || p->next >= p->of ||
	    (p->next + 1u) * TCPTRACE_TEXT_LEN > sizeof(p->text)) {
		p->of = 0;
		return;
	}
	memcpy(p->text + p->next++ * TCPTRACE_TEXT_LEN, (const char *)rec + TCPTRACE_TEXT_AT, TCPTRACE_TEXT_LEN);
	if (p->next == p->of && place_of_text(&place, p->text, p->of * TCPTRACE_TEXT_LEN))
		learn(m, p->pid, &place);
}
