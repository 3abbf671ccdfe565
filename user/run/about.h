/* SPDX-License-Identifier: GPL-2.0-only */
/* What a page says of the run that it shows, beside what was seen. */
#ifndef TCPTRACE_ABOUT_H
#define TCPTRACE_ABOUT_H

#include "../options.h"

struct about {
	struct view_about view;
	struct view_machine now;
	char host[65], kernel[65], command[4096], mechanisms[96];
};

/* src NULL: a page of none. a must outlive the views that get a->view. */
void about_run(struct about *a, const struct options *o, const struct source *src);
/* What src says while it runs; it must outlive a. */
void about_now(struct about *a, const struct options *o, struct source *src);
/* What the last lines say of src, but for end->model; end keeps t, and points into a. */
void about_end(struct about *a, struct source *src, const struct model_totals *t, struct view_end *end);
void about_free(struct about *a);

#endif
