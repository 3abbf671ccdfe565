// SPDX-License-Identifier: GPL-2.0-only
/*
 * peer - a TCP peer that misbehaves on purpose
 *
 * It makes a TUN device in the current network namespace, gives the machine
 * 10.77.0.1/16 and fd77::1/64 there, and is every other address of these
 * networks itself: each packet of the far end is written by a script, so no
 * firewall rule and no luck with timing is needed. Connection N comes from
 * 10.77.1.N (fd77::100 + N), port --sport. See --help for the script's words.
 */
#define _GNU_SOURCE
#include "net.h"
#include "segment.h"

#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sys/stat.h>

enum kind { SYNACK, ACK, DATA, FIN, RST, KINDS };
static const char *const kind_names[KINDS] = { "synack", "ack", "data", "fin", "rst" };

#define CONNS		60000
#define HOST_BASE	256	/* the far end starts at 10.77.1.0 */

struct conn {
	uint16_t port;
	bool used;
	bool polite;			/* answers by itself: "auto" */
	bool fin_sent;
	uint8_t cookie_len;
	uint8_t cookie[16];
	uint32_t isn;
	uint32_t snd_nxt;
	uint32_t rcv_nxt;		/* 0 before the SYN-ACK */
	uint32_t peer_isn;
	uint32_t seen[KINDS];
	uint32_t taken[KINDS];		/* of those, by an expect */
	uint32_t fresh;			/* not expected, since we last sent */
	uint64_t syn_ns;		/* first SYN, 0 once acknowledged */
};

static struct {
	const char *dev;
	bool v6;
	int port, sport, from, count, delay_ms, for_ms, fd;
	bool fin, answer;
} opt = { .dev = "peer0", .port = 8080, .sport = 40000, .count = 1, .delay_ms = 300,
	  .for_ms = 1000 };

static struct {
	uint32_t syn, ack, data, fin, rst, icmp, expects, failed;
	uint32_t synack_repeat, tfo_acked;
	uint64_t bytes, half_open_min, half_open_max;
} total = { .half_open_min = UINT64_MAX };

static struct conn conns[CONNS + 1];
static const char *say_text;

static void report(void)
{
	uint32_t seen[KINDS] = {0}, with[KINDS] = {0}, used = 0;

	for (int i = 1; i <= CONNS; i++) {
		used += conns[i].used;
		for (int k = 0; k < KINDS; k++) {
			seen[k] += conns[i].seen[k];
			with[k] += !!conns[i].seen[k];
		}
	}
	if (total.half_open_min == UINT64_MAX)
		total.half_open_min = 0;
	dprintf(STDOUT_FILENO, "conns=%u syn_sent=%u ack_sent=%u data_sent=%u fin_sent=%u "
		"rst_sent=%u icmp_sent=%u synack=%u synack_conns=%u synack_repeat=%u "
		"tfo_acked=%u ack=%u data_bytes=%lu fin=%u rst=%u rst_conns=%u "
		"half_open_min_us=%lu half_open_max_us=%lu expects=%u failed=%u\n",
		used, total.syn, total.ack, total.data, total.fin, total.rst, total.icmp,
		seen[SYNACK], with[SYNACK], total.synack_repeat, total.tfo_acked, seen[ACK],
		(unsigned long)total.bytes, seen[FIN], seen[RST], with[RST],
		(unsigned long)total.half_open_min / 1000,
		(unsigned long)total.half_open_max / 1000, total.expects, total.failed);
}

/* ---- the device ---- */

static void device_ioctl(int fd, unsigned long request, struct ifreq *ifr, const char *what)
{
	if (ioctl(fd, request, ifr))
		die("%s: %s", opt.dev, what);
}

