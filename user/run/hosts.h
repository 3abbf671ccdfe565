/* SPDX-License-Identifier: GPL-2.0-only */
/* Several recordings (-r FILE -r FILE): whose they are, how far their clocks are apart, and one source of all. */
#ifndef TCPTRACE_RUN_HOSTS_H
#define TCPTRACE_RUN_HOSTS_H

#include "../options.h"
#include "../view/hosts.h"

struct hosts;

/* Reads each file once, to compare the clocks. 0, or -errno after a sentence on standard error. */
int hosts_open(struct hosts **out, const struct options *o);
/* Then all of them once more, in one order; h must outlive it. 0 or -errno. */
int hosts_source(struct hosts *h, struct source **out, char why[SOURCE_WHY]);
const struct view_hosts *hosts_view(const struct hosts *h);
void hosts_free(struct hosts *h);	/* NULL: nothing */

#endif
