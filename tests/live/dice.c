// SPDX-License-Identifier: GPL-2.0-only
/*
 * dice - a machine and its far end that do what the dice say
 *
 * usage: dice [-v] [--seed N] [--steps N] [--without WORD,...]
 *
 * In the current network namespace, which should be its own: it is the machine (10.77.0.1), whose servers listen on ports
 * 8001 to 8005 and which connects to others, and, over a TUN device, every other address of 10.77.0.0/24. Nothing that either
 * does is polite. The same seed gives the same throws; what a step meets depends on the kernel's timers, too.
 * A step takes a millisecond. -v: each step, on standard error.
 */
#define _GNU_SOURCE
#include "net.h"
#include "segment.h"
#include "tun.h"
#include "../../user/source/snmp.c"

#define FARS		48	/* connections that the far end knows of */
#define HELD		48	/* sockets that the machine holds, beside those that listen */
#define SERVERS		5
#define FIRST_PORT	8001

struct far {
	uint16_t host, port, near_port;
	bool called;			/* the machine connects to it */
	uint32_t isn, snd_nxt;
	uint32_t peer_isn, rcv_nxt;	/* of the machine's SYN or SYN-ACK; 0: none came */
	uint8_t cookie_len, cookie[16];
};

static struct far fars[FARS];
static int held[HELD], servers[SERVERS], tun;
static unsigned int steps_done, segments_sent, segments_read;
static bool verbose;

static void report(void)
{
	dprintf(STDOUT_FILENO, "steps=%u sent=%u read=%u\n", steps_done, segments_sent, segments_read);
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
		if (f->host != s->host || f->port != s->port || f->near_port != s->server_port)
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
		*free = (struct far){ .host = s->host, .port = s->port, .near_port = s->server_port, .called = true,
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
	return (struct segment){ .host = f->host, .port = f->port, .server_port = f->near_port, .flags = flags,
				 .seq = f->snd_nxt ? f->snd_nxt : f->isn + 1, .ack = flags & TH_ACK ? f->rcv_nxt : 0 };
}

static void transmit(struct far *f, struct segment *s, const char *what)
{
	uint8_t pkt[SEGMENT_MAX];

	told("%s %u:%u>%u seq %u ack %u len %u; ", what, f->host, f->port, f->near_port, s->seq, s->ack, s->len);
	put(pkt, segment_build(pkt, s));
}

/* Somebody; who has not come yet comes now, or one who has been here comes back. */
static struct far *somebody(void)
{
	struct far *f = &fars[dice(FARS)];

	if (f->host && dice(4))
		return f;
	if (!f->host || dice(3))
		*f = (struct far){ .host = 2 + dice(200), .port = 20000 + dice(20000), .near_port = FIRST_PORT + dice(SERVERS) };
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

static void listens(void)
{
	unsigned int i = dice(SERVERS);
	union address at = address_parse("0.0.0.0", FIRST_PORT + i, false);
	int fd = servers[i];

	if (fd && dice(4)) {
		told("listen again %u; ", FIRST_PORT + i);
		listen(fd, dice(4));
		return;
	}
	if (fd)
		close(fd);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (i == 3)
		set(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 1 + dice(3));
	if (i == 4)
		set(fd, IPPROTO_TCP, TCP_FASTOPEN, 1 + dice(4));
	if (bind(fd, &at.sa, address_len(&at)) || listen(fd, i == 2 ? 100 : dice(4))) {
		close(fd);
		fd = 0;
	}
	told("listen %u: fd %d; ", FIRST_PORT + i, fd);
	servers[i] = fd;
}

static void accepts(void)
{
	unsigned int i = dice(SERVERS);
	int fd = servers[i] ? accept4(servers[i], NULL, NULL, SOCK_NONBLOCK) : -1;

	if (fd < 0)
		return;
	told("accept %u: fd %d; ", FIRST_PORT + i, fd);
	*place() = fd;
}

static void connects(void)
{
	union address to = address_parse("10.77.0.2", 7000 + dice(1000), false);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), *at = place();

	address_add(&to, dice(200));
	set(fd, IPPROTO_TCP, TCP_SYNCNT, 1 + dice(2));
	if (!dice(4))
		set(fd, IPPROTO_TCP, 30 /* TCP_FASTOPEN_CONNECT */, 1);
	told("connect %d: %d; ", fd, connect(fd, &to.sa, address_len(&to)));
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
	union address to = address_parse("10.77.0.2", 7000 + dice(1000), false);
	int fd = *one_held();

	if (dice(2))
		to.sa.sa_family = AF_UNSPEC;
	if (fd > 0)
		told("connect again %d: %d; ", fd, connect(fd, &to.sa, address_len(&to)));
}

static void sysctl(const char *name, unsigned int value)
{
	char path[64], text[16];
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/%s", name);
	snprintf(text, sizeof(text), "%u\n", value);
	told("sysctl %s %u; ", name, value);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die("%s", path);
	close(fd);
}

static void cookies(void) { sysctl("tcp_syncookies", dice(3)); }
static void aborts(void)  { sysctl("tcp_abort_on_overflow", dice(2)); }

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
	{ "rstack", rstack, 2 },  { "icmp", icmp, 3 },	     { "answer", answer, 10 },	    { "listen", listens, 1 },
	{ "accept", accepts, 9 }, { "connect", connects, 8 },{ "write", writes, 5 },	    { "read", reads, 4 },
	{ "close", closes, 6 },	  { "shutdown", shuts, 2 },  { "reconnect", reconnects, 2 },{ "cookies", cookies, 1 },
	{ "abort", aborts, 1 },	  { "wait", waits, 3 },
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
	sysctl("tcp_fastopen", 3);
	for (unsigned int i = 0; i < 4 * SERVERS; i++)
		listens();
	while (steps--)
		step();
	all_closed();
	read_all();
	report();
	return 0;
}
