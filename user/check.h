/* SPDX-License-Identifier: GPL-2.0-only */
/* --check: the ledger beside the kernel's own counters, for each network namespace. */
#ifndef TCPTRACE_CHECK_H
#define TCPTRACE_CHECK_H

#include "model/ledger.h"
#include "view/view.h"

struct check;

/* Reads the counters now. only: inode number of one namespace, 0: all. NULL with errno. */
struct check *check_begin(uint32_t only);
void check_event(struct check *c, const struct model_event *ev);
/* Reads them again and shows each pair; the number of counters that differ. */
unsigned int check_end(struct check *c, struct view *v, const struct model *m);

#endif
