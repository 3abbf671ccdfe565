// SPDX-License-Identifier: GPL-2.0-only
/* Asks the terminal and the environment, once and at SIGWINCH. */
#include <langinfo.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lib/parse.h"
#include "terminal.h"

unsigned int terminal_columns(int fd)
{
	const char *env = getenv("COLUMNS");
	struct winsize ws;
	uint64_t v;

	if (isatty(fd) == 1 && !ioctl(fd, TIOCGWINSZ, &ws) && ws.ws_col)
		return ws.ws_col;
	return env && !parse_u64(env, 40, 1000, &v) ? (unsigned int)v : 0;
}

bool terminal_color(int fd)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(fd) == 1 && !(no && no[0]) && term && strcmp(term, "dumb");
}

bool terminal_utf8(void)
{
	return !strcmp(nl_langinfo(CODESET), "UTF-8");
}
