/* SPDX-License-Identifier: GPL-2.0-only */
/* Where the records of a run come from: the hooks of this machine, a recording, or several of them as one source. */
#ifndef TCPTRACE_INPUT_H
#define TCPTRACE_INPUT_H

#include "../options.h"

struct hosts;

struct input {
	const struct options *o;
	struct source *src;
	struct hosts *hosts;		/* NULL: one recording at most */
};

/* The source alone that o wants: 0, or -errno after a sentence on standard error. */
int input_open_source(const struct options *o, struct source **out);

int input_open(struct input *in, const struct options *o);	/* the same, and of several recordings */
void input_close(struct input *in);

unsigned int input_machines(const struct input *in);
const struct view_hosts *input_hosts(const struct input *in);	/* NULL: of one machine */

/* On standard error: how far the clocks of several machines are apart, where no output says it. */
void input_say_clocks(const struct input *in);
void input_say_error(const struct input *in, int err);		/* of poll() */
void input_say_note(const struct input *in);			/* what a recording said at its end */

#endif
