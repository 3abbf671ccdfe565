// SPDX-License-Identifier: GPL-2.0-only
/*
 * Asks /proc for the findings. Processes are looked at while their listener stalls, as at the end of the
 * run they may be gone, or do something else.
 */
#include <ctype.h>
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

#define NAMESPACES	16	/* whose sysctls are kept */
#define STALLS		64	/* of which the holder is kept; the latest */
#define CHILDREN	64	/* workers that are looked at */
#define CHILD_FDS	64	/* and their descriptors */

struct sysctls {
	uint32_t netns;
	bool known[MACHINE_SYSCTL_MAX];
	uint64_t value[MACHINE_SYSCTL_MAX];
};

struct around {
	struct machine machine;
	struct sysctls sysctls[NAMESPACES];
	unsigned int namespaces;
	struct {
		uint32_t listener;
		uint64_t from_ns;
		struct process p;
	} stall[STALLS];
	unsigned int stalls;
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
	struct sysctls *s;

	for (unsigned int i = 0; i < a->namespaces; i++)
		if (a->sysctls[i].netns == netns)
			return &a->sysctls[i];
	if (a->namespaces == NAMESPACES)
		return NULL;
	s = &a->sysctls[a->namespaces++];
	s->netns = netns;
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

#define THREADS_FIELD	18u	/* of /proc/PID/stat, behind the name: "S" is the first */
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
	if (read_stat(&thread, path))
		p->state = thread.state;
}

/* Stopped says more than asleep. */
static unsigned int rank(char state)
{
	switch (state) {
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
	if (rank(p.state) > rank(best->state))
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

/* At the number that its parent has it at, or, as a service that gets it by activation, at one of the first. */
static bool has_socket(uint32_t pid, int32_t fd, uint64_t socket)
{
	uint64_t its;

	if (holder_inode(pid, fd, &its) == 1 && its == socket)
		return true;
	for (fd = 0; fd < CHILD_FDS; fd++)
		if (holder_inode(pid, fd, &its) == 1 && its == socket)
			return true;
	return false;
}

/* Made while nobody accepted, it may be about to exec; a service that was started for who waits has done that. */
static bool is_new(uint32_t child, const struct listener *l, const struct owner *keeper, uint64_t from_ns)
{
	struct process p;

	return began_after(child, from_ns) && (l->acceptor.pid == keeper->pid || !process(NULL, child, &p) ||
					       !strncmp(p.comm, keeper->comm, TCPTRACE_COMM_LEN - 1));
}

/*
 * A master that hands its listener to workers takes nothing itself. How many they are: those of its children that have the
 * same socket. Which of several should have taken one where none is stopped or busy nobody knows: as members of a group each
 * has a queue of its own.
 */
static unsigned int consider_workers(struct process *best, const struct listener *l, const struct owner *keeper,
				     uint64_t from_ns)
{
	char path[64], buf[16 * CHILDREN], *p = buf, *end;
	unsigned int workers = 0;
	uint64_t ours;

	snprintf(path, sizeof(path), "/proc/%" PRIu32 "/task/%" PRIu32 "/children", keeper->pid, keeper->pid);
	if (keeper->fd < 0 || holder_inode(keeper->pid, keeper->fd, &ours) != 1 ||
	    read_file(path, buf, sizeof(buf)) < 0)
		return 0;
	for (unsigned int n = 0; n < CHILDREN; n++) {
		uint32_t child = (uint32_t)strtoul(p, &end, 10);

		if (end == p)
			break;
		p = end;
		if (!has_socket(child, keeper->fd, ours) || is_new(child, l, keeper, from_ns))
			continue;
		consider(best, child, 0);
		workers++;
	}
	if (workers > 1 && rank(best->state) == 1 && process(NULL, keeper->pid, best))
		best->workers = workers;
	return workers;
}

/* Who should have taken from its queue since then. */
static struct process look(const struct listener *l, uint64_t from_ns)
{
	uint32_t i, n = l->seldom ? l->acceptors : 0;
	const struct owner *keeper = listener_keeper(l);
	struct process best = { 0 }, gone;

	if (!l->acceptor_gone)
		consider(&best, l->acceptor.pid, l->acceptor.tid);
	for (i = 0; i < n; i++)
		if (l->seldom->acceptor_pids[i] != l->acceptor.pid)
			consider(&best, l->seldom->acceptor_pids[i], 0);
	if (best.pid || !keeper || consider_workers(&best, l, keeper, from_ns))
		return best;
	consider(&best, keeper->pid, 0);
	if (l->acceptor.pid != keeper->pid && !process(NULL, l->acceptor.pid, &gone))
		best.instead_of = l->acceptor.pid;
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

void around_watch(struct around *a, const struct model *m)
{
	uint64_t now_ns = model_totals(m)->last_ns;
	const struct listener *l;

	for (uint32_t i = 0; a && a->machine.holder && (l = model_listener(m, i)); i++) {
		uint64_t from = l->open ? l->pace.now.from_ns : 0;
		unsigned int slot;

		if (!from || now_ns < from + PACE_STALL_NS || find(a, l, from) < STALLS)
			continue;
		slot = a->stalls++ % STALLS;
		a->stall[slot].listener = l->id;
		a->stall[slot].from_ns = from;
		a->stall[slot].p = look(l, from);
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
