// SPDX-License-Identifier: GPL-2.0-only
/* connect() that fails, and connections that nobody closes. */
#include <errno.h>
#include <string.h>

#include "../lib/put.h"
#include "../lib/tr.h"
#include "connects.h"
#include "diagnosis.h"
#include "figure.h"

/* ---- connect() ---- */

/* Where they wanted to go, and since when. */
struct target {
	uint32_t netns;
	uint16_t rport;
	uint8_t family;
	bool hosts;			/* and to other hosts */
	const uint8_t *raddr;
	uint64_t first_ns;
};

static struct target target_of_unanswered(const struct unanswered *u)
{
	return (struct target) {
		.netns = u->netns, .rport = u->rport, .family = addr_is_mapped(u->raddr) ? 4 : 6, .hosts = u->hosts,
		.raddr = u->raddr, .first_ns = u->first_ns,
	};
}

static struct target target_of(const struct connects *row, const struct failure *e)
{
	size_t i = (size_t)(e - row->failures.of);

	return (struct target) {
		.netns = row->netns, .rport = row->rport, .family = row->family, .hosts = row->to[i].hosts,
		.raddr = row->to[i].raddr, .first_ns = e->first_ns,
	};
}

static struct target target_of_untold(const struct connects *row)
{
	return (struct target) {
		.netns = row->netns, .rport = row->rport, .family = row->family, .hosts = row->untold.hosts,
		.raddr = row->untold.raddr, .first_ns = row->untold.first_ns,
	};
}

#define CONNECT_FEW	3	/* a try or two that fails is how programs find out */

/* Was it this machine that answered by a RST? Then that is reported as a port without listener. */
static bool is_unheard(const struct model *m, const struct target *to)
{
	for (uint32_t i = 0; i < CONNECTS; i++) {
		const struct unheard *u = model_unheard(m, i);

		if (u->used && u->lport == to->rport && !memcmp(u->laddr, to->raddr, sizeof(u->laddr)))
			return true;
	}
	return false;
}

/* At that address, where others may have been as well. */
static bool refused_at(const struct listener *l, const struct target *to)
{
	if (l->lport != to->rport || !l->refused.clients || (l->netns != to->netns && addr_is_loopback(to->raddr)))
		return false;
	return l->refused.laddrs || (!to->hosts && !memcmp(l->refused.laddr, to->raddr, sizeof(l->refused.laddr)));
}

/* Did a full queue of this machine, of another namespace maybe, let them wait? Then that is the cause, and reported. */
static bool is_refused(const struct model *m, const struct target *to)
{
	const struct listener *l;

	for (uint32_t i = 0; (l = model_listener(m, i)); i++)
		if (refused_at(l, to))
			return true;
	return false;
}

/* Programs try IPv6 first and go on to IPv4. */
static bool went_on(const struct diagnosis *d, const struct connects *row, const struct failure *e)
{
	for (uint32_t i = 0; i < CONNECTS; i++) {
		const struct connects *other = model_connects(d->m, i);

		if (other->used && other->family == 4 && other->rport == row->rport && other->netns == row->netns &&
		    !memcmp(other->comm, row->comm, sizeof(row->comm)))
			return other->calls >= e->count;
	}
	return false;
}

/* Where only calls that fail are seen nobody knows whether it did: no route to where IPv6 leads is how most machines are. */
static bool may_have_gone_on(const struct diagnosis *d, const struct connects *row, const struct failure *e)
{
	if (row->family != 6)
		return false;
	if (e->err != ECONNREFUSED && model_seen(d->m, TCPTRACE_CONNECT) == TCPTRACE_SEEN_NOT)
		return true;
	return went_on(d, row, e);
}

/* Or with those that may have failed alike, for all that is known. */
static bool is_often(const struct connects *row, uint64_t count)
{
	uint64_t all = count + row->untold.count;

	return count >= CONNECT_FEW || (all >= CONNECT_FEW && 2 * all >= row->calls);
}

static bool connect_told(const struct diagnosis *d, const struct connects *row, const struct failure *e)
{
	struct target to = target_of(row, e);

	switch (e->err) {
	case EADDRNOTAVAIL:
		return !may_have_gone_on(d, row, e);
	case ECONNREFUSED:
		return is_often(row, e->count) && !may_have_gone_on(d, row, e) && !is_unheard(d->m, &to);
	case ETIMEDOUT:
		return !is_refused(d->m, &to);
	case ENETUNREACH: case EHOSTUNREACH: case EAFNOSUPPORT: case EINVAL:
		return is_often(row, e->count) && !may_have_gone_on(d, row, e);
	default:
		return is_often(row, e->count);
	}
}

