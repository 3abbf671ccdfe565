/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A recording: this header, then records as they came (kmod/uapi/tcptrace.h), most of them by half (short.h).
 * All numbers in the byte order of the machine that recorded; the mark tells.
 * Several after each other (cat) are one, so that its end can be a header, too: one of a recording without records, to
 * a reader that does not know it. It may be packed by gzip.
 */
#ifndef TCPTRACE_FILE_H
#define TCPTRACE_FILE_H

#include <stdint.h>

#include "../../kmod/uapi/tcptrace.h"
#include "../lib/sized.h"

#define FILE_MAGIC		"tcptrace"
#define FILE_BYTE_ORDER		0x01020304u
#define FILE_OTHER_ORDER	0x04030201u

#define FILE_FORMAT		2u
#define FILE_FORMAT_WHOLE	1u	/* of tcptrace before: no record is short */

/*
 * What we write, zeroes after the header: as large as whole records, so that a page holds halves of records, and a run that
 * was killed leaves no other part of one.
 */
#define FILE_HEADER_SIZE	256u

#define CHUNK_RECORDS	SIZED(512u, 8u)	/* one poll() of a file hands on no more than these */

enum file_state {
	FILE_UNKNOWN,			/* a pipe; packed; written by tcptrace 0.1 */
	FILE_GROWING,			/* it is being written, or its tcptrace was killed */
	FILE_COMPLETE,
	FILE_END			/* of a header after the last record: nothing is missing before it */
};

struct file_header {
	char magic[8];
	uint32_t byte_order;
	uint16_t format;
	uint16_t record_size;
	int64_t wall_offset_ns;		/* CLOCK_REALTIME - CLOCK_MONOTONIC when the recording began */
	uint32_t header_size;		/* records begin here: a later version may put more before them */
	uint32_t state;			/* enum file_state */
	char release[32];		/* of the kernel, for people; not always terminated */
};

/*
 * Behind it, where header_size has room for it: which machine it was, so that recordings of several can be shown on one
 * ladder. Zeroes: unknown.
 */
struct file_host {
	uint64_t recording;		/* by chance: the files of one recording (-C) and its copies have the same */
	uint8_t boot_id[16];		/* /proc/sys/kernel/random/boot_id: one CLOCK_MONOTONIC */
	char name[64];			/* uname -n; not always terminated */
	/* adjtimex(2) when the recording began. */
	int32_t clock_state;		/* 0 to 4: what it returned, 5: nobody sets the clock; -1: unknown */
	uint32_t ends;			/* 1: such a header is its end; what has none was cut, be it between two records */
	int64_t freq;			/* 65536: 1 ppm */
	int64_t maxerror, esterror;	/* us */
	uint64_t before;		/* records in the files of this recording before this one; 0: none, or unknown */
};

_Static_assert(TCPTRACE_ABI == 1, "with other records another FILE_FORMAT");
_Static_assert(sizeof(struct file_header) == 64, "the header is 64 bytes");
_Static_assert(sizeof(struct file_host) == 128, "the host is 128 bytes");

#endif