/* The kernel makes the local route of a new address in a work queue of its own. */
static void device_wait_address6(void)
{
	static const char route[] = "fd770000000000000000000000000001 80";
	char line[256];
	bool found = false;

	for (int i = 0; i < 25000 && !found; i++) {
		FILE *f = fopen("/proc/net/ipv6_route", "re");

		if (!f)
			die("/proc/net/ipv6_route");
		while (!found && fgets(line, sizeof(line), f))
			found = !strncmp(line, route, sizeof(route) - 1);
		fclose(f);
		if (!found)
			sleep_us(200);
	}
	errno = ETIMEDOUT;
	if (!found)
		die("fd77::1 never became local");
}

static void device_configure(struct ifreq *ifr)
{
	struct sockaddr_in *sin = (struct sockaddr_in *)&ifr->ifr_addr;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int err;

	if (fd < 0)
		die("socket");
	ifr->ifr_qlen = 10000;		/* room for the answers to a flood */
	device_ioctl(fd, SIOCSIFTXQLEN, ifr, "queue length");
	*sin = (struct sockaddr_in){ AF_INET, 0, { htonl(MACHINE4) }, {0} };
	device_ioctl(fd, SIOCSIFADDR, ifr, "address");
	sin->sin_addr.s_addr = htonl(0xffff0000);
	device_ioctl(fd, SIOCSIFNETMASK, ifr, "netmask");
	device_ioctl(fd, SIOCGIFFLAGS, ifr, "flags");
	ifr->ifr_flags |= IFF_UP;
	device_ioctl(fd, SIOCSIFFLAGS, ifr, "up");
	close(fd);
	err = add_address6(opt.dev, address6(1));
	if (err && opt.v6) {
		errno = -err;
		die("%s: fd77::1", opt.dev);
	}
	if (opt.v6)
		device_wait_address6();
}

static void device_open(void)
{
	struct ifreq ifr = { .ifr_flags = IFF_TUN | IFF_NO_PI };

	opt.fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (opt.fd < 0)
		die("/dev/net/tun (is the module tun loaded?)");
	snprintf(ifr.ifr_name, IFNAMSIZ, "%s", opt.dev);
	if (ioctl(opt.fd, TUNSETIFF, &ifr))
		die("make TUN device %s", opt.dev);
	device_configure(&ifr);
}

/* ---- one connection ---- */

static void read_all(void);

static void put(const uint8_t *pkt, size_t len)
{
	if (write(opt.fd, pkt, len) != (ssize_t)len)
		die("write to %s", opt.dev);
	read_all();
}

static struct segment segment_of(const struct conn *c, uint8_t flags, uint32_t seq)
{
	return (struct segment){
		.v6 = opt.v6, .host = HOST_BASE + opt.from + (c - conns), .port = c->port,
		.server_port = opt.port, .seq = seq, .flags = flags,
		.ack = flags & TH_ACK ? c->rcv_nxt : 0,
	};
}

static void transmit(const struct segment *s)
{
	uint8_t pkt[SEGMENT_MAX];

	put(pkt, segment_build(pkt, s));
}

static void note_half_open(struct conn *c)
{
	uint64_t ns = now_ns() - c->syn_ns;

	c->syn_ns = 0;
	if (ns < total.half_open_min)
		total.half_open_min = ns;
	if (ns > total.half_open_max)
		total.half_open_max = ns;
}

static bool send_ack(struct conn *c, long unused)
{
	struct segment s = segment_of(c, TH_ACK, c->snd_nxt);

	(void)unused;
	if (c->syn_ns && c->rcv_nxt)
		note_half_open(c);
	total.ack++;
	transmit(&s);
	return true;
}

static bool send_fin(struct conn *c, long unused)
{
	struct segment s = segment_of(c, TH_FIN | TH_ACK, c->snd_nxt);

	(void)unused;
	c->fin_sent = true;
	c->snd_nxt++;
	total.fin++;
	transmit(&s);
	return true;
}

