// SPDX-License-Identifier: GPL-2.0-only
/*
 * dice - a machine and its far end that do what the dice say
 *
 * usage: dice [-v] [--seed N] [--steps N] [--without WORD,...]
 *
 * In the current network namespace, which should be its own: it is the machine (10.77.0.1, fd77::1), whose servers listen on
 * ports 8001 to 8005 and which connects to others and to itself, and, over a TUN device, every other address of 10.77.0.0/24
 * and fd77::/64. Nothing that either does is polite. The same seed gives the same throws; what a step meets depends on the
 * kernel's timers, too. What a kernel has not it does without.
 * A step takes a millisecond. -v: each step, on standard error.
 */
#define _GNU_SOURCE
#include "net.h"
#include "segment.h"
#include "tun.h"
#include "../../user/source/snmp.c"
#include <linux/filter.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>

#define FARS		48	/* connections that the far end knows of */
#define HELD		48	/* sockets that the machine holds, beside those that listen */
#define PORTS		5
#define SERVERS		9	/* some of them on one port */
#define FIRST_PORT	8001

struct far {
	bool v6;
	uint16_t host, port, near_port;
	bool called;			/* the machine connects to it */
	uint32_t isn, snd_nxt;
	uint32_t peer_isn, rcv_nxt;	/* of the machine's SYN or SYN-ACK; 0: none came */
	uint8_t cookie_len, cookie[16];
};

static struct far fars[FARS];
static int held[HELD], servers[SERVERS], tun;
static unsigned int steps_done, segments_sent, segments_read, accepted;
static bool verbose, shares_ports;

static void report(void)
{
	dprintf(STDOUT_FILENO, "steps=%u sent=%u read=%u accepted=%u\n", steps_done, segments_sent, segments_read, accepted);
}

static unsigned int dice(unsigned int n)
{
	return random() % n;
}

PRINTF(1, 2) static void told(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (verbose)
		vfprintf(stderr, fmt, ap);
	va_end(ap);
}

/* ---- the far end ---- */

static void put(const uint8_t *pkt, size_t len)
{
	segments_sent += write(tun, pkt, len) == (ssize_t)len;
}

static void read_segment(const struct segment *s)
{
	struct far *free = &fars[dice(FARS)];

	segments_read++;
	for (struct far *f = fars; f < fars + FARS; f++) {
		if (f->v6 != s->v6 || f->host != s->host || f->port != s->port || f->near_port != s->server_port)
			continue;
		if (s->flags & TH_SYN) {
			f->peer_isn = s->seq;
			f->rcv_nxt = s->seq + 1;
			f->cookie_len = segment_cookie(s, f->cookie) ?: f->cookie_len;
		} else if (s->seq == f->rcv_nxt) {
			f->rcv_nxt += s->len + !!(s->flags & TH_FIN);
		}
		if (s->flags & TH_ACK && !(s->flags & TH_RST) && (int32_t)(s->ack - f->snd_nxt) > 0)
			f->snd_nxt = s->ack;
		return;
	}
	if ((s->flags & (TH_SYN | TH_ACK)) == TH_SYN)
		*free = (struct far){ .v6 = s->v6, .host = s->host, .port = s->port, .near_port = s->server_port, .called = true,
				      .isn = random(), .peer_isn = s->seq, .rcv_nxt = s->seq + 1 };
}

static void read_all(void)
{
	uint8_t pkt[SEGMENT_MAX];
	struct segment s;
	ssize_t n;

	while ((n = read(tun, pkt, sizeof(pkt))) > 0) {
		if (segment_parse(pkt, n, &s))
			read_segment(&s);
	}
}

static struct segment segment_of(struct far *f, uint8_t flags)
{
	return (struct segment){ .v6 = f->v6, .host = f->host, .port = f->port, .server_port = f->near_port, .flags = flags,
				 .seq = f->snd_nxt ? f->snd_nxt : f->isn + 1, .ack = flags & TH_ACK ? f->rcv_nxt : 0 };
}

