// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who. A call tells who made it; softirq steps are shown as the socket's owner's. A listener has three roles: who
 * opened it, who accepts, who holds it now: masters die, and hand descriptors on. The name of a process is that of its
 * first thread, as it is now: exec and prctl() change it.
 */
#include "internal.h"

#define VERIFY_NS	100000000ull	/* between two looks, */
#define VERIFY_AT_ONCE	16u		/* each at this many listeners */
#define ASK_NS		1000000000ull

/* What the capture side calls it: nfsd, nvmet-tcp, ksmbd listen and accept without a process. */
bool owner_is_kernel(const struct owner *o)
{
	return !o->pid && !strncmp(o->comm, "[kernel]", sizeof(o->comm));
}

bool owner_known(const struct owner *o)
{
	return o->pid || owner_is_kernel(o);
}

/* ---- names ---- */

static struct proc *proc_of(struct model *m, uint32_t pid)
{
	return &m->procs[pid % PROCS];
}

static void rename_owner(struct owner *o, uint32_t pid, const char *comm)
{
	if (o->pid == pid)
		memcpy(o->comm, comm, TCPTRACE_COMM_LEN);
}

/* Who is shown without a step. */
static void rename_listeners(struct model *m, uint32_t pid, const char *comm)
{
	for (uint32_t i = 0; i < m->nlisteners; i++) {
		struct listener *l = &m->listeners[m->listener_order[i]];

		rename_owner(&l->opener, pid, comm);
		rename_owner(&l->acceptor, pid, comm);
		rename_owner(&l->holder, pid, comm);
		rename_owner(&l->staller, pid, comm);
		if (l->seldom)
			rename_owner(&l->seldom->worker, pid, comm);
	}
	m->renamed = true;
	m->owners++;
}

static void learn_name(struct model *m, uint32_t pid, const char *comm)
{
	struct proc *p = proc_of(m, pid);

	if (p->pid == pid && memcmp(p->comm, comm, TCPTRACE_COMM_LEN))
		rename_listeners(m, pid, comm);
	p->pid = pid;
	memcpy(p->comm, comm, TCPTRACE_COMM_LEN);
	m->actor.pid = 0;		/* he may be called so, too: owner_load() */
}

/* Of a process whose first thread has not called yet, the name is looked up when there is time. */
static void want_name(struct model *m, uint32_t pid)
{
	if (m->lookup.name && m->nnames_wanted < NAMES_WANTED)
		m->names_wanted[m->nnames_wanted++] = pid;
}

/* The caller of the record in hand. A snapshot has the name of the process, whichever its thread. */
void owner_load(struct model *m, const struct tcptrace_record *rec)
{
	bool found = rec->event == TCPTRACE_EXISTS, first = found || rec->tid == rec->pid;
	const struct proc *p = proc_of(m, rec->pid);
	struct owner *a = &m->actor;

	a->fd = rec->fd;
	if (rec->pid && rec->pid == a->pid && rec->tid == a->tid && !found && !memcmp(m->thread, rec->comm, TCPTRACE_COMM_LEN))
		return;			/* who called last, too */
	memcpy(m->thread, rec->comm, TCPTRACE_COMM_LEN);
	if (first && rec->pid) {
		learn_name(m, rec->pid, rec->comm);
	} else if (rec->pid && p->pid != rec->pid) {
		m->renamed = true;		/* it goes by its thread's name until it has one */
		want_name(m, rec->pid);
	}
	a->pid = rec->pid;
	a->tid = rec->tid;
	memcpy(a->comm, rec->pid && p->pid == rec->pid ? p->comm : rec->comm, TCPTRACE_COMM_LEN);
}

/* As the process is called now: what its owner was called when it became that, unless anybody was renamed since. */
static const struct owner *named(struct model *m, struct owner *o)
{
	const struct proc *p;

	if (!m->renamed || !o->pid)
		return o;
	p = proc_of(m, o->pid);
	if (p->pid == o->pid)
		memcpy(o->comm, p->comm, TCPTRACE_COMM_LEN);
	return o;
}

/* ---- whose ---- */

const struct owner *listener_keeper(const struct listener *l)
{
	if (l->holder.pid)
		return &l->holder;
	if (owner_is_kernel(&l->opener))
		return &l->opener;
	if (l->opener.pid && !l->opener_gone)
		return &l->opener;
	return l->acceptor.pid && !l->acceptor_gone ? &l->acceptor : NULL;
}

