/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * segment.h - TCP segments of the far end, made and read by hand
 *
 * The machine is 10.77.0.1 and fd77::1. The far end is every other address of
 * 10.77.0.0/16 and fd77::/64; one is told from another by its low 16 bits
 * ("host"). Checksums are complete, since the kernel verifies them.
 */
#ifndef LIVE_SEGMENT_H
#define LIVE_SEGMENT_H

#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <arpa/inet.h>

#define MACHINE4	0x0a4d0001u	/* 10.77.0.1 */
#define SEGMENT_MAX	2048

struct segment {
	bool v6;
	uint16_t host;		/* the far end's address ... */
	uint16_t port;		/* ... and port */
	uint16_t server_port;
	uint32_t seq;
	uint32_t ack;
	uint8_t flags;		/* TH_SYN | ... */
	uint8_t optlen;		/* a multiple of 4 when sent */
	uint8_t opt[40];
	uint16_t len;		/* of the data */
};

static uint32_t sum_bytes(uint32_t sum, const void *data, size_t len)
{
	const uint8_t *p = data;
	size_t i;

	for (i = 0; i + 1 < len; i += 2)
		sum += p[i] << 8 | p[i + 1];
	return i < len ? sum + (p[i] << 8) : sum;
}

static uint16_t sum_finish(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons(~sum);
}

/* The checksum of what follows the IP header, pseudo header included. */
static uint16_t sum_payload(const uint8_t *pkt, bool v6, uint8_t proto, size_t len)
{
	size_t hdr = v6 ? sizeof(struct ip6_hdr) : sizeof(struct iphdr);
	size_t addresses = v6 ? 32 : 8;
	uint32_t sum = sum_bytes(proto + len, pkt + hdr - addresses, addresses);

	return sum_finish(sum_bytes(sum, pkt + hdr, len));
}

static struct in6_addr address6(uint32_t host)
{
	struct in6_addr a = { .s6_addr = { 0xfd, 0x77 } };

	a.s6_addr32[3] = htonl(host);
	return a;
}

/* An IP header; returns its length. */
static size_t ip_header(uint8_t *pkt, bool v6, bool to_machine, uint16_t host,
			uint8_t proto, size_t len)
{
	struct ip6_hdr h6 = { .ip6_plen = htons(len), .ip6_nxt = proto, .ip6_hlim = 64 };
	struct iphdr h4 = { .ihl = 5, .version = 4, .tot_len = htons(sizeof(h4) + len),
			    .frag_off = htons(IP_DF), .ttl = 64, .protocol = proto };
	uint32_t far = htonl((MACHINE4 & 0xffff0000) | host), near = htonl(MACHINE4);

	if (v6) {
		h6.ip6_flow = htonl(6u << 28);
		h6.ip6_src = address6(to_machine ? host : 1);
		h6.ip6_dst = address6(to_machine ? 1 : host);
		memcpy(pkt, &h6, sizeof(h6));
		return sizeof(h6);
	}
	h4.saddr = to_machine ? far : near;
	h4.daddr = to_machine ? near : far;
	h4.check = sum_finish(sum_bytes(0, &h4, sizeof(h4)));
	memcpy(pkt, &h4, sizeof(h4));
	return sizeof(h4);
}

/* The packet for @s, its data a run of letters; returns its length. */
static size_t segment_build(uint8_t *pkt, const struct segment *s)
{
	struct tcphdr tcp = {
		.th_sport = htons(s->port), .th_dport = htons(s->server_port),
		.th_seq = htonl(s->seq), .th_ack = htonl(s->ack),
		.th_off = (sizeof(tcp) + s->optlen) / 4, .th_flags = s->flags,
		.th_win = htons(64240),
	};
	size_t len = sizeof(tcp) + s->optlen + s->len;
	size_t hdr = ip_header(pkt, s->v6, true, s->host, IPPROTO_TCP, len);
	uint8_t *p = pkt + hdr;

	memcpy(p, &tcp, sizeof(tcp));
	memcpy(p + sizeof(tcp), s->opt, s->optlen);
	for (size_t i = 0; i < s->len; i++)
		p[sizeof(tcp) + s->optlen + i] = 'a' + i % 26;
	tcp.th_sum = sum_payload(pkt, s->v6, IPPROTO_TCP, len);
	memcpy(p, &tcp, sizeof(tcp));
	return hdr + len;
}

