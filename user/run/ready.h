/* SPDX-License-Identifier: GPL-2.0-only */
/* What is said when everything is attached. */
#ifndef TCPTRACE_READY_H
#define TCPTRACE_READY_H

#include "../model/model.h"
#include "../options.h"

/*
 * To a person, and to a test that waits for it: from here on everything is seen. And what the filter names and nobody
 * is, which may be a wrong word. places: units and containers of m's processes are looked up.
 */
void ready_say(const struct options *o, const struct model *m, bool places);

#endif