/*
 * Closed before an answer was seen, as most of what it tried: one or two that are, or the slower of two ways, are no trouble.
 * What a listener of this machine refused is told of that. Where calls are not seen nobody knows what it tried.
 */
static bool untold_told(const struct diagnosis *d, const struct connects *row)
{
	const struct failure none = { .count = row->untold.count };
	struct target to = target_of_untold(row);

	return model_seen(d->m, TCPTRACE_CONNECT) && is_often(row, 0) && (row->family != 6 || !went_on(d, row, &none)) &&
	       !is_refused(d->m, &to);
}

static uint64_t failed_for_ns(int32_t err)
{
	return err == ETIMEDOUT ? CLIENT_LOST_NS : 1000000000ull;
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
	say(d, FINDING_ADVICE, "Keep connections open and use them again (keep-alive, a pool): each that {who} closes holds "
	    "its port in TIME_WAIT for a minute. Widen the range: sysctl -w net.ipv4.ip_local_port_range=\"1024 65535\".");
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

/* Who listened on this machine, then as now, where they wanted to go. */
static const struct listener *listens(const struct diagnosis *d, const struct target *to)
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

/* tcp_v4_rcv(), tcp_inbound_hash(), tcp_filter() drop for a listener what its socket options do not want. */
#define DROPPED_HERE	N_("Something drops the segments before the listener sees them: look at nft list ruleset. Or its own socket " \
			   "options do (TCP_MD5SIG, TCP-AO, IP_MINTTL, a filter): nstat shows TCPMD5NotFound, TCPMinTTLDrop.")

/* Without a trace of these SYNs. */
static bool is_deaf(const struct diagnosis *d, const struct listener *l)
{
	return !l->synack_retrans && !l->causes[TCPTRACE_SYNQ_EXPIRED] &&
	       figure_known(d->m, l, FIGURE_REFUSED) == KNOWN_EXACTLY;
}

