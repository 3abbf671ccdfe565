// SPDX-License-Identifier: GPL-2.0-only
/* Where the errno of a connect() came from: what is said of it and what to do. */
#include <errno.h>
#include <string.h>

#include "../lib/put.h"
#include "../lib/tr.h"
#include "connects.h"
#include "diagnosis.h"
#include "figure.h"
#include "finding_why.h"

struct target target_of(const struct connects *row, const struct failure *e)
{
	size_t i = (size_t)(e - row->failures.of);

	return (struct target) {
		.netns = row->netns, .rport = row->rport, .family = row->family, .hosts = row->to[i].hosts,
		.raddr = row->to[i].raddr, .first_ns = e->first_ns,
	};
}

/* __inet_check_established(): what has these four numbers has them still. */
static void say_bound(struct diagnosis *d, const struct connects *row)
{
	say_number(d, "bound", row->bound);
	say(d, FINDING_CAUSE, ": it had bound its end to port {bound}, from which there is a connection to there already, maybe in "
	    "TIME_WAIT");
	say(d, FINDING_ADVICE, "Let connect() choose the port (no bind(), or one to port 0). ss -tan shows what has port {bound}.");
}

/* That came about. Where calls that work are not seen it is not known: 0. */
static uint64_t connections(const struct connects *row)
{
	uint64_t failed = failures_all(&row->failures) + row->untold.count;

	return row->calls > failed ? row->calls - failed : 0;
}

static bool has_range(const struct diagnosis *d, uint64_t *first, uint64_t *last)
{
	return machine_has(d, MACHINE_PORT_FIRST, first) && machine_has(d, MACHINE_PORT_LAST, last) && *last >= *first;
}

/* Did as many connections come about as there are ports? */
static bool used_all_ports(const struct diagnosis *d, const struct connects *row)
{
	uint64_t first, last;

	return has_range(d, &first, &last) && connections(row) > last - first;
}

static void say_ports_used(struct diagnosis *d, const struct connects *row, uint64_t ports)
{
	say_number(d, "ports", ports);
	say_number(d, "begun", connections(row));
	say(d, FINDING_CAUSE, ": no local port was left for it, which had begun {begun:connection}: net.ipv4.ip_local_port_range (now "
	    "{port_first} to {port_last}) has {ports:port} to each destination");
	say(d, FINDING_ADVICE, "Keep connections open and use them again (keep-alive, a pool): each that {who} closes first holds "
	    "its port in TIME_WAIT for a minute, or until net.ipv4.tcp_tw_reuse gives it away again. Widen the range: sysctl -w net.ipv4.ip_local_port_range=\"1024 65535\".");
}

/* The range is as it is now: it may have been changed since. What else takes ports away is not seen. */
static void say_no_ports(struct diagnosis *d, const struct connects *row)
{
	uint64_t first, last;
	bool known = has_range(d, &first, &last);

	if (known) {
		say_number(d, "port_first", first);
		say_number(d, "port_last", last);
	}
	if (used_all_ports(d, row)) {
		say_ports_used(d, row, last - first + 1);
		return;
	}
	say(d, FINDING_CAUSE, ": no local port was left for it, of net.ipv4.ip_local_port_range");
	if (known)
		say(d, FINDING_CAUSE, " (now {port_first} to {port_last})");
	say(d, FINDING_CAUSE, " without ip_local_reserved_ports, or of the socket's own IP_LOCAL_PORT_RANGE");
	say(d, FINDING_ADVICE, "ss -tan shows which ports are taken, for a minute in TIME_WAIT, too: keep connections open and use them "
	    "again (keep-alive, a pool). sysctl net.ipv4.ip_local_port_range net.ipv4.ip_local_reserved_ports shows what this machine "
	    "allows, sysctl -w net.ipv4.ip_local_port_range=\"1024 65535\" widens it.");
}

/* What was refused was not for it, maybe: it has a device of its own, or IPV6_V6ONLY. */
static bool may_leave(const struct listener *l, const struct target *to)
{
	return l->device > 1 || (to->family == 4 && !addr_is_mapped(l->laddr));
}

const struct listener *target_listener(const struct diagnosis *d, const struct target *to)
{
	const struct listener *l;

	for (uint32_t i = 0; !to->hosts && (l = model_listener(d->m, i)); i++) {
		if (l->open && l->lport == to->rport && l->netns == to->netns && listener_since(l) <= to->first_ns &&
		    (l->family == 6 || to->family == 4) &&
		    (addr_is_any(l->laddr) ? addr_is_loopback(to->raddr) : !memcmp(l->laddr, to->raddr, sizeof(l->laddr))))
			return l;
	}
	return NULL;
}

/* Without a trace of these SYNs. */
static bool is_deaf(const struct diagnosis *d, const struct listener *l)
{
	return !is_heard(l) && figure_known(d->m, l, FIGURE_REFUSED) == KNOWN_EXACTLY;
}

