/* SPDX-License-Identifier: GPL-2.0-only */
/* The views by name, and what they say the same way: clocks, errors, causes. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE			/* strerrorname_np */
#endif
#include <errno.h>
#include <string.h>
#include <time.h>

#include "view.h"

static const struct view_ops *const views[] = { &view_table, &view_json, &view_flow };

const struct view_ops *view_by_name(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(views) / sizeof(views[0]); i++) {
		if (!strcmp(views[i]->name, name))
			return views[i];
	}
	return NULL;
}

int view_open(struct view *v, const char *name, const struct view_config *cfg, struct out *out)
{
	memset(v, 0, sizeof(*v));
	v->ops = view_by_name(name);
	if (!v->ops)
		return -EINVAL;
	v->cfg = *cfg;
	v->out = out;
	return v->ops->open(v);
}

void view_close(struct view *v)
{
	if (v->ops)
		v->ops->close(v);
	v->ops = NULL;
}

/* Splits into seconds and a fraction that is never negative. */
static unsigned int split(int64_t ns, int64_t *second)
{
	int64_t rest = ns % 1000000000;

	if (rest < 0)
		rest += 1000000000;
	*second = (ns - rest) / 1000000000;
	return (unsigned int)rest;
}

static void second_text(struct view_clock *clock, int64_t second, const char *format, bool utc)
{
	time_t t = (time_t)second;
	struct tm tm;

	if (clock->len && clock->second == second)
		return;
	memset(&tm, 0, sizeof(tm));
	if (utc)
		gmtime_r(&t, &tm);
	else
		localtime_r(&t, &tm);
	clock->second = second;
	clock->len = (unsigned int)strftime(clock->text, sizeof(clock->text), format, &tm);
}

char *view_rfc3339(struct view_clock *clock, char *p, int64_t real_ns)
{
	int64_t second;
	unsigned int ns = split(real_ns, &second);

	second_text(clock, second, "%Y-%m-%dT%H:%M:%S.", true);
	p = put_mem(p, clock->text, clock->len);
	p = put_digits(p, ns, 9);
	*p++ = 'Z';
	return p;
}

void view_hhmmss(struct view_clock *clock, struct out *o, int64_t real_ns)
{
	int64_t second;
	unsigned int ns = split(real_ns, &second);

	second_text(clock, second, "%H:%M:%S.", false);
	out_mem(o, clock->text, clock->len);
	out_digits(o, ns / 1000, 6);
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

enum cause_group cause_group(unsigned int cause)
{
	switch (cause) {
	case TCPTRACE_DROP_ACCEPTQ_SYN ... TCPTRACE_DROP_OTHER:
		return CAUSES_REFUSED;
	case TCPTRACE_SYNQ_ESTABLISHED ... TCPTRACE_SYNQ_OTHER:
		return CAUSES_SYNQ_DEL;
	case TCPTRACE_ACCEPTQ_HANDSHAKE ... TCPTRACE_ACCEPTQ_MIGRATED:
		return CAUSES_ACCEPTQ_ADD;
	case TCPTRACE_ACCEPTQ_ACCEPTED ... TCPTRACE_ACCEPTQ_RESET:
		return CAUSES_ACCEPTQ_DEL;
	}
	return CAUSES_NONE;
}

uint64_t listener_refused(const struct listener *l)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < TCPTRACE_CAUSE_MAX; i++) {
		if (cause_group(i) == CAUSES_REFUSED)
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
