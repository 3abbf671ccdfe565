// SPDX-License-Identifier: GPL-2.0-only
/*
 * What exists: reported as events `exists`, all at once, when that event is
 * enabled. First who holds what, then the sockets, requests and minisocks that
 * the hash tables hold. Process context, may sleep between buckets. Its twin is
 * bpf/snapshot.bpf.c.
 */
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/net.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <net/inet_hashtables.h>

#include "hooks.h"
#include "read.h"

static void emit_request(const struct request_sock *req)
{
	const struct sock *listener = req_listener(req);
	struct tcptrace_record r;

	if (!listener || !wanted_of(listener, &req->__req_common) ||
	    !reserve(&r, TCPTRACE_EXISTS))
		return;
	set_request(&r, req, listener);
	r.new = TCP_NEW_SYN_RECV;
	r.arg = state_of(listener) == TCP_LISTEN ? 0 : TCPTRACE_UNHEARD;
	submit(&r);
}

static void emit_timewait(const struct inet_timewait_sock *tw)
{
	const struct sock_common *c = &tw->__tw_common;
	struct tcptrace_record r;

	if (!minisock_wanted(c) || !reserve(&r, TCPTRACE_EXISTS))
		return;
	set_common(&r, c);
	r.flags |= TCPTRACE_F_TIMEWAIT;
	r.new = READ_ONCE(tw->tw_substate);
	submit(&r);
}

static void set_listener(struct tcptrace_record *r, const struct sock *sk)
{
	set_queues(r, sk);
	set_device(r, sk);
	r->drops = atomic_read(&sk->sk_drops);
	r->old = defer_accept(sk);
}

static void emit_sock(const struct sock *sk)
{
	struct tcptrace_record r;

	if (!wanted(sk) || !reserve(&r, TCPTRACE_EXISTS))
		return;
	set_sock(&r, sk);
	r.new = state_of(sk);
	if (r.new == TCP_LISTEN) {
		set_listener(&r, sk);
		if (of_kernel(sk))
			set_kernel(&r);
	} else {
		if (!READ_ONCE(sk->sk_socket) && !sock_flag(sk, SOCK_DEAD))
			r.flags |= TCPTRACE_F_QUEUED;
		set_totals(&r, sk);
	}
	submit(&r);
}

static void emit_any(struct sock *sk)
{
	if (state_of(sk) == TCP_NEW_SYN_RECV)
		emit_request(inet_reqsk(sk));
	else if (state_of(sk) == TCP_TIME_WAIT)
		emit_timewait(inet_twsk(sk));
	else if (is_tcp(sk))
		emit_sock(sk);
}

/* ---- the hash tables ---- */

static void walk_ehash(struct inet_hashinfo *h)
{
	const struct hlist_nulls_node *node;
	struct sock *sk;
	unsigned int i;

	for (i = 0; i <= h->ehash_mask; i++) {
		struct inet_ehash_bucket *head = &h->ehash[i];

		if (hlist_nulls_empty(&head->chain))
			continue;
		spin_lock_bh(inet_ehash_lockp(h, i));
		sk_nulls_for_each(sk, node, &head->chain)
			emit_any(sk);
		spin_unlock_bh(inet_ehash_lockp(h, i));
		cond_resched();
	}
}

