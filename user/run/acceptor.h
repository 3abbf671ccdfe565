/* SPDX-License-Identifier: GPL-2.0-only */
/* Who should take from a listener's accept queue, by /proc. */
#ifndef TCPTRACE_ACCEPTOR_H
#define TCPTRACE_ACCEPTOR_H

#include "../model/machine.h"

/* Who should have since from_ns (CLOCK_MONOTONIC), and did not: his state now. pid 0: not known. */
struct process acceptor_look(const struct model *m, const struct listener *l, uint64_t from_ns);

#endif
