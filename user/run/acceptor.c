// SPDX-License-Identifier: GPL-2.0-only
/* Who should take from a listener's accept queue, by /proc: acceptors, workers that were forked, or who keeps it. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "acceptor.h"
#include "holder.h"
#include "task.h"

#define CHILDREN	64	/* workers that are looked at */
#define CHILD_FDS	64	/* and their descriptors */

/* The state of the thread that accepted last: the main one may sleep while another one works. '?': which is not known. */
static void look_at_thread(struct process *p, uint32_t tid)
{
	if (!tid && p->state == 'S' && task_has_threads(p->pid))
		p->state = '?';
	if (!tid || tid == p->pid)
		return;
	p->state = task_state(p->pid, tid);
	if (!p->state) {
		p->state = '?';		/* what the others do is not the cause */
		p->thread_gone = tid;
	}
}

/* Stopped says more than asleep. */
static unsigned int rank(const struct process *p)
{
	if (p->frozen)
		return 4;
	switch (p->state) {
	case 0: return 0;
	case 'S': case 'I': case '?': return 1;
	case 'T': case 't': return 4;
	case 'D': return 3;
	}
	return 2;
}

static void consider(struct process *best, uint32_t pid, uint32_t tid)
{
	struct process p;

	if (!task_process(pid, &p))
		return;
	look_at_thread(&p, tid);
	p.frozen = task_is_frozen(pid);
	if (rank(&p) > rank(best))
		*best = p;
}

/* At the number that the keeper has it at, or, as a service that gets it by activation, at one of the first. */
static bool has_socket(uint32_t pid, int32_t fd, uint64_t socket)
{
	uint64_t its;

	for (int32_t i = 0; i < CHILD_FDS; i++)
		if (holder_inode(pid, i, &its) == 1 && its == socket)
			return true;
	return fd >= CHILD_FDS && holder_inode(pid, fd, &its) == 1 && its == socket;
}

#define FDS_LISTED	4096

/* At any number. Where that is not known, it has. */
static bool may_have_socket(uint32_t pid, int32_t fd, uint64_t socket)
{
	unsigned int listed = 0;
	bool has = has_socket(pid, fd, socket);
	struct dirent *e;
	uint64_t its;
	char path[48];
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%" PRIu32 "/fd", pid);
	d = has ? NULL : opendir(path);
	if (!d)
		return has || errno != ENOENT;
	while (!has && (e = readdir(d)))
		has = listed++ == FDS_LISTED || (isdigit((unsigned char)*e->d_name) &&
						 holder_inode(pid, atoi(e->d_name), &its) == 1 && its == socket);
	closedir(d);
	return has;
}

/*
 * A child that was made while nobody accepted may be a fork that is about to exec. A service that was started for the
 * clients that wait has done so: its name is another than its parent's.
 */
static bool is_new(uint32_t child, const struct listener *l, const struct owner *keeper, uint64_t from_ns)
{
	struct process p;

	return task_began_after(child, from_ns) && (l->acceptor.pid == keeper->pid || !task_process(child, &p) ||
						    !strncmp(p.comm, keeper->comm, TCPTRACE_COMM_LEN - 1));
}

static bool is_one_of(const uint32_t *pids, unsigned int n, uint32_t pid)
{
	for (unsigned int i = 0; i < n; i++)
		if (pids[i] == pid)
			return true;
	return false;
}

/* How many of these are in the same state as the one that is named, and how many are not. */
static void count_alike(const uint32_t *pids, unsigned int n, struct process *best)
{
	best->alike = best->unlike = 0;
	for (unsigned int i = 0; i < n; i++) {
		struct process p = { 0 };

		if (pids[i] != best->pid)
			consider(&p, pids[i], 0);
		best->alike += p.pid && p.state == best->state;
		best->unlike += p.pid && p.state != best->state && p.state != '?';
	}
}

/*
 * A master that hands its listener to workers takes nothing itself: those of its descendants that have the same socket
 * are. Others may have got it otherwise (SCM_RIGHTS), and then it may be any of all. Which of several should have taken
 * one where none is stopped or busy nobody knows: as members of a group each has a queue of its own.
 */
