// SPDX-License-Identifier: GPL-2.0-only
/*
 * Asks /proc for the findings. Processes are looked at while their listener stalls, as at the end of the
 * run they may be gone, or do something else.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/clock.h"
#include "../lib/readfile.h"
#include "../source/netns.h"
#include "around.h"
#include "holder.h"

#define NAMESPACES	16	/* whose sysctls are kept, */
#define SYSCTLS_NS	(10 * SECOND)	/* for so long: top is looked at while somebody sets them */
#define STALLS		64	/* of which the holder is kept; the latest */
#define CHILDREN	64	/* workers that are looked at */
#define CHILD_FDS	64	/* and their descriptors */
#define LOOK_EVERY_NS	50000000ull

struct sysctls {
	uint32_t netns;
	uint64_t read_ns;
	bool known[MACHINE_SYSCTL_MAX];
	uint64_t value[MACHINE_SYSCTL_MAX];
};

struct around {
	struct machine machine;
	struct sysctls sysctls[NAMESPACES];
	unsigned int namespaces;
	struct seen {
		uint32_t listener;
		uint64_t from_ns;
		uint64_t ran_ns, looked_ns;	/* at the first look; 0: not known */
		uint64_t last_ns;		/* the last one */
		uint32_t tid;			/* 0: no thread of which more is to be known */
		unsigned int votes;		/* for p.state */
		struct process p;
	} stall[STALLS];
	unsigned int stalls;
	/* who was asked last: a process may have 10,000 listeners */
	struct unheard { uint32_t pid; bool is; uint64_t asked_ns; } unheard;
};

/* ---- sysctls ---- */

/* The nth number of the file. */
static bool read_sysctl(const char *name, unsigned int nth, uint64_t *value)
{
	char path[64], buf[64], *p = buf, *end;

	snprintf(path, sizeof(path), "/proc/sys/net/%s", name);
	if (read_file(path, buf, sizeof(buf)) < 0)
		return false;
	do {
		errno = 0;
		*value = strtoull(p, &end, 10);
		if (end == p || errno || memchr(p, '-', (size_t)(end - p)))
			return false;
		p = end;
	} while (nth--);
	return true;
}

static int read_here(void *arg)
{
	struct sysctls *s = arg;

#define READ(sym, file, nth) s->known[MACHINE_##sym] = read_sysctl(file, nth, &s->value[MACHINE_##sym]);
	MACHINE_SYSCTLS(READ)
#undef READ
	return 1;		/* found: no other is visited */
}

static const struct sysctls *sysctls_of(struct around *a, uint32_t netns)
{
	uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);
	struct sysctls *s = a->sysctls;

	while (s < a->sysctls + a->namespaces && s->netns != netns)
		s++;
	if (s == a->sysctls + NAMESPACES)
		return NULL;
	if (s == a->sysctls + a->namespaces)
		a->namespaces++;
	else if (now_ns < s->read_ns + SYSCTLS_NS)
		return s;
	*s = (struct sysctls){ .netns = netns, .read_ns = now_ns };
	netns_each(netns, read_here, NULL, s);
	return s;
}

static bool sysctl(void *ctx, uint32_t netns, enum machine_sysctl which, uint64_t *value)
{
	const struct sysctls *s = netns ? sysctls_of(ctx, netns) : NULL;

	if (!s || !s->known[which])
		return false;
	*value = s->value[which];
	return true;
}

/* ---- processes ---- */

struct stat_text {
	char text[512];
	char *close;		/* "PID (NAME) S ...": a name may hold whatever it likes, so it ends at the last bracket */
};

static bool read_stat_text(struct stat_text *s, const char *path)
{
	s->close = read_file(path, s->text, sizeof(s->text)) < 0 ? NULL : strrchr(s->text, ')');
	return s->close;
}

static bool read_stat(struct process *p, const char *path)
{
	struct stat_text s;
	char *open, *close;
	size_t n;

	if (!read_stat_text(&s, path))
		return false;
	open = strchr(s.text, '(');
	close = s.close;
	if (!open || close < open || close[1] != ' ' || !isalpha((unsigned char)close[2]))
		return false;
	n = (size_t)(close - open - 1);
	memset(p->comm, 0, sizeof(p->comm));
	memcpy(p->comm, open + 1, n < TCPTRACE_COMM_LEN ? n : TCPTRACE_COMM_LEN);
	p->state = close[2];
	return true;
}

