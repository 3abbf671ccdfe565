/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the program says, in the language that was chosen. N_() marks a text for
 * xgettext where it stands, tr() translates one that was marked. One catalogue for
 * the process, as gettext has it: a sentence is said in many places.
 */
#ifndef TCPTRACE_TR_H
#define TCPTRACE_TR_H

#include "mo.h"

#define N_(text)	(text)
#define _(text)		tr(text)

void tr_use(struct mo *mo);		/* takes it over; NULL: English */
/* msgid itself where there is no translation, nothing of nothing. A format stays one: the same arguments, in any order. */
__attribute__((format_arg(1)))
const char *tr(const char *msgid);

#endif
