/* SPDX-License-Identifier: GPL-2.0-only */
/* What a page says of the run that it shows, beside what was seen. */
#ifndef TCPTRACE_ABOUT_H
#define TCPTRACE_ABOUT_H

#include "../options.h"

struct about {
	struct view_about view;
	struct view_machine now;
	char host[65], kernel[65], command[4096];
};

/* src NULL: a page of none. a must outlive the views that get a->view. */
void about_run(struct about *a, const struct options *o, const struct source *src);
/* What src says while it runs; it must outlive a. */
void about_now(struct about *a, const struct options *o, struct source *src);
void about_free(struct about *a);
/* How each hook is attached: malloc'd, and how many. Its strings live as long as src. */
struct view_hook *about_hooks(struct source *src, unsigned int *n);

#endif
