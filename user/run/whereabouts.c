// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/readfile.h"
#include "../lib/tr.h"
#include "../talk.h"
#include "containers.h"
#include "holder.h"
#include "whereabouts.h"

#define LOOKED		4096u		/* processes; of two with one slot the one before is forgotten */
#define AGAIN_NS	10000000000ull	/* a process may be moved; a container gets its name a little later */
#define UNNAMED_NS	1000000000ull
#define NAMES_NS	1000000000ull
#define AT_ONCE		64u		/* files that are read between two polls */

struct looked {
	uint32_t pid;
	uint32_t tries;			/* looks since a name was missing */
	uint64_t at_ns;
	uint64_t read, told;		/* hashes: of what was read, and of what was reported of it */
	bool unnamed;
};

/* A process whose name was reported. */
struct named {
	uint32_t pid;
	uint64_t at_ns;
};

struct whereabouts {
	struct looked of[LOOKED];
	struct named named[LOOKED];	/* as above, but for NAMES_NS: or two of one slot would be looked up at each record */
	uint32_t owners;		/* model_owners() at the last look */
	uint64_t at_ns;			/* when that was */
	bool begun, more, unnamed;
	bool said;			/* that we are in a cgroup namespace */
};

struct whereabouts *whereabouts_new(void)
{
	return calloc(1, sizeof(struct whereabouts));
}

void whereabouts_free(struct whereabouts *p)
{
	free(p);
}

static uint64_t hash_of(const void *data, size_t n)
{
	const uint8_t *byte = data;
	uint64_t h = 0xcbf29ce484222325ull;

	for (size_t i = 0; i < n; i++)
		h = (h ^ byte[i]) * 0x100000001b3ull;
	return h;
}

static int tell(uint32_t pid, const struct proc_place *place, uint64_t now_ns, source_fn fn, void *ctx)
{
	char text[PLACE_TEXT_MAX + TCPTRACE_TEXT_LEN] = "";
	struct tcptrace_record rec = { .t_ns = now_ns, .event = TCPTRACE_PLACE, .pid = pid };
	size_t n = place_to_text(place, text);
	int err = 0;

	memset(text + n, 0, sizeof(text) - n);
	rec.lport = n ? (uint16_t)((n + TCPTRACE_TEXT_LEN - 1) / TCPTRACE_TEXT_LEN) : 1;
	for (; !err && rec.rport < rec.lport; rec.rport++) {
		memcpy((char *)&rec + TCPTRACE_TEXT_AT, text + rec.rport * TCPTRACE_TEXT_LEN, TCPTRACE_TEXT_LEN);
		err = fn(ctx, &rec);
	}
	return err;
}

static void warn_outside(struct whereabouts *p, bool outside)
{
	if (outside && !p->said)
		talk(_("in a cgroup namespace: of the paths of cgroups what is above ours is not seen"));
	p->said |= outside;
}

/* Nothing is reported twice. A process that has ended is not looked for at each of its records. */
static int look(struct whereabouts *p, uint32_t pid, uint64_t now_ns, source_fn fn, void *ctx)
{
	struct looked *l = &p->of[pid % LOOKED];
	char path[48], text[8192];
	struct cgroup c;
	uint64_t read, told;

	if (l->pid != pid)
		*l = (struct looked){ .pid = pid };
	l->at_ns = now_ns;
	snprintf(path, sizeof(path), "/proc/%" PRIu32 "/cgroup", pid);
	if (read_file(path, text, sizeof(text)) <= 0)
		return 0;
	read = hash_of(text, strlen(text));
	if (read == l->read && !l->unnamed)
		return 0;
	cgroup_of_process(text, &c);
	warn_outside(p, c.outside);
	l->tries = read == l->read ? l->tries + 1 : 0;
	l->read = read;
	l->unnamed = !containers_name(&c);
	told = hash_of(&c.place, sizeof(c.place));
	if (told == l->told)
		return 0;
	l->told = told;
	return tell(pid, &c.place, now_ns, fn, ctx);
}

/* The first tries to get a name come soon, then each takes twice as long, up to a minute. */
static uint64_t due_ns(const struct looked *l)
{
	return l->at_ns + (l->unnamed ? UNNAMED_NS << (l->tries < 6 ? l->tries : 6) : AGAIN_NS);
}

static bool is_time(const struct whereabouts *p, const struct model *m, uint64_t now_ns)
{
	return !p->begun || p->more || p->owners != model_owners(m) ||
	       now_ns >= p->at_ns + (p->unnamed ? UNNAMED_NS : AGAIN_NS);
}

int whereabouts_look(struct whereabouts *p, const struct model *m, bool all, uint64_t now_ns, source_fn fn, void *ctx)
{
	const struct listener *l;
	unsigned int read = 0;
	int err = 0;

	if (!p || !is_time(p, m, now_ns))
		return 0;
	p->begun = true;
	p->owners = model_owners(m);
	p->at_ns = now_ns;
	p->more = p->unnamed = false;
	for (uint32_t i = 0; !err && !p->more && (l = model_listener(m, i)); i++) {
		uint32_t pid = l->open ? listener_named(l)->pid : 0;
		const struct looked *before = &p->of[pid % LOOKED];

		if (pid && (before->pid != pid || now_ns >= due_ns(before))) {
			p->more = !all && ++read >= AT_ONCE;
			err = look(p, pid, now_ns, fn, ctx);
		}
		p->unnamed |= pid && before->pid == pid && before->unnamed;
	}
	return err;
}

static int tell_name(uint32_t pid, uint64_t now_ns, source_fn fn, void *ctx)
{
	struct tcptrace_record rec = {
		.t_ns = now_ns, .event = TCPTRACE_EXISTS, .flags = TCPTRACE_F_ACTOR, .pid = pid, .tid = pid, .fd = -1,
	};
	char comm[TCPTRACE_COMM_LEN + 1];

	if (!holder_name(pid, comm))
		return 0;
	memcpy(rec.comm, comm, TCPTRACE_COMM_LEN);
	return fn(ctx, &rec);
}

int whereabouts_caller(struct whereabouts *p, const struct tcptrace_record *rec, source_fn fn, void *ctx)
{
	if (!p || !(rec->flags & TCPTRACE_F_ACTOR) || !rec->pid || p->of[rec->pid % LOOKED].pid == rec->pid)
		return 0;
	return look(p, rec->pid, rec->t_ns, fn, ctx);
}

bool whereabouts_unnamed(const struct whereabouts *p, const struct tcptrace_record *rec)
{
	const struct named *n;

	if (!p || !(rec->flags & TCPTRACE_F_ACTOR) || rec->tid == rec->pid || !rec->pid)
		return false;
	n = &p->named[rec->pid % LOOKED];
	return n->pid != rec->pid && (!n->pid || rec->t_ns > n->at_ns + NAMES_NS);
}

int whereabouts_name(struct whereabouts *p, const struct tcptrace_record *rec, source_fn fn, void *ctx)
{
	if (!whereabouts_unnamed(p, rec))
		return 0;
	p->named[rec->pid % LOOKED] = (struct named){ rec->pid, rec->t_ns };
	return tell_name(rec->pid, rec->t_ns, fn, ctx);
}