/* What a well-behaved peer does with a segment. */
static void answer(struct conn *c, const struct segment *s)
{
	if (s->flags & TH_RST)
		return;
	if (s->flags & TH_FIN && !c->fin_sent)
		send_fin(c, 0);
	else if (s->flags & (TH_SYN | TH_FIN) || s->len)
		send_ack(c, 0);
}

static void take_synack(struct conn *c, const struct segment *s)
{
	uint8_t len = segment_cookie(s, c->cookie);

	if (len)
		c->cookie_len = len;
	if (c->rcv_nxt) {
		total.synack_repeat++;
		return;
	}
	total.tfo_acked += s->ack - c->isn > 1;
	c->snd_nxt = s->ack;
	c->peer_isn = s->seq;
	c->rcv_nxt = s->seq + 1;
}

static void input(const struct segment *s)
{
	int id = s->host - HOST_BASE - opt.from;
	struct conn *c = &conns[id > 0 && id <= CONNS ? id : 0];
	enum kind kind = ACK;

	if (!c->used || s->port != c->port || s->server_port != opt.port)
		return;
	if (s->flags & TH_RST) {
		kind = RST;
	} else if (s->flags & TH_SYN) {
		kind = SYNACK;
		take_synack(c, s);
	} else if (s->len || s->flags & TH_FIN) {
		kind = s->flags & TH_FIN ? FIN : DATA;
		if (s->seq == c->rcv_nxt) {
			c->rcv_nxt += s->len + !!(s->flags & TH_FIN);
			total.bytes += s->len;
		}
		c->seen[DATA] += kind == FIN && s->len;
	}
	c->seen[kind]++;
	c->fresh++;
	if (c->polite)
		answer(c, s);
}

/* An answer may bring the next segment at once: that one is read in turn here, not by the answer. */
static void read_all(void)
{
	static bool reading;
	uint8_t pkt[SEGMENT_MAX];
	struct segment s;
	ssize_t n;

	if (reading)
		return;
	reading = true;
	while ((n = read(opt.fd, pkt, sizeof(pkt))) > 0) {
		if (segment_parse(pkt, n, &s) && s.v6 == opt.v6)
			input(&s);
	}
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		die("read from %s", opt.dev);
	reading = false;
}

/* Handle packets until something comes, or for @ms; false when time is up. */
static bool handle_packets(uint64_t until)
{
	struct pollfd p = { opt.fd, POLLIN, 0 };
	uint64_t now = now_ns();

	if (now >= until)
		return false;
	poll(&p, 1, (until - now + 999999) / 1000000);
	read_all();
	return true;
}

/* ---- the script's words ---- */

static bool say_failed(const struct conn *c, const char *what)
{
	complain(NULL, "connection %ld: %s (seen: synack=%u ack=%u data=%u fin=%u rst=%u)",
		 (long)(c - conns), what, c->seen[SYNACK], c->seen[ACK], c->seen[DATA],
		 c->seen[FIN], c->seen[RST]);
	total.failed++;
	return false;
}

static bool expect(struct conn *c, enum kind kind, long ms)
{
	uint64_t until = now_ns() + ms * 1000000ull;
	char what[64];

	total.expects++;
	read_all();
	while (c->seen[kind] == c->taken[kind]) {
		if (!handle_packets(until)) {
			snprintf(what, sizeof(what), "no %s in %ld ms", kind_names[kind], ms);
			return say_failed(c, what);
		}
	}
	c->taken[kind]++;
	c->fresh -= !!c->fresh;
	return true;
}

static bool expect_synack(struct conn *c, long ms) { return expect(c, SYNACK, ms); }
static bool expect_ack(struct conn *c, long ms) { return expect(c, ACK, ms); }
static bool expect_data(struct conn *c, long ms) { return expect(c, DATA, ms); }
static bool expect_fin(struct conn *c, long ms) { return expect(c, FIN, ms); }
static bool expect_rst(struct conn *c, long ms) { return expect(c, RST, ms); }

