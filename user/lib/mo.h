/* SPDX-License-Identifier: GPL-2.0-only */
/* Reads the compiled translations of gettext (.mo). */
#ifndef TCPTRACE_MO_H
#define TCPTRACE_MO_H

struct mo;

int mo_open(struct mo **out, const char *path);		/* 0 or -errno; -EINVAL: not a .mo of this machine */
const char *mo_text(const struct mo *mo, const char *msgid);	/* msgid itself where there is none; mo may be NULL */
void mo_close(struct mo *mo);

#endif