static void transmit(struct far *f, struct segment *s, const char *what)
{
	uint8_t pkt[SEGMENT_MAX];

	told("%s %s%u:%u>%u seq %u ack %u len %u; ", what, f->v6 ? "::" : "", f->host, f->port, f->near_port, s->seq, s->ack, s->len);
	put(pkt, segment_build(pkt, s));
}

/* Somebody; who has not come yet comes now, or one who has been here comes back. */
static struct far *somebody(void)
{
	struct far *f = &fars[dice(FARS)];

	if (f->host && dice(4))
		return f;
	if (!f->host || dice(3))
		*f = (struct far){ .v6 = !dice(3), .host = 2 + dice(200), .port = 20000 + dice(20000),
				   .near_port = FIRST_PORT + dice(PORTS) };
	f->isn = f->snd_nxt ? f->snd_nxt + 100000 + dice(100000) : (uint32_t)random();
	f->snd_nxt = f->rcv_nxt = 0;
	return f;
}

static void syn(void)
{
	struct far *f = somebody();
	struct segment s = segment_of(f, TH_SYN);
	bool fastopen = !dice(3);

	s.seq = f->isn;
	segment_syn_options(&s, fastopen, f->cookie, f->cookie_len);
	s.len = fastopen && f->cookie_len ? dice(40) : 0;
	transmit(f, &s, "syn");
}

/* One that is on its way, rather */
static struct far *met(void)
{
	struct far *f = &fars[dice(FARS)];

	for (unsigned int i = 0; i < 8 && !f->rcv_nxt; i++)
		f = &fars[dice(FARS)];
	return f->host ? f : somebody();
}

static void sends(uint8_t flags, unsigned int len, const char *what)
{
	struct far *f = met();
	struct segment s = segment_of(f, flags);

	s.len = len;
	if (!dice(8))
		s.seq += dice(2) ? dice(2000) : -dice(2000);
	transmit(f, &s, what);
	if (s.seq == f->snd_nxt || !f->snd_nxt)
		f->snd_nxt = s.seq + s.len + !!(flags & TH_FIN);
}

static void ack(void)    { sends(TH_ACK, 0, "ack"); }
static void data(void)   { sends(TH_ACK | TH_PUSH, 1 + dice(100), "data"); }
static void fin(void)    { sends(TH_FIN | TH_ACK, 0, "fin"); }
static void rst(void)    { sends(TH_RST, 0, "rst"); }
static void rstack(void) { sends(TH_RST | TH_ACK, 0, "rstack"); }

static void wrong(void)
{
	struct far *f = met();
	struct segment s = segment_of(f, TH_ACK);

	s.ack += dice(2) ? random() : dice(1000);
	transmit(f, &s, "wrong");
}

/* The same SYN once more, or a SYN where it does not belong */
static void again(void)
{
	struct far *f = met();
	struct segment s = segment_of(f, TH_SYN);

	s.seq = f->isn + (dice(4) ? 0 : dice(100000));
	segment_syn_options(&s, false, NULL, 0);
	transmit(f, &s, "again");
}

static void synack(void)
{
	struct far *f = met();
	struct segment s = segment_of(f, TH_SYN | TH_ACK);

	s.seq = f->isn;
	segment_syn_options(&s, false, NULL, 0);
	transmit(f, &s, "synack");
	f->snd_nxt = f->snd_nxt ? f->snd_nxt : f->isn + 1;
}

static void icmp(void)
{
	struct far *f = met();
	struct segment s = segment_of(f, 0);
	uint8_t pkt[SEGMENT_MAX];

	s.ack = dice(4) ? f->peer_isn : f->rcv_nxt;
	told("icmp %u:%u>%u seq %u; ", f->host, f->port, f->near_port, s.ack);
	put(pkt, unreachable_build(pkt, &s));
}

/* What the machine's SYN or SYN-ACK wants */
static void answer(void)
{
	struct far *f = met();

	for (unsigned int i = 0; i < 8 && (!f->called || f->snd_nxt); i++)
		f = met();
	if (f->called && !f->snd_nxt) {
		struct segment s = segment_of(f, dice(3) ? TH_SYN | TH_ACK : TH_RST | TH_ACK);

		s.seq = f->isn;
		transmit(f, &s, "answer");
		f->snd_nxt = f->isn + 1;
	}
}