/* Read what the kernel sent; false if it is no TCP for the far end. */
static bool segment_parse(const uint8_t *pkt, size_t size, struct segment *s)
{
	size_t hdr = size && pkt[0] >> 4 == 6 ? sizeof(struct ip6_hdr) : sizeof(struct iphdr);
	struct tcphdr tcp;

	if (size < hdr + sizeof(tcp))
		return false;
	*s = (struct segment){ .v6 = hdr == sizeof(struct ip6_hdr) };
	if (pkt[s->v6 ? 6 : 9] != IPPROTO_TCP)
		return false;
	memcpy(&tcp, pkt + hdr, sizeof(tcp));
	if (tcp.th_off < 5 || hdr + tcp.th_off * 4u > size)
		return false;
	s->host = pkt[hdr - 2] << 8 | pkt[hdr - 1];
	s->port = ntohs(tcp.th_dport);
	s->server_port = ntohs(tcp.th_sport);
	s->seq = ntohl(tcp.th_seq);
	s->ack = ntohl(tcp.th_ack);
	s->flags = tcp.th_flags;
	s->optlen = tcp.th_off * 4 - sizeof(tcp);
	memcpy(s->opt, pkt + hdr + sizeof(tcp), s->optlen);
	s->len = size - hdr - tcp.th_off * 4;
	return true;
}

/*
 * ICMP "cannot be reached" from the far end about a segment the machine sent
 * to it with sequence number s->ack: the kind that ends a half-open request.
 */
static size_t unreachable_build(uint8_t *pkt, const struct segment *s)
{
	struct tcphdr tcp = { .th_sport = htons(s->server_port), .th_dport = htons(s->port),
			      .th_seq = htonl(s->ack), .th_off = 5, .th_flags = TH_SYN | TH_ACK };
	uint8_t proto = s->v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	uint8_t icmp[8 + sizeof(struct ip6_hdr) + sizeof(tcp)] = {
		s->v6 ? ICMP6_DST_UNREACH : ICMP_DEST_UNREACH,
		s->v6 ? ICMP6_DST_UNREACH_ADMIN : ICMP_HOST_UNREACH,
	};
	size_t quoted, hdr, len;
	uint16_t sum;

	quoted = ip_header(icmp + 8, s->v6, false, s->host, IPPROTO_TCP, sizeof(tcp));
	memcpy(icmp + 8 + quoted, &tcp, sizeof(tcp));
	len = 8 + quoted + sizeof(tcp);
	hdr = ip_header(pkt, s->v6, true, s->host, proto, len);
	memcpy(pkt + hdr, icmp, len);
	sum = s->v6 ? sum_payload(pkt, true, proto, len) :
		      sum_finish(sum_bytes(0, icmp, len));
	memcpy(pkt + hdr + 2, &sum, sizeof(sum));
	return hdr + len;
}

/* SYN options: MSS, and Fast Open with or without a cookie. */
static void segment_syn_options(struct segment *s, bool fastopen,
				const uint8_t *cookie, uint8_t cookie_len)
{
	static const uint8_t mss[] = { TCPOPT_MAXSEG, TCPOLEN_MAXSEG, 1460 >> 8, 1460 & 0xff };

	memcpy(s->opt, mss, sizeof(mss));
	s->optlen = sizeof(mss);
	if (!fastopen)
		return;
	s->opt[s->optlen++] = 34;
	s->opt[s->optlen++] = 2 + cookie_len;
	memcpy(s->opt + s->optlen, cookie, cookie_len);
	s->optlen += cookie_len;
	while (s->optlen % 4)
		s->opt[s->optlen++] = TCPOPT_NOP;
}

/* The Fast Open cookie in a SYN-ACK; returns its length, 0 if there is none. */
static uint8_t segment_cookie(const struct segment *s, uint8_t *cookie)
{
	for (int i = 0; i + 1 < s->optlen && s->opt[i] != TCPOPT_EOL;) {
		uint8_t len = s->opt[i] == TCPOPT_NOP ? 1 : s->opt[i + 1];

		if (!len || i + len > s->optlen)
			break;
		if (s->opt[i] == 34 && len > 2 && len <= 2 + 16) {
			memcpy(cookie, s->opt + i + 2, len - 2);
			return len - 2;
		}
		i += len;
	}
	return 0;
}

#endif
