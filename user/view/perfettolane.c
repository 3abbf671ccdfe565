// SPDX-License-Identifier: GPL-2.0-only
/*
 * The lanes of a listener: one for each connection that is there at the same time, used
 * again when it is free. In it lies the slice of the connection, and in that one slice
 * for each stage, so that they nest.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "perfetto.h"

uint64_t lanes_track(const struct lanes *s, unsigned int child)
{
	return wanted_hash(s->uuid, child);
}

/* "0.0.0.0:8080 nginx[4242]" */
static void listener_name(char *name, const struct listener *l)
{
	unsigned int columns = TCPTRACE_COMM_LEN * 4;
	char *p = put_endpoint(name, l->laddr, l->lport);

	if (owner_known(&l->opener)) {
		*p++ = ' ';
		p = put_safe_cut(p, l->opener.comm, TCPTRACE_COMM_LEN, false, &columns);
	}
	if (l->opener.pid) {
		*p++ = '[';
		p = put_u64(p, l->opener.pid);
		*p++ = ']';
	}
	*p = 0;
}

static void write_tracks(struct view *v, const struct lanes *s, const struct listener *l)
{
	static const struct { unsigned int child; enum track_kind kind; const char *name; } children[] = {
		{ LANES_ACCEPTQ, TRACK_COUNTER, "accept queue" }, { LANES_SYNQ, TRACK_COUNTER, "SYN queue" },
		{ LANES_LIMIT, TRACK_COUNTER, "limit" }, { LANES_REFUSED, TRACK_SLICES, "refused" },
	};
	char name[PERFETTO_NAME + PUT_SLACK];

	listener_name(name, l);
	perfetto_track(v, &(struct perfetto_track){ .kind = TRACK_GROUP, .uuid = s->uuid, .name = name });
	for (unsigned int i = 0; i < sizeof(children) / sizeof(*children); i++) {
		perfetto_track(v, &(struct perfetto_track){
			.kind = children[i].kind, .uuid = lanes_track(s, children[i].child), .parent = s->uuid,
			.name = children[i].name, .rank = (int)i + 1,
		});
	}
}

struct lanes *lanes_of(struct view *v, struct lanes_table *t, const struct listener *l)
{
	struct lanes **chain = &t->by_id[l->id % LANE_LISTENERS], *s;

	for (s = *chain; s; s = s->next) {
		if (s->id == l->id)
			return s;
	}
	s = t->n < LANE_LISTENERS ? calloc(1, sizeof(*s)) : NULL;
	if (!s) {
		t->left++;
		return NULL;
	}
	t->n++;
	s->id = l->id;
	s->uuid = wanted_hash('L', l->id);
	s->next = *chain;
	*chain = s;
	write_tracks(v, s, l);
	return s;
}

static struct lane *lane_of(struct lanes *s, uint64_t conn)
{
	for (unsigned int i = 0; conn && i < LANES; i++) {
		if (s->lane[i].conn == conn)
			return &s->lane[i];
	}
	return NULL;
}

static uint64_t lane_track(const struct lanes *s, const struct lane *lane)
{
	return lanes_track(s, LANES_FIRST + (unsigned int)(lane - s->lane));
}

static void write_lane(struct view *v, const struct lanes *s, struct lane *lane)
{
	if (lane->known)
		return;
	lane->known = true;
	perfetto_track(v, &(struct perfetto_track){
		.kind = TRACK_SLICES, .uuid = lane_track(s, lane), .parent = s->uuid, .name = "connections",
		.rank = LANES_FIRST + (int)(lane - s->lane),
	});
}

/* "conn 17 10.0.0.5:43210" */
static void begin_conn(struct view *v, const struct lanes *s, struct lane *lane, const struct model_event *ev)
{
	char name[PERFETTO_NAME], *p = put_u64(put_mem(name, "conn ", 5), ev->conn);

	if (ev->c->rport) {
		*p++ = ' ';
		p = put_endpoint(p, ev->c->raddr, ev->c->rport);
	}
	*p = 0;
	perfetto_begin(v, &(struct perfetto_event){
		.t_ns = lane->last_ns, .track = lane_track(s, lane), .name = name,
	});
}

static struct lane *new_lane(struct view *v, struct lanes *s, const struct model_event *ev)
{
	struct lane *lane = s->lane;

	while (lane < s->lane + LANES && (lane->conn || lane->last_ns > ev->rec->t_ns))
		lane++;
	if (lane == s->lane + LANES) {
		s->left++;
		return NULL;
	}
	write_lane(v, s, lane);
	lane->conn = ev->conn;
	lane->last_ns = ev->rec->t_ns;
	begin_conn(v, s, lane, ev);
	return lane;
}

/* Never before what lies in the lane already. */
static void forward(struct lane *lane, uint64_t t_ns)
{
	if (t_ns > lane->last_ns)
		lane->last_ns = t_ns;
}

bool lanes_stage(struct view *v, struct lanes *s, const struct model_event *ev, enum stage stage, uint64_t flow_end)
{
	static const char *const names[] = { "", "SYN queue", "accept queue", "open", "closing" };
	struct lane *lane = lane_of(s, ev->conn);

	if (!lane && stage <= STAGE_ACCEPTQ)
		lane = new_lane(v, s, ev);
	if (!lane || lane->stage >= stage)
		return false;
	forward(lane, ev->rec->t_ns);
	if (lane->stage)
		perfetto_end(v, lane->last_ns, lane_track(s, lane));
	lane->stage = stage;
	lane->queued = stage == STAGE_ACCEPTQ ? ev->conn : lane->queued;
	perfetto_begin(v, &(struct perfetto_event){
		.t_ns = lane->last_ns, .track = lane_track(s, lane), .name = names[stage],
		.flow = stage == STAGE_ACCEPTQ ? wanted_hash('A', ev->conn) : 0, .flow_end = flow_end,
	});
	return true;
}

uint64_t lanes_flow(const struct lanes *s, uint64_t conn)
{
	for (unsigned int i = 0; conn && i < LANES; i++) {
		if (s->lane[i].queued == conn)
			return wanted_hash('A', conn);
	}
	return 0;
}

void lanes_gone(struct view *v, struct lanes *s, const struct model_event *ev)
{
	struct lane *lane = lane_of(s, ev->conn);

	if (!lane)
		return;
	forward(lane, ev->rec->t_ns);
	if (lane->stage)
		perfetto_end(v, lane->last_ns, lane_track(s, lane));
	perfetto_end(v, lane->last_ns, lane_track(s, lane));
	lane->conn = 0;
	lane->stage = STAGE_NONE;
}

void lanes_free(struct lanes_table *t)
{
	struct lanes *s, *next;

	for (unsigned int i = 0; i < LANE_LISTENERS; i++) {
		for (s = t->by_id[i]; s; s = next) {
			next = s->next;
			free(s);
		}
	}
}