static bool expect_none(struct conn *c, long ms)
{
	uint64_t until = now_ns() + ms * 1000000ull;

	total.expects++;
	while (!c->fresh && handle_packets(until))
		;
	return c->fresh ? say_failed(c, "a segment where none was expected") : true;
}

static void start(struct conn *c)
{
	if (c->used)
		return;
	c->used = true;
	c->port = opt.sport;
	c->isn = now_ns() >> 10;	/* grows, as TIME_WAIT wants it */
	c->snd_nxt = c->isn + 1;
	c->syn_ns = now_ns();
}

static void syn(struct conn *c, bool fastopen, int len)
{
	struct segment s;

	start(c);
	s = segment_of(c, TH_SYN, c->isn);
	segment_syn_options(&s, fastopen, c->cookie, c->cookie_len);
	s.len = len;
	c->snd_nxt = c->isn + 1 + len;
	total.syn++;
	total.data += !!len;
	transmit(&s);
}

static bool send_syn(struct conn *c, long unused)
{
	(void)unused;
	syn(c, false, 0);
	return true;
}

/* With the cookie of an earlier "syn-ask", without one if there was none. */
static bool send_syn_data(struct conn *c, long len)
{
	syn(c, c->cookie_len, len);
	return true;
}

static bool send_syn_ask(struct conn *c, long unused)
{
	(void)unused;
	c->cookie_len = 0;
	syn(c, true, 0);
	return true;
}

static bool send_bad_ack(struct conn *c, long unused)
{
	struct segment s;

	(void)unused;
	start(c);
	s = segment_of(c, TH_ACK, c->snd_nxt);
	s.ack = c->rcv_nxt + 0x10000001;
	total.ack++;
	transmit(&s);
	return true;
}

static bool send_data(struct conn *c, long len)
{
	struct segment s = segment_of(c, TH_ACK | TH_PUSH, c->snd_nxt);

	s.len = len;
	c->snd_nxt += len;
	total.data++;
	transmit(&s);
	return true;
}

/* The last data once more. */
static bool send_data_again(struct conn *c, long len)
{
	c->snd_nxt -= len;
	return send_data(c, len);
}

static bool send_rst(struct conn *c, long unused)
{
	struct segment s = segment_of(c, c->rcv_nxt ? TH_RST | TH_ACK : TH_RST, c->snd_nxt);

	(void)unused;
	total.rst++;
	transmit(&s);
	return true;
}

static size_t icmp_of(const struct conn *c, long off, uint8_t *pkt)
{
	struct segment s = segment_of(c, 0, 0);

	s.ack = c->peer_isn + off;
	total.icmp++;
	return unreachable_build(pkt, &s);
}

static bool send_icmp(struct conn *c, long off)
{
	uint8_t pkt[SEGMENT_MAX];

	put(pkt, icmp_of(c, off, pkt));
	return true;
}

/* A raw socket's own header has the far end's address, but the packet goes over lo. */
static bool send_icmp_lo(struct conn *c, long off)
{
	struct sockaddr_in6 to6 = { .sin6_family = AF_INET6, .sin6_addr = address6(1) };
	struct sockaddr_in to4 = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(MACHINE4) };
	const struct sockaddr *to = opt.v6 ? (const void *)&to6 : (const void *)&to4;
	int fd = socket(to->sa_family, SOCK_RAW, IPPROTO_RAW);
	uint8_t pkt[SEGMENT_MAX];
	size_t len = icmp_of(c, off, pkt);

	if (fd < 0 || sendto(fd, pkt, len, 0, to, opt.v6 ? sizeof(to6) : sizeof(to4)) != (ssize_t)len)
		die("ICMP over lo");
	close(fd);
	return true;
}

/* The same address, the next port: a new connection, the cookie kept. */
static bool forget(struct conn *c, long unused)
{
	struct conn fresh = { .port = c->port, .cookie_len = c->cookie_len };

	(void)unused;
	memcpy(fresh.cookie, c->cookie, sizeof(fresh.cookie));
	*c = fresh;
	start(c);
	c->port = fresh.port + 1;
	return true;
}

