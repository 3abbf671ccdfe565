// SPDX-License-Identifier: GPL-2.0-only
/* The output `record` (-w): the records as they came, for -r. */
#include "../source/source.h"
#include "../view/view.h"

static int record_open(struct view *v)
{
	return recorder_open((struct recorder **)&v->priv, v->cfg.path, v->cfg.wall_offset_ns);
}

static int record_record(struct view *v, const struct tcptrace_record *rec, bool passed)
{
	return passed ? recorder_put(v->priv, rec) : 0;
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
	.help = "a recording, for -r (-w)",
	.file = VIEW_OWN,
	.open = record_open,
	.record = record_record,
	.flush = record_flush,
	.close = record_close,
};
