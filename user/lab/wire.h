/* SPDX-License-Identifier: GPL-2.0-only */
/* What tun.c, the devices and the relay, and stranger.c share. */
#ifndef TCPTRACE_LAB_WIRE_H
#define TCPTRACE_LAB_WIRE_H

#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdbool.h>

#include "tun.h"

#define PACKET_MAX	2048
#define HELD_MAX	64
#define SHAKES		8
#define STRANGERS	0x0a000100u	/* 10.0.1.0 */
#define STRANGER_PORT	40000
#define CLIENT		0x0a000001u
#define SERVER		0x0a000002u

struct packet {
	size_t len;
	union {
		struct iphdr ip;
		uint8_t bytes[PACKET_MAX];
	};
};

struct wire {
	struct stage *s;
	int fd;
	unsigned int delay_us;
	pthread_t thread;
	pthread_mutex_t lock;		/* of all below */
	uint16_t hold_port;
	bool hold_syn, hold_all;
	unsigned int nheld;
	struct packet held[HELD_MAX];
	struct { uint16_t port; struct wire_numbers n; } shake[SHAKES];	/* of the client's ports */
	unsigned int nshakes;
	uint32_t strangers, target;	/* the first of them; whom they send to */
	struct { uint32_t seq, synacks, resets; } stranger[WIRE_STRANGERS];
};

static inline struct tcphdr *tcp_of(struct packet *p)
{
	return (struct tcphdr *)(p->bytes + p->ip.ihl * 4);
}

void wire_put(struct wire *w, const struct packet *p);	/* into the kernel */
bool stranger_took(struct wire *w, struct packet *p);	/* it was for one; under the wire's lock */

#endif