static unsigned int consider_holders(struct process *best, const struct listener *l, const struct owner *keeper,
				     uint64_t from_ns)
{
	const struct seldom *s = listener_seldom(l);
	uint32_t pids[CHILDREN], held[CHILDREN + HOLDERS_MAX + 1];
	unsigned int n, workers = 0, others = 0;
	uint64_t ours;

	if (keeper->fd < 0 || holder_inode(keeper->pid, keeper->fd, &ours) != 1)
		return 0;
	n = task_add_children(pids, 0, CHILDREN, keeper->pid);
	for (unsigned int i = 0; i < n; i++) {
		n = task_add_children(pids, n, CHILDREN, pids[i]);
		if (!has_socket(pids[i], keeper->fd, ours) || is_new(pids[i], l, keeper, from_ns))
			continue;
		consider(best, held[workers++] = pids[i], 0);
	}
	for (uint32_t i = 0; i < s->nholders; i++) {
		if (s->holders[i] == keeper->pid || is_one_of(pids, n, s->holders[i]) ||
		    !has_socket(s->holders[i], keeper->fd, ours))
			continue;
		consider(best, held[workers + others++] = s->holders[i], 0);
	}
	n = workers + others;
	if (others)
		consider(best, held[n++] = keeper->pid, 0);
	if (n > 1 && rank(best) == 1 && task_process(keeper->pid, best))
		best->workers = workers + others;
	else if (n)
		count_alike(held, n, best);
	return workers + others;
}

/*
 * Of a listener from which nobody has accepted yet: the process that did at another port of its keeper, if that is the
 * keeper itself or has ended. 0: there is none.
 */
static uint32_t took_elsewhere(const struct model *m, const struct owner *keeper)
{
	const struct listener *other;
	struct process p;
	uint32_t gone = 0;

	for (uint32_t i = 0; (other = model_listener(m, i)); i++) {
		const struct owner *its = listener_keeper(other);

		if (!other->open || !its || its->pid != keeper->pid || !other->acceptor.pid)
			continue;
		if (other->acceptor.pid == keeper->pid)
			return keeper->pid;
		if (!task_process(other->acceptor.pid, &p))
			gone = other->acceptor.pid;
	}
	return gone;
}

/* No worker is there, and nobody has taken from its queue yet. Is that the keeper's own work? */
static void blame_keeper(struct process *best, const struct model *m, const struct owner *keeper)
{
	uint32_t by = took_elsewhere(m, keeper);

	if (by && by != keeper->pid)
		best->instead_of = by;
	best->elsewhere = best->instead_of;
	best->parent = !by && task_is_parent(keeper->pid);
}

/*
 * Who accepted and has it still, the last one first: a worker that a reload has replaced closes it, and lives until its
 * last client is gone.
 */
static unsigned int acceptors_left(uint32_t *pids, const struct listener *l, const struct owner *keeper)
{
	uint32_t i, n = l->seldom ? l->acceptors : 0;
	uint64_t ours;
	bool known = keeper && keeper->fd >= 0 && holder_inode(keeper->pid, keeper->fd, &ours) == 1;
	unsigned int all = 0, left = 0;

	if (!l->acceptor_gone)
		pids[all++] = l->acceptor.pid;
	for (i = 0; i < n; i++)
		if (l->seldom->acceptor_pids[i] != l->acceptor.pid)
			pids[all++] = l->seldom->acceptor_pids[i];
	for (i = 0; i < all; i++)
		if (pids[i] && (!known || may_have_socket(pids[i], keeper->fd, ours)))
			pids[left++] = pids[i];
	return left;
}

struct process acceptor_look(const struct model *m, const struct listener *l, uint64_t from_ns)
{
	const struct owner *keeper = listener_keeper(l);
	struct process best = { 0 }, gone;
	uint32_t pids[ACCEPTORS_MAX + 1];
	unsigned int n = acceptors_left(pids, l, keeper);

	for (unsigned int i = 0; i < n; i++)
		consider(&best, pids[i], pids[i] == l->acceptor.pid ? l->acceptor.tid : 0);
	if (best.pid)
		count_alike(pids, n, &best);
	if (best.pid || !keeper || consider_holders(&best, l, keeper, from_ns))
		return best;
	consider(&best, keeper->pid, 0);
	if (!l->acceptor.pid)
		blame_keeper(&best, m, keeper);
	else if (l->acceptor.pid != keeper->pid && !task_process(l->acceptor.pid, &gone))
		best.instead_of = l->acceptor.pid;
	best.inherited = best.instead_of && l->opener.pid == best.instead_of;
	return best;
}
