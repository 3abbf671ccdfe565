// SPDX-License-Identifier: GPL-2.0-only
/*
 * What lets an accept queue fill, or connections wait in it: one cause for each listener,
 * the first that holds. accept() fails; one member of a group is stuck; nobody accepts for
 * a while; the program is too slow; the queue is too short, by somaxconn or by its backlog.
 */
#include <errno.h>
#include <string.h>

#include "../lib/tr.h"
#include "diagnosis.h"
#include "figure.h"
#include "knob.h"

/* Of those that left and of those that still wait. False: not known, or of too few of those that were taken. */
static bool waits(const struct diagnosis *d, struct hist *h)
{
	const struct listener *l = d->l;

	if (figure_known(d->m, l, FIGURE_ACCEPTQ_WAIT) == KNOWN_NOT || 4 * l->unseen > l->accepted)
		return false;
	model_acceptq_waits(d->m, l, h);
	return true;
}

/* ---- what was seen ---- */

/* Called again with another backlog: at which limit what was seen. False: there was one limit only. */
static bool say_limits(struct diagnosis *d)
{
	const struct limits *at = &d->l->refused.limits, *all = &d->l->limits;

	if (!limits_differ(all))
		return false;
	say_number(d, "limit_low", all->low);
	say_number(d, "limit_high", all->high);
	say(d, FINDING_SEEN, "Seen: accept queue up to {peak} (its limit was {limit_low} to {limit_high})");
	if (!refused_by_acceptq(d->l))
		return true;
	say_number(d, "refused", refused_by_acceptq(d->l));
	say_number(d, "refused_low", at->low);
	say_number(d, "refused_high", at->high);
	say(d, FINDING_SEEN, limits_differ(at) ? N_(", {refused:segment} refused at limits from {refused_low} to {refused_high}") :
	    N_(", {refused:segment} refused at limit {refused_low}"));
	return true;
}

static void say_queue(struct diagnosis *d)
{
	const struct listener *l = d->l;

	say_number(d, "peak", l->acceptq.peak);
	say_number(d, "limit", refused_by_acceptq(l) ? l->refused.then.limit : l->limit);
	if (say_limits(d))
		return;
	if (refused_by_acceptq(l)) {
		say_least(d, "refused", FINDING_NUMBER, refused_by_acceptq(l),
			  figure_known(d->m, l, FIGURE_REFUSED) == KNOWN_LEAST);
		say(d, FINDING_SEEN, "Seen: {refused:segment} refused, accept queue up to {peak} (limit {limit})");
	} else if (figure_known(d->m, l, FIGURE_REFUSED) != KNOWN_EXACTLY) {
		say(d, FINDING_SEEN, "Seen: accept queue up to {peak} (limit {limit})");
	} else {
		say(d, FINDING_SEEN, "Seen: accept queue up to {peak} (limit {limit}), nobody refused");
	}
}

/* Who came into the accept queue, but not by the SYN queue. Tracepoints cannot tell a cookie's child by itself. */
static uint64_t came_by_cookie(const struct listener *l)
{
	uint64_t others = l->causes[TCPTRACE_SYNQ_ESTABLISHED] + l->causes[TCPTRACE_ACCEPTQ_FASTOPEN] +
			  l->causes[TCPTRACE_ACCEPTQ_MIGRATED];

	return l->established > others ? l->established - others : 0;
}

/* The SYN queue fills where the accept queue is full: no cause of its own. */
static void say_synq(struct diagnosis *d)
{
	const struct listener *l = d->l;

	if (l->cookies_sent && figure_known(d->m, l, FIGURE_COOKIES_SENT) != KNOWN_NOT &&
	    figure_known(d->m, l, FIGURE_ESTABLISHED) != KNOWN_NOT) {
		say_number(d, "cookies_sent", l->cookies_sent);
		say_number(d, "by_cookie", came_by_cookie(l));
		say(d, FINDING_SEEN, ", {cookies_sent:SYN cookie} sent by the full SYN queue ({by_cookie:client} "
		    "came in by one)");
	}
	if (l->causes[TCPTRACE_DROP_SYNQ_FULL]) {
		say_number(d, "synq_refused", l->causes[TCPTRACE_DROP_SYNQ_FULL]);
		say(d, FINDING_SEEN, ", {synq_refused:SYN} refused by the full SYN queue");
	}
}