const struct owner *listener_named(const struct listener *l)
{
	const struct owner *keeper = listener_keeper(l);

	return keeper ? keeper : l->opener.pid ? &l->opener : &l->acceptor;
}

uint32_t model_owners(const struct model *m)
{
	return m->owners;
}

/* It may be gone. Of what was a request when it was last seen the record may be the socket's that it became. */
static bool had_socket(const struct conn *c, const struct model_event *ev)
{
	const struct tcptrace_record *rec = ev->rec;

	if (c->state != TCP_S_NONE && c->state != TCP_S_NEW_SYN_RECV)
		return true;
	return c->sk || (rec->sk && !(rec->flags & TCPTRACE_F_REQUEST) && rec->sk != ev->l->sk);
}

/* By somebody of whom nothing is known. */
static bool may_be_accepted(const struct model *m, const struct conn *c, const struct model_event *ev)
{
	if (!had_socket(c, ev) || c->killed || tcptrace_event_class(ev->event) == TCPTRACE_QUEUE ||
	    (ev->event == TCPTRACE_STATE && (ev->old == TCP_S_LISTEN || ev->old == TCP_S_SYN_RECV)))
		return false;
	return c->left_acceptq || takers_unseen(m, c->listener);
}

/* In softirq 'current' means nothing: a child that was not accepted yet belongs to the holder of the listener. */
const struct owner *owner_of(struct model *m, const struct model_event *ev)
{
	struct conn *c = (struct conn *)ev->c;
	const struct owner *keeper;

	if (c && c->owner.pid)
		return named(m, &c->owner);
	keeper = ev->l ? listener_keeper(ev->l) : NULL;
	if (!keeper || (c && !owner_is_kernel(keeper) && may_be_accepted(m, c, ev)))
		return NULL;
	return named(m, (struct owner *)keeper);
}

/* The caller of socket, connect and accept owns the socket; of other calls if no owner is known. */
void owner_learn(const struct model *m, struct owner *o, const struct tcptrace_record *rec, bool sure)
{
	if (!(rec->flags & TCPTRACE_F_ACTOR) || !rec->pid || (o->pid && !sure))
		return;
	*o = m->actor;
	if (o->fd < 0 && rec->event == TCPTRACE_SOCKET && rec->ret >= 0)
		o->fd = rec->ret;
}

/* close, shutdown, read, write: the caller holds it, though another accepted it. The classic server forks for each. */
void owner_calls(const struct model *m, struct conn *c, const struct tcptrace_record *rec)
{
	owner_learn(m, &c->owner, rec, rec->flags & TCPTRACE_F_ACTOR && rec->pid != c->owner.pid);
}

/*
 * Known from the transition to LISTEN, by whatever way (io_uring, a 32-bit program, MPTCP), and from the return of
 * listen(), which has the descriptor too. A later caller of listen() is not the opener.
 */
void owner_opens(struct model *m, struct listener *l, const struct tcptrace_record *rec)
{
	bool same = l->opener.pid == m->actor.pid && l->opener.fd < 0;

	if (!(rec->flags & TCPTRACE_F_ACTOR) || !owner_known(&m->actor) || (l->opener_listened && !same))
		return;
	m->owners += l->opener.pid != m->actor.pid;
	l->opener = m->actor;
	l->opener_listened = true;
}

/* Of one alone, it is the acceptor. */
static void accepts_too(struct model *m, struct listener *l, uint32_t pid)
{
	uint32_t *pids = seldom_of(m, l)->acceptor_pids, i = 0;

	if (l->acceptors == 1)
		pids[0] = l->acceptor.pid;
	while (i < l->acceptors && pids[i] != pid)
		i++;
	if (i == l->acceptors && i < ACCEPTORS_MAX)
		pids[l->acceptors++] = pid;
}

/* What accept() returned is a connection's: the listener's own descriptor is known of who opened or holds it. */
static int32_t fd_of(const struct listener *l, uint32_t pid)
{
	const struct owner *const known[] = { &l->acceptor, &l->holder, &l->opener };

	for (unsigned int i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i]->pid == pid && known[i]->fd >= 0)
			return known[i]->fd;
	return -1;
}