static bool be_polite(struct conn *c, long unused)
{
	(void)unused;
	c->polite = true;
	return true;
}

static bool sleep_ms(struct conn *none, long ms)
{
	uint64_t until = now_ns() + ms * 1000000ull;

	(void)none;
	while (handle_packets(until))
		;
	return true;
}

/* Until no packet came for @ms. */
static bool settle(struct conn *none, long ms)
{
	struct pollfd p = { opt.fd, POLLIN, 0 };

	(void)none;
	while (poll(&p, 1, ms) > 0)
		read_all();
	return true;
}

/* One line of standard input, packets being handled meanwhile; false at its end. */
static bool read_line(char *line, size_t size)
{
	struct pollfd p[] = { { STDIN_FILENO, POLLIN, 0 }, { opt.fd, POLLIN, 0 } };
	size_t n = 0;
	char c;

	while (poll(p, 2, -1) >= 0 || errno == EINTR) {
		read_all();
		if (!p[0].revents)
			continue;
		if (read(STDIN_FILENO, &c, 1) != 1)
			break;
		if (c == '\n') {
			line[n] = 0;
			return true;
		}
		if (n + 1 < size)
			line[n++] = c;
	}
	line[n] = 0;
	return n;
}

static bool wait_line(struct conn *none, long unused)
{
	char line[256];

	(void)none, (void)unused;
	read_line(line, sizeof(line));
	return true;
}

static bool say(struct conn *none, long unused)
{
	(void)none, (void)unused;
	dprintf(STDOUT_FILENO, "%s\n", say_text);
	return true;
}

static const struct command {
	const char *name;
	enum { SENDS = 1, PER_CONN, GLOBAL } scope;
	bool (*run)(struct conn *c, long arg);
	long arg;
	const char *help;
} commands[] = {
	{ "syn",	   SENDS, send_syn, 0, "IDS        SYN; again: the same one repeated" },
	{ "syn-data",	   SENDS, send_syn_data, 5, "IDS [N]    Fast Open: SYN with N bytes (and cookie)" },
	{ "syn-ask",	   SENDS, send_syn_ask, 0, "IDS        Fast Open: SYN that asks for a cookie" },
	{ "ack",	   SENDS, send_ack, 0, "IDS        ACK of all that came" },
	{ "bad-ack",	   SENDS, send_bad_ack, 0, "IDS        ACK with a number nobody sent" },
	{ "data",	   SENDS, send_data, 5, "IDS [N]    N bytes" },
	{ "data-again",	   SENDS, send_data_again, 5, "IDS [N]    the last N bytes repeated" },
	{ "fin",	   SENDS, send_fin, 0, "IDS        FIN" },
	{ "rst",	   SENDS, send_rst, 0, "IDS        RST" },
	{ "icmp",	   SENDS, send_icmp, 0, "IDS [N]    ICMP unreachable about the SYN-ACK, or about a number N away from it" },
	{ "icmp-lo",	   SENDS, send_icmp_lo, 0, "IDS [N]    the same, by another device" },
	{ "new",	   SENDS, forget, 0, "IDS        start over from the next port" },
	{ "auto",	   PER_CONN, be_polite, 0, "IDS        from now answer SYN-ACK, data, FIN" },
	{ "expect-synack", PER_CONN, expect_synack, 5000, "IDS [MS]   a SYN-ACK not expected before" },
	{ "expect-ack",	   PER_CONN, expect_ack, 5000, "IDS [MS]" },
	{ "expect-data",   PER_CONN, expect_data, 5000, "IDS [MS]" },
	{ "expect-fin",	   PER_CONN, expect_fin, 5000, "IDS [MS]" },
	{ "expect-rst",	   PER_CONN, expect_rst, 5000, "IDS [MS]" },
	{ "expect-none",   PER_CONN, expect_none, 200, "IDS [MS]   no answer to what was last sent" },
	{ "sleep-ms",	   GLOBAL, sleep_ms, 0, "MS         take packets for so long" },
	{ "settle",	   GLOBAL, settle, 200, "[MS]       until nothing came for so long" },
	{ "wait-line",	   GLOBAL, wait_line, 0, "           a line (or the end) of standard input" },
	{ "say",	   GLOBAL, say, 0, "TEXT       print a line" },
};

