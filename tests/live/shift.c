// SPDX-License-Identifier: GPL-2.0-only
/*
 * A recording as another machine's: with a clock that is ahead and drifts, another name, boot and number.
 *
 *	shift NAME SECONDS PPM < RECORDING > RECORDING
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../kmod/uapi/tcptrace.h"
#include "../../user/source/file.h"
#include "../../user/source/short.h"

static void die(const char *what)
{
	fprintf(stderr, "shift: %s\n", what);
	exit(1);
}

static void header(const char *name)
{
	union {
		struct {
			struct file_header h;
			struct file_host host;
		};
		char bytes[4096];
	} u;

	if (fread(&u, sizeof(u.h), 1, stdin) != 1 || memcmp(u.h.magic, FILE_MAGIC, sizeof(u.h.magic)) ||
	    u.h.header_size < sizeof(u.h) + sizeof(u.host) || u.h.header_size > sizeof(u) ||
	    fread(u.bytes + sizeof(u.h), u.h.header_size - sizeof(u.h), 1, stdin) != 1)
		die("no recording that says whose it is");
	memset(&u.host, 0, sizeof(u.host));
	snprintf(u.host.name, sizeof(u.host.name), "%s", name);
	memcpy(u.host.boot_id, u.host.name, sizeof(u.host.boot_id));
	memcpy(&u.host.recording, u.host.name, sizeof(u.host.recording));
	u.host.clock_state = -1;
	if (fwrite(&u, u.h.header_size, 1, stdout) != 1)
		die("write");
}

int main(int argc, char **argv)
{
	struct tcptrace_record r;
	uint64_t first = 0, mark;
	double seconds, ppm;

	if (argc != 4)
		die("usage: shift NAME SECONDS PPM");
	seconds = strtod(argv[2], NULL);
	ppm = strtod(argv[3], NULL);
	header(argv[1]);
	while (fread(&r, SHORT_SIZE, 1, stdin) == 1 && memcmp(&r, FILE_MAGIC, strlen(FILE_MAGIC))) {	/* or its end */
		mark = r.t_ns & SHORT_MARK;
		r.t_ns ^= mark;
		if (!mark && fread((char *)&r + SHORT_SIZE, SHORT_SIZE, 1, stdin) != 1)
			die("half a record");
		first = first ? first : r.t_ns;
		r.t_ns += (uint64_t)(int64_t)(seconds * 1e9 + ((double)r.t_ns - (double)first) * ppm / 1e6);
		r.t_ns |= mark;
		if (fwrite(&r, mark ? SHORT_SIZE : sizeof(r), 1, stdout) != 1)
			die("write");
	}
	return fflush(stdout) ? 1 : 0;
}
