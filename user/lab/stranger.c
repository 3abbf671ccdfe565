// SPDX-License-Identifier: GPL-2.0-only
/* Those behind a device who send what they are asked to, and never answer by themselves. */
#include <arpa/inet.h>
#include <string.h>

#include "wire.h"

/* For a stranger: nobody answers, but the SYN-ACK is remembered. */
bool stranger_took(struct wire *w, struct packet *p)
{
	uint32_t to = ntohl(p->ip.daddr), host = to - w->strangers;
	struct tcphdr *tcp = tcp_of(p);

	if (host >= WIRE_STRANGERS)
		return false;
	w->stranger[host].resets += tcp->rst;
	if (tcp->syn && tcp->ack) {
		w->stranger[host].seq = ntohl(tcp->seq);
		w->stranger[host].synacks++;
	}
	return true;
}

void stranger_target(struct wire *w, const char *address)
{
	w->target = ntohl(inet_addr(address));
}

static uint32_t sum(uint32_t s, const void *data, size_t len)
{
	const uint8_t *p = data;

	for (size_t i = 0; i + 1 < len; i += 2)
		s += (uint32_t)(p[i] << 8 | p[i + 1]);
	return s;
}

static uint16_t folded(uint32_t s)
{
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return htons((uint16_t)~s);
}

static void send_as(struct wire *w, unsigned int host, const struct tcphdr *tcp)
{
	struct packet p = { .len = sizeof(p.ip) + sizeof(*tcp) };

	p.ip = (struct iphdr){
		.ihl = 5, .version = 4, .tot_len = htons((uint16_t)p.len), .ttl = 64, .protocol = IPPROTO_TCP,
		.saddr = htonl(w->strangers + host), .daddr = htonl(w->target),
	};
	p.ip.check = folded(sum(0, &p.ip, sizeof(p.ip)));
	memcpy(tcp_of(&p), tcp, sizeof(*tcp));
	tcp_of(&p)->check = folded(sum(sum(IPPROTO_TCP + sizeof(*tcp), &p.ip.saddr, 8), tcp, sizeof(*tcp)));
	wire_put(w, &p);
}

void stranger_syn(struct wire *w, unsigned int host, uint16_t to)
{
	struct tcphdr tcp = {
		.source = htons(STRANGER_PORT), .dest = htons(to), .seq = htonl(host << 16), .doff = 5,
		.syn = 1, .window = htons(64240),
	};

	send_as(w, host, &tcp);
}

void stranger_ack(struct wire *w, unsigned int host, uint16_t to)
{
	struct tcphdr tcp = {
		.source = htons(STRANGER_PORT), .dest = htons(to), .seq = htonl((host << 16) + 1), .doff = 5,
		.ack = 1, .window = htons(64240),
	};

	pthread_mutex_lock(&w->lock);
	tcp.ack_seq = htonl(w->stranger[host].seq + 1);
	pthread_mutex_unlock(&w->lock);
	send_as(w, host, &tcp);
}

unsigned int stranger_synacks(struct wire *w, unsigned int host)
{
	unsigned int n;

	pthread_mutex_lock(&w->lock);
	n = w->stranger[host].synacks;
	pthread_mutex_unlock(&w->lock);
	return n;
}

unsigned int stranger_resets(struct wire *w, unsigned int host)
{
	unsigned int n;

	pthread_mutex_lock(&w->lock);
	n = w->stranger[host].resets;
	pthread_mutex_unlock(&w->lock);
	return n;
}