#define COMMANDS (int)(sizeof(commands) / sizeof(commands[0]))

static const struct command *command_find(const char *name)
{
	for (int i = 0; i < COMMANDS; i++) {
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	}
	wrong_usage("script: no word '%s'", name);
}

static bool run_on_conns(const struct command *cmd, const char *ids, const char *arg)
{
	char first[16];
	const char *dash = ids ? strchr(ids, '-') : NULL;
	long n = arg ? number(cmd->name, arg, 0, 1000000) : cmd->arg;
	long from, to;

	if (!ids)
		wrong_usage("script: %s which connection?", cmd->name);
	snprintf(first, sizeof(first), "%.*s", dash ? (int)(dash - ids) : 15, ids);
	from = number("connection", first, 1, CONNS - opt.from);
	to = dash ? number("connection", dash + 1, from, CONNS - opt.from) : from;
	for (; from <= to; from++) {
		if (cmd->scope == SENDS)
			conns[from].fresh = 0;
		if (!cmd->run(&conns[from], n))
			return false;
	}
	return true;
}

static bool run_line(const char *text)
{
	char line[512], *words[3] = {0}, *save = NULL, *p = line;
	const struct command *cmd;

	text += strspn(text, " \t\n");
	if (!*text || *text == '#')
		return true;
	snprintf(line, sizeof(line), "%s", text);
	for (int i = 0; i < 3; i++, p = NULL)
		words[i] = i && !words[i - 1] ? NULL : strtok_r(p, " \t\n", &save);
	cmd = command_find(words[0]);
	if (cmd->scope != GLOBAL)
		return run_on_conns(cmd, words[1], words[2]);
	say_text = text + strlen(words[0]) + !!words[1];
	return cmd->run(NULL, cmd->run != say && words[1] ?
			number(cmd->name, words[1], 0, 1000000) : cmd->arg);
}

/* Words apart by ';' or newline. */
static bool run_script(const char *script)
{
	char line[512];

	while (*script) {
		size_t len = strcspn(script, ";\n");

		if (len >= sizeof(line))
			wrong_usage("script: a line of %zu characters", len);
		snprintf(line, len + 1, "%s", script);
		if (!run_line(line)) {
			complain(NULL, "failed at '%s'", line);
			return false;
		}
		script += len + !!script[len];
	}
	return true;
}

/* Each line is done when "ok" comes back. */
static bool run_stdin(void)
{
	char line[512];

	while (read_line(line, sizeof(line))) {
		bool ok = run_script(line);

		dprintf(STDOUT_FILENO, "%s %s\n", ok ? "ok" : "failed", line);
		if (!ok)
			return false;
	}
	return true;
}

/* ---- presets ---- */

static bool late_ack(void)
{
	char s[512];
	int n = opt.count;

	snprintf(s, sizeof(s), "syn 1-%d;expect-synack 1-%d;say half-open;sleep-ms %d;"
		 "ack 1-%d;auto 1-%d;%s 1-%d%s", n, n, opt.delay_ms, n, n,
		 opt.fin ? "fin" : "expect-fin", n, opt.fin ? ";settle" : "");
	return run_script(s);
}

static bool no_ack(void)
{
	char s[128];

	snprintf(s, sizeof(s), "syn 1-%d;sleep-ms %d", opt.count, opt.for_ms);
	return run_script(s);
}

