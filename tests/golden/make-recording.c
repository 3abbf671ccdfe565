// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes a recording from a text that people can read and review:
 *
 *     wall 1795410642000000000		CLOCK_REALTIME - CLOCK_MONOTONIC, ns
 *     wall 1795410642000000000 web1 7 9 2000	and whose it is: its name, its boot and its recording, as numbers,
 *						and by how many us its wall clock is off at most
 *     with netns=4026531840 f=4	defaults of the lines below; again: replaces them
 *     1000 synq-add sk=0x20 listener=0x10 l=127.0.0.1:8080 r=127.0.0.1:40412 q=1,1,0,2 request
 *
 * Each line: microseconds, event, then key=value and flags:
 *     sk= listener= req= cookie= call_us= arg= netns= fd= ret= backlog= somaxconn= cpu=	numbers
 *     in= out= unread= undelivered= segs= again= rtt_us= no_rtt= err=	what became of a connection
 *     pid=PID[/TID] comm=NAME	who acts (sets F_ACTOR); \xNN in NAME is a byte
 *     l=ADDR:PORT r=ADDR:PORT	IPv6 as [ADDR]:PORT	f=4|6
 *     old=STATE new=STATE	names, or numbers	of=EVENT (lost)	how=0..2 (shutdown)
 *     cause=SYMBOL		DROP_ACCEPTQ_SYN ...	q=synq,young,acceptq,max
 *     real=NS boot=NS		of 'observed': CLOCK_REALTIME and CLOCK_BOOTTIME less CLOCK_MONOTONIC
 *     of_pid=PID place=UNIT|NAMESPACE|POD|CONTAINER|ID|	of 'place': as many records as it takes
 *     request timewait inferred sampled queued end
 * "flood N" writes N records of many short connections (for measurements).
 *
 * usage: make-recording < script > recording
 */
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../user/model/model.h"
#include "../../user/source/file.h"

static struct tcptrace_record defaults = { .fd = -1 };
static unsigned int line_number;

static void die(const char *what, const char *on)
{
	fprintf(stderr, "make-recording: line %u: %s: %s\n", line_number, what, on);
	exit(1);
}

static long long number(const char *s)
{
	char *end;
	long long v = strtoll(s, &end, 0);

	if (end == s || *end)
		die("not a number", s);
	return v;
}

static void put(const void *p, size_t n)
{
	if (fwrite(p, 1, n, stdout) != n) {
		perror("make-recording");
		exit(1);
	}
}

static unsigned int state(const char *s)
{
	unsigned int i;

	for (i = 0; i < TCP_S_MAX; i++) {
		if (!strcmp(s, tcp_state_name(i)))
			return i;
	}
	return (unsigned int)number(s);
}

static unsigned int cause(const char *s)
{
	static const char *const names[] = {
		"",
#define NAME(sym, name, group) #sym,
		TCPTRACE_CAUSES(NAME)
#undef NAME
	};
	unsigned int i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strcmp(s, names[i]))
			return i;
	}
	return (unsigned int)number(s);
}

static void address(const char *s, uint8_t addr[16], uint16_t *port)
{
	char text[64], *colon;

	snprintf(text, sizeof(text), "%s", s);
	colon = strrchr(text, ':');
	if (!colon)
		die("no port", s);
	*colon = 0;
	*port = (uint16_t)number(colon + 1);
	if (text[0] == '[') {
		text[strlen(text) - 1] = 0;
		if (inet_pton(AF_INET6, text + 1, addr) != 1)
			die("no address", s);
		return;
	}
	memset(addr, 0, 10);
	memset(addr + 10, 0xff, 2);
	if (inet_pton(AF_INET, text, addr + 12) != 1)
		die("no address", s);
}

static void name(const char *s, char comm[TCPTRACE_COMM_LEN])
{
	unsigned int n = 0, byte;

	memset(comm, 0, TCPTRACE_COMM_LEN);
	while (*s && n < TCPTRACE_COMM_LEN) {
		if (sscanf(s, "\\x%2x", &byte) == 1) {
			comm[n++] = (char)byte;
			s += 4;
		} else {
			comm[n++] = *s++;
		}
	}
}

