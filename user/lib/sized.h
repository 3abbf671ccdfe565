/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sizes of tables. Those of the fuzzer are small: a run of it begins with all of them empty, thousands of times a
 * second, and what happens when one is full is what nothing else gets to.
 */
#ifndef TCPTRACE_SIZED_H
#define TCPTRACE_SIZED_H

#ifdef FUZZED
#define SIZED(size, fuzzed)	(fuzzed)
#else
#define SIZED(size, fuzzed)	(size)
#endif

#endif