static bool flood(void)
{
	char s[128] = "";

	if (opt.answer)
		snprintf(s, sizeof(s), "auto 1-%d;", opt.count);
	snprintf(s + strlen(s), sizeof(s) - strlen(s), "syn 1-%d;settle %d", opt.count,
		 opt.for_ms);
	return run_script(s);
}

static bool script(char **lines)
{
	bool ok = true;

	if (!*lines)
		wrong_usage("script: no lines; '-' reads them from standard input");
	for (; *lines && ok; lines++)
		ok = strcmp(*lines, "-") ? run_script(*lines) : run_stdin();
	return ok;
}

static void help(void)
{
	printf("usage: peer [OPTIONS] late-ack|no-ack|flood|script LINE... (- reads lines from stdin)\n"
	       "  -6               IPv6: server at [fd77::1], not 10.77.0.1\n"
	       "  --port N         the server's port (8080)     --sport N  our port (40000)\n"
	       "  --from N         connection 1 comes from 10.77.1.0 + N + 1 (0)\n"
	       "  --dev NAME       the TUN device (peer0)       --timeout S  (30)\n"
	       "  --count N        connections of late-ack, no-ack, flood (1)\n"
	       "  --delay-ms N     late-ack: between SYN-ACK and ACK (300)   --fin  close first\n"
	       "  --for-ms N       no-ack: how long; flood: end after such a silence (1000)\n"
	       "  --cookie-ack     flood: answer every SYN-ACK\n"
	       "script, apart by ';' or newline; IDS is N or N-M:\n");
	for (int i = 0; i < COMMANDS; i++)
		printf("  %-14s %s\n", commands[i].name, commands[i].help);
	exit(0);
}

static const struct option options[] = {
	{ "port", 1, 0, 'p' },	   { "sport", 1, 0, 's' },  { "from", 1, 0, 'f' },
	{ "dev", 1, 0, 'd' },	   { "count", 1, 0, 'n' },  { "delay-ms", 1, 0, 'D' },
	{ "for-ms", 1, 0, 'F' },   { "fin", 0, 0, 'i' },    { "cookie-ack", 0, 0, 'a' },
	{ "timeout", 1, 0, 't' },  { "help", 0, 0, 'h' },   { 0 },
};

static void parse(int argc, char **argv)
{
	int c, timeout = 30;

	while ((c = getopt_long(argc, argv, "6h", options, NULL)) != -1) {
		switch (c) {
		case '6': opt.v6 = true; break;
		case 'p': opt.port = number("--port", optarg, 1, 65535); break;
		case 's': opt.sport = number("--sport", optarg, 1, 65000); break;
		case 'f': opt.from = number("--from", optarg, 0, CONNS - 1); break;
		case 'd': opt.dev = optarg; break;
		case 'n': opt.count = number("--count", optarg, 1, CONNS); break;
		case 'D': opt.delay_ms = number("--delay-ms", optarg, 0, 60000); break;
		case 'F': opt.for_ms = number("--for-ms", optarg, 0, 600000); break;
		case 'i': opt.fin = true; break;
		case 'a': opt.answer = true; break;
		case 't': timeout = number("--timeout", optarg, 1, 3600); break;
		case 'h': help(); break;
		default: _exit(EXIT_USAGE);
		}
	}
	limit_time(timeout);
}

int main(int argc, char **argv)
{
	const char *what;
	bool ok;

	parse(argc, argv);
	what = optind < argc ? argv[optind] : "";
	bring_lo_up();
	device_open();
	say_ready();
	if (!strcmp(what, "late-ack"))
		ok = late_ack();
	else if (!strcmp(what, "no-ack"))
		ok = no_ack();
	else if (!strcmp(what, "flood"))
		ok = flood();
	else if (!strcmp(what, "script"))
		ok = script(argv + optind + 1);
	else
		wrong_usage("what? late-ack, no-ack, flood or script (see --help)");
	report();
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