static void actor(struct tcptrace_record *r, const char *s)
{
	char *slash;

	r->flags |= TCPTRACE_F_ACTOR;
	r->pid = (uint32_t)strtoul(s, &slash, 10);
	r->tid = *slash == '/' ? (uint32_t)number(slash + 1) : r->pid;
}

static bool flag(struct tcptrace_record *r, const char *s)
{
	static const struct { const char *name; uint8_t bit; } flags[] = {
		{ "request", TCPTRACE_F_REQUEST }, { "timewait", TCPTRACE_F_TIMEWAIT },
		{ "inferred", TCPTRACE_F_INFERRED }, { "sampled", TCPTRACE_F_SAMPLED },
		{ "queued", TCPTRACE_F_QUEUED }, { "end", TCPTRACE_F_END },
	};
	size_t i;

	for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		if (!strcmp(s, flags[i].name)) {
			r->flags |= flags[i].bit;
			return true;
		}
	}
	return false;
}

/* Of the record that ends a connection: tcptrace_has_totals(). */
static bool total(struct tcptrace_record *r, const char *key, const char *v)
{
	if (!strcmp(key, "in"))
		r->bytes_in = (uint64_t)number(v);
	else if (!strcmp(key, "out"))
		r->bytes_out = (uint64_t)number(v);
	else if (!strcmp(key, "unread"))
		r->unread = (uint32_t)number(v);
	else if (!strcmp(key, "undelivered"))
		r->undelivered = (uint32_t)number(v);
	else if (!strcmp(key, "segs"))
		r->segs_in = r->segs_out = (uint32_t)number(v);
	else if (!strcmp(key, "again"))
		r->retrans = (uint32_t)number(v);
	else if (!strcmp(key, "rtt_us"))
		r->rtt_min_us = r->srtt_us = (uint32_t)number(v);
	else if (!strcmp(key, "no_rtt"))
		r->rtt_min_us = UINT32_MAX;
	else if (!strcmp(key, "err"))
		r->ret = -(int32_t)number(v);
	else
		return false;
	return true;
}

static bool plain_number(struct tcptrace_record *r, const char *key, const char *v)
{
	if (!strcmp(key, "sk"))
		r->sk = (uint64_t)number(v);
	else if (!strcmp(key, "listener"))
		r->listener = (uint64_t)number(v);
	else if (!strcmp(key, "req"))
		r->req = (uint64_t)number(v);
	else if (!strcmp(key, "arg"))
		r->arg = (uint64_t)number(v);
	else if (!strcmp(key, "cookie"))
		r->cookie = (uint64_t)number(v);
	else if (!strcmp(key, "call_us"))
		r->call_ns = (uint64_t)number(v) * 1000;
	else if (!strcmp(key, "netns"))
		r->netns = (uint32_t)number(v);
	else if (!strcmp(key, "fd"))
		r->fd = (int32_t)number(v);
	else if (!strcmp(key, "ret"))
		r->ret = (int32_t)number(v);
	else if (!strcmp(key, "backlog"))
		r->backlog = (int32_t)number(v);
	else if (!strcmp(key, "somaxconn"))
		r->somaxconn = (uint32_t)number(v);
	else if (!strcmp(key, "cpu"))
		r->cpu = (uint16_t)number(v);
	else if (!strcmp(key, "real"))
		r->real_ns = number(v);
	else if (!strcmp(key, "boot"))
		r->boot_ns = number(v);
	else if (!strcmp(key, "f"))
		r->family = (uint8_t)number(v);
	else if (!strcmp(key, "how"))
		r->new = (uint8_t)number(v);
	else
		return false;
	return true;
}

static const char *place_text;