/*
 * tcp_v4_rcv(), tcp_inbound_hash(), tcp_filter() drop for a listener what its socket options do not want. One whose SYN-ACK
 * nothing lets out got the SYN all the same: reqsk_timer_handler() drops that request as it fails to send another.
 */
bool say_dropped(struct diagnosis *d, const struct listener *l)
{
	if (is_heard(l)) {
		say(d, FINDING_CAUSE, ", though a listener is there, on this machine, which got SYNs whose third packet did not come");
		say(d, FINDING_ADVICE, "Something drops its SYN-ACKs, on their way out or back, or some of the SYNs before it sees them: look "
		    "at nft list ruleset.");
		return true;
	}
	if (!is_deaf(d, l))
		return false;
	say(d, FINDING_CAUSE, ", though a listener is there, on this machine, and refused nobody");
	say(d, FINDING_ADVICE, "Something drops the segments before the listener sees them: look at nft list ruleset. Or its own socket "
	    "options do (TCP_MD5SIG, TCP-AO, IP_MINTTL, a filter): nstat shows TCPMD5NotFound, TCPMinTTLDrop.");
	return true;
}

/* A listener of this machine is there all the same. */
static bool say_in_between(struct diagnosis *d, const struct connects *row, const struct failure *e)
{
	struct target to = target_of(row, e);
	bool by_icmp = e->err != ECONNREFUSED && is_errno_of_net(e->err) && came_of(d, row, e) != CAME_NO_SYN;
	const struct listener *l = e->err == ETIMEDOUT || e->err == ECONNREFUSED || by_icmp ? target_listener(d, &to) : NULL;

	if (!l)
		return false;
	if (e->err == ECONNREFUSED && may_leave(l, &to)) {
		say(d, FINDING_CAUSE, ": refused; a listener is there, on this machine, but maybe not for these (SO_BINDTODEVICE, "
		    "IPV6_V6ONLY)");
		say(d, FINDING_ADVICE, "ss -ltne shows its device and v6only. If it has neither, something refuses in its name: look at "
		    "nft list ruleset.");
		return true;
	}
	if (e->err == ECONNREFUSED) {
		say(d, FINDING_CAUSE, ": refused, though a listener is there, on this machine");
		say(d, FINDING_ADVICE, "Something refuses in its name before it sees the SYNs: look at nft list ruleset.");
		return true;
	}
	if (by_icmp) {
		say(d, FINDING_CAUSE, ": rejected, though a listener is there, on this machine");
		say(d, FINDING_ADVICE, "A firewall or a route of this machine rejects what leads there: look at nft list ruleset and ip route get.");
		return true;
	}
	if (!is_heard(l) && !is_deaf(d, l))
		return false;
	say(d, FINDING_CAUSE, ": no answer to any SYN");
	return say_dropped(d, l);
}

/* IPv6 finds no address of its own to connect from where it is switched off. */
static bool say_no_ipv6(struct diagnosis *d, const struct connects *row)
{
	uint64_t off;

	if (row->family != 6 || !machine_has(d, MACHINE_IPV6_OFF, &off) || !off)
		return false;
	say(d, FINDING_CAUSE, ": IPv6 is switched off (net.ipv6.conf.all.disable_ipv6)");
	say(d, FINDING_ADVICE, "Let {who} connect by IPv4, or switch IPv6 on: sysctl -w net.ipv6.conf.all.disable_ipv6=0.");
	return true;
}

/* IPv6 needs an address that leads there (ipv6_dev_get_saddr()), and lo may have none; IPv4 always finds one. */
static void say_no_source(struct diagnosis *d)
{
	say(d, FINDING_CAUSE, ": this machine has no IPv6 address that leads there, or no local port was left");
	say(d, FINDING_ADVICE, "ip -6 address shows whether the interface has one (net.ipv6.conf.*.disable_ipv6), ss -tan which ports "
	    "are in use.");
}

static void say_no_address(struct diagnosis *d, const struct connects *row)
{
	if (say_no_ipv6(d, row))
		return;
	if (row->bound && !row->unbound)
		say_bound(d, row);
	else if (row->family == 6 && !used_all_ports(d, row))
		say_no_source(d);
	else
		say_no_ports(d, row);
}

/* A SYN that left and an errno without a RST: tcp_v4_err(). No SYN: connect() itself failed, before tcp_connect(). */
enum came came_of(const struct diagnosis *d, const struct connects *row, const struct failure *e)
{
	size_t i = (size_t)(e - row->failures.of);

	if (row->to[i].by_rst)
		return row->to[i].by_rst == e->count ? CAME_RST : CAME_UNKNOWN;
	if (model_totals(d->m)->lost_total)
		return CAME_UNKNOWN;
	if (row->to[i].unsent == e->count && model_seen(d->m, TCPTRACE_STATE) == TCPTRACE_SEEN_EXACTLY)
		return CAME_NO_SYN;
	if (row->to[i].sent == e->count &&
	    (e->err != ECONNREFUSED || model_seen(d->m, TCPTRACE_RST_RECEIVED) == TCPTRACE_SEEN_EXACTLY))
		return CAME_NO_RST;
	return CAME_UNKNOWN;
}