static void say_quantile(struct diagnosis *d, const char *key, const struct hist *h, unsigned int permille)
{
	uint64_t ns = permille == 1000 ? h->max : hist_quantile(h, permille);

	say_least(d, key, FINDING_SPAN, ns, hist_is_least(h, permille));
}

static void say_seen(struct diagnosis *d)
{
	struct hist h;

	say_queue(d);
	if (waits(d, &h) && h.count) {
		say_quantile(d, "median", &h, 500);
		say_quantile(d, "longest", &h, 1000);
		say(d, FINDING_SEEN, ", waits of {median} (median) and {longest} (longest)");
	}
	if (d->l->open && d->l->acceptq.now) {
		say_number(d, "waiting", d->l->acceptq.now);
		say(d, FINDING_SEEN, ", {waiting} waiting at the end");
	}
	say_synq(d);
	say(d, FINDING_SEEN, ".");
	d->f.cost_ns += d->l->in_acceptq.sum;
}

/* ---- accept() fails ---- */

/* As a server ends, shutdown() and close() of its listener wake accept() with these; and clients may be gone. */
static bool is_harmless(int32_t err)
{
	return err == EINVAL || err == EBADF || err == ECONNABORTED || err == EPROTO || err == ENOTSOCK ||
	       err == EOPNOTSUPP;
}

static const struct failure *accept_failure(const struct listener *l)
{
	const struct failure *most = NULL;

	for (unsigned int i = 0; i < FAILURE_ERRNOS; i++) {
		const struct failure *f = &listener_seldom(l)->accept_failures.of[i];

		if (f->count && !is_harmless(f->err) && (!most || f->count > most->count))
			most = f;
	}
	return most;
}

static bool works_again(const struct diagnosis *d)
{
	return d->l->accepted > listener_seldom(d->l)->accepted_then;
}

/* What it may have now need not be what it had then. */
static void say_descriptors(struct diagnosis *d)
{
	const struct knob *knob = knob_of(d->f.who.comm);
	struct process p = { 0 };

	if (d->machine && d->machine->process && d->machine->process(d->machine->ctx, d->f.who.pid, &p) && p.nofile) {
		say_number(d, "nofile", p.nofile);
		say(d, FINDING_CAUSE, ": it had no file descriptor left (RLIMIT_NOFILE; it is {nofile} now)");
	} else {
		say(d, FINDING_CAUSE, ": it had no file descriptor left (RLIMIT_NOFILE)");
	}
	if (works_again(d)) {
		say(d, FINDING_ADVICE, "Connections were accepted after that. If it comes again, give {who} more: LimitNOFILE= in its "
		    "unit (or ulimit -n) for the next start");
	} else {
		say_number(d, "raise", p.nofile < 32768 ? 65536 : 2 * p.nofile);
		say(d, FINDING_ADVICE, "Give {who} more: prlimit --pid {pid} --nofile={raise} now, LimitNOFILE= in its unit (or "
		    "ulimit -n) for the next start");
	}
	if (knob && knob->descriptors) {
		say_words(d, "knob", knob->descriptors);
		say(d, FINDING_ADVICE, ", and its own {knob}");
	}
	say(d, FINDING_ADVICE, ". If it leaks them: ls -l /proc/{pid}/fd.");
}

/* It goes on, or the queue filled meanwhile, if anybody was refused at all. */
static bool failure_explains(const struct diagnosis *d, const struct failure *e)
{
	const struct refused *r = &d->l->refused;

	return !works_again(d) || !r->first_ns || (r->first_ns <= e->last_ns && r->last_ns >= e->first_ns);
}