/* A listener of this machine is there all the same. */
static bool say_in_between(struct diagnosis *d, const struct connects *row, const struct failure *e)
{
	struct target to = target_of(row, e);
	const struct listener *l = e->err == ETIMEDOUT || e->err == ECONNREFUSED ? listens(d, &to) : NULL;

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
	if (!is_deaf(d, l))
		return false;
	say(d, FINDING_CAUSE, ": no answer to any SYN, though a listener is there, on this machine, and refused nobody");
	say(d, FINDING_ADVICE, DROPPED_HERE);
	return true;
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

/* What its errno came from, of all that failed so. */
enum came { CAME_UNKNOWN, CAME_NO_SYN, CAME_RST, CAME_NO_RST };

/* A SYN that left and an errno without a RST: tcp_v4_err(). No SYN: connect() itself failed, before tcp_connect(). */
static enum came came_of(const struct diagnosis *d, const struct connects *row, const struct failure *e)
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
	  N_("The host is down, a firewall drops, the route is wrong, or its accept queue is full: run tcptrace there.") },
	{ EHOSTUNREACH, CAME_NO_SYN, N_(": no SYN had left, a route of this machine says so"), N_("ip route get shows it.") },
	{ EHOSTUNREACH, CAME_UNKNOWN, N_(": the host does not answer, or a router or a firewall says so"),
	  N_("Is the host up? ip neigh, ip route get and the firewalls on the way tell.") },
	{ ENETUNREACH, CAME_NO_SYN, N_(": there is no route"), N_("ip route get shows which route is missing.") },
	{ ENETUNREACH, CAME_NO_RST, N_(": its SYN had left, and a router or a firewall says that there is no route"),
	  N_("traceroute shows how far it gets; or look at nft list ruleset, here and on the way.") },
	{ ENETUNREACH, CAME_UNKNOWN, N_(": there is no route, or a router or a firewall says so"),
	  N_("ip route get shows whether this machine has a route, traceroute how far it gets.") },
	{ EACCES, CAME_NO_SYN, N_(": a filter, a route or a policy of this machine denies it"),
	  N_("Look at ip route get, at nft list ruleset, at cgroup filters, at the LSM's log.") },
	{ EACCES, CAME_UNKNOWN, N_(": a firewall, a route or a policy denies it"),
	  N_("Look at ip route get, at nft list ruleset, at cgroup filters, at the LSM's log.") },
	{ EPERM, CAME_UNKNOWN, N_(": a firewall or a policy denies it"), LOOK_AT_POLICY },
	{ EINVAL, CAME_UNKNOWN, N_(": its arguments or the route are no good"), N_("ip route get shows a blackhole route, if it is "
	  "one. See EINVAL in connect(2).") },
	{ ENETDOWN, CAME_UNKNOWN, N_(": the interface is down"), N_("ip link shows it.") },
	{ ECONNRESET, CAME_NO_RST, N_(": no RST came, but a shutdown() or connect(AF_UNSPEC) of its own"),	/* tcp_disconnect() */
	  N_("What {who} logs, or strace -e trace=network with -f, shows which thread calls that.") },
	{ ECONNABORTED, CAME_NO_RST, N_(": no RST came, but ss -K or a program like it ended it"),		/* tcp_abort() */
	  N_("Ask what ends connections on this machine: ss -K, a firewall manager.") },
	{ 0, CAME_NO_RST, N_(": its SYN had left, and an ICMP message says so"),
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

static void say_why(struct diagnosis *d, const struct connects *row, const struct failure *e)
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

/* Of what that program, and others of its name (many), want from a port. */
static struct diagnosis of_connects(const struct diagnosis *from, const struct target *to, const struct owner *program, bool many)
{
	const struct owner *const who[] = { program };
	struct diagnosis d = diagnosis_of(from, NULL);

	d.netns = to->netns;
	d.f.rport = to->rport;
	d.f.family = to->family;
	d.f.of_process = !many;
	blame(&d, who, 1);
	return d;
}

static void tell_connect(const struct diagnosis *from, const struct connects *row, const struct failure *e)
{
	bool all = model_seen(from->m, TCPTRACE_CONNECT) != TCPTRACE_SEEN_NOT;
	struct target to = target_of(row, e);
	struct diagnosis d = of_connects(from, &to, &row->who, row->many);

	say_value(&d, "errno", FINDING_ERRNO, (uint64_t)e->err);
	say_number(&d, "failed", e->count);
	if (all)
		say_number(&d, "calls", row->calls);
	say_address(&d, "raddr", to.raddr);
	say_number(&d, "rport", row->rport);
	say_value(&d, "from", FINDING_MOMENT, e->first_ns);
	d.f.cost_ns = e->count * failed_for_ns(e->err);
	say(&d, FINDING_CAUSE, !row->who.pid ? N_("connect() to {raddr}:{rport} failed {failed:time} with {errno}, by whom was not seen") :
	    all ? N_("connect() to {raddr}:{rport} failed {failed:time} of {calls} with {errno} in {who}") :
	    N_("connect() to {raddr}:{rport} failed {failed:time} with {errno} in {who}"));
	if (row->many)
		say(&d, FINDING_CAUSE, " and others of that name");
	say_why(&d, row, e);
	say(&d, FINDING_CAUSE, ".");
	say(&d, FINDING_SEEN, to.hosts ? N_("First at {from}; other hosts, too.") : N_("First at {from}."));
	if (row->untold.count && e == failures_most(&row->failures)) {
		say_number(&d, "untold", row->untold.count);
		say(&d, FINDING_SEEN, " Beside them {untold:connection} closed before an answer was seen: how they failed is not known.");
	}
	tell(&d, "connect-fails");
}

static void tell_untold(const struct diagnosis *from, const struct connects *row)
{
	struct target to = target_of_untold(row);
	struct diagnosis d = of_connects(from, &to, &row->who, row->many);

	say_number(&d, "untold", row->untold.count);
	say_number(&d, "calls", row->calls);
	say_address(&d, "raddr", row->untold.raddr);
	say_number(&d, "rport", row->rport);
	say_value(&d, "from", FINDING_MOMENT, row->untold.first_ns);
	say_value(&d, "longest", FINDING_SPAN, row->untold.most_ns);
	d.f.cost_ns = row->untold.count * failed_for_ns(0);
	say(&d, FINDING_CAUSE, row->many ? N_("{untold:connection} to {raddr}:{rport}, of {calls}, closed by {who} and others of that "
	    "name in SYN_SENT, before an answer was seen") :
	    N_("{untold:connection} to {raddr}:{rport}, of {calls}, closed by {who} in SYN_SENT, before an answer was seen"));
	say(&d, FINDING_CAUSE, ": given up, or failed with an error that only the program was told.");
	say(&d, FINDING_SEEN, row->untold.hosts ? N_("First at {from}; other hosts, too.") : N_("First at {from}."));
	if (row->untold.most_ns)
		say(&d, FINDING_SEEN, " The longest was open for {longest}.");
	say(&d, FINDING_ADVICE, "What {who} says, or strace -e trace=network, shows which error, if any: an ICMP message as of a firewall "
	    "that rejects is told by SO_ERROR alone. Look at nft list ruleset, too.");
	tell(&d, "connect-fails");
}

/* ---- SYNs without an answer, of programs that do not wait for an errno ---- */

static void say_no_answer(struct diagnosis *d, const struct unanswered *u)
{
	const struct target to = target_of_unanswered(u);
	const struct listener *l = listens(d, &to);

	if (u->count < CONNECT_FEW)
		say(d, FINDING_CAUSE, !u->who.pid ? N_("{given:SYN} to {raddr}:{rport} had no answer that was seen and were given up") :
		    u->many ? N_("{given:SYN} of {who} and others to {raddr}:{rport} had no answer that was seen and were given up") :
		    N_("{given:SYN} of {who} to {raddr}:{rport} had no answer that was seen and were given up"));
	else
		say(d, FINDING_CAUSE, !u->who.pid ? N_("{again:SYN} to {raddr}:{rport} had no answer at first and had to be sent again") :
		    u->many ? N_("{again:SYN} of {who} and others to {raddr}:{rport} had no answer at first and had to be sent again") :
		    N_("{again:SYN} of {who} to {raddr}:{rport} had no answer at first and had to be sent again"));
	if (l && is_deaf(d, l)) {
		say(d, FINDING_CAUSE, ", though a listener is there, on this machine, and refused nobody");
		say(d, FINDING_ADVICE, DROPPED_HERE);
	} else {
		say(d, FINDING_ADVICE, "The host is down, a firewall drops, the route is wrong, or its accept queue is full: run "
		    "tcptrace there.");
	}
	say(d, FINDING_CAUSE, ".");
}

static void tell_unanswered(const struct diagnosis *from, const struct unanswered *u)
{
	struct target to = target_of_unanswered(u);
	struct diagnosis d = of_connects(from, &to, &u->who, u->many);

	d.f.family = u->family;		/* the socket's: to an IPv4 host it may be IPv6 */
	say_number(&d, "again", u->count);
	say_number(&d, "given", u->given_up);
	say_value(&d, "gave", FINDING_SPAN, u->given_ns);
	say_address(&d, "raddr", u->raddr);
	say_number(&d, "rport", u->rport);
	say_value(&d, "from", FINDING_MOMENT, u->first_ns);
	d.f.cost_ns = (u->count + u->given_up) * 1000000000ull;
	say_no_answer(&d, u);
	say(&d, FINDING_SEEN, u->hosts ? N_("First at {from}; other hosts, too.") : N_("First at {from}."));
	if (u->count < CONNECT_FEW)
		say(&d, FINDING_SEEN, " The longest was waited for {gave}.");
	else if (u->given_up)
		say(&d, FINDING_SEEN, " {given:more SYN} had none until given up, after {gave} at the latest.");
	if (u->count >= CONNECT_FEW && model_seen(d.m, TCPTRACE_STATE) == TCPTRACE_SEEN_EXACTLY) {
		say_number(&d, "late", u->late);
		say(&d, FINDING_SEEN, " {late} had one later.");
	}
	tell(&d, "no-answer");
}

/* Ended by ICMP, as many as had to send their SYN again: the first message finds a call that holds the socket (tcp_v4_err()). */
static bool ended_by_icmp(const struct diagnosis *d, const struct unanswered *u)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < CONNECTS; i++) {
		const struct connects *row = model_connects(d->m, i);

		if (!row->used || row->rport != u->rport || row->netns != u->netns || row->family != target_of_unanswered(u).family)
			continue;
		for (unsigned int n = 0; n < FAILURE_ERRNOS; n++)
			if (row->failures.of[n].count >= CONNECT_FEW && is_errno_of_net(row->failures.of[n].err) &&
			    came_of(d, row, &row->failures.of[n]) == CAME_NO_RST)
				sum += row->failures.of[n].count;
	}
	return sum >= u->count + u->given_up;
}

