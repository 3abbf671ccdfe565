// SPDX-License-Identifier: GPL-2.0-only
/* The sources that capture, best first; and the names of the mechanisms. */
#include <string.h>

#include "source.h"

static const struct source_ops *const sources[] = {
	&source_bpf,
	&source_kmod,
};

#define SOURCES	(sizeof(sources) / sizeof(sources[0]))

/* The first that opens; if none does, the best one says why. */
static int auto_open(struct source **out, const struct source_config *cfg, char why[SOURCE_WHY])
{
	char other[SOURCE_WHY];
	size_t i;
	int err = sources[0]->open(out, cfg, why);

	for (i = 1; err && i < SOURCES; i++) {
		if (!sources[i]->open(out, cfg, other))
			return 0;
	}
	return err;
}

/* Only opens: what it opens has its own ops. */
static const struct source_ops source_auto = {
	.name = "bpf",
	.open = auto_open,
};

const struct source_ops *source_by_name(const char *name)
{
	size_t i;

	if (!strcmp(name, "auto"))
		return &source_auto;
	for (i = 0; i < SOURCES; i++) {
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

int source_mark_snapshot(const struct source_config *cfg, bool end, uint64_t t_ns, source_fn fn, void *ctx)
{
	struct tcptrace_record r = {
		.t_ns = t_ns, .event = TCPTRACE_SNAPSHOT, .fd = -1, .flags = end ? TCPTRACE_F_END : 0,
		.netns = cfg->filter.netns,
	};

	return fn(ctx, &r);
}

void source_mechanisms(struct source *src, char *text, size_t size)
{
	unsigned int i, m, count[MECH_MAX] = { 0 };
	struct hook_report h;
	size_t n = 0;

	text[0] = 0;
	for (i = 0; src->ops->hook && src->ops->hook(src, i, &h); i++)
		count[(unsigned int)h.mechanism < MECH_MAX ? h.mechanism : MECH_AUTO]++;
	for (m = MECH_FENTRY; m < MECH_MAX && n < size; m++) {
		if (count[m])
			n += (size_t)snprintf(text + n, size - n, "%s%s %u", n ? ", " : "",
					      mechanism_name((enum mechanism)m), count[m]);
	}
	if (count[MECH_AUTO] && n < size)
		snprintf(text + n, size - n, "%snone %u", n ? ", " : "", count[MECH_AUTO]);
}