/* False: there is another cause, too. */
static bool find_accept_fails(struct diagnosis *from)
{
	const struct failure *e = accept_failure(from->l);
	const struct owner *const who[] = { &listener_seldom(from->l)->failer, &from->l->acceptor, &from->l->opener };
	struct diagnosis copy = diagnosis_of(from, from->l), *d = &copy;
	bool explains;

	if (!e)
		return false;
	explains = failure_explains(d, e);
	blame(d, who, 3);
	d->f.of_process = true;
	say_value(d, "errno", FINDING_ERRNO, (uint64_t)e->err);
	say_number(d, "errors", e->count);
	say_number(d, "pid", d->f.who.pid);
	say_value(d, "from", FINDING_MOMENT, e->first_ns);
	say(d, FINDING_CAUSE, "{listener}: accept() failed with {errno} {errors:time} in {who}, first at {from}");
	if (e->err == EMFILE)
		say_descriptors(d);
	else if (e->err == ENFILE)
		say(d, FINDING_ADVICE, "The machine has no file left to open: sysctl fs.file-nr, fs.file-max.");
	else if (e->err == EFAULT)
		say(d, FINDING_ADVICE, "{who} gave accept() an address that is not in its memory. The kernel had taken the connection "
		    "out of the queue, and closed it: each time a client was lost. Mend the program.");
	else
		say(d, FINDING_ADVICE, "The kernel or a security policy denies {who} the connection: see errno {errno} "
		    "in accept(2).");
	say(d, FINDING_CAUSE, ".");
	if (explains) {
		say_cost(d);
		say_seen(d);
	}
	tell(d, "accept-fails");
	return explains;
}

/* ---- nobody accepts for a while ---- */

static struct stall worst_stall(const struct diagnosis *d)
{
	struct stall now;

	return pace_now(d->m, d->l, &now) && stall_worse(&now, &d->l->pace.worst) ? now : d->l->pace.worst;
}

/* The pauses of PACE_STALL_NS and more, with the one that goes on; ns: all of them together. */
static struct stall all_stalls(const struct diagnosis *d, uint64_t *n)
{
	const struct pace *p = &d->l->pace;
	struct stall sum = { .ns = p->stalled_ns, .refused = p->stalled_refused, .waiting = p->worst.waiting,
			     .before = p->stalled_before }, now;

	*n = p->stalls;
	if (pace_now(d->m, d->l, &now) && now.ns >= PACE_STALL_NS) {
		sum.ns += now.ns;
		sum.refused += now.refused;
		sum.before |= now.before;
		if (now.waiting > sum.waiting)
			sum.waiting = now.waiting;
		++*n;
	}
	return sum;
}

/* A pause of its own, not the time that each accept() takes. */
static bool is_stalled(const struct diagnosis *d)
{
	uint64_t n;
	struct stall sum = all_stalls(d, &n);

	if (figure_known(d->m, d->l, FIGURE_ACCEPTQ_WAIT) == KNOWN_NOT)	/* then some may have been taken unseen */
		return false;
	return n && 4 * n <= d->l->pace.takes + sum.waiting + 3;
}

/* Most of what was refused was refused in pauses: the length of the queue is not the matter. */
static bool stalls_explain(const struct diagnosis *d)
{
	uint64_t n;

	return 2 * all_stalls(d, &n).refused >= refused_by_acceptq(d->l);
}

/* R is runnable: that it ran is another thing. */
static void say_runnable(struct diagnosis *d, const struct process *p)
{
	if (p->of_ns >= PACE_SEEN_NS && p->ran_ns >= p->of_ns / 10) {
		say(d, FINDING_CAUSE, ": it was busy with something else (state R)");
		say(d, FINDING_ADVICE, "Take what blocks out of the loop that accepts: into a thread, another process, smaller steps. "
		    "perf top -p {pid} shows what it computes.");
		return;
	}
	if (p->of_ns >= PACE_SEEN_NS) {
		say_value(d, "ran", FINDING_SPAN, p->ran_ns);
		say_value(d, "ran_of", FINDING_SPAN, p->of_ns);
		say(d, FINDING_CAUSE, ": it was runnable (state R), on a CPU for {ran} of {ran_of}: throttled (cpu.max) or starved");
	} else {
		say(d, FINDING_CAUSE, ": it was runnable (state R): busy with something else, throttled (cpu.max) or starved");
	}
	say(d, FINDING_ADVICE, "nr_throttled in cpu.stat of its cgroup (/proc/{pid}/cgroup) says whether cpu.max holds it back "
	    "(CPUQuota= of its unit, docker --cpus), top what else runs, perf top -p {pid} what it computes.");
}

