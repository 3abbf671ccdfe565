// SPDX-License-Identifier: GPL-2.0-only
#include <time.h>

#include "recording.h"

void recording_end(struct recording *r, struct view *v, int err)
{
	int closed;

	if (!r->to)
		return;
	closed = recorder_close(r->to);
	r->to = NULL;
	r->fresh = false;
	v->records = false;
	v->recording = NULL;
	v->record_error = err ? err : closed;
}

void recording_put(struct recording *r, struct view *v, const struct tcptrace_record *rec)
{
	int err = recorder_put(r->to, rec);

	if (err)
		recording_end(r, v, err);
}

/* It begins with what is seen and with all that there is, as any other. */
static void begin(struct recording *r, struct view *v, uint64_t now_ns)
{
	const struct recorder_config cfg = { .path = r->path, .new_file = true, .addresses = true };
	time_t now = time(NULL);
	struct tm tm;
	int err;

	localtime_r(&now, &tm);
	strftime(r->path, sizeof(r->path), "tcptrace-%Y%m%d-%H%M%S.tcp", &tm);
	err = recorder_open(&r->to, &cfg);
	if (err) {
		v->records = false;
		v->record_error = err;
		return;
	}
	v->recording = r->path;
	r->fresh = true;
	r->observed.t_ns = now_ns;
	if (r->observed.event)
		recording_put(r, v, &r->observed);
}

bool recording_heed(struct recording *r, struct view *v, uint64_t now_ns)
{
	if (v->records && !r->to)
		begin(r, v, now_ns);
	else if (!v->records)
		recording_end(r, v, 0);
	else
		recorder_flush(r->to);
	return r->to;
}
