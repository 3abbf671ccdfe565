// SPDX-License-Identifier: GPL-2.0-only
/* A packet at a time, each a whole message Trace: what is written one after the other is one trace. */
#include <stdio.h>

#include "../lib/tr.h"
#include "perfetto.h"
#include "perfetto.pb-c.h"		/* made from perfetto.proto */

#define SEQUENCE	1u
#define CLOCK_ID_REALTIME	1u
#define CLOCK_ID_MONOTONIC	3u
#define CLOCK_ID_BOOTTIME	6u	/* that of perf and ftrace in Perfetto; a recording does not know it */
#define NOTES		8u
#define SIZE_MAX_BYTES	(4ull << 30)	/* the UI of Perfetto opens no larger one */
#define SIZE_WARN_BYTES	(500ull << 20)

/* Too large: nothing more is written, and the run says so. */
static bool has_room(struct view *v)
{
	uint64_t size = v->out->written + v->out->len;

	if (size > SIZE_WARN_BYTES && !v->remark)
		v->remark = _("perfetto: the trace is larger than 500 MB, which the UI opens slowly: choose less by -P or -d");
	if (size < SIZE_MAX_BYTES)
		return true;
	v->failed = _("perfetto: the trace ends at 4 GB, no larger one can be opened: choose less by -P or -d");
	return false;
}

static void write_packet(struct view *v, Perfetto__TracePacket *packet)
{
	Perfetto__Trace trace = PERFETTO__TRACE__INIT;
	struct out *o = v->out;

	packet->has_sequence_id = true;
	packet->sequence_id = SEQUENCE;
	trace.n_packet = 1;
	trace.packet = &packet;
	if (!has_room(v) || perfetto__trace__get_packed_size(&trace) > OUT_LINE_MAX)
		return;
	out_make_room(o, OUT_LINE_MAX);
	o->len += perfetto__trace__pack(&trace, (uint8_t *)out_at(o));
}

void perfetto_clock(struct view *v, uint64_t t_ns)
{
	const struct { uint32_t id; uint64_t t_ns; bool known; } clocks[] = {
		{ CLOCK_ID_MONOTONIC, t_ns, true },
		{ CLOCK_ID_REALTIME, t_ns + (uint64_t)v->cfg.wall_offset_ns, v->cfg.wall_offset_ns != 0 },
		{ CLOCK_ID_BOOTTIME, t_ns + (uint64_t)v->cfg.boot_offset_ns, v->cfg.start_ns != 0 },
	};
	Perfetto__ClockSnapshot__Clock clock[3], *known[3];
	Perfetto__ClockSnapshot snapshot = PERFETTO__CLOCK_SNAPSHOT__INIT;
	Perfetto__TracePacketDefaults defaults = PERFETTO__TRACE_PACKET_DEFAULTS__INIT;
	Perfetto__TracePacket packet = PERFETTO__TRACE_PACKET__INIT, second = packet;

	for (unsigned int i = 0; i < 3; i++) {
		perfetto__clock_snapshot__clock__init(&clock[i]);
		clock[i].has_clock_id = clock[i].has_timestamp = true;
		clock[i].clock_id = clocks[i].id;
		clock[i].timestamp = clocks[i].t_ns;
		if (clocks[i].known)
			known[snapshot.n_clocks++] = &clock[i];
	}
	snapshot.clocks = known;
	snapshot.has_primary_trace_clock = true;
	snapshot.primary_trace_clock = v->cfg.start_ns ? CLOCK_ID_BOOTTIME : CLOCK_ID_MONOTONIC;
	packet.clock_snapshot = &snapshot;
	write_packet(v, &packet);

	defaults.has_timestamp_clock_id = true;
	defaults.timestamp_clock_id = CLOCK_ID_MONOTONIC;
	second.defaults = &defaults;
	second.has_sequence_flags = true;
	second.sequence_flags = 1;
	write_packet(v, &second);
}

