/* SPDX-License-Identifier: GPL-2.0-only */
/* Why a connect() failed, or had no answer. */
#ifndef TCPTRACE_FINDING_WHY_H
#define TCPTRACE_FINDING_WHY_H

#include "connects.h"
#include "diagnosis.h"

/* Where programs wanted to go, and since when. */
struct target {
	uint32_t netns;
	uint16_t rport;
	uint8_t family;
	bool hosts;			/* and to other hosts */
	const uint8_t *raddr;
	uint64_t first_ns;
};

struct target target_of(const struct connects *row, const struct failure *e);

/* What its errno came from, of all that failed so. */
enum came { CAME_UNKNOWN, CAME_NO_SYN, CAME_RST, CAME_NO_RST };

enum came came_of(const struct diagnosis *d, const struct connects *row, const struct failure *e);
void say_why(struct diagnosis *d, const struct connects *row, const struct failure *e);

/* Who listened on this machine, then as now, where they wanted to go. */
const struct listener *target_listener(const struct diagnosis *d, const struct target *to);
/* That it is there, and what it saw of SYNs without an answer. False: not known. */
bool say_dropped(struct diagnosis *d, const struct listener *l);

#endif