/* ---- the machine ---- */

/* Where one is free; who is in the way is closed. */
static int *place(void)
{
	int *fd = &held[dice(HELD)];

	if (*fd) {
		told("close %d; ", *fd);
		close(*fd);
	}
	*fd = 0;
	return fd;
}

static int *one_held(void)
{
	int *fd = &held[dice(HELD)];

	for (unsigned int i = 0; i < 8 && !*fd; i++)
		fd = &held[dice(HELD)];
	return fd;
}

static void linger(int fd)
{
	struct linger now = { 1, 0 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

static void set(int fd, int level, int what, int value)
{
	setsockopt(fd, level, what, &value, sizeof(value));
}

/* Its own or the far end's, by one of its names; an IPv6 socket calls IPv4 by the mapped one. */
static union address somewhere(bool far, bool *v6, int port)
{
	static const char *const near[] = { "127.0.0.1", "10.77.0.1", "::1", "fd77::1" };
	unsigned int which = dice(4);
	union address a;

	*v6 = which > 1;
	a = address_parse(far ? which > 1 ? "fd77::2" : "10.77.0.2" : near[which], port, false);
	if (far)
		address_add(&a, dice(200));
	if (!*v6 && !dice(4)) {
		a.v6 = (struct sockaddr_in6){ AF_INET6, a.v4.sin_port, 0,
			{ .s6_addr32 = { 0, 0, htonl(0xffff), a.v4.sin_addr.s_addr } }, 0 };
		*v6 = true;
	}
	return a;
}

static int new_socket(bool v6)
{
	int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK, dice(6) ? 0 : 262 /* IPPROTO_MPTCP */);

	return fd >= 0 ? fd : socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
}

/* The members of a group come and go. */
static int listener(unsigned int i)
{
	bool v6 = dice(2);
	union address at = address_parse(v6 ? "::" : "0.0.0.0", FIRST_PORT + i % PORTS, false);
	int fd = new_socket(v6);

	set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	set(fd, SOL_SOCKET, SO_REUSEPORT, shares_ports);
	if (!dice(5))
		set(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 1 + dice(3));
	if (!dice(3))
		set(fd, IPPROTO_TCP, TCP_FASTOPEN, 1 + dice(4));
	if (bind(fd, &at.sa, address_len(&at)) || listen(fd, i == 2 ? 100 : dice(4))) {
		close(fd);
		return 0;
	}
	return fd;
}

static void listens(void)
{
	union address nowhere = { .sa.sa_family = AF_UNSPEC };
	unsigned int i = dice(SERVERS), how = dice(8);
	int fd = servers[i];

	if (fd && how < 5) {
		told("listen again %d; ", fd);
		listen(fd, dice(4));
		return;
	}
	if (fd && how == 5) {
		told("listener %d: shutdown; ", fd);
		shutdown(fd, SHUT_RDWR);
		return;
	}
	if (fd && how == 6) {
		told("listener %d: unspec %d; ", fd, connect(fd, &nowhere.sa, sizeof(nowhere.v4)));
		return;
	}
	if (fd)
		close(fd);
	servers[i] = listener(i);
	told("close %d; listen %u: fd %d; ", fd, FIRST_PORT + i % PORTS, servers[i]);
}

/* Whether those that listen from now on share their ports */
static void groups(void)
{
	shares_ports = dice(3);
	told("SO_REUSEPORT %d; ", shares_ports);
}

static void accepts(void)
{
	unsigned int i = dice(SERVERS);
	int fd = servers[i] ? accept4(servers[i], NULL, NULL, SOCK_NONBLOCK) : -1;

	if (fd < 0)
		return;
	accepted++;
	told("accept %d: fd %d; ", servers[i], fd);
	*place() = fd;
}

static void connects(void)
{
	bool far = dice(4), v6;
	union address to = somewhere(far, &v6, far ? 7000 + dice(1000) : FIRST_PORT + dice(PORTS + 1));
	int fd = new_socket(v6), *at = place();

	set(fd, IPPROTO_TCP, TCP_SYNCNT, 1 + dice(2));
	if (!dice(8))
		set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 1 + dice(50));
	if (!dice(4))
		set(fd, IPPROTO_TCP, 30 /* TCP_FASTOPEN_CONNECT */, 1);
	if (!dice(6))
		told("sendto %d: %zd; ", fd, sendto(fd, "hello", dice(6), MSG_FASTOPEN | MSG_NOSIGNAL, &to.sa, address_len(&to)));
	else
		told("connect %d: %d; ", fd, connect(fd, &to.sa, address_len(&to)));
	*at = fd;
}