/* listening_hash went with cae3873c5b3a (5.19) */
static void walk_listeners(struct inet_hashinfo *h)
{
	const struct hlist_nulls_node *node;
	struct sock *sk;
	unsigned int i;

#ifdef HAVE_LISTENING_HASH
	for (i = 0; i < INET_LHTABLE_SIZE; i++) {
		struct inet_listen_hashbucket *b = &h->listening_hash[i];
#else
	for (i = 0; i <= h->lhash2_mask; i++) {
		struct inet_listen_hashbucket *b = &h->lhash2[i];
#endif
		if (hlist_nulls_empty(&b->nulls_head))
			continue;
		spin_lock_bh(&b->lock);
		sk_nulls_for_each(sk, node, &b->nulls_head)
			emit_any(sk);
		spin_unlock_bh(&b->lock);
		cond_resched();
	}
}

/* The namespaces share one table, unless they were given one (6.1). */
static void walk_tables(void)
{
	struct inet_hashinfo *shared = hashinfo_of(&init_net);
	struct net *net;

	walk_listeners(shared);
	walk_ehash(shared);
	down_read(&net_rwsem);
	for_each_net(net) {
		struct inet_hashinfo *h = hashinfo_of(net);

		if (h == shared)
			continue;
		walk_ehash(h);		/* its listeners are in the shared one */
	}
	up_read(&net_rwsem);
}

/* ---- owners ---- */

#define BATCH	512		/* descriptors, without a break */

/* A task that has a table of descriptors, and where in it we are. */
struct table {
	struct task_struct *task;
	int from;
};

/*
 * The inode does not say whether a file is a socket: with O_PATH anybody opens
 * that of a socket, and gets a file that has nothing (private_data is NULL).
 */
static const struct socket *file_socket(struct file *file)
{
#ifdef HAVE_SOCK_FROM_FILE_ERR
	int err;

	return sock_from_file(file, &err);
#else
	return sock_from_file(file);
#endif
}

static void emit_owner(const struct task_struct *task, const struct sock *sk,
		       unsigned int fd)
{
	struct tcptrace_record r;

	if (!wanted(sk) || !reserve(&r, TCPTRACE_EXISTS))
		return;
	set_sock(&r, sk);
	r.new = state_of(sk);
	if (r.new == TCP_LISTEN)
		set_listener(&r, sk);
	r.pid = task->tgid;
	r.tid = task->pid;
	r.fd = fd;
	r.flags |= TCPTRACE_F_ACTOR;
	memcpy(r.comm, task->group_leader->comm, sizeof(r.comm));
	submit(&r);
}

/* While the table is locked the file stays, and with it socket and sock. */
static int walk_file(const void *arg, struct file *file, unsigned int fd)
{
	const struct table *table = arg;
	const struct socket *sock = file_socket(file);
	const struct sock *sk = sock ? READ_ONCE(sock->sk) : NULL;

	if (sk && is_tcp(sk))
		emit_owner(table->task, sk, fd);
	return fd - table->from < BATCH ? 0 : fd + 1;
}

/* Others wait for the table while we look at it, so not for long at a time. */
static void walk_table(struct task_struct *task)
{
	struct table table = { .task = task };

	do {
		rcu_read_lock();	/* for group_leader */
		task_lock(task);
		table.from = iterate_fd(task->files, table.from, walk_file,
					&table);
		task_unlock(task);
		rcu_read_unlock();
		cond_resched();
	} while (table.from);
}

/* Threads share their files with the first, as a rule. */
static bool has_table(const struct task_struct *p, const struct task_struct *t)
{
	return READ_ONCE(t->files) &&
	       (t == p || READ_ONCE(t->files) != READ_ONCE(p->files));
}

/* Tasks that have a table of their own, at most max, each held: how many. */
static unsigned int find_tables(struct task_struct **tasks, unsigned int max)
{
	struct task_struct *p, *t;
	unsigned int n = 0;

	rcu_read_lock();
	for_each_process_thread(p, t) {
		if (!has_table(p, t))
			continue;
		if (n < max)
			tasks[n] = get_task_struct(t);
		n++;
	}
	rcu_read_unlock();
	return n;
}

static void walk_owners(void)
{
	/* those that come while we count will be seen to open their sockets */
	unsigned int i, n, max = find_tables(NULL, 0);
	struct task_struct **tasks = kvmalloc_array(max, sizeof(*tasks), GFP_KERNEL);

	if (!tasks)
		return;
	n = min(find_tables(tasks, max), max);
	for (i = 0; i < n; i++) {
		walk_table(tasks[i]);
		put_task_struct(tasks[i]);
	}
	kvfree(tasks);
}

void snapshot(void)
{
	walk_owners();
	walk_tables();
}
