/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A recording: this header, then records as they came (kmod/uapi/tcptrace.h).
 * All numbers in the byte order of the machine that recorded; the mark tells.
 */
#ifndef TCPTRACE_FILE_H
#define TCPTRACE_FILE_H

#include <stdint.h>

#define FILE_MAGIC		"tcptrace"
#define FILE_BYTE_ORDER		0x01020304u
#define FILE_OTHER_ORDER	0x04030201u

struct file_header {
	char magic[8];
	uint32_t byte_order;
	uint16_t abi;			/* TCPTRACE_ABI */
	uint16_t record_size;
	int64_t wall_offset_ns;		/* CLOCK_REALTIME - CLOCK_MONOTONIC when the recording began */
	uint32_t header_size;		/* records begin here: a later version may put more before them */
	uint32_t reserved;
	char release[32];		/* of the kernel, for people; not always terminated */
};

_Static_assert(sizeof(struct file_header) == 64, "the header is 64 bytes");

#endif
