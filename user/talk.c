// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/put.h"
#include "lib/tr.h"
#include "talk.h"

/*
 * One write: what a program under `--` says at the same time does not get into the line. It may name what came from
 * outside, which must not move the cursor.
 */
void talk(const char *fmt, ...)
{
	unsigned int columns = INT_MAX;
	char text[1024], safe[4 * sizeof(text) + PUT_SLACK], *end;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	end = put_safe_cut(safe, text, strlen(text), false, &columns);
	fprintf(stderr, "tcptrace: %.*s\n", (int)(end - safe), safe);
}

int talk_written(int err)
{
	if (!err || err == -EPIPE)
		return 0;
	talk(_("cannot write to standard output: %s"), strerror(-err));
	return err;
}
