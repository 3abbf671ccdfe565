// SPDX-License-Identifier: GPL-2.0-only
/*
 * A path between two network namespaces that takes its time: a TUN device here and one in the namespace of a process,
 * and what goes in at one comes out at the other later.
 *
 *	relay PID THERE_US BACK_US JITTER_US [NET [LOST]]	10.NET.0.1 here, 10.NET.0.2 there; both /24 (98)
 *
 * SYNs from here to the port LOST never arrive. What goes from 10.NET.0.1 to 10.NET.0.9 has other addresses and ports
 * on its way: there it comes from 10.NET.0.8, for 10.NET.0.2. It says READY, and ends when its standard input does.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tun.h"

#define PACKETS	4096u

struct packet {
	uint64_t due_ns;
	ssize_t n;
	uint8_t bytes[2048];
};

/* One way: a ring, as what leaves later arrives later. */
static struct way {
	int from, to;
	uint64_t delay_ns, jitter_ns;
	unsigned int first, n;
	struct packet packets[PACKETS];
} ways[2];

static unsigned int lost;
static uint8_t net = 98;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static int tun(unsigned int end)
{
	char name[IFNAMSIZ], address[16];
	int fd;

	snprintf(name, sizeof(name), "relay%u", net);
	snprintf(address, sizeof(address), "10.%u.0.%u", net, end);
	fd = tun_open(name, IFF_TUN, address);
	if (fd < 0)
		die("TUN device");
	return fd;
}

static bool is_lost(const struct packet *p)
{
	unsigned int at = (p->bytes[0] & 15u) * 4;

	return lost && p->bytes[0] >> 4 == 4 && p->bytes[9] == 6 && p->n >= (ssize_t)at + 20 &&
	       (unsigned int)(p->bytes[at + 2] << 8 | p->bytes[at + 3]) == lost && (p->bytes[at + 13] & 0x12) == 2;
}

/* RFC 1624: the 16 bits at @at become @to, and the checksum at @sum goes with them. */
static void put16(uint8_t *at, uint16_t to, uint8_t *sum)
{
	uint32_t n = (uint16_t)~(sum[0] << 8 | sum[1]) + (uint32_t)(uint16_t)~(at[0] << 8 | at[1]) + to;

	n = (n & 0xffff) + (n >> 16);
	n = (uint16_t)~(n + (n >> 16));
	at[0] = (uint8_t)(to >> 8);
	at[1] = (uint8_t)to;
	sum[0] = (uint8_t)(n >> 8);
	sum[1] = (uint8_t)n;
}

/* The last byte of an address; TCP's checksum has it, too. */
static void put_end(uint8_t *ip, unsigned int address, uint8_t end, uint8_t *tcp_sum)
{
	uint8_t *low = ip + address + 2, again[2] = { low[0], low[1] };

	put16(again, end, tcp_sum);
	put16(low, end, ip + 10);
}

/* Source and destination, there and back again; the client's port changes one bit. */
static void translate(struct packet *p, bool back)
{
	uint8_t *ip = p->bytes, *tcp = ip + (ip[0] & 15u) * 4, *port = back ? tcp + 2 : tcp, *sum = tcp + 16;

	if (ip[0] >> 4 != 4 || ip[9] != 6 || p->n < (tcp - ip) + 20 || ip[back ? 19 : 15] != (back ? 8 : 1) ||
	    ip[back ? 15 : 19] != (back ? 2 : 9))
		return;
	put_end(ip, 12, back ? 9 : 8, sum);
	put_end(ip, 16, back ? 1 : 2, sum);
	put16(port, (uint16_t)((port[0] << 8 | port[1]) ^ 0x4000), sum);
}

static void take(struct way *w)
{
	while (w->n < PACKETS) {
		struct packet *p = &w->packets[(w->first + w->n) % PACKETS];

		p->n = read(w->from, p->bytes, sizeof(p->bytes));
		if (p->n <= 0)
			return;
		translate(p, w == &ways[1]);
		p->due_ns = now_ns() + w->delay_ns + (w->jitter_ns ? (uint64_t)random() % w->jitter_ns : 0);
		if (w->n && p->due_ns < w->packets[(w->first + w->n - 1) % PACKETS].due_ns)
			p->due_ns = w->packets[(w->first + w->n - 1) % PACKETS].due_ns;
		w->n += !(w == &ways[0] && is_lost(p));
	}
}

/* How long until the next one is due, in ns. */
static uint64_t give(struct way *w, uint64_t now)
{
	while (w->n && w->packets[w->first].due_ns <= now) {
		struct packet *p = &w->packets[w->first];

		if (write(w->to, p->bytes, (size_t)p->n) != p->n)
			perror("relay: write");
		w->first = (w->first + 1) % PACKETS;
		w->n--;
	}
	return w->n ? w->packets[w->first].due_ns - now : 1000000000u;
}

static void run(int here, int there)
{
	struct pollfd fds[] = { { STDIN_FILENO, POLLIN, 0 }, { here, POLLIN, 0 }, { there, POLLIN, 0 } };
	char byte;

	for (;;) {
		uint64_t now = now_ns(), a = give(&ways[0], now), b = give(&ways[1], now), wait = a < b ? a : b;
		struct timespec ts = { (time_t)(wait / 1000000000u), (long)(wait % 1000000000u) };

		if (ppoll(fds, 3, &ts, NULL) < 0)
			die("poll");
		if (fds[0].revents && read(STDIN_FILENO, &byte, 1) <= 0)
			return;
		take(&ways[0]);
		take(&ways[1]);
	}
}

int main(int argc, char **argv)
{
	char path[64];
	int here, there, ns;

	if (argc < 5) {
		fprintf(stderr, "usage: relay PID THERE_US BACK_US JITTER_US [NET [LOST]]\n");
		return 2;
	}
	net = argc > 5 ? (uint8_t)strtoul(argv[5], NULL, 10) : net;
	here = tun(1);
	snprintf(path, sizeof(path), "/proc/%s/ns/net", argv[1]);
	ns = open(path, O_RDONLY | O_CLOEXEC);
	if (ns < 0 || setns(ns, CLONE_NEWNET))
		die("namespace");
	there = tun(2);
	for (int i = 0; i < 2; i++) {
		ways[i].from = i ? there : here;
		ways[i].to = i ? here : there;
		ways[i].delay_ns = strtoull(argv[2 + i], NULL, 10) * 1000;
		ways[i].jitter_ns = strtoull(argv[4], NULL, 10) * 1000;
	}
	lost = argc > 6 ? (unsigned int)strtoul(argv[6], NULL, 10) : 0;
	puts("READY");
	fflush(stdout);
	run(here, there);
	return 0;
}
