// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "../lib/tr.h"
#include "../source/netns.h"
#include "../talk.h"
#include "ready.h"

static int is_there(void *arg)
{
	*(bool *)arg = true;
	return 1;
}

/* A wrong number would show nothing for ever; one that comes back is possible, so it is no error. */
static void warn_missing(const struct filter *f)
{
	bool there = false;
	uint32_t i;

	for (i = 0; i < f->npids; i++) {
		if (kill((pid_t)f->pids[i], 0) && errno == ESRCH)
			talk(_("-p %u: there is no such process now"), f->pids[i]);
		else if (syscall(SYS_tgkill, f->pids[i], f->pids[i], 0) && errno == ESRCH)
			talk(_("-p %u: that is a thread; the number of its process is in /proc/%u/status"),
			     f->pids[i], f->pids[i]);
	}
	if (f->netns && netns_each(f->netns, is_there, NULL, &there) >= 0 && !there)
		talk(_("--netns %u: no process is in such a namespace now, and it has no name below /run/netns"), f->netns);
}

/* It may come later. Those that are here show how it is written. */
static void warn_no_place(const struct model *m, const struct filter *f)
{
	const struct proc_place *place;
	char name[PLACE_NAME_MAX], seen[400] = "";
	size_t n = 0;

	for (uint32_t i = 0; (place = model_next_place(m, &i)); ) {
		if (filter_has_place(f, place))
			return;
		place_name(place, name);
		if (n + strlen(name) + 3 < sizeof(seen) && !strstr(seen, name))
			n += (size_t)snprintf(seen + n, sizeof(seen) - n, "%s%s", n ? ", " : "", name);
	}
	talk(_("no process with TCP sockets is there now; there are: %s"), n ? seen : _("none with a unit or container"));
}

/* A unit with Type=notify has started when all is attached, and no earlier. '@': a name without a file. */
static void tell_systemd(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t n = path ? strlen(path) : 0;
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
	int fd;

	if (!n || n > sizeof(to.sun_path))
		return;
	memcpy(to.sun_path, path, n);
	if (path[0] == '@')
		to.sun_path[0] = 0;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || sendto(fd, "READY=1", 7, MSG_NOSIGNAL, (void *)&to, len) < 0)
		talk("NOTIFY_SOCKET '%s': %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
}

void ready_say(const struct options *o, const struct model *m, bool places)
{
	const struct filter *f = &o->source.filter;

	if (!o->read_path)
		warn_missing(f);
	if (!o->read_path && filter_by_place(f) && places)
		warn_no_place(m, f);
	else if (!o->read_path && filter_by_place(f))
		talk(_("/proc is that of another PID namespace: no unit, pod or container is known, so nothing will be shown"));
	if (!o->read_path && !o->program)
		fprintf(stderr, "%s\n", _("Tracing TCP sockets... Ctrl-C to end."));
	if (o->ready_fd >= 0 && write(o->ready_fd, "\n", 1) != 1)
		talk("--ready-fd %d: %s", o->ready_fd, strerror(errno));
	if (!o->read_path && !o->program)	/* of a service that is traced from its start, it says so itself */
		tell_systemd(getenv("NOTIFY_SOCKET"));
}
