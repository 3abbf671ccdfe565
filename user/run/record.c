// SPDX-License-Identifier: GPL-2.0-only
/* The output `record` (-w): the records as they came, for -r. */
#include <string.h>

#include "../lib/tr.h"
#include "../source/source.h"
#include "../talk.h"
#include "../view/view.h"

static int record_open(struct view *v)
{
	const struct recorder_config cfg = {
		.path = v->cfg.path, .wall_offset_ns = v->cfg.wall_offset_ns, .addresses = v->cfg.live,
		.host = v->cfg.recorded, .kernel = v->cfg.recorded ? v->cfg.about->kernel : NULL,
		.file_bytes = v->cfg.file_bytes, .files = v->cfg.files,
	};

	return recorder_open((struct recorder **)&v->priv, &cfg);
}

static void record_keep(struct view *v)
{
	char name[4096];
	int n = recorder_keep(v->priv, name, sizeof(name));

	if (n > 0)
		talk(n > 1 ? _("SIGUSR1: kept %d files, the oldest as '%s'") :
		     _("SIGUSR1: kept %d file, the oldest as '%s'"), n, name);
	else
		talk(_("SIGUSR1: the files of '%s' could not be kept: %s"), v->cfg.path, strerror(-n));
}

static int record_record(struct view *v, const struct tcptrace_record *rec, bool passed)
{
	return passed ? recorder_put(v->priv, rec) : 0;
}

static int record_records(struct view *v, const struct tcptrace_record *const *rec, unsigned int n)
{
	return recorder_put_all(v->priv, rec, n);
}

static int record_flush(struct view *v)
{
	return recorder_flush(v->priv);
}

static int record_close(struct view *v)
{
	return recorder_close(v->priv);
}

const struct view_ops view_record = {
	.name = "record",
	.help = N_("a recording, for -r (-w)"),
	.file = VIEW_OWN,
	.open = record_open,
	.record = record_record,
	.records = record_records,
	.flush = record_flush,
	.keep = record_keep,
	.close = record_close,
};