#define LOOK_AT_POLICY	N_("Look at nft list ruleset, at cgroup filters, at the LSM's log.")

/* The first that fits; came CAME_UNKNOWN: whatever it came from. */
static const struct reason { int32_t err; enum came came; const char *cause, *advice; } reasons[] = {
	{ ECONNREFUSED, CAME_RST, N_(": a RST came back, nobody listens there"),
	  N_("Start the server, or send {who} to its port. A firewall that rejects looks the same.") },
	{ ECONNREFUSED, CAME_NO_RST, N_(": no RST came back but an ICMP message, as of a firewall that rejects"),
	  N_("Look at nft list ruleset, here, there and on the way; a service without a server may be rejected so, too.") },
	{ ECONNREFUSED, CAME_NO_SYN, N_(": no SYN had left, a filter of this machine refuses it"), LOOK_AT_POLICY },
	{ ECONNREFUSED, CAME_UNKNOWN, N_(": a RST or an ICMP message came back: nobody listens there, or a firewall rejects"),
	  N_("Start the server, or send {who} to its port; or look at nft list ruleset, here and there.") },
	{ ETIMEDOUT, CAME_UNKNOWN, N_(": no answer to any SYN"),
	  N_("The host is down, a firewall drops, the route is wrong, or one of its queues is full: run tcptrace there.") },
	{ EHOSTUNREACH, CAME_NO_SYN, N_(": no SYN had left, a route of this machine rejects it"), N_("ip route get shows it.") },
	{ EHOSTUNREACH, CAME_UNKNOWN, N_(": the host does not answer, or a router or a firewall reports it unreachable"),
	  N_("Is the host up? ip neigh, ip route get and the firewalls on the way tell.") },
	{ ENETUNREACH, CAME_NO_SYN, N_(": there is no route"), N_("ip route get shows which route is missing.") },
	{ ENETUNREACH, CAME_NO_RST, N_(": its SYN had left, and a router or a firewall says that there is no route"),
	  N_("traceroute shows how far it gets; or look at nft list ruleset, here and on the way.") },
	{ ENETUNREACH, CAME_UNKNOWN, N_(": there is no route, or a router or a firewall reports that there is none"),
	  N_("ip route get shows whether this machine has a route, traceroute how far it gets.") },
	{ EACCES, CAME_NO_SYN, N_(": a filter, a route or a policy of this machine denies it"),
	  N_("Look at ip route get, at nft list ruleset, at cgroup filters, at the LSM's log.") },
	{ EACCES, CAME_UNKNOWN, N_(": a firewall, a route or a policy denies it"),
	  N_("Look at ip route get, at nft list ruleset, at cgroup filters, at the LSM's log.") },
	{ EPERM, CAME_UNKNOWN, N_(": a firewall or a policy denies it"), LOOK_AT_POLICY },
	{ EINVAL, CAME_UNKNOWN, N_(": its arguments are not valid, or a blackhole route leads there"),
	  N_("ip route get shows a blackhole route, if it is one. See EINVAL in connect(2).") },
	{ ENETDOWN, CAME_UNKNOWN, N_(": the interface is down"), N_("ip link shows it.") },
	{ ECONNRESET, CAME_NO_RST, N_(": no RST came, but a shutdown() or connect(AF_UNSPEC) of its own"),	/* tcp_disconnect() */
	  N_("What {who} logs, or strace -e trace=network with -f, shows which thread calls that.") },
	{ ECONNABORTED, CAME_NO_RST, N_(": no RST came, but ss -K or a program like it ended it"),		/* tcp_abort() */
	  N_("Ask what ends connections on this machine: ss -K, a firewall manager.") },
	{ 0, CAME_NO_RST, N_(": its SYN had left, and an ICMP message brought this error"),
	  N_("traceroute and the firewalls on the way tell who sends it.") },
	{ 0, CAME_UNKNOWN, NULL, N_("See {errno} in connect(2).") },
};

static const struct reason *reason_of(int32_t err, enum came came)
{
	const struct reason *r = reasons;

	while ((r->err && r->err != err) || (r->came != CAME_UNKNOWN && r->came != came))
		r++;
	return r;
}

void say_why(struct diagnosis *d, const struct connects *row, const struct failure *e)
{
	const struct reason *r = reason_of(e->err, came_of(d, row, e));

	if (e->err == EADDRNOTAVAIL) {
		say_no_address(d, row);
		return;
	}
	if (say_in_between(d, row, e))
		return;
	if (r->cause)
		say(d, FINDING_CAUSE, r->cause);
	say(d, FINDING_ADVICE, row->who.pid ? r->advice :		/* refused: connects_reset() */
	    N_("Start the server, or trace without -q and -x to see who wants it. A firewall that rejects looks the same."));
}