/* With the errno that ends one without an answer of its host, which is told then. */
static bool has_errno(const struct diagnosis *d, const struct unanswered *u)
{
	return model_connect_failed(d->m, u->netns, u->rport, ETIMEDOUT, NULL) ||
	       model_connect_failed(d->m, u->netns, u->rport, EHOSTUNREACH, NULL) ||
	       model_connect_failed(d->m, u->netns, u->rport, ENETUNREACH, NULL) || ended_by_icmp(d, u);
}

static void find_unanswered(struct diagnosis *d)
{
	for (uint32_t i = 0; i < CONNECTS; i++) {
		const struct unanswered *u = model_unanswered(d->m, i);
		struct target to = target_of_unanswered(u);

		if ((u->count >= CONNECT_FEW || u->given_up >= CONNECT_FEW) && !is_refused(d->m, &to) &&
		    !has_errno(d, u))
			tell_unanswered(d, u);
	}
}

static void find_failed(struct diagnosis *d, const struct connects *row)
{
	bool told = false;

	for (unsigned int n = 0; n < FAILURE_ERRNOS; n++) {
		const struct failure *e = &row->failures.of[n];

		if (!e->count || !connect_told(d, row, e))
			continue;
		tell_connect(d, row, e);
		told = true;
	}
	if (!told && untold_told(d, row))
		tell_untold(d, row);
}

