/* SPDX-License-Identifier: GPL-2.0-only */
/* Sentences on a terminal: UTF-8, with Chinese as wide as it is. */
#ifndef TCPTRACE_WRAP_H
#define TCPTRACE_WRAP_H

#include "out.h"

/* Each line begins with indent spaces and has at most columns columns, unless one word is longer. */
void out_wrapped(struct out *o, const char *text, unsigned int indent, unsigned int columns);

#endif
