// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire.h"

/* ---- the device ---- */

static int configure(const char *name, const char *address, uint32_t mask)
{
	struct ifreq ifr = { 0 };
	struct sockaddr_in *sin = (struct sockaddr_in *)&ifr.ifr_addr;
	int err = 0, fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	snprintf(ifr.ifr_name, IFNAMSIZ, "%s", name);
	sin->sin_family = AF_INET;
	inet_pton(AF_INET, address, &sin->sin_addr);
	if (ioctl(fd, SIOCSIFADDR, &ifr))
		err = -errno;
	sin->sin_addr.s_addr = htonl(mask);
	if (!err && ioctl(fd, SIOCSIFNETMASK, &ifr))
		err = -errno;
	close(fd);
	return err ? err : interface_up(name);
}

static void device(struct wire *w, const char *name)
{
	struct ifreq ifr = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	char sysctl[64];

	snprintf(ifr.ifr_name, IFNAMSIZ, "%s", name);
	w->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (w->fd < 0 || ioctl(w->fd, TUNSETIFF, &ifr))
		stage_fail(w->s, N_("no TUN device (/dev/net/tun): %s; modprobe tun"), strerror(errno));
	snprintf(sysctl, sizeof(sysctl), "ipv4/conf/%s/rp_filter", name);
	sysctl_set(w->s, sysctl, 0);
	sysctl_set(w->s, "ipv4/conf/all/rp_filter", 0);
}

static void addressed(struct wire *w, int err)
{
	if (err)
		stage_fail(w->s, N_("cannot set up the TUN device: %s"), strerror(-err));
}

/* Both of its ends are ours. */
static void device_of_wire(struct wire *w)
{
	device(w, "wire");
	addressed(w, configure("wire", WIRE_CLIENT, ~0u));
	addressed(w, configure("wire:1", WIRE_SERVER, ~0u));
	addressed(w, netns_route_by("wire"));
	/* What comes in has a source that is ours too. */
	sysctl_set(w->s, "ipv4/conf/wire/accept_local", 1);
}

void wire_put(struct wire *w, const struct packet *p)
{
	if (write(w->fd, p->bytes, p->len) != (ssize_t)p->len)
		stage_fail(w->s, N_("write to the TUN device: %s"), strerror(errno));
}

/* ---- the relay ---- */

static bool is_tcp(const struct packet *p)
{
	return p->len >= sizeof(p->ip) && p->ip.version == 4 && p->ip.protocol == IPPROTO_TCP &&
	       p->len >= p->ip.ihl * 4 + sizeof(struct tcphdr);
}

static bool hold(struct wire *w, struct packet *p)
{
	if (w->hold_all ? p->ip.saddr != htonl(CLIENT) || tcp_of(p)->syn :
	    !w->hold_port || ntohs(tcp_of(p)->source) != w->hold_port || (tcp_of(p)->syn && !w->hold_syn))
		return false;
	if (w->nheld == HELD_MAX && w->hold_all)
		return true;		/* a wire that is full loses packets */
	if (w->nheld == HELD_MAX)
		stage_fail(w->s, N_("the wire holds %d packets already"), HELD_MAX);
	w->held[w->nheld++] = *p;
	return true;
}

static struct wire_numbers *numbers_of(struct wire *w, uint16_t port, bool begin)
{
	for (unsigned int i = 0; i < w->nshakes; i++) {
		if (w->shake[i].port == port)
			return &w->shake[i].n;
	}
	if (!begin || w->nshakes == SHAKES)
		return NULL;
	w->shake[w->nshakes].port = port;
	return &w->shake[w->nshakes++].n;
}

/* SYN, SYN-ACK, and the first packet of the client after it. */
static void note_numbers(struct wire *w, struct packet *p)
{
	const struct tcphdr *tcp = tcp_of(p);
	bool from_client = tcp->syn ? !tcp->ack : p->ip.saddr == htonl(CLIENT);
	struct wire_numbers *n = numbers_of(w, ntohs(from_client ? tcp->source : tcp->dest), tcp->syn && !tcp->ack);

	if (!n)
		return;
	if (tcp->syn && !tcp->ack) {
		n->syn_seq = ntohl(tcp->seq);
	} else if (tcp->syn) {
		n->synack_seq = ntohl(tcp->seq);
		n->synack_ack = ntohl(tcp->ack_seq);
	} else if (from_client && !n->third_ack) {
		n->third_seq = ntohl(tcp->seq);
		n->third_ack = ntohl(tcp->ack_seq);
	}
}