/* Its state while nobody accepted is the cause. */
static void say_state(struct diagnosis *d, const struct process *p)
{
	static const struct { char state; const char *cause, *advice; } text[] = {
		{ 'T', N_(": it was stopped (state T)"),
		  N_("kill -CONT {pid} lets it go on. Find out who stopped it: SIGSTOP, a shell's job control.") },
		{ 't', N_(": a debugger held it (state t)"), N_("Let the debugger go: TracerPid in /proc/{pid}/status.") },
		{ 'D', N_(": it was in uninterruptible sleep (state D)"),
		  N_("It may wait for a disk, a network file system, a driver, vfork()'s child: cat /proc/{pid}/stack shows where.") },
		{ 'S', N_(": it slept in something else (state S)"),
		  N_("Take what blocks out of the loop that accepts (a lock, a database, a call without a time limit): "
		  "cat /proc/{pid}/wchan or gdb -p {pid} shows where it sleeps.") },
	};

	for (unsigned int i = 0; i < sizeof(text) / sizeof(*text); i++) {
		if (text[i].state != p->state)
			continue;
		say_value(d, "state", FINDING_STATE, (uint64_t)p->state);
		say(d, FINDING_CAUSE, text[i].cause);
		say(d, FINDING_ADVICE, text[i].advice);
		return;
	}
	if (p->state == 'R') {
		say_value(d, "state", FINDING_STATE, 'R');
		say_runnable(d, p);
		return;
	}
	say(d, FINDING_ADVICE, "Look at what {who} does meanwhile: /proc/{pid}/status, perf top -p {pid}.");
}

/* A program that is full leaves the others where they are. */
static void say_full(struct diagnosis *d)
{
	const struct knob *knob = knob_of(d->f.who.comm);

	if (!knob || !knob->at_once)
		return;
	say_words(d, "its_limit", knob->at_once);
	say(d, FINDING_ADVICE, "If it serves as many connections as it may, raise {its_limit}. ");
}

static struct process blame_holder(struct diagnosis *d, uint64_t from_ns)
{
	struct process p = { 0 };

	blame_server(d);
	if (!d->machine || !d->machine->holder || !d->machine->holder(d->machine->ctx, d->l, from_ns, &p))
		return (struct process){ 0 };
	d->f.who.pid = p.pid;
	d->f.who.fd = -1;
	memcpy(d->f.who.comm, p.comm, sizeof(d->f.who.comm));
	return p;
}

/* What it did meanwhile, or that it never was its work. */
static void say_why_stalled(struct diagnosis *d, const struct process *p)
{
	if (p->frozen) {
		say(d, FINDING_CAUSE, ": its cgroup was frozen (docker pause, systemctl freeze)");
		say(d, FINDING_ADVICE, "docker unpause, systemctl thaw, or 0 in cgroup.freeze (v1: THAWED in freezer.state) of a cgroup in "
		    "/proc/{pid}/cgroup lets it go on.");
		return;
	}
	if (p->thread_gone) {
		say_number(d, "thread_gone", p->thread_gone);
		say(d, FINDING_CAUSE, ": its thread {thread_gone}, which accepted last, has ended; nobody may accept any more");
		say(d, FINDING_ADVICE, "Find out why that thread ended (see the log of {who}); gdb -p {pid} shows what the others do.");
		return;
	}
	if (p->workers) {
		say_number(d, "workers", p->workers);
		say(d, FINDING_CAUSE, ": it holds the listener with {workers:other}, and which of them should have accepted is not known");
		say(d, FINDING_ADVICE, "Look at what they wait for: pgrep -P {pid}, and /proc/PID/wchan of each.");
		return;
	}
	if (!p->instead_of && d->l->took_unasked && p->state != 'T' && p->state != 't') {
		say(d, FINDING_CAUSE, ": whether it tried is not known, as its last accept() came by io_uring or began before tcptrace");
		say(d, FINDING_ADVICE, "How accept() by io_uring fails is not seen. Whether it has a file descriptor left: ls -l "
		    "/proc/{pid}/fd, and /proc/{pid}/limits.");
		return;
	}
	if (!p->instead_of) {
		say_state(d, p);
		return;
	}
	say_number(d, "instead_of", p->instead_of);
	say(d, FINDING_CAUSE, ": it holds the listener, and process {instead_of}, which accepted last, is gone");
	say(d, FINDING_ADVICE, "Find out why {instead_of} ended, and why {who} does not start another one (see its log).");
}