/* To itself: both ends are one socket. */
static void selfs(void)
{
	bool v6;
	union address to = somewhere(false, &v6, 9000 + dice(1000));
	int fd = new_socket(v6), *at = place();

	set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (!bind(fd, &to.sa, address_len(&to)))
		told("self %d: %d; ", fd, connect(fd, &to.sa, address_len(&to)));
	*at = fd;
}

/* As CRIU restores one: no SYN leaves. */
static void repairs(void)
{
	bool v6;
	union address to = somewhere(true, &v6, 7000 + dice(1000));
	int fd = new_socket(v6), *at = place();

	set(fd, IPPROTO_TCP, TCP_REPAIR, 1);
	told("repair %d: %d; ", fd, connect(fd, &to.sa, address_len(&to)));
	if (dice(4))
		set(fd, IPPROTO_TCP, TCP_REPAIR, 0);
	*at = fd;
}

static void writes(void)
{
	static const char letters[3000];
	int fd = *one_held();

	if (fd > 0)
		told("write %d: %zd; ", fd, send(fd, letters, 1 + dice(sizeof(letters)), MSG_NOSIGNAL));
}

static void reads(void)
{
	char bytes[1000];
	int fd = *one_held();

	if (fd > 0)
		told("read %d: %zd; ", fd, recv(fd, bytes, sizeof(bytes), 0));
}

static void closes(void)
{
	int *fd = one_held();

	if (*fd > 0 && !dice(3))
		linger(*fd);
	if (*fd > 0) {
		told("close %d; ", *fd);
		close(*fd);
	}
	*fd = 0;
}

static void shuts(void)
{
	int fd = *one_held();

	if (fd > 0)
		told("shutdown %d: %d; ", fd, shutdown(fd, dice(3)));
}

/* connect() once more, to where it goes or to nobody */
static void reconnects(void)
{
	bool v6;
	union address to = somewhere(dice(2), &v6, 7000 + dice(1000));
	int fd = *one_held();

	if (dice(2))
		to.sa.sa_family = AF_UNSPEC;
	if (fd > 0)
		told("connect again %d: %d; ", fd, connect(fd, &to.sa, address_len(&to)));
}

/* A socket that takes no segment, for a while */
static void filters(void)
{
	static struct sock_filter none = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog deaf = { 1, &none };
	int fd = dice(3) ? *one_held() : servers[dice(SERVERS)];

	if (fd <= 0)
		return;
	told("filter %d; ", fd);
	if (dice(3))
		set(fd, SOL_SOCKET, SO_DETACH_FILTER, 0);
	else
		setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &deaf, sizeof(deaf));
}

/* Orphans in FIN_WAIT2 that end at once or soon */
static void lingers2(void)
{
	int fd = *one_held();

	if (fd > 0)
		set(fd, IPPROTO_TCP, TCP_LINGER2, (int)dice(3) - 1);
}