void find_connects(struct diagnosis *d)
{
	for (uint32_t i = 0; i < CONNECTS; i++)
		find_failed(d, model_connects(d->m, i));
	find_unanswered(d);
}

/* ---- CLOSE_WAIT by process: the peer has closed, the program has not ---- */

#define PILES	64

struct piles {
	const struct model *m;
	bool steps;				/* transitions are seen; else it is as the last snapshot found it */
	unsigned int n;
	struct pile {
		struct owner who;
		uint32_t netns;			/* 0: several */
		uint64_t count, oldest_ns;
	} pile[PILES];
};

static void heap(void *ctx, const struct conn *c)
{
	struct piles *p = ctx;
	unsigned int i;

	if ((p->steps ? c->state : c->seen_state) != TCP_S_CLOSE_WAIT || !c->owner.pid ||
	    (!p->steps && !model_found_last(p->m, c)))
		return;
	for (i = 0; i < p->n && p->pile[i].who.pid != c->owner.pid; i++)
		;
	if (i == PILES)
		return;
	if (i == p->n)
		p->pile[p->n++] = (struct pile) { .who = c->owner, .netns = c->netns };
	if (p->pile[i].netns != c->netns)
		p->pile[i].netns = 0;
	p->pile[i].count++;
	if (p->steps && c->state_ns && (!p->pile[i].oldest_ns || c->state_ns < p->pile[i].oldest_ns))
		p->pile[i].oldest_ns = c->state_ns;
}

#define LEAK_NS	60000000000ull	/* answers take less */

static void tell_pile(const struct diagnosis *from, const struct pile *pile)
{
	struct diagnosis d = diagnosis_of(from, NULL);
	const struct owner *const who[] = { &pile->who };
	uint64_t age = 0;

	if (pile->oldest_ns)
		age = model_totals(d.m)->last_ns - pile->oldest_ns;
	d.netns = pile->netns;
	d.f.of_process = true;
	blame(&d, who, 1);
	say_number(&d, "count", pile->count);
	say_number(&d, "pid", d.f.who.pid);
	say(&d, FINDING_CAUSE, "{who} holds {count:connection} in CLOSE_WAIT: the peers have closed, the program has not");
	if (age) {
		say_value(&d, "oldest", FINDING_SPAN, age);
		say(&d, FINDING_CAUSE, ", the oldest for {oldest}");
	}
	say(&d, FINDING_CAUSE, ".");
	if (!pile->oldest_ns)
		say(&d, FINDING_ADVICE, "Since when is not known. ");
	/* it may still answer, or be kept from closing them by something else */
	say(&d, FINDING_ADVICE, age >= LEAK_NS ?
	    N_("A leak: {who} must close() a connection when read() returns 0. ss -tnp state close-wait lists them.") :
	    N_("If they stay it is a leak: {who} must close() a connection when read() returns 0. ss -tnp state close-wait "
	       "lists them."));
	d.f.cost_ns = pile->count;
	tell(&d, "close-wait");
}

void find_close_wait(struct diagnosis *d)
{
	struct piles p = { .m = d->m, .steps = model_seen(d->m, TCPTRACE_STATE) != TCPTRACE_SEEN_NOT };

	if (!p.steps && !model_seen(d->m, TCPTRACE_ACCEPTQ_ADD))	/* no snapshot is taken at the end */
		return;
	model_each_conn(d->m, heap, &p);
	for (unsigned int i = 0; i < p.n; i++)
		if (p.pile[i].count >= FINDING_CLOSE_WAIT)
			tell_pile(d, &p.pile[i]);
}