static void say_stall(struct diagnosis *d, const struct stall *s)
{
	say_least(d, "stall", FINDING_SPAN, s->ns, s->before);
	say_value(d, "from", FINDING_MOMENT, s->from_ns);
	say_number(d, "stall_waiting", s->waiting);
	say_number(d, "pid", d->f.who.pid);
}

static bool find_stalled(struct diagnosis *d)
{
	struct stall s = worst_stall(d), sum;
	uint64_t n;
	struct process p;

	if (!is_stalled(d))
		return false;
	p = blame_holder(d, s.from_ns);
	d->f.of_process = true;
	say_stall(d, &s);
	if (d->l->took_unasked)
		say(d, FINDING_CAUSE, s.before ? N_("{listener}: {who} took none for {stall}, since {from} or before, while "
		    "{stall_waiting:connection} waited") : N_("{listener}: {who} took none for {stall} from {from} on, while "
		    "{stall_waiting:connection} waited"));
	else
		say(d, FINDING_CAUSE, s.before ? N_("{listener}: no accept() by {who} for {stall}, since {from} or before, while "
		    "{stall_waiting:connection} waited") : N_("{listener}: no accept() by {who} for {stall} from {from} on, while "
		    "{stall_waiting:connection} waited"));
	if (p.state == 'S' && !p.instead_of && !p.frozen)
		say_full(d);
	say_why_stalled(d, &p);
	say(d, FINDING_CAUSE, ".");
	if (stalls_explain(d))
		say_cost(d);
	say_seen(d);
	sum = all_stalls(d, &n);
	if (n > 1) {
		say_number(d, "stalls", n);
		say_least(d, "stalled", FINDING_SPAN, sum.ns, sum.before);
		say(d, FINDING_SEEN, " {stalls} such pauses, {stalled} in all.");
	}
	tell(d, "accept-stalled");
	return true;
}

/* ---- the program shuts the queue itself ---- */

/*
 * listen() with 0 lets one in and refuses the others, until listen() is called with more: memcached does so at its -c. Not
 * where somaxconn made 0 of what it asked for.
 */
static bool find_shut(struct diagnosis *d)
{
	const struct limit_then *then = &d->l->refused.then;

	if (!refused_by_acceptq(d->l) || then->limit || !d->l->limits.high || (then->backlog_known && then->backlog))
		return false;
	blame_keeper(d);
	say_number(d, "limit_most", d->l->limits.high);
	say(d, FINDING_CAUSE, then->backlog_known ?
	    N_("{listener}: {who} closes the door itself: it called listen() with 0, and its accept queue, whose limit was up to "
	       "{limit_most} at other times, held one connection.") :
	    N_("{listener}: the accept queue of {who}, whose limit was up to {limit_most} at other times, had limit 0 and held one "
	       "connection: it called listen() with 0, or with any number while net.core.somaxconn was 0."));
	say_cost(d);
	say_seen(d);
	say_full(d);
	say(d, FINDING_ADVICE, "Programs call listen() with 0 while they want nobody: as they serve as many connections as they may "
	    "(memcached at its -c), or end. A larger backlog does not help.");
	tell(d, "acceptq-shut");
	return true;
}