static void word(struct tcptrace_record *r, char *s)
{
	char *v = strchr(s, '=');

	if (!v) {
		if (!flag(r, s))
			die("no such flag", s);
		return;
	}
	*v++ = 0;
	if (!strcmp(s, "pid"))
		actor(r, v);
	else if (!strcmp(s, "of_pid"))
		r->pid = (uint32_t)number(v);
	else if (!strcmp(s, "place"))
		place_text = v;
	else if (!strcmp(s, "comm"))
		name(v, r->comm);
	else if (!strcmp(s, "l"))
		address(v, r->laddr, &r->lport);
	else if (!strcmp(s, "r"))
		address(v, r->raddr, &r->rport);
	else if (!strcmp(s, "old"))
		r->old = (uint8_t)state(v);
	else if (!strcmp(s, "new"))
		r->new = (uint8_t)state(v);
	else if (!strcmp(s, "of"))
		r->new = (uint8_t)tcptrace_event_by_name(v);
	else if (!strcmp(s, "cause"))
		r->cause = (uint8_t)cause(v);
	else if (!strcmp(s, "q")) {
		r->flags |= TCPTRACE_F_QUEUES;
		if (sscanf(v, "%u,%u,%u,%u", &r->synq, &r->synq_young, &r->acceptq, &r->acceptq_max) != 4)
			die("not four numbers", v);
	} else if (!plain_number(r, s, v) && !total(r, s, v))
		die("no such key", s);
}

static void words(struct tcptrace_record *r, char *rest)
{
	char *s;

	for (s = strtok(rest, " \t"); s; s = strtok(NULL, " \t"))
		word(r, s);
}

static void header(long long wall_ns)
{
	const char *host = strtok(NULL, " \t\n"), *boot = strtok(NULL, " \t\n"), *recording = strtok(NULL, " \t\n");
	const char *error = strtok(NULL, " \t\n");
	struct file_header h = {
		.magic = FILE_MAGIC, .byte_order = FILE_BYTE_ORDER, .format = FILE_FORMAT_WHOLE,
		.record_size = sizeof(struct tcptrace_record), .wall_offset_ns = wall_ns,
		.header_size = host ? sizeof(h) + sizeof(struct file_host) : sizeof(h), .release = "golden",
	};
	struct file_host of = { .clock_state = 0 };

	put(&h, sizeof(h));
	if (!host)
		return;
	snprintf(of.name, sizeof(of.name), "%s", host);
	of.boot_id[0] = boot ? (uint8_t)number(boot) : 0;
	of.recording = recording ? (uint64_t)number(recording) : 0;
	of.maxerror = error ? number(error) : 0;
	put(&of, sizeof(of));
}

/* The life of one accepted connection, as the kernel tells it, again and again. */
static void flood(long long count)
{
	static const struct { uint8_t event, old, new, cause, flags; bool child; } life[] = {
		{ TCPTRACE_SYNQ_ADD, 0, 0, 0, TCPTRACE_F_QUEUES | TCPTRACE_F_REQUEST, false },
		{ TCPTRACE_SYNACK, 0, 0, 0, TCPTRACE_F_QUEUES | TCPTRACE_F_REQUEST, false },
		{ TCPTRACE_STATE, TCP_S_LISTEN, TCP_S_SYN_RECV, 0, 0, true },
		{ TCPTRACE_STATE, TCP_S_SYN_RECV, TCP_S_ESTABLISHED, 0, 0, true },
		{ TCPTRACE_SYNQ_DEL, 0, 0, TCPTRACE_SYNQ_ESTABLISHED, TCPTRACE_F_QUEUES | TCPTRACE_F_REQUEST, false },
		{ TCPTRACE_ACCEPTQ_ADD, 0, 0, TCPTRACE_ACCEPTQ_HANDSHAKE, TCPTRACE_F_QUEUES, true },
		{ TCPTRACE_ACCEPTQ_DEL, 0, 0, TCPTRACE_ACCEPTQ_ACCEPTED, TCPTRACE_F_QUEUES, true },
		{ TCPTRACE_ACCEPT, 0, 0, 0, TCPTRACE_F_QUEUES | TCPTRACE_F_ACTOR, true },
		{ TCPTRACE_STATE, TCP_S_ESTABLISHED, TCP_S_CLOSE_WAIT, 0, 0, true },
		{ TCPTRACE_CLOSE, 0, 0, 0, TCPTRACE_F_ACTOR, true },
		{ TCPTRACE_STATE, TCP_S_CLOSE_WAIT, TCP_S_LAST_ACK, 0, 0, true },
		{ TCPTRACE_STATE, TCP_S_LAST_ACK, TCP_S_CLOSE, 0, 0, true },
		{ TCPTRACE_DESTROY, 0, 0, 0, 0, true },
	};
	const unsigned int steps = sizeof(life) / sizeof(life[0]);
	struct tcptrace_record r;
	long long i;

	for (i = 0; i < count; i++) {
		long long conn = i / steps;
		unsigned int s = (unsigned int)(i % steps);

		r = (struct tcptrace_record){ .fd = -1 };
		address("127.0.0.1:8080", r.laddr, &r.lport);
		address("127.0.0.1:1", r.raddr, &r.rport);
		r.rport = (uint16_t)(32768 + conn % 28000);
		r.family = 4;
		r.netns = 4026531840;
		r.t_ns = 1000000000ull + (uint64_t)i * 3571;
		r.listener = 0x1000;
		r.sk = 0x100000 + (uint64_t)(conn % 1009) * 256 + (life[s].child ? 128 : 0);
		r.event = life[s].event;
		r.old = life[s].old;
		r.new = life[s].new;
		r.cause = life[s].cause;
		r.flags = life[s].flags;
		if (life[s].flags & TCPTRACE_F_ACTOR) {
			r.pid = r.tid = 812;
			r.fd = r.ret = 7;
			name("nginx", r.comm);
		} else if (life[s].child) {
			r.req = r.sk - 128;
		}
		if (life[s].event != TCPTRACE_ACCEPT)
			r.cookie = 0x5000 + (uint64_t)conn;
		if (life[s].flags & TCPTRACE_F_QUEUES) {
			r.synq = s < 4;
			r.acceptq = s == 5;
			r.acceptq_max = 511;
		}
		put(&r, sizeof(r));
	}
}

