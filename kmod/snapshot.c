// SPDX-License-Identifier: GPL-2.0-only
/*
 * What exists: told as events `exists`, all at once, when somebody enables that
 * event. First who holds what, then the sockets, requests and minisocks that
 * the hash tables hold. Process context, may sleep between buckets. Its twin is
 * bpf/snapshot.bpf.c.
 */
#include <linux/fdtable.h>
#include <linux/file.h>
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
	r->drops = atomic_read(&sk->sk_drops);
}

static void emit_sock(const struct sock *sk)
{
	struct tcptrace_record r;

	if (!wanted(sk) || !reserve(&r, TCPTRACE_EXISTS))
		return;
	set_sock(&r, sk);
	r.new = state_of(sk);
	if (r.new == TCP_LISTEN)
		set_listener(&r, sk);
	else if (!READ_ONCE(sk->sk_socket) && !sock_flag(sk, SOCK_DEAD))
		r.flags |= TCPTRACE_F_QUEUED;
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
	struct inet_hashinfo *shared = init_net.ipv4.tcp_death_row.hashinfo;
	struct net *net;

	walk_listeners(shared);
	walk_ehash(shared);
	down_read(&net_rwsem);
	for_each_net(net) {
		struct inet_hashinfo *h = net->ipv4.tcp_death_row.hashinfo;

		if (h == shared)
			continue;
		walk_listeners(h);
		walk_ehash(h);
	}
	up_read(&net_rwsem);
}

/* ---- owners ---- */

static int emit_owner(const void *arg, struct file *file, unsigned int fd)
{
	const struct task_struct *task = arg;
	struct tcptrace_record r;
	const struct socket *sock;
	const struct sock *sk;

	if (!S_ISSOCK(file_inode(file)->i_mode))
		return 0;
	sock = file->private_data;
	sk = READ_ONCE(sock->sk);
	if (!sk || !is_tcp(sk) || !wanted(sk) || !reserve(&r, TCPTRACE_EXISTS))
		return 0;
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
	return 0;
}

static void walk_owners(void)
{
	struct task_struct *p, *t;

	rcu_read_lock();
	for_each_process_thread(p, t) {
		task_lock(t);
		/* threads share their files with the first, as a rule */
		if (t->files && (t == p || t->files != p->files))
			iterate_fd(t->files, 0, emit_owner, t);
		task_unlock(t);
	}
	rcu_read_unlock();
}

void snapshot(void)
{
	walk_owners();
	walk_tables();
}