/* ---- one member of a SO_REUSEPORT group ---- */

static bool same_group(const struct listener *a, const struct listener *b)
{
	return a != b && same_address(a, b) && lived_together(a, b);
}

/* How many members l's group has; *accepted: what those without a queue have accepted. */
static uint64_t group_of(const struct model *m, const struct listener *l, uint64_t *accepted)
{
	const struct listener *other;
	uint64_t members = 1;

	*accepted = 0;
	for (uint32_t i = 0; (other = model_listener(m, i)); i++) {
		if (!same_group(l, other))
			continue;
		members++;
		if (!other->acceptq.now)
			*accepted += other->accepted;
	}
	return members;
}

/* This member keeps connections waiting, or refuses them, while another of its port takes all it gets. */
static bool find_imbalance(struct diagnosis *d)
{
	const struct listener *l = d->l;
	uint64_t stuck = (l->open ? l->acceptq.now : 0) + refused_by_acceptq(l), others, members;
	struct stall s = worst_stall(d), now;
	/* it did its part until then */
	bool stands = pace_now(d->m, l, &now) && now.ns >= PACE_STALL_NS;
	struct process p;

	if (stuck <= 1 || (l->accepted >= stuck && !stands) || figure_known(d->m, l, FIGURE_ACCEPTED) == KNOWN_NOT)
		return false;
	if (!stands && s.ns < PACE_STALL_NS)	/* it takes them, only not as fast as they came */
		return false;
	members = group_of(d->m, l, &others);
	if (members < 2 || others <= (stands ? 0 : l->accepted))
		return false;
	p = blame_holder(d, s.from_ns);
	say_stall(d, &s);
	say_number(d, "members", members);
	say_number(d, "accepted", l->accepted);
	say_number(d, "others", others);
	say(d, FINDING_CAUSE, "{listener}: one of {members} SO_REUSEPORT listeners is stuck, that of {who}");
	say_why_stalled(d, &p);
	say(d, FINDING_CAUSE, ". It accepted {accepted}, the others {others}.");
	say_cost(d);
	say_seen(d);
	say(d, FINDING_ADVICE, " The kernel deals connections by hash, not by load: workers that share one listener "
	    "can help each other out.");
	tell(d, "reuseport-imbalance");
	return true;
}

/* ---- the program is too slow ---- */

static bool find_slow(struct diagnosis *d)
{
	struct hist h;

	if (!refused_by_acceptq(d->l) || !waits(d, &h) || hist_quantile(&h, 500) < FINDING_SLOW_NS)
		return false;
	blame_server(d);
	say(d, FINDING_CAUSE, "{listener}: {who} calls accept() more slowly than clients come: the accept queue was full.");
	say_cost(d);
	say_seen(d);
	say_full(d);
	say(d, FINDING_ADVICE, "Make {who} accept faster: more threads or processes, or a loop that accepts before it "
	    "works. A longer queue only makes clients wait longer.");
	tell(d, "accept-slow");
	return true;
}

/* Nobody is refused yet, but they wait. */
static bool find_long_wait(struct diagnosis *d)
{
	uint64_t p99;
	struct hist h;

	if (refused_by_acceptq(d->l) || !waits(d, &h))
		return false;
	p99 = hist_quantile(&h, 990);
	if (p99 < FINDING_SLOW_NS)
		return false;
	blame_server(d);
	say_least(d, "p99", FINDING_SPAN, p99, hist_is_least(&h, 990));
	say(d, FINDING_CAUSE, "{listener}: connections wait long for accept() of {who}: p99 {p99}.");
	say_seen(d);
	say_full(d);
	say(d, FINDING_ADVICE, "Make {who} accept faster before the queue fills: more threads or processes, or a loop "
	    "that accepts before it works.");
	tell(d, "long-wait");
	return true;
}

/* ---- the queue is too short ---- */

/* With those in it. */
static uint64_t clients_at_once(const struct listener *l)
{
	uint64_t holds = (uint64_t)l->refused.then.limit + 1;

	return l->refused.at_once > holds ? l->refused.at_once : holds;
}