static uint64_t read_nofile(uint32_t pid)
{
	char path[48], buf[4096], *line;
	uint64_t limit;

	snprintf(path, sizeof(path), "/proc/%" PRIu32 "/limits", pid);
	if (read_file(path, buf, sizeof(buf)) < 0)
		return 0;
	line = strstr(buf, "Max open files");
	return line && sscanf(line, "Max open files %" SCNu64, &limit) == 1 ? limit : 0;
}

/* Has the file a line that begins so? */
static bool file_says(const char *path, const char *line)
{
	char text[256], *p = text;

	if (read_file(path, text, sizeof(text)) <= 0)
		return false;
	while (p && strncmp(p, line, strlen(line))) {
		p = strchr(p, '\n');
		p += p != NULL;
	}
	return p;
}

/* One line of /proc/PID/cgroup: "0::/path", or of v1 "6:freezer:/path". */
static bool is_frozen_by(const char *line)
{
	static const char *const v2[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };
	const char *path = strstr(line, ":/");
	char file[512];

	if (!path++ || !strcmp(path, "/"))	/* the root cannot be */
		return false;
	for (unsigned int i = 0; i < 2 && !strncmp(line, "0:", 2); i++) {
		snprintf(file, sizeof(file), "%s%s/cgroup.events", v2[i], path);
		if (file_says(file, "frozen 1"))
			return true;
	}
	if (!strstr(line, "freezer:/"))
		return false;
	snprintf(file, sizeof(file), "/sys/fs/cgroup/freezer%s/freezer.state", path);
	return file_says(file, "FROZEN");
}

/* docker pause, systemctl freeze: asleep or uninterruptible, and neither is of its own. */
static bool is_frozen(uint32_t pid)
{
	char path[48], text[4096], *rest = text, *line;

	snprintf(path, sizeof(path), "/proc/%" PRIu32 "/cgroup", pid);
	if (read_file(path, text, sizeof(text)) <= 0)
		return false;
	while ((line = strsep(&rest, "\n")))
		if (is_frozen_by(line))
			return true;
	return false;
}

/* How long a thread was on a CPU so far; 0: not known. */
static uint64_t ran_ns(uint32_t pid, uint32_t tid)
{
	char path[64], text[128];

	snprintf(path, sizeof(path), "/proc/%" PRIu32 "/task/%" PRIu32 "/schedstat", pid, tid ? tid : pid);
	return read_file(path, text, sizeof(text)) > 0 ? strtoull(text, NULL, 10) : 0;
}

/* What ended is no process, though its parent has not asked yet (Z). */
static bool process(void *ctx, uint32_t pid, struct process *p)
{
	char path[48];

	(void)ctx;
	*p = (struct process){ .pid = pid };
	snprintf(path, sizeof(path), "/proc/%" PRIu32 "/stat", pid);
	if (!pid || !read_stat(p, path) || p->state == 'Z' || p->state == 'X')
		return false;
	p->nofile = read_nofile(pid);
	p->netns = netns_of(pid);
	return true;
}

/* ---- who did not accept ---- */

/* Fields of /proc/PID/stat after the name: the state is the first. */
#define REAPED_FAULTS	9u	/* page faults of children that it has waited for: each made some */
#define THREADS_FIELD	18u
#define START_FIELD	20u

/* A number of /proc/PID/stat. */
static bool stat_number(uint32_t pid, unsigned int field, uint64_t *value)
{
	struct stat_text s;
	char path[48], *p;

	snprintf(path, sizeof(path), "/proc/%" PRIu32 "/stat", pid);
	if (!read_stat_text(&s, path))
		return false;
	p = s.close;
	for (unsigned int i = 0; p && i < field; i++)
		p = strchr(p + 1, ' ');
	*value = p ? strtoull(p, NULL, 10) : 0;
	return p;
}