/* \xNN is a byte, | the end of a part. */
static void place(struct tcptrace_record *r, const char *s)
{
	char text[TCPTRACE_TEXT_LEN * 20] = "";
	unsigned int n = 0, byte;

	while (*s && n < sizeof(text)) {
		if (sscanf(s, "\\x%2x", &byte) == 1) {
			text[n++] = (char)byte;
			s += 4;
		} else {
			text[n++] = *s == '|' ? 0 : *s;
			s++;
		}
	}
	r->lport = (uint16_t)((n + TCPTRACE_TEXT_LEN - 1) / TCPTRACE_TEXT_LEN);
	for (r->rport = 0; r->rport < r->lport; r->rport++) {
		memcpy((char *)r + TCPTRACE_TEXT_AT, text + r->rport * TCPTRACE_TEXT_LEN, TCPTRACE_TEXT_LEN);
		put(r, sizeof(*r));
	}
}

static void line(char *s)
{
	static bool headed;
	struct tcptrace_record r;
	char *rest = strchr(s, ' ');

	if (rest)
		*rest++ = 0;
	if (!strcmp(s, "wall")) {
		header(number(strtok(rest, " \n")));
		headed = true;
		return;
	}
	if (!headed)
		die("'wall' has to come first", s);
	if (!strcmp(s, "with")) {
		defaults = (struct tcptrace_record){ .fd = -1 };
		words(&defaults, rest);
	} else if (!strcmp(s, "flood")) {
		flood(number(strtok(rest, " \n")));
	} else {
		char *event = strtok(rest, " \t\n");

		r = defaults;
		r.t_ns = (uint64_t)number(s) * 1000;
		r.event = (uint8_t)tcptrace_event_by_name(event ? event : "");
		if (!r.event)
			r.event = event && !strcmp(event, "lost") ? TCPTRACE_LOST :
				  event && !strcmp(event, "snapshot") ? TCPTRACE_SNAPSHOT :
				  (uint8_t)number(event ? event : "");
		place_text = NULL;
		words(&r, NULL);
		if (place_text)
			place(&r, place_text);
		else
			put(&r, sizeof(r));
	}
}

int main(void)
{
	char s[1024];

	while (fgets(s, sizeof(s), stdin)) {
		line_number++;
		s[strcspn(s, "#\n")] = 0;
		if (s[strspn(s, " \t")])
			line(s + strspn(s, " \t"));
	}
	return fflush(stdout) ? 1 : 0;
}