/* Enough for all these, in powers of two. */
static uint64_t wanted_backlog(const struct listener *l)
{
	uint64_t n = 16;

	while (n + 1 < clients_at_once(l) && n < 1ull << 31)
		n *= 2;
	return n;
}

static void say_short(struct diagnosis *d)
{
	const struct listener *l = d->l;

	say_number(d, "holds", (uint64_t)l->refused.then.limit + 1);
	say_number(d, "at_once", clients_at_once(l));
	say_number(d, "want", wanted_backlog(l));
	say(d, FINDING_CAUSE, "{listener}: the accept queue of {who} is too short: it holds {holds}, {at_once:client} "
	    "wanted in before it was empty again");
}

/* reload: a command that does, or NULL */
static void say_restart(struct diagnosis *d, const char *reload)
{
	if (reload)
		say_words(d, "reload", reload);
	say(d, FINDING_ADVICE, who_is_gone(d) ? N_(" before the next start.") :
	    reload ? N_(", then let {who} call listen() again: {reload}.") :
	    N_(", then let {who} call listen() again: restart it."));
}

/* Nobody saw listen() being called, and the limit is what somaxconn is now. */
static bool maybe_clamped(const struct diagnosis *d)
{
	const struct limit_then *then = &d->l->refused.then;
	uint64_t somaxconn;

	return !then->backlog_known && machine_has(d, MACHINE_SOMAXCONN, &somaxconn) && somaxconn == then->limit;
}

/* To what was asked for; where that is not known, or all there is (-1), to the kernel's default since 5.4. */
static uint64_t clamp_raised(const struct listener *l, bool known)
{
	uint64_t want = wanted_backlog(l) > 4096 ? wanted_backlog(l) : 4096;

	return known && (uint32_t)l->refused.then.backlog <= 65535 ? (uint32_t)l->refused.then.backlog : want;
}

/* It has called listen() again, since then. */
static bool say_raised(struct diagnosis *d)
{
	if (!d->l->open || d->l->limit < wanted_backlog(d->l))
		return false;
	say_number(d, "limit_now", d->l->limit);
	say(d, FINDING_ADVICE, "Its limit is {limit_now} by now: enough.");
	return true;
}

/* The program's own number, by its setting's name where that is known. */
static void say_own(struct diagnosis *d)
{
	const struct knob *knob = knob_of(d->f.who.comm);

	if (knob)
		say_words(d, "knob", knob->backlog);
	say(d, FINDING_ADVICE, knob ? N_("Set {knob} to {want} or more") : N_("Let {who} give listen() a backlog of {want} or more"));
}

/* sure: the limit comes from there. Else it may as well be a number of its own, which is the same. */
static void say_somaxconn(struct diagnosis *d, uint64_t raise, bool sure)
{
	uint64_t now;

	if (machine_has(d, MACHINE_SOMAXCONN, &now) && now > d->l->refused.then.limit && now >= wanted_backlog(d->l)) {
		say_number(d, "somaxconn_now", now);
		say(d, FINDING_ADVICE, "net.core.somaxconn is {somaxconn_now} by now: enough");
	} else {
		say_number(d, "raise", raise);
		say(d, FINDING_ADVICE, "Raise it: sysctl -w net.core.somaxconn={raise}");
	}
	say_restart(d, NULL);
	if (sure)
		return;
	say(d, FINDING_ADVICE, " If its limit is {limit} again: ");
	say_own(d);
	say(d, FINDING_ADVICE, ".");
}

static bool find_clamped(struct diagnosis *d)
{
	const struct limit_then *then = &d->l->refused.then;
	bool known = then->backlog_known && then->somaxconn && (uint32_t)then->backlog > then->somaxconn;

	if (!known && !maybe_clamped(d))
		return false;
	say_short(d);
	say_number(d, "somaxconn", known ? then->somaxconn : then->limit);
	if (known) {
		say_number(d, "backlog", (uint32_t)then->backlog);
		say(d, FINDING_CAUSE, ". It asked for {backlog}; net.core.somaxconn made it {somaxconn}.");
	} else {
		say(d, FINDING_CAUSE, ". Its limit is as large as net.core.somaxconn ({somaxconn}): clamped by it, or its own "
		    "number; what it asked for was before tcptrace came.");
	}
	say_cost(d);
	say_seen(d);
	if (!say_raised(d))
		say_somaxconn(d, clamp_raised(d->l, known), known);
	return true;
}