/* Any one of the namespace's sockets and requests, from a dump of sock_diag */
static bool any_socket(int netlink, uint8_t family, struct inet_diag_sockid *id)
{
	struct { struct nlmsghdr nh; struct inet_diag_req_v2 r; } ask = {
		.nh = { sizeof(ask), SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST | NLM_F_DUMP, 0, 0 },
		.r = { .sdiag_family = family, .sdiag_protocol = IPPROTO_TCP, .idiag_states = ~0u },
	};
	char answer[16384] __attribute__((aligned(8)));
	unsigned int n = 0;
	ssize_t got = send(netlink, &ask, sizeof(ask), 0);

	while (got > 0 && (got = recv(netlink, answer, sizeof(answer), 0)) > 0) {
		for (struct nlmsghdr *h = (struct nlmsghdr *)answer; NLMSG_OK(h, got); h = NLMSG_NEXT(h, got)) {
			if (h->nlmsg_type != SOCK_DIAG_BY_FAMILY)
				return n;
			if (!dice(++n))
				*id = ((struct inet_diag_msg *)NLMSG_DATA(h))->id;
		}
	}
	return n;
}

static void kills(void)
{
	struct { struct nlmsghdr nh; struct inet_diag_req_v2 r; } ask = {
		.nh = { sizeof(ask), SOCK_DESTROY, NLM_F_REQUEST | NLM_F_ACK, 0, 0 },
		.r = { .sdiag_family = dice(2) ? AF_INET : AF_INET6, .sdiag_protocol = IPPROTO_TCP, .idiag_states = ~0u },
	};
	int netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);

	if (any_socket(netlink, ask.r.sdiag_family, &ask.r.id)) {
		told("kill :%u>:%u; ", ntohs(ask.r.id.idiag_sport), ntohs(ask.r.id.idiag_dport));
		send(netlink, &ask, sizeof(ask), 0);
	}
	close(netlink);
}

static void sysctl(const char *name, unsigned int value)
{
	char path[64], text[16];
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/net/%s", name);
	snprintf(text, sizeof(text), "%u\n", value);
	told("sysctl %s %u; ", name, value);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return;
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die("%s", path);
	close(fd);
}

static const struct {
	const char *name;
	unsigned int value[4];
} sysctls[] = {
	{ "ipv4/tcp_syncookies", { 0, 1, 1, 2 } },	  { "ipv4/tcp_abort_on_overflow", { 0, 0, 0, 1 } },
	{ "ipv4/tcp_fastopen", { 1, 3, 3, 0x203 } },	  { "ipv4/tcp_max_syn_backlog", { 2, 8, 128, 128 } },
	{ "ipv4/tcp_synack_retries", { 0, 1, 2, 5 } },	  { "ipv4/tcp_migrate_req", { 0, 1, 1, 1 } },
	{ "ipv4/tcp_max_tw_buckets", { 0, 3, 1000, 1000 } }, { "ipv4/tcp_fin_timeout", { 1, 1, 60, 60 } },
	{ "ipv4/tcp_rfc1337", { 0, 0, 0, 1 } },		  { "ipv4/tcp_tw_reuse", { 0, 1, 2, 2 } },
	{ "ipv4/tcp_retries2", { 1, 2, 3, 15 } },	  { "ipv4/tcp_timestamps", { 0, 1, 1, 1 } },
	{ "core/somaxconn", { 1, 128, 4096, 4096 } },
};

static void turns(void)
{
	unsigned int i = dice(sizeof(sysctls) / sizeof(sysctls[0]));

	sysctl(sysctls[i].name, sysctls[i].value[dice(4)]);
}

static void waits(void)
{
	sleep_us(dice(20000));
}

/* ---- what the kernel made of it ---- */

static const struct snmp_key keys[] = {
	{ "Tcp", "ActiveOpens" }, { "Tcp", "PassiveOpens" }, { "Tcp", "AttemptFails" }, { "Tcp", "EstabResets" },
	{ "Tcp", "RetransSegs" }, { "TcpExt", "ListenOverflows" }, { "TcpExt", "ListenDrops" }, { "TcpExt", "TCPReqQFullDrop" },
	{ "TcpExt", "SyncookiesSent" }, { "TcpExt", "SyncookiesRecv" }, { "TcpExt", "SyncookiesFailed" },
	{ "TcpExt", "EmbryonicRsts" }, { "TcpExt", "TCPFastOpenPassive" },
};

