/* SPDX-License-Identifier: GPL-2.0-only */
/* The sources that capture, best first; and the names of the mechanisms. */
#include <string.h>

#include "source.h"

static const struct source_ops *const sources[] = {
	&source_bpf,
};

const struct source_ops *source_by_name(const char *name)
{
	size_t i;

	if (!strcmp(name, "auto"))
		return sources[0];
	for (i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		if (!strcmp(name, sources[i]->name))
			return sources[i];
	}
	return NULL;
}

static const char *const mechanisms[MECH_MAX] = {
	[MECH_AUTO] = "none",
	[MECH_FENTRY] = "fentry",
	[MECH_KPROBE] = "kprobe",
	[MECH_TRACEPOINT] = "tracepoint",
};

const char *mechanism_name(enum mechanism m)
{
	return (unsigned int)m < MECH_MAX ? mechanisms[m] : "?";
}

bool mechanism_by_name(const char *name, enum mechanism *out)
{
	unsigned int i;

	for (i = MECH_AUTO; i < MECH_MAX; i++) {
		if (!strcmp(name, i == MECH_AUTO ? "auto" : mechanisms[i])) {
			*out = (enum mechanism)i;
			return true;
		}
	}
	return false;
}