void owner_accepts(struct model *m, struct listener *l, const struct owner *who)
{
	int32_t fd;

	if (!l)
		return;
	fd = fd_of(l, who->pid);
	if (l->acceptor.pid != who->pid && l->acceptors)
		accepts_too(m, l, who->pid);
	else if (l->acceptor.pid != who->pid)
		l->acceptors = 1;
	m->owners += l->acceptor.pid != who->pid && l->acceptors == 1;
	l->acceptor = *who;
	l->acceptor.fd = fd;
	l->acceptor_gone = false;
}

/* ---- who holds what: snapshots list it ---- */

enum { FIRST = 1, ACCEPTS, KEEPS };

static void holds_too(struct model *m, struct listener *l, uint32_t pid)
{
	struct seldom *s = seldom_of(m, l);
	uint32_t i = 0;

	while (i < s->nholders && s->holders[i] != pid)
		i++;
	if (!s->nholders)
		s->worker = m->actor;
	if (i == s->nholders && i < HOLDERS_MAX)
		s->holders[s->nholders++] = pid;
}

void owner_holds(struct model *m, struct listener *l)
{
	const struct owner *keeper = listener_keeper(l), *a = &m->actor;
	uint8_t rank = keeper && keeper->pid == a->pid ? KEEPS : l->acceptor.pid == a->pid ? ACCEPTS : FIRST;

	m->snap.owners = true;
	if (l->held_gen != m->snap.gen) {
		l->opener_named = l->acceptor_named = false;
		l->found_rank = 0;
		if (l->seldom)
			l->seldom->nholders = 0;
	}
	l->held_gen = m->snap.gen;
	if (!owner_known(&l->opener))
		l->opener = *a;
	l->opener_named |= a->pid == l->opener.pid;
	if (a->pid != l->opener.pid)
		holds_too(m, l, a->pid);
	if (a->pid == l->acceptor.pid) {
		l->acceptor_named = true;
		l->acceptor.fd = a->fd;
	}
	if (rank <= l->found_rank)
		return;
	l->found_rank = rank;
	l->found = *a;
}

/*
 * The list is complete, unless a filter by process made it, or the listener was made meanwhile: who is not on it holds
 * nothing.
 */
void owner_listed(struct model *m, struct listener *l)
{
	bool any = l->held_gen == m->snap.gen;

	if (m->only & (TCPTRACE_ONLY_PIDS | TCPTRACE_ONLY_CGROUP) || l->born_ns >= m->snap.begin_ns)
		return;
	l->listed = true;
	l->opener_gone = !any || !l->opener_named;
	l->acceptor_gone = !any || !l->acceptor_named;
	if (l->seldom && (l->seldom->nholders != 1 || l->opener_gone || !l->acceptor_gone || l->acceptor.pid == l->opener.pid))
		l->seldom->worker.pid = 0;
	l->holder = any && l->opener_gone ? l->found : (struct owner){ .fd = -1 };
	l->holder_ino = 0;
	m->owners++;
}

/* Of a conn's holders who had it before, if he is one of them; else the first that is named. */
void owner_has(struct model *m, struct conn *c)
{
	const struct owner *a = &m->actor;

	m->snap.owners = true;
	if (c->owner_gen == m->snap.gen) {
		if (a->pid == c->owner_old)
			c->owner = *a;
		return;
	}
	c->owner_gen = m->snap.gen;
	c->owner_old = c->owner.pid;
	c->owner = *a;
}

/*
 * ---- and in between: is who we would name still there? ----
 *
 * If not, a new list is wanted. That list alone changes what is known: it is in recordings, so a replay says the same.
 */

void model_set_lookup(struct model *m, const struct model_lookup *lookup)
{
	m->lookup = *lookup;
}

static void look_up_names(struct model *m)
{
	char comm[TCPTRACE_COMM_LEN + 1] = "";

	while (m->nnames_wanted) {
		uint32_t pid = m->names_wanted[--m->nnames_wanted];

		if (m->lookup.name(m->lookup.ctx, pid, comm))
			learn_name(m, pid, comm);
	}
}

/*
 * exec and prctl() give a process another name, and it need not call anything for that. By its descriptor it is known
 * to be the same process; the list puts the name in recordings.
 */