void perfetto_track(struct view *v, const struct perfetto_track *t)
{
	Perfetto__TracePacket packet = PERFETTO__TRACE_PACKET__INIT;
	Perfetto__TrackDescriptor track = PERFETTO__TRACK_DESCRIPTOR__INIT;
	Perfetto__ProcessDescriptor process = PERFETTO__PROCESS_DESCRIPTOR__INIT;
	Perfetto__ThreadDescriptor thread = PERFETTO__THREAD_DESCRIPTOR__INIT;
	Perfetto__CounterDescriptor counter = PERFETTO__COUNTER_DESCRIPTOR__INIT;

	track.has_uuid = true;
	track.uuid = t->uuid;
	track.has_parent_uuid = t->parent != 0;
	track.parent_uuid = t->parent;
	track.name = (char *)(uintptr_t)t->name;
	track.has_child_ordering = t->kind == TRACK_GROUP;
	track.child_ordering = 3;
	track.has_sibling_order_rank = t->rank != 0;
	track.sibling_order_rank = t->rank;
	track.has_sibling_merge_behavior = t->kind == TRACK_SLICES;
	track.sibling_merge_behavior = 2;
	process.has_pid = thread.has_pid = thread.has_tid = true;
	process.pid = thread.pid = (int32_t)t->pid;
	process.process_name = (char *)(uintptr_t)t->name;
	thread.tid = (int32_t)t->tid;
	thread.thread_name = (char *)(uintptr_t)t->name;
	counter.has_unit = true;
	counter.unit = 2;
	counter.y_axis_share_key = (char *)(uintptr_t)"queue";
	track.process = t->kind == TRACK_PROCESS ? &process : NULL;
	track.thread = t->kind == TRACK_THREAD ? &thread : NULL;
	track.counter = t->kind == TRACK_COUNTER ? &counter : NULL;
	packet.track_descriptor = &track;
	write_packet(v, &packet);
}

static void write_event(struct view *v, uint64_t t_ns, Perfetto__TrackEvent *event)
{
	Perfetto__TracePacket packet = PERFETTO__TRACE_PACKET__INIT;

	packet.has_timestamp = true;
	packet.timestamp = t_ns;
	packet.track_event = event;
	write_packet(v, &packet);
}

static void write_named(struct view *v, Perfetto__TrackEvent__Type type, const struct perfetto_event *e)
{
	Perfetto__TrackEvent event = PERFETTO__TRACK_EVENT__INIT;
	Perfetto__DebugAnnotation note[NOTES], *notes[NOTES];
	char *category = (char *)(uintptr_t)"tcp";
	uint64_t flow = e->flow, flow_end = e->flow_end;
	size_t n;

	for (n = 0; e->notes && e->notes[n].key && n < NOTES; n++) {
		perfetto__debug_annotation__init(&note[n]);
		note[n].name = (char *)(uintptr_t)e->notes[n].key;
		note[n].string_value = (char *)(uintptr_t)e->notes[n].text;
		note[n].has_uint_value = !e->notes[n].text;
		note[n].uint_value = e->notes[n].number;
		notes[n] = &note[n];
	}
	event.n_debug_annotations = n;
	event.debug_annotations = notes;
	event.has_type = event.has_track_uuid = true;
	event.type = type;
	event.track_uuid = e->track;
	event.n_categories = 1;
	event.categories = &category;
	event.name = (char *)(uintptr_t)e->name;
	event.n_flow_ids = flow != 0;
	event.flow_ids = &flow;
	event.n_terminating_flow_ids = flow_end != 0;
	event.terminating_flow_ids = &flow_end;
	write_event(v, e->t_ns, &event);
}

void perfetto_begin(struct view *v, const struct perfetto_event *e)
{
	write_named(v, PERFETTO__TRACK_EVENT__TYPE__SLICE_BEGIN, e);
}

void perfetto_instant(struct view *v, const struct perfetto_event *e)
{
	write_named(v, PERFETTO__TRACK_EVENT__TYPE__INSTANT, e);
}

void perfetto_end(struct view *v, uint64_t t_ns, uint64_t track)
{
	Perfetto__TrackEvent event = PERFETTO__TRACK_EVENT__INIT;

	event.has_type = event.has_track_uuid = true;
	event.type = PERFETTO__TRACK_EVENT__TYPE__SLICE_END;
	event.track_uuid = track;
	write_event(v, t_ns, &event);
}

void perfetto_count(struct view *v, uint64_t t_ns, uint64_t track, int64_t value)
{
	Perfetto__TrackEvent event = PERFETTO__TRACK_EVENT__INIT;

	event.has_type = event.has_track_uuid = event.has_counter_value = true;
	event.type = PERFETTO__TRACK_EVENT__TYPE__COUNTER;
	event.track_uuid = track;
	event.counter_value = value;
	write_event(v, t_ns, &event);
}