/* Whose number the limit is. */
static void say_limit(struct diagnosis *d)
{
	uint64_t somaxconn;

	if (d->l->refused.then.backlog_known)
		say(d, FINDING_CAUSE, limits_differ(&d->l->limits) ? N_(" (its backlog was {limit}).") :
		    N_(" (its backlog is {limit})."));
	else if (machine_has(d, MACHINE_SOMAXCONN, &somaxconn) && somaxconn < d->l->refused.then.limit)
		say(d, FINDING_CAUSE, " (limit {limit}: its backlog, or what net.core.somaxconn was as it called listen()).");
	else
		say(d, FINDING_CAUSE, " (limit {limit}: its backlog or net.core.somaxconn, whichever was smaller as it called "
		    "listen()).");
}

/* The limit is what the program asked for. */
static void find_backlog(struct diagnosis *d)
{
	const struct knob *knob = knob_of(d->f.who.comm);
	const struct limit_then *then = &d->l->refused.then;
	uint64_t somaxconn = then->somaxconn;

	say_short(d);
	say_limit(d);
	say_cost(d);
	say_seen(d);
	if (say_raised(d))
		return;
	if (then->backlog_known && (uint32_t)then->backlog == then->somaxconn && !knob) {
		say(d, FINDING_ADVICE, "It asks for as much as net.core.somaxconn was: for that, as Go programs do, or for a number of "
		    "its own. ");
		say_somaxconn(d, wanted_backlog(d->l), false);
		return;
	}
	machine_has(d, MACHINE_SOMAXCONN, &somaxconn);
	say_own(d);
	if (!somaxconn) {
		say(d, FINDING_ADVICE, ", with a net.core.somaxconn that is not smaller");
	} else if (somaxconn < wanted_backlog(d->l)) {
		say_number(d, "somaxconn", somaxconn);
		say(d, FINDING_ADVICE, " and raise net.core.somaxconn with it (now {somaxconn})");
	}
	say_restart(d, knob ? knob->reload : NULL);
	if (!then->backlog_known && somaxconn > then->limit) {
		say_number(d, "somaxconn_now", somaxconn);
		say(d, FINDING_ADVICE, " If it asks for that much already, the same listen() is enough: net.core.somaxconn is "
		    "{somaxconn_now} now.");
	}
}

/* Full, and nothing says that the program was slow; where its accept() is not seen, nothing says that it was not. */
static void find_short(struct diagnosis *d)
{
	struct hist h;

	if (!refused_by_acceptq(d->l) || !d->l->limit_known)
		return;
	blame_keeper(d);
	if (!waits(d, &h)) {
		say(d, FINDING_CAUSE, "{listener}: the accept queue of {who} was full. Whether its backlog is too small or "
		    "it accepts too slowly is not known: its accept() calls are not all seen.");
		say_cost(d);
		say_seen(d);
		say(d, FINDING_ADVICE, "tcptrace doctor says what is not seen, and why.");
		tell(d, "acceptq-full");
		return;
	}
	if (find_clamped(d)) {
		tell(d, "acceptq-somaxconn");
		return;
	}
	find_backlog(d);
	tell(d, "acceptq-backlog");
}

/* One cause for a listener, but for what was refused beside the pauses. */
void find_acceptq(struct diagnosis *from)
{
	struct diagnosis d = diagnosis_of(from, from->l);

	if (find_accept_fails(&d) || find_shut(&d) || find_imbalance(&d))
		return;
	if (find_stalled(&d)) {
		if (stalls_explain(&d))
			return;
		d = diagnosis_of(from, from->l);
	}
	if (!find_slow(&d) && !find_long_wait(&d))
		find_short(&d);
}
