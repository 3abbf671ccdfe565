// SPDX-License-Identifier: GPL-2.0-only
/* The views by name, and what they say the same way: clocks, errors, causes. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE			/* strerrorname_np */
#endif
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "../lib/tr.h"
#include "view.h"

int view_open(struct view *v, const struct view_ops *ops, const struct view_config *cfg, struct out *out)
{
	*v = (struct view){ .ops = ops, .cfg = *cfg, .out = out, .steps = UINT64_MAX };
	return ops->open ? ops->open(v) : 0;
}

int view_close(struct view *v)
{
	int err = v->ops && v->ops->close ? v->ops->close(v) : 0;

	v->ops = NULL;
	return err;
}

char *view_put_netns(struct view *v, char *p, uint32_t netns, uint64_t since_ns, uint64_t until_ns)
{
	unsigned int columns = 31;
	const char *name;

	if (!v->cfg.home_netns)
		v->cfg.home_netns = netns;
	if (!netns || netns == v->cfg.home_netns)
		return p;
	p = put_mem(p, " @", 2);
	name = v->cfg.netns_name ? v->cfg.netns_name(netns, since_ns, until_ns) : NULL;
	return name ? put_safe_cut(p, name, columns, v->out->ascii, &columns) : put_u64(p, netns);
}

static void second_text(struct view_clock *clock, int64_t real_ns, const char *format, bool utc)
{
	int64_t ns = real_ns % 1000000000;
	struct tm tm;
	time_t second;

	if (ns < 0)
		ns += 1000000000;
	clock->from_ns = (int64_t)((uint64_t)real_ns - (uint64_t)ns);
	second = clock->from_ns / 1000000000;
	memset(&tm, 0, sizeof(tm));
	if (utc)
		gmtime_r(&second, &tm);
	else
		localtime_r(&second, &tm);
	clock->len = (unsigned int)strftime(clock->text, sizeof(clock->text), format, &tm);
}

/* Nanoseconds since the second began whose text the clock has from here on. */
static inline uint32_t in_second(struct view_clock *clock, int64_t real_ns, const char *format, bool utc)
{
	if (!clock->len || (uint64_t)real_ns - (uint64_t)clock->from_ns >= 1000000000)
		second_text(clock, real_ns, format, utc);
	return (uint32_t)((uint64_t)real_ns - (uint64_t)clock->from_ns);
}

char *view_rfc3339(struct view_clock *clock, char *p, int64_t real_ns)
{
	uint32_t ns = in_second(clock, real_ns, "%Y-%m-%dT%H:%M:%S.", true);

	p = put_nine(put_wide(p, clock->text, clock->len), ns);
	*p++ = 'Z';
	return p;
}

char *view_hhmmss(struct view_clock *clock, char *p, int64_t real_ns)
{
	uint32_t us = in_second(clock, real_ns, "%H:%M:%S.", false) / 1000;

	p = put_wide(p, clock->text, clock->len);
	return put_three(put_three(p, us / 1000), us % 1000);
}

void view_moment(const struct view *v, struct out *o, uint64_t t_ns)
{
	struct view_clock clock = { .len = 0 };
	char text[2 * PUT_SLACK + PUT_NUMBER_MAX];
	char *end = view_hhmmss(&clock, text, (int64_t)(t_ns + (uint64_t)v->cfg.wall_offset_ns));

	out_mem(o, text, (size_t)(end - text) - 3);	/* ms are enough */
}

/* include/linux/errno.h: a signal came first; libc hides them, hooks see them. */
static const char *restart_name(int err)
{
	switch (err) {
	case 512: return "ERESTARTSYS";
	case 513: return "ERESTARTNOINTR";
	case 514: return "ERESTARTNOHAND";
	case 516: return "ERESTART_RESTARTBLOCK";
	}
	return NULL;
}

const char *errno_name(int err)
{
	const char *name = restart_name(err);

	return name ? name : strerrorname_np(err);
}

const char *return_errno_name(int32_t ret)
{
	return ret < 0 && ret != INT32_MIN ? errno_name(-ret) : NULL;
}

void view_lost(struct out *o, uint64_t count, const char *where)
{
	unsigned long long n = count;
	char text[160];

	if (where[0])
		snprintf(text, sizeof(text), n == 1 ? _("lost %llu record of %s") : _("lost %llu records of %s"), n, where);
	else
		snprintf(text, sizeof(text), n == 1 ? _("lost %llu record") : _("lost %llu records"), n);
	out_str(o, text);
}

void view_who(struct out *o, const struct owner *who)
{
	out_safe(o, who->comm, TCPTRACE_COMM_LEN);
	if (!who->pid)
		return;
	out_char(o, '[');
	out_u64(o, who->pid);
	out_char(o, ']');
}

const char *trouble_color(unsigned int event, unsigned int cause)
{
	switch (event) {
	case TCPTRACE_DROP: case TCPTRACE_COOKIE_BAD:
		return "\033[31m";
	case TCPTRACE_RETRANS: case TCPTRACE_SYNACK_RETRANS: case TCPTRACE_RST_SENT: case TCPTRACE_RST_RECEIVED:
		return "\033[35m";
	case TCPTRACE_SYNQ_DEL:
		return cause != TCPTRACE_SYNQ_ESTABLISHED ? "\033[35m" : NULL;
	case TCPTRACE_ACCEPTQ_DEL:
		return cause != TCPTRACE_ACCEPTQ_ACCEPTED ? "\033[35m" : NULL;
	}
	return NULL;
}

uint64_t listener_refused(const struct listener *l)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < TCPTRACE_CAUSE_MAX; i++) {
		if (tcptrace_cause_group(i) == TCPTRACE_CAUSES_REFUSED)
			sum += l->causes[i];
	}
	return sum;
}

/* listen() compares as unsigned: a negative backlog is the largest (net/socket.c, __sys_listen). */
const char *listener_decides(const struct listener *l)
{
	if (!l->backlog_known || !l->somaxconn)
		return NULL;
	return (uint32_t)l->backlog > l->somaxconn ? "somaxconn" : "backlog";
}

#define GAP_MAX		60u

uint64_t view_past_gap(uint64_t end_ns, uint64_t interval_ns, uint64_t next_ns)
{
	if (next_ns <= end_ns || (next_ns - end_ns) / interval_ns <= GAP_MAX)
		return end_ns;
	return next_ns - (next_ns - end_ns) % interval_ns;
}
