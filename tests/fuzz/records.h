/* SPDX-License-Identifier: GPL-2.0-only */
/* Changes a recording as one would who knows what a record is: see records.c. */
#ifndef TCPTRACE_FUZZ_RECORDS_H
#define TCPTRACE_FUZZ_RECORDS_H

#include <stddef.h>
#include <stdint.h>

/* Of data, a header and records, which has room for max bytes; the new size. */
size_t records_mutate(uint8_t *data, size_t size, size_t max, unsigned int seed);

#endif
