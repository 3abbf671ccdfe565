// SPDX-License-Identifier: GPL-2.0-only
/* What /proc says of a process and its threads. */
#include <ctype.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/clock.h"
#include "../lib/readfile.h"
#include "../source/netns.h"
#include "task.h"

#define CHILD_LIST	1024	/* bytes of one thread's list that are read */

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

bool task_is_frozen(uint32_t pid)
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

uint64_t task_ran_ns(uint32_t pid, uint32_t tid)
{
	char path[64], text[128];

	snprintf(path, sizeof(path), "/proc/%" PRIu32 "/task/%" PRIu32 "/schedstat", pid, tid ? tid : pid);
	return read_file(path, text, sizeof(text)) > 0 ? strtoull(text, NULL, 10) : 0;
}

bool task_process(uint32_t pid, struct process *p)
{
	char path[48];

	*p = (struct process){ .pid = pid };
	snprintf(path, sizeof(path), "/proc/%" PRIu32 "/stat", pid);
	if (!pid || !read_stat(p, path) || p->state == 'Z' || p->state == 'X')
		return false;
	p->nofile = read_nofile(pid);
	p->netns = netns_of(pid);
	return true;
}

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

char task_state(uint32_t pid, uint32_t tid)
{
	struct process thread = { 0 };
	char path[64];

	snprintf(path, sizeof(path), "/proc/%" PRIu32 "/task/%" PRIu32 "/stat", pid, tid);
	return read_stat(&thread, path) ? thread.state : 0;
}

bool task_has_threads(uint32_t pid)
{
	uint64_t threads;

	return stat_number(pid, THREADS_FIELD, &threads) && threads > 1;
}

/* /proc counts ticks of our CLOCK_BOOTTIME. */
bool task_began_after(uint32_t pid, uint64_t ns)
{
	uint64_t ticks, tick = 1000000000ull / (uint64_t)sysconf(_SC_CLK_TCK);
	uint64_t ours = (uint64_t)clock_namespace_ns[CLOCK_BOOTTIME];

	return stat_number(pid, START_FIELD, &ticks) &&
	       (ticks + 1) * tick > ns + clock_ns(CLOCK_BOOTTIME) + ours - clock_ns(CLOCK_MONOTONIC);
}

/* Appends the numbers in that file to the n that are there: how many there are then. */
static unsigned int add_children_of(uint32_t *pids, unsigned int n, unsigned int max, const char *path)
{
	char buf[CHILD_LIST], *p = buf, *end;

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
unsigned int task_add_children(uint32_t *pids, unsigned int n, unsigned int max, uint32_t of)
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

bool task_is_parent(uint32_t pid)
{
	uint64_t faults;
	uint32_t child;

	return task_add_children(&child, 0, 1, pid) || (stat_number(pid, REAPED_FAULTS, &faults) && faults);
}