struct wire_numbers wire_numbers(struct wire *w, uint16_t client_port)
{
	struct wire_numbers *n, none = { 0 };

	pthread_mutex_lock(&w->lock);
	n = numbers_of(w, client_port, false);
	if (n)
		none = *n;
	pthread_mutex_unlock(&w->lock);
	return none;
}

static void relay(struct wire *w, struct packet *p)
{
	bool kept;

	if (!is_tcp(p))
		return;
	if (w->delay_us)
		sleep_us(w->delay_us);
	pthread_mutex_lock(&w->lock);
	note_numbers(w, p);
	kept = stranger_took(w, p) || hold(w, p);
	pthread_mutex_unlock(&w->lock);
	if (!kept)
		wire_put(w, p);
}

static void *relay_thread(void *arg)
{
	struct wire *w = arg;
	struct pollfd pfd = { w->fd, POLLIN, 0 };
	struct packet p;

	role("wire");
	for (;;) {
		ssize_t n = read(w->fd, p.bytes, sizeof(p.bytes));

		if (n > 0) {
			p.len = (size_t)n;
			relay(w, &p);
		} else {
			poll(&pfd, 1, -1);
		}
	}
	return NULL;
}

static struct wire *wire_new(struct stage *s)
{
	struct wire *w = calloc(1, sizeof(*w));

	if (!w)
		stage_fail(s, N_("out of memory"));
	w->s = s;
	pthread_mutex_init(&w->lock, NULL);
	return w;
}

static void wire_start(struct wire *w)
{
	if (pthread_create(&w->thread, NULL, relay_thread, w))
		stage_fail(w->s, N_("cannot start a thread"));
}

struct wire *wire_open(struct stage *s, unsigned int delay_us)
{
	struct wire *w = wire_new(s);

	w->delay_us = delay_us;
	w->strangers = STRANGERS;
	w->target = SERVER;
	device_of_wire(w);
	wire_start(w);
	return w;
}

struct wire *nic_open(struct stage *s, unsigned int n)
{
	struct wire *w = wire_new(s);
	char name[16], address[32];

	snprintf(name, sizeof(name), "nic%u", n);
	snprintf(address, sizeof(address), NIC_ADDRESS, n);
	w->strangers = ntohl(inet_addr(address)) & ~0xffu;
	w->target = ntohl(inet_addr(address));
	device(w, name);
	addressed(w, configure(name, address, ~0xffu));
	wire_start(w);
	return w;
}

void wire_hold(struct wire *w, uint16_t port, bool syn_too)
{
	pthread_mutex_lock(&w->lock);
	w->hold_port = port;
	w->hold_syn = syn_too;
	pthread_mutex_unlock(&w->lock);
}

void wire_hold_all(struct wire *w)
{
	pthread_mutex_lock(&w->lock);
	w->hold_all = true;
	pthread_mutex_unlock(&w->lock);
}

unsigned int wire_held(struct wire *w)
{
	unsigned int n;

	pthread_mutex_lock(&w->lock);
	n = w->nheld;
	pthread_mutex_unlock(&w->lock);
	return n;
}

struct held_wait {
	struct wire *w;
	unsigned int n;
};

static bool held_enough(void *arg)
{
	struct held_wait *h = arg;
	bool enough;

	pthread_mutex_lock(&h->w->lock);
	enough = h->w->nheld >= h->n;
	pthread_mutex_unlock(&h->w->lock);
	return enough;
}

void wire_wait_held(struct wire *w, unsigned int n)
{
	struct held_wait h = { w, n };

	wait_for(w->s, held_enough, &h, N_("the wire to hold a packet"));
}

void wire_release(struct wire *w)
{
	pthread_mutex_lock(&w->lock);
	for (unsigned int i = 0; i < w->nheld; i++)
		wire_put(w, &w->held[i]);
	w->nheld = 0;
	w->hold_port = 0;
	w->hold_all = false;
	pthread_mutex_unlock(&w->lock);
}
