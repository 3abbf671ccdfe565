/* SPDX-License-Identifier: GPL-2.0-only */
/* What is said to people, on standard error: "tcptrace: <what> <on what>: <why>". */
#ifndef TCPTRACE_TALK_H
#define TCPTRACE_TALK_H

__attribute__((format(printf, 1, 2)))
void talk(const char *fmt, ...);

/* What came of writing to standard output: err, which it says; or 0, also where its reader has gone away (head, less). */
int talk_written(int err);

#endif