/* The state of the thread that accepted last: the main one may sleep while another one works. '?': which is not known. */
static void look_at_thread(struct process *p, uint32_t tid)
{
	struct process thread = { 0 };
	uint64_t threads;
	char path[64];

	if (!tid && p->state == 'S' && stat_number(p->pid, THREADS_FIELD, &threads) && threads > 1)
		p->state = '?';
	if (!tid || tid == p->pid)
		return;
	snprintf(path, sizeof(path), "/proc/%" PRIu32 "/task/%" PRIu32 "/stat", p->pid, tid);
	if (read_stat(&thread, path)) {
		p->state = thread.state;
	} else {
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

	if (!process(NULL, pid, &p))
		return;
	look_at_thread(&p, tid);
	p.frozen = is_frozen(pid);
	if (rank(&p) > rank(best))
		*best = p;
}

/* A moment of CLOCK_MONOTONIC; /proc counts ticks of our CLOCK_BOOTTIME: it may have, within one. Not known: no. */
static bool began_after(uint32_t pid, uint64_t ns)
{
	uint64_t ticks, tick = 1000000000ull / (uint64_t)sysconf(_SC_CLK_TCK);
	uint64_t ours = (uint64_t)clock_namespace_ns[CLOCK_BOOTTIME];

	return stat_number(pid, START_FIELD, &ticks) &&
	       (ticks + 1) * tick > ns + clock_ns(CLOCK_BOOTTIME) + ours - clock_ns(CLOCK_MONOTONIC);
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

	return began_after(child, from_ns) && (l->acceptor.pid == keeper->pid || !process(NULL, child, &p) ||
					       !strncmp(p.comm, keeper->comm, TCPTRACE_COMM_LEN - 1));
}

/* Appends the numbers in that file to the n that are there: how many there are then. */
static unsigned int add_children_of(uint32_t *pids, unsigned int n, unsigned int max, const char *path)
{
	char buf[16 * CHILDREN], *p = buf, *end;

	if (read_file(path, buf, sizeof(buf)) < 0)
		return n;
	for (; n < max; p = end) {
		uint32_t child = (uint32_t)strtoul(p, &end, 10);

		if (end == p)
			break;
		pids[n++] = child;
	}
	return n;
}

/* Each of its threads has a list of its own, of those that it forked. */
static unsigned int add_children(uint32_t *pids, unsigned int n, unsigned int max, uint32_t of)
{
	char path[64];
	struct dirent *e;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%" PRIu32 "/task", of);
	d = opendir(path);
	while (d && n < max && (e = readdir(d))) {
		snprintf(path, sizeof(path), "/proc/%" PRIu32 "/task/%.10s/children", of, e->d_name);
		if (isdigit((unsigned char)*e->d_name))
			n = add_children_of(pids, n, max, path);
	}
	if (d)
		closedir(d);
	return n;
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
	n = add_children(pids, 0, CHILDREN, keeper->pid);
	for (unsigned int i = 0; i < n; i++) {
		n = add_children(pids, n, CHILDREN, pids[i]);
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
	if (n > 1 && rank(best) == 1 && process(NULL, keeper->pid, best))
		best->workers = workers + others;
	else
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
		if (!process(NULL, other->acceptor.pid, &p))
			gone = other->acceptor.pid;
	}
	return gone;
}

static bool is_parent(uint32_t pid)
{
	uint64_t faults;
	uint32_t child;

	return add_children(&child, 0, 1, pid) || (stat_number(pid, REAPED_FAULTS, &faults) && faults);
}

/* No worker is there, and nobody has taken from its queue yet. Is that the keeper's own work? */
static void blame_keeper(struct process *best, const struct model *m, const struct owner *keeper)
{
	uint32_t by = took_elsewhere(m, keeper);

	if (by && by != keeper->pid)
		best->instead_of = by;
	best->elsewhere = best->instead_of;
	best->parent = !by && is_parent(keeper->pid);
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

/* Who should have taken from its queue since then. */
static struct process look(const struct model *m, const struct listener *l, uint64_t from_ns)
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
	else if (l->acceptor.pid != keeper->pid && !process(NULL, l->acceptor.pid, &gone))
		best.instead_of = l->acceptor.pid;
	best.inherited = best.instead_of && l->opener.pid == best.instead_of;
	return best;
}

static unsigned int find(const struct around *a, const struct listener *l, uint64_t from_ns)
{
	unsigned int i = 0, n = a->stalls < STALLS ? a->stalls : STALLS;

	while (i < n && (a->stall[i].listener != l->id || a->stall[i].from_ns != from_ns))
		i++;
	return i < n ? i : STALLS;
}

static bool holder(void *ctx, const struct listener *l, uint64_t from_ns, struct process *p)
{
	struct around *a = ctx;
	unsigned int i = find(a, l, from_ns);

	if (i == STALLS)
		return false;
	*p = a->stall[i].p;
	return p->pid != 0;
}

static bool is_unheard(struct unheard *u, uint32_t pid, uint64_t now_ns)
{
	if (u->pid != pid || now_ns >= u->asked_ns + SECOND)
		*u = (struct unheard){ pid, holder_calls_otherwise(pid), now_ns };
	return u->is;
}

static void look_first(struct around *a, const struct model *m, const struct listener *l, uint64_t from_ns, uint64_t now_ns)
{
	struct process p = look(m, l, from_ns);
	bool alone = p.pid && p.state != '?' && !p.frozen && !p.workers && !p.instead_of;
	struct seen *s = &a->stall[a->stalls++ % STALLS];

	p.unheard = p.pid && p.pid != l->acceptor.pid && is_unheard(&a->unheard, p.pid, now_ns);
	*s = (struct seen){ .listener = l->id, .from_ns = from_ns, .votes = 1, .p = p };
	if (!alone)
		return;
	s->tid = p.pid == l->acceptor.pid && l->acceptor.tid ? l->acceptor.tid : p.pid;
	s->looked_ns = s->last_ns = now_ns;
	s->ran_ns = ran_ns(p.pid, s->tid);
}

/* One look may find anything: the state that it is in most of the time is left when unlike ones are paired off. */
static void vote(struct seen *s, char state)
{
	if (state == s->p.state) {
		s->votes++;
	} else if (s->votes) {
		s->votes--;
	} else {
		s->votes = 1;
		s->p.state = state;
		s->p.alike = s->p.unlike = 0;
	}
}

/* "R" is runnable: whether it ran shows in what it ran since. */
static void look_again(struct seen *s, uint64_t now_ns)
{
	struct process thread;
	char path[64];
	uint64_t ran;

	if (!s->tid || now_ns < s->last_ns + LOOK_EVERY_NS)
		return;
	s->last_ns = now_ns;
	snprintf(path, sizeof(path), "/proc/%" PRIu32 "/task/%" PRIu32 "/stat", s->p.pid, s->tid);
	if (!read_stat(&thread, path)) {
		s->tid = 0;
		return;
	}
	vote(s, thread.state);
	ran = ran_ns(s->p.pid, s->tid);
	if (!s->ran_ns || ran < s->ran_ns)
		return;
	s->p.ran_ns = ran - s->ran_ns;
	s->p.of_ns = now_ns - s->looked_ns;
}

void around_watch(struct around *a, const struct model *m)
{
	uint64_t now_ns = model_totals(m)->last_ns;
	const struct listener *l;

	for (uint32_t i = 0; a && a->machine.holder && (l = model_listener(m, i)); i++) {
		uint64_t from = l->open ? l->pace.now.from_ns : 0;
		unsigned int slot;

		if (!from || now_ns < from + PACE_STALL_NS)
			continue;
		slot = find(a, l, from);
		if (slot < STALLS)
			look_again(&a->stall[slot], now_ns);
		else
			look_first(a, m, l, from, now_ns);
	}
}

struct around *around_new(bool pids)
{
	struct around *a = calloc(1, sizeof(*a));

	if (a)
		a->machine = (struct machine){ a, netns_here(), sysctl, pids ? process : NULL, pids ? holder : NULL };
	return a;
}

const struct machine *machine_of(const struct around *a)
{
	return a ? &a->machine : NULL;
}
