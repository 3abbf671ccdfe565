/* SPDX-License-Identifier: GPL-2.0-only */
/* Reads the compiled translations of gettext (.mo), which stay where they are. */
#ifndef TCPTRACE_MO_H
#define TCPTRACE_MO_H

#include <stddef.h>

struct mo;

/* 0 or -errno; -EINVAL: not a .mo of this machine. data: aligned to 4, the caller's, as long as mo is open. */
int mo_open(struct mo **out, const void *data, size_t size);
const char *mo_text(const struct mo *mo, const char *msgid);	/* msgid itself where there is none; mo may be NULL */
void mo_close(struct mo *mo);

#endif
