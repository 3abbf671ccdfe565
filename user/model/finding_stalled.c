// SPDX-License-Identifier: GPL-2.0-only
/*
 * An accept queue that fills because nobody accepts for a while: all of its program, or
 * that of one member of a SO_REUSEPORT group.
 */
#include <string.h>

#include "../lib/tr.h"
#include "diagnosis.h"
#include "figure.h"

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
			     .clients = p->stalled_clients, .before = p->stalled_before }, now;

	*n = p->stalls;
	if (pace_now(d->m, d->l, &now) && now.ns >= PACE_STALL_NS) {
		sum.ns += now.ns;
		sum.refused += now.refused;
		sum.clients += now.clients;
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

/* Clients are counted for both queues together: where the SYN queue refused some, segments alone tell. */
static bool is_most(const struct diagnosis *d, uint64_t segments, uint64_t clients)
{
	return 2 * segments >= refused_by_acceptq(d->l) &&
	       (refused_by_synq(d->l) || 2 * clients >= d->l->refused.clients);
}

/* A server that starts slowly. */
static void say_first(struct diagnosis *d, const struct stall *s)
{
	if (!s->first || s->before || !d->l->born_ns)
		return;
	say_value(d, "listened", FINDING_MOMENT, d->l->born_ns);
	say(d, FINDING_SEEN, " None had been accepted before, since listen() at {listened}.");
	say(d, FINDING_ADVICE, " If it was not ready yet, let it call listen() when it can accept.");
}

/*
 * Most of what was refused was refused in pauses, or just before the worst of them: the length of the queue is not the
 * matter, in a longer one they would have waited for its end. Clients, too: who is refused in a pause sends again and again.
 */
bool stalls_explain(const struct diagnosis *d)
{
	struct stall s = worst_stall(d), sum;
	uint64_t n;

	sum = all_stalls(d, &n);
	return is_most(d, sum.refused, sum.clients) || (s.ns >= PACE_STALL_NS && is_most(d, s.refused_busy, s.clients_busy));
}

/* Others were refused at other times, for want of room. */
static void say_part(struct diagnosis *d, const struct stall *sum)
{
	const struct refused *r = &d->l->refused;

	if (r->unfollowed || refused_by_synq(d->l) || !sum->clients || sum->clients >= r->clients)
		return;
	say_number(d, "in_pauses", sum->clients);
	say_number(d, "of_clients", r->clients);
	say(d, FINDING_SEEN, " {in_pauses} of {of_clients:client} that the full queue refused came in such a pause.");
}

/* What is to be done, and where one sees more: as long as it lasts. */
static void say_advice(struct diagnosis *d, const char *advice, const char *look)
{
	say(d, FINDING_ADVICE, advice);
	if (who_is_gone(d)) {
		say(d, FINDING_ADVICE, ". {who} has ended since: its log may tell more.");
		return;
	}
	say(d, FINDING_ADVICE, d->stands ? N_(": ") : N_(". When it comes again, "));
	say(d, FINDING_ADVICE, look);
}

/* R is runnable: that it ran is another thing. */
static void say_runnable(struct diagnosis *d, const struct process *p)
{
	if (p->of_ns >= PACE_SEEN_NS && p->ran_ns >= p->of_ns / 10) {
		say(d, FINDING_CAUSE, ": it was busy with something else (state R)");
		say_advice(d, N_("Take what blocks out of the loop that accepts (into a thread, another process, smaller steps)"),
			   N_("perf top -p {pid} shows what it computes."));
		return;
	}
	if (p->of_ns >= PACE_SEEN_NS) {
		say_value(d, "ran", FINDING_SPAN, p->ran_ns);
		say_value(d, "ran_of", FINDING_SPAN, p->of_ns);
		say(d, FINDING_CAUSE, ": it was runnable (state R), on a CPU for {ran} of {ran_of}: throttled (cpu.max) or starved");
	} else {
		say(d, FINDING_CAUSE, ": it was runnable (state R): busy with something else, throttled (cpu.max) or starved");
	}
	say_advice(d, N_("nr_throttled in cpu.stat of its cgroup says whether cpu.max holds it back (CPUQuota= of its unit, docker --cpus)"),
		   N_("/proc/{pid}/cgroup names the cgroup, top shows what else runs, perf top -p {pid} what it computes."));
}

/* Others may accept by now, and it may be stopped still. */
static void say_stopped(struct diagnosis *d)
{
	struct process now;

	if (d->machine->process(d->machine->ctx, d->f.who.pid, &now) && now.state == 'T')
		say(d, FINDING_ADVICE, "kill -CONT {pid} lets it go on. ");
	say(d, FINDING_ADVICE, "Find out who stopped it: SIGSTOP, a shell's job control.");
}

/* One of several is named. */
static void say_alike(struct diagnosis *d, const struct process *p)
{
	if (p->alike) {
		say_number(d, "alike", p->alike);
		say(d, FINDING_CAUSE, "; {alike:other} of those that could accept there, too");
	}
	if (p->unlike) {
		say_number(d, "unlike", p->unlike);
		say(d, FINDING_CAUSE, "; {unlike:other} could accept there, in another state, and took none either");
	}
}

/* Its state while nobody accepted is the cause. */
static void say_state(struct diagnosis *d, const struct process *p)
{
	static const struct { char state; const char *cause, *advice, *look; } text[] = {
		{ 'T', N_(": it was stopped (state T)"), NULL, NULL },
		{ 't', N_(": a debugger held it (state t)"), N_("Keep the debugger away from it"),
		  N_("TracerPid in /proc/{pid}/status names it.") },
		{ 'D', N_(": it was in uninterruptible sleep (state D)"),
		  N_("What may hold it: a disk, a network file system, a driver, vfork()'s child"),
		  N_("cat /proc/{pid}/stack shows where it waits.") },
		{ 'S', N_(": it slept in something else (state S)"),
		  N_("Take what blocks out of the loop that accepts (a lock, a database, a call without a time limit)"),
		  N_("cat /proc/{pid}/wchan or gdb -p {pid} shows where it sleeps.") },
	};

	for (unsigned int i = 0; i < sizeof(text) / sizeof(*text); i++) {
		if (text[i].state != p->state)
			continue;
		say_value(d, "state", FINDING_STATE, (uint64_t)p->state);
		say(d, FINDING_CAUSE, text[i].cause);
		say_alike(d, p);
		if (p->state == 'T')
			say_stopped(d);
		else
			say_advice(d, text[i].advice, text[i].look);
		return;
	}
	if (p->state == 'R') {
		say_value(d, "state", FINDING_STATE, 'R');
		say_runnable(d, p);
		say_alike(d, p);
		return;
	}
	if (!owner_known(&d->f.who)) {
		say(d, FINDING_ADVICE, "Find the program that should accept: who had the listener then was not seen.");
		return;
	}
	say_advice(d, N_("Look at what {who} does meanwhile"), N_("/proc/{pid}/status and perf top -p {pid} show it."));
}

/*
 * Who is named has the listener as others do, sleeps, and never accepted: who did since, and keeps it, was to accept, and the
 * other one is a child that works for something else.
 */
static bool is_refuted(const struct diagnosis *d, const struct process *p)
{
	const struct owner *keeper = listener_keeper(d->l), *took = &d->l->acceptor;

	if (!keeper || p->pid == keeper->pid || took->pid != keeper->pid || d->l->acceptors != 1)
		return false;
	return !p->frozen && (p->state == 'S' || p->state == '?');
}

static struct process blame_holder(struct diagnosis *d, const struct stall *s)
{
	const struct owner *const then[] = { &d->l->staller }, *const last[] = { &d->l->acceptor };
	uint64_t from_ns = s->from_ns;
	struct process p = { 0 };
	struct stall now;

	d->stands = pace_now(d->m, d->l, &now) && now.from_ns == from_ns;
	if (s->unheld) {
		blame(d, d->stands ? last : then, 1);
		if (who_is_gone(d))
			d->f.who = (struct owner){ .fd = -1 };
		return (struct process){ .unheard = true };
	}
	if (d->l->staller.pid && from_ns == d->l->pace.worst.from_ns)
		blame(d, then, 1);
	else
		blame_server(d);
	if (!d->machine || !d->machine->holder || !d->machine->holder(d->machine->ctx, d->l, from_ns, &p) ||
	    is_refuted(d, &p))
		return (struct process){ 0 };
	d->f.who.pid = p.pid;
	d->f.who.fd = -1;
	memcpy(d->f.who.comm, p.comm, sizeof(d->f.who.comm));
	return p;
}

/* It had children and nobody had accepted, but it has since, there or at another port: then it was its work. */
static bool accepts(const struct diagnosis *d, uint32_t pid)
{
	const struct listener *l;
	uint32_t i;

	for (i = 0; (l = model_listener(d->m, i)) && l->acceptor.pid != pid; i++)
		;
	return l;
}

static bool is_its_work(const struct diagnosis *d, const struct process *p)
{
	return !p->parent || p->state != 'S' || accepts(d, p->pid);
}

/* Nobody holds it, and it is the one that was to accept; what it did is known, or not ('?', 0: nobody was looked at). */
static bool does_something_else(const struct diagnosis *d, const struct process *p)
{
	return p->state != 'T' && p->state != 't' && !p->instead_of && !p->frozen && !p->workers && is_its_work(d, p);
}

/* It may have tried, and failed each time. */
static bool is_unheard(const struct diagnosis *d, const struct process *p)
{
	return d->l->took_unasked || p->unheard;
}

/* What it did meanwhile, or that it never was its work. */
static void say_why_stalled(struct diagnosis *d, const struct process *p)
{
	if (p->frozen) {
		say(d, FINDING_CAUSE, ": its cgroup was frozen (docker pause, systemctl freeze)");
		say(d, FINDING_ADVICE, d->stands ? N_("docker unpause, systemctl thaw, or 0 in cgroup.freeze (v1: THAWED in freezer.state) "
		    "of a cgroup in /proc/{pid}/cgroup lets it go on.") : N_("Find out who froze it."));
		return;
	}
	if (p->unheard && !p->pid) {
		say(d, FINDING_CAUSE, ": no process was found to have a descriptor of the listener");
		say(d, FINDING_ADVICE, "It may be in an io_uring, on its way from one process to another (SCM_RIGHTS), or that of a process "
		    "outside of this PID namespace: find the program that should accept.");
		return;
	}
	if (p->thread_gone) {
		say_number(d, "thread_gone", p->thread_gone);
		say(d, FINDING_CAUSE, ": its thread {thread_gone}, which accepted last, has ended; nobody may accept any more");
		say_advice(d, N_("Find out why that thread ended (see the log of {who})"), N_("gdb -p {pid} shows what the others do."));
		return;
	}
	if (p->workers) {
		say_number(d, "workers", p->workers);
		say(d, FINDING_CAUSE, ": it holds the listener with {workers:other}, and which of them should have accepted is not known");
		say_advice(d, N_("Look at what they wait for"), N_("pgrep -P {pid} names them, /proc/PID/wchan of each shows it."));
		return;
	}
	if (!is_its_work(d, p)) {
		say(d, FINDING_CAUSE, ": nobody had been seen to accept there, and whether that is its work or a child's is not known");
		say(d, FINDING_ADVICE, "See the log of {who}: did its workers start? pgrep -P {pid} shows those that run, cat "
		    "/proc/{pid}/wchan where it sleeps itself.");
		return;
	}
	if (!p->instead_of && is_unheard(d, p) && p->state != 'T' && p->state != 't') {
		say(d, FINDING_CAUSE, d->l->took_unasked ?
		    N_(": whether it tried is not known, as its last accept() was not seen (io_uring, a 32-bit program), or began before tcptrace") :
		    N_(": whether it tried is not known, as it has an io_uring or is a 32-bit program"));
		say_advice(d, N_("How accept() by io_uring fails is not seen, nor, by tracepoints, that of a 32-bit program, nor whether it had a file "
				 "descriptor left"), N_("ls -l /proc/{pid}/fd and /proc/{pid}/limits show what it has."));
		return;
	}
	if (!p->instead_of) {
		say_state(d, p);
		return;
	}
	say_number(d, "instead_of", p->instead_of);
	if (p->inherited) {
		say(d, FINDING_CAUSE, ": it has inherited the listener of process {instead_of}, which accepted last, and is gone");
		say(d, FINDING_ADVICE, "If {who} is no server, but a child that was left over, end it: as long as it has the listener, "
		    "clients wait for nobody, and the port is taken. SOCK_CLOEXEC keeps it from programs that a server starts.");
		return;
	}
	say(d, FINDING_CAUSE, p->elsewhere ?
	    N_(": it holds the listener, and process {instead_of}, which accepted at another of its ports, is gone") :
	    N_(": it holds the listener, and process {instead_of}, which accepted last, is gone"));
	say(d, FINDING_ADVICE, "Find out why {instead_of} ended, and why {who} does not start another one (see its log).");
}

static void say_stall(struct diagnosis *d, const struct stall *s)
{
	say_least(d, "stall", FINDING_SPAN, s->ns, s->before);
	say_value(d, "from", FINDING_MOMENT, s->from_ns);
	say_number(d, "stall_waiting", s->waiting);
	say_number(d, "pid", d->f.who.pid);
}

static void say_closed_pause(struct diagnosis *d)
{
	if (d->l->pace.left_stalled)
		say_closed(d);
}

/* Where nobody was refused: most waited for no longer than it, and not for one accept() after the other. */
static bool stall_explains_waits(const struct diagnosis *d, const struct stall *s)
{
	struct hist h;

	return s->before || !acceptq_waits(d, &h) || hist_quantile(&h, 500) <= 2 * s->ns;
}

/* Of one that is slow all the time, in a state that says nothing else: no cause of its own. */
bool pauses_are_slowness(const struct diagnosis *d)
{
	struct stall s = worst_stall(d);
	struct diagnosis copy = *d;
	struct process p;

	if (!is_stalled(d) || (refused_by_acceptq(d->l) ? stalls_explain(d) : stall_explains_waits(d, &s)))
		return false;
	p = blame_holder(&copy, &s);
	return (p.state == 'S' || p.state == 'R' || !p.state) && !p.unheard && !p.thread_gone && does_something_else(d, &p);
}

void say_pause(struct diagnosis *d)
{
	struct stall s = worst_stall(d);

	if (s.ns < PACE_STALL_NS)
		return;
	say_least(d, "stall", FINDING_SPAN, s.ns, s.before);
	say_value(d, "from", FINDING_MOMENT, s.from_ns);
	say(d, FINDING_SEEN, " For {stall} from {from} on none was taken.");
}

bool find_stalled(struct diagnosis *d)
{
	struct stall s = worst_stall(d), sum;
	uint64_t n;
	struct process p;

	if (!is_stalled(d))
		return false;
	p = blame_holder(d, &s);
	d->f.of_process = true;
	say_stall(d, &s);
	if (is_unheard(d, &p))
		say(d, FINDING_CAUSE, s.before ? N_("{listener}: {who} took none for {stall}, since {from} or before, while "
		    "{stall_waiting:connection} waited") : N_("{listener}: {who} took none for {stall} from {from} on, while "
		    "{stall_waiting:connection} waited"));
	else
		say(d, FINDING_CAUSE, s.before ? N_("{listener}: no accept() by {who} for {stall}, since {from} or before, while "
		    "{stall_waiting:connection} waited") : N_("{listener}: no accept() by {who} for {stall} from {from} on, while "
		    "{stall_waiting:connection} waited"));
	if (p.state == 'S' && does_something_else(d, &p))
		say_at_once(d);
	say_why_stalled(d, &p);
	say(d, FINDING_CAUSE, ".");
	if (stalls_explain(d) && refused_by_acceptq(d->l))	/* the SYN queue's are synq-full's */
		say_cost(d);
	say_closed_pause(d);
	say_acceptq(d);
	if (does_something_else(d, &p))
		say_first(d, &s);
	sum = all_stalls(d, &n);
	if (n > 1) {
		say_number(d, "stalls", n);
		say_least(d, "stalled", FINDING_SPAN, sum.ns, sum.before);
		say(d, FINDING_SEEN, " {stalls} such pauses, {stalled} in all.");
	}
	say_part(d, &sum);
	tell(d, "accept-stalled");
	return true;
}

/* ---- one member of a SO_REUSEPORT group ---- */

/* Was there in l's pause: not one that it follows, or that follows it (a reload, a restart). */
static bool same_group(const struct listener *a, const struct listener *b, const struct stall *s)
{
	return a != b && same_address(a, b) && b->born_ns < s->from_ns + s->ns && listener_until(b) > s->from_ns;
}

/* How many members l's group has; *accepted: what those without a queue, who went on meanwhile, have accepted. */
static uint64_t group_of(const struct diagnosis *d, const struct stall *s, uint64_t *accepted)
{
	const struct listener *other;
	uint64_t members = 1;

	*accepted = 0;
	for (uint32_t i = 0; (other = model_listener(d->m, i)); i++) {
		if (!same_group(d->l, other, s))
			continue;
		members++;
		if (!other->acceptq.now && other->pace.took_ns > s->from_ns)
			*accepted += other->accepted;
	}
	return members;
}

/* This member keeps connections waiting, or refuses them, while another of its port takes all it gets. */
bool find_imbalance(struct diagnosis *d)
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
	members = group_of(d, &s, &others);
	if (members < 2 || others <= (stands ? 0 : l->accepted))
		return false;
	p = blame_holder(d, &s);
	say_stall(d, &s);
	say_number(d, "members", members);
	say_number(d, "accepted", l->accepted);
	say_number(d, "others", others);
	say(d, FINDING_CAUSE, "{listener}: one of {members} SO_REUSEPORT listeners is stuck, that of {who}");
	say_why_stalled(d, &p);
	say(d, FINDING_CAUSE, ". It accepted {accepted}, the others {others}.");
	say_cost(d);
	say_closed_pause(d);
	say_acceptq(d);
	say(d, FINDING_ADVICE, " The kernel deals connections by hash, not by load: workers that share one listener "
	    "can help each other out.");
	tell(d, "reuseport-imbalance");
	return true;
}