#define KEYS	(sizeof(keys) / sizeof(keys[0]))

static void tell_counters(void)
{
	static uint64_t before[KEYS];
	uint64_t now[KEYS];

	if (!verbose || snmp_read(keys, now, KEYS))
		return;
	for (unsigned int i = 0; i < KEYS; i++) {
		if (now[i] != before[i])
			told("%s+%lld ", keys[i].name, (long long)(now[i] - before[i]));
		before[i] = now[i];
	}
}

/* ---- the throws ---- */

static struct throw {
	const char *name;
	void (*does)(void);
	unsigned int often;
} throws[] = {
	{ "syn", syn, 20 },	  { "again", again, 6 },     { "synack", synack, 3 },	    { "ack", ack, 20 },
	{ "wrong", wrong, 3 },	  { "data", data, 10 },	     { "fin", fin, 4 },		    { "rst", rst, 3 },
	{ "rstack", rstack, 2 },  { "icmp", icmp, 3 },	     { "answer", answer, 10 },	    { "listen", listens, 2 },
	{ "accept", accepts, 12 },{ "connect", connects, 8 },{ "self", selfs, 1 },	    { "repair", repairs, 1 },
	{ "write", writes, 5 },	  { "read", reads, 4 },	     { "close", closes, 6 },	    { "shutdown", shuts, 2 },
	{ "reconnect", reconnects, 2 }, { "filter", filters, 1 }, { "linger2", lingers2, 1 }, { "kill", kills, 1 },
	{ "sysctl", turns, 2 },   { "group", groups, 1 },    { "wait", waits, 3 },
};

#define THROWS	(sizeof(throws) / sizeof(throws[0]))

static void without(char *words)
{
	unsigned int i;

	for (char *word = strtok(words, ","); word; word = strtok(NULL, ",")) {
		for (i = 0; i < THROWS && strcmp(throws[i].name, word); i++)
			;
		if (i == THROWS)
			wrong_usage("--without: no '%s'", word);
		throws[i].often = 0;
	}
}

static void step(void)
{
	unsigned int sum = 0, i;

	for (i = 0; i < THROWS; i++)
		sum += throws[i].often;
	sum = dice(sum);
	for (i = 0; sum >= throws[i].often; i++)
		sum -= throws[i].often;
	told("%llu ", (unsigned long long)now_ns() / 1000);
	throws[i].does();
	sleep_us(1000);
	read_all();
	tell_counters();
	told("\n");
	steps_done++;
}

static void all_closed(void)
{
	for (unsigned int i = 0; i < HELD; i++) {
		if (held[i]) {
			linger(held[i]);
			close(held[i]);
		}
	}
	for (unsigned int i = 0; i < SERVERS; i++) {
		if (servers[i])
			close(servers[i]);
	}
}

static const struct option options[] = {
	{ "seed", 1, 0, 's' }, { "steps", 1, 0, 'n' }, { "without", 1, 0, 'w' }, { 0 },
};

int main(int argc, char **argv)
{
	long seed = 1, steps = 3000;
	int c;

	while ((c = getopt_long(argc, argv, "v", options, NULL)) != -1) {
		switch (c) {
		case 's': seed = number("--seed", optarg, 0, 0x7fffffff); break;
		case 'n': steps = number("--steps", optarg, 1, 1000000); break;
		case 'w': without(optarg); break;
		case 'v': verbose = true; break;
		default: _exit(EXIT_USAGE);
		}
	}
	limit_time(60 + steps / 50);
	srandom(seed);
	tun = tun_open("dice0", IFF_TUN, "10.77.0.1");
	if (tun < 0)
		die("dice0 (is the module tun loaded?)");
	bring_lo_up();
	add_address6("dice0", address6(1));
	sysctl("ipv4/tcp_fastopen", 3);
	sysctl("mptcp/enabled", 1);
	for (unsigned int i = 0; i < 4 * SERVERS; i++)
		listens();
	while (steps--)
		step();
	all_closed();
	read_all();
	report();
	return 0;
}
