// SPDX-License-Identifier: GPL-2.0-only
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "about.h"

/* The words as they were given, a space between two. */
static void read_command(char *text, size_t size)
{
	int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, text, size - 1);

	if (fd >= 0)
		close(fd);
	if (n < 0)
		n = 0;
	text[n] = 0;
	if (n && !text[n - 1])
		n--;
	for (ssize_t i = 0; i < n; i++) {
		if (!text[i])
			text[i] = ' ';
	}
}

void about_run(struct about *a, const struct options *o, const struct source *src)
{
	struct utsname u;

	*a = (struct about){ .view.recording = o->read_path };
	read_command(a->command, sizeof(a->command));
	a->view.command = a->command;
	if (o->read_path) {
		snprintf(a->kernel, sizeof(a->kernel), "%s", src ? src->kernel : "");
	} else if (!uname(&u)) {
		snprintf(a->kernel, sizeof(a->kernel), "%s", u.release);
		snprintf(a->host, sizeof(a->host), "%s", u.nodename);
	}
	a->view.kernel = a->kernel;
	a->view.host = a->host[0] ? a->host : NULL;
}

struct view_hook *about_hooks(struct source *src, unsigned int *n)
{
	struct view_hook *all;
	struct hook_report h;
	unsigned int i;

	for (*n = 0; src->ops->hook && src->ops->hook(src, *n, &h); ++*n)
		;
	all = *n ? calloc(*n, sizeof(*all)) : NULL;
	if (!all)
		*n = 0;
	for (i = 0; i < *n && src->ops->hook(src, i, &h); i++)
		all[i] = (struct view_hook){ h.hook, h.target, mechanism_name(h.mechanism), h.why_not_better, h.loses };
	return all;
}
