// SPDX-License-Identifier: GPL-2.0-only
/* An accept queue that fills because accept() fails. */
#include <errno.h>

#include "../lib/tr.h"
#include "diagnosis.h"
#include "knob.h"

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
	bool gone = who_is_gone(d);

	if (d->machine && d->machine->process && d->machine->process(d->machine->ctx, d->f.who.pid, &p) && p.nofile) {
		say_number(d, "nofile", p.nofile);
		say(d, FINDING_CAUSE, ": it had no file descriptor left (RLIMIT_NOFILE; it is {nofile} now)");
	} else {
		say(d, FINDING_CAUSE, ": it had no file descriptor left (RLIMIT_NOFILE)");
	}
	if (gone) {
		say(d, FINDING_ADVICE, "{who} has ended since. Give it more at the next start: LimitNOFILE= in its unit (or ulimit -n)");
	} else if (works_again(d)) {
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
	say(d, FINDING_ADVICE, gone ? N_(".") : N_(". If it leaks them: ls -l /proc/{pid}/fd."));
	if (listener_seldom(d->l)->others_failed)
		say(d, FINDING_ADVICE, " The others have limits of their own.");
}

/* It goes on, or the queue filled meanwhile, if anybody was refused at all. */
static bool failure_explains(const struct diagnosis *d, const struct failure *e)
{
	const struct refused *r = &d->l->refused;

	return !works_again(d) || !r->first_ns || (r->first_ns <= e->last_ns && r->last_ns >= e->first_ns);
}

/* False: there is another cause, too. */
bool find_accept_fails(struct diagnosis *from)
{
	const struct failure *e = accept_failure(from->l);
	const struct owner *const who[] = { &listener_seldom(from->l)->failer, &from->l->acceptor, &from->l->opener };
	struct diagnosis copy = diagnosis_of(from, from->l), *d = &copy;
	bool explains;

	if (!e)
		return false;
	explains = failure_explains(d, e);
	blame(d, who, who[0]->pid ? 1 : 3);	/* it failed in that one, though it may be gone */
	d->f.of_process = true;
	say_value(d, "errno", FINDING_ERRNO, (uint64_t)e->err);
	say_number(d, "errors", e->count);
	say_number(d, "pid", d->f.who.pid);
	say_value(d, "from", FINDING_MOMENT, e->first_ns);
	say(d, FINDING_CAUSE, listener_seldom(from->l)->others_failed ?
	    N_("{listener}: accept() failed with {errno} {errors:time} in {who} and others, first at {from}") :
	    N_("{listener}: accept() failed with {errno} {errors:time} in {who}, first at {from}"));
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
	if (explains)
		say_cost(d);
	if (!works_again(d))			/* it had accepted none of them for that reason */
		say_closed(d);
	if (explains)
		say_acceptq(d);
	tell(d, "accept-fails");
	from->closed = d->closed;
	return explains;
}