static void verify_name(struct model *m, const struct owner *keeper)
{
	char comm[TCPTRACE_COMM_LEN + 1] = "";

	if (keeper->fd < 0 || !m->lookup.name(m->lookup.ctx, keeper->pid, comm) ||
	    !strncmp(comm, keeper->comm, TCPTRACE_COMM_LEN))
		return;
	proc_of(m, keeper->pid)->pid = keeper->pid;
	learn_name(m, keeper->pid, comm);
	m->owners_wanted = true;
}

static void verify(struct model *m, struct listener *l)
{
	const struct owner *keeper = listener_keeper(l);
	int holds;

	if (!l->open || !keeper || keeper->pid == l->asked_pid)
		return;
	holds = m->lookup.holds(m->lookup.ctx, keeper, &l->holder_ino);
	if (holds > 0)
		verify_name(m, keeper);
	if (holds)
		return;
	l->holder_ino = 0;
	l->asked_pid = keeper->pid;		/* once: a list may be of no use (-p) */
	m->owners_wanted = true;
}

/* A few at a time: with thousands of listeners a round takes a while, and nearly none of it. */
void owner_verify(struct model *m)
{
	uint32_t i, n = m->nlisteners < VERIFY_AT_ONCE ? m->nlisteners : VERIFY_AT_ONCE;

	if (!m->lookup.holds || m->totals.last_ns - m->verified_ns < VERIFY_NS)
		return;
	m->verified_ns = m->totals.last_ns;
	look_up_names(m);
	for (i = 0; i < n; i++) {
		m->verify_next = m->verify_next + 1 < m->nlisteners ? m->verify_next + 1 : 0;
		verify(m, &m->listeners[m->listener_order[m->verify_next]]);
	}
}

static void in_close_wait(void *ctx, const struct conn *c)
{
	*(bool *)ctx |= c->state == TCP_S_CLOSE_WAIT && c->owner.pid;
}

/* Without transitions a snapshot alone says in which state connections are that were accepted. */
static bool states_are_wanted(const struct model *m)
{
	bool wanted = false;

	for (uint32_t i = 0; i < m->nlisteners; i++)
		wanted |= m->listeners[m->listener_order[i]].accepted > 0;
	return wanted && !model_seen(m, TCPTRACE_STATE);
}

/* Who accepted last, and does not keep it, may have closed it, or ended: others have to, then. No filter's list tells. */
static bool acceptor_may_be_gone(const struct model *m, const struct listener *l)
{
	const struct owner *keeper = listener_keeper(l), *a = &l->acceptor;
	uint64_t ino = l->holder_ino;

	if (!a->pid || l->acceptor_gone || (keeper && keeper->pid == a->pid) ||
	    m->only & (TCPTRACE_ONLY_PIDS | TCPTRACE_ONLY_CGROUP))
		return false;
	return a->fd < 0 || !m->lookup.holds(m->lookup.ctx, a, &ino);
}

/*
 * Who stalls will be named, and at the end all are. Whose a listener is that no list has named yet rests on its opener's
 * word: it may have closed it before we looked, and its descriptor's number be another socket's by then.
 */
static bool list_is_due(const struct model *m, struct listener *l, bool end)
{
	uint64_t from_ns = l->pace.now.from_ns;
	bool stalls = l->open && from_ns && m->totals.last_ns >= from_ns + PACE_STALL_NS;
	bool due = !l->listed && (stalls || (end && l->open));

	if (stalls && l->stall_asked_ns != from_ns) {
		l->stall_asked_ns = from_ns;
		due |= acceptor_may_be_gone(m, l);
	}
	l->listed |= due;		/* once: a list may be of no use (-p) */
	return due;
}

bool model_ask_owners(struct model *m, bool end)
{
	bool ask;
	uint32_t i;

	for (i = 0; m->lookup.holds && i < m->nlisteners; i++)
		m->owners_wanted |= list_is_due(m, &m->listeners[m->listener_order[i]], end);
	ask = m->owners_wanted;
	if (!end && (!ask || (m->asked_ns && m->totals.last_ns - m->asked_ns < ASK_NS)))
		return false;
	if (end && m->wants.owners)
		ask = true;		/* which connections are left is not known */
	else if (end && m->lookup.holds) {
		for (i = 0; i < m->nlisteners; i++)
			verify(m, &m->listeners[m->listener_order[i]]);
		ask = m->owners_wanted || states_are_wanted(m);
		model_each_conn(m, in_close_wait, &ask);
	}
	m->owners_wanted = false;
	m->asked_ns = m->totals.last_ns;
	return ask;
}
