// SPDX-License-Identifier: GPL-2.0-only
/*
 * What exists, in records. walk_tcp covers all network namespaces and knows both queues, the requests in them and
 * minisocks; iter/task_file knows who holds what.
 *
 * Not iter/tcp, which takes references: of a request that another CPU inserts at that moment and that has none to give
 * yet, so that it is freed too early and the kernel may crash (CVE-2026-74714: 5.15 until 6.1.183, 6.6.152, 6.12.104,
 * 6.18.45, 7.1.9). Here nothing is taken and nothing locked: a program runs under rcu_read_lock(), and these sockets
 * are SLAB_TYPESAFE_BY_RCU, so that a chain may be followed as __inet_lookup_established() does.
 */
#include "file.bpf.h"
#include "filter.bpf.h"
#include "tp/groups.bpf.h"

static __always_inline void clear(struct tcptrace_record *r)
{
	__builtin_memset(r, 0, sizeof(*r));
	r->t_ns = bpf_ktime_get_ns();
	r->event = TCPTRACE_EXISTS;
	r->fd = -1;
}

static __always_inline void set_listener(struct tcptrace_record *r, const struct sock *sk)
{
	set_queues(r, sk);
	set_device(r, sk);
	r->drops = READ(sk, sk_drops.counter);
	r->old = defer_accept(sk);
}

static __always_inline bool is_orphan(const struct sock *sk)
{
	return READ(sk, __sk_common.skc_flags) & (1ul << SOCK_DEAD);
}

/* What its program closed has no socket either; of an MPTCP socket nor have its subflows, which are no orphans themselves. */
static __always_inline bool waits_for_accept(const struct sock *sk)
{
	return !READ(sk, sk_socket) && !is_orphan(sk) && !is_orphan(TYPED_PTR(held_side(sk))) && !has_joined(sk);
}

/* The record of a listener, a socket, a request or a minisock; false: it is not wanted. */
static __always_inline bool set_exists(struct tcptrace_record *r, const struct sock_common *c)
{
	__u8 state = READ(c, skc_state);

	if (state == TCP_TIME_WAIT && !cfg.timewaits)	/* a busy client or server has thousands */
		return false;
	clear(r);
	if (state == TCP_NEW_SYN_RECV) {
		const struct sock *listener = TYPED_PTR((const struct sock *)READ(c, skc_listener));

		if (!listener || !wanted_of(listener, c))
			return false;
		set_request(r, (const void *)c, listener);
		r->arg = sk_state(listener) == TCP_LISTEN ? 0 : TCPTRACE_UNHEARD;
	} else if (state == TCP_TIME_WAIT) {
		if (cfg.by_pid || cfg.cgroup || !minisock_wanted(c))
			return false;
		set_common(r, c);
		r->flags |= TCPTRACE_F_TIMEWAIT;
		state = READ(TYPED_PTR((const struct inet_timewait_sock *)c), tw_substate);
	} else {
		const struct sock *sk = TYPED_PTR((const struct sock *)c);

		if (cfg.tp_groups && state == TCP_LISTEN)
			group_join(sk);
		if (!wanted(sk))
			return false;
		set_sock(r, sk);
		if (state == TCP_LISTEN)
			set_listener(r, sk);
		else if (waits_for_accept(sk))
			r->flags |= TCPTRACE_F_QUEUED;
		if (state == TCP_LISTEN && of_kernel(sk))
			set_kernel(r);
		if (state != TCP_LISTEN)
			set_totals(r, sk);
	}
	r->new = state;
	return true;
}

struct capture_tables tables = {};
struct capture_walk walk = {};

static __always_inline __u64 head_of(__u32 bucket)
{
	return word_at(walk.table.base + (__u64)bucket * walk.table.stride + walk.table.offset);
}

static __always_inline __u64 chain_head(void)
{
	return head_of(walk.bucket);
}

/*
 * No reference is held: the socket may be freed and reused while it is read. A refcount of 0: not yet, or no longer, in
 * use.
 */
static __always_inline void visit(__u64 addr)
{
	const struct sock_common *c = TYPED_PTR((const struct sock_common *)addr);
	struct tcptrace_record *r = &walk.found[walk.n & (CAPTURE_FOUND - 1)];
	__u16 lport = READ(c, skc_num), rport = READ(c, skc_dport);

	if (!READ(c, skc_refcnt.refs.counter) || !set_exists(r, c))
		return;
	if (READ(c, skc_refcnt.refs.counter) && READ(c, skc_num) == lport && READ(c, skc_dport) == rport)
		walk.n++;
}

/*
 * The first node of the next chain that has one; 0: not among these heads. They are read at once, but for the last ones if
 * that would go beyond the end of the table: a guard page may be there (alloc_large_system_hash() takes vmalloc() on
 * machines with several NUMA nodes). A global function: verified once.
 */
__noinline __u64 walk_heads(void)
{
	const struct capture_table *t = &walk.table;
	__u32 each = sizeof(walk.heads) / (t->stride ? t->stride : 1), from = walk.bucket;
	bool whole;

	each = each ? each : 1;
	from -= from % each;
	whole = (__u64)from * t->stride + sizeof(walk.heads) <= (__u64)t->size * t->stride;
	if (whole &&
	    bpf_probe_read_kernel(walk.heads, sizeof(walk.heads), (const void *)(t->base + (__u64)from * t->stride)))
		walk.err = -EFAULT;
	for (__u32 i = 0; i < CAPTURE_HEADS && i < each && from + i < t->size; i++) {
		__u32 at = (i * t->stride + t->offset) / sizeof(__u64);
		__u64 head = whole ? walk.heads[at & (CAPTURE_HEADS - 1)] : head_of(from + i);

		if (from + i < walk.bucket || !is_node(head))
			continue;
		walk.bucket = from + i;
		if (!walk.seek) {		/* else it was begun by an earlier run */
			walk.first = head;
			walk.tries = 0;
		}
		return head;
	}
	walk.bucket = from + each;
	walk.done = walk.bucket >= t->size;
	return 0;
}

/*
 * Visits one socket and returns the next node; 0: end of the chain. The chain is walked again if its head changed (a
 * child goes in at the head while its request leaves further back), if it ends with another chain's nulls value (a
 * socket was moved under us), or if the node to resume from is gone.
 */
__noinline __u64 walk_node(__u64 node)
{
	bool again;

	for (int i = 0; i < CAPTURE_SKIPPED && walk.seek && walk.seek != node && is_node(word_at(node)); i++)
		node = word_at(node);
	if (!walk.seek || walk.seek == node) {
		walk.seek = 0;
		visit(node - bpf_core_field_offset(struct sock_common, skc_nulls_node));
	}
	node = word_at(node);
	if (is_node(node))
		return node;
	again = walk.seek || (node >> 1 & (LISTENING_NULLS_BASE - 1)) != walk.bucket || chain_head() != walk.first;
	walk.seek = 0;
	if (again && walk.tries++ < 8) {
		walk.first = chain_head();
		if (is_node(walk.first))
			return walk.first;
	} else if (again) {
		tables.torn = true;
	}
	walk.bucket++;
	walk.done = walk.bucket >= walk.table.size;
	return 0;
}

static __always_inline void set_listeners(struct capture_table *t, const struct inet_hashinfo *info)
{
	t->stride = bpf_core_type_size(struct inet_listen_hashbucket);
	t->offset = bpf_core_field_offset(struct inet_listen_hashbucket, nulls_head);
	if (bpf_core_field_exists(struct inet_hashinfo___by_port, listening_hash)) {
		t->base = (__u64)info + bpf_core_field_offset(struct inet_hashinfo___by_port, listening_hash);
		t->size = bpf_core_field_size(struct inet_hashinfo___by_port, listening_hash) / t->stride;
	} else {
		t->base = (__u64)BPF_CORE_READ(info, lhash2);
		t->size = BPF_CORE_READ(info, lhash2_mask) + 1;
	}
}

static __always_inline void set_others(struct capture_table *t, const struct inet_hashinfo *info)
{
	t->stride = bpf_core_type_size(struct inet_ehash_bucket);
	t->offset = bpf_core_field_offset(struct inet_ehash_bucket, chain);
	t->base = (__u64)BPF_CORE_READ(info, ehash);
	t->size = BPF_CORE_READ(info, ehash_mask) + 1;
}

/*
 * Since 6.1 d1e5e6408b30 a namespace may have a table of its own, but for listeners (net.ipv4.tcp_child_ehash_entries
 * of its parent). Returns the next node of their list.
 */
static __always_inline __u64 next_net(__u64 node)
{
	const struct net *net = (const void *)(node - bpf_core_field_offset(struct net, list));
	const struct inet_hashinfo *info;
	__u32 n = tables.n;

	if ((__u64)BPF_CORE_READ(net, ns.ops) != tables.ops)
		return word_at(node);
	info = hashinfo_of(net);
	if (!bpf_core_field_exists(struct inet_hashinfo, pernet) || !BPF_CORE_READ(info, pernet)) {
		tables.shared = (__u64)info;
	} else if (n < CAPTURE_TABLES) {
		set_others(&tables.of[n], info);
		tables.of[n].net = (__u64)net;
		tables.n++;
	} else {
		tables.err = -E2BIG;
	}
	return word_at(node);
}

/* A global function: verified once. */
__noinline __u64 nets_steps(__u64 node)
{
	for (int i = 0; i < 4 * CAPTURE_STEPS && node && node != tables.first; i++)
		node = next_net(node);
	return node;
}

/*
 * Once round the list from our own namespace. One that is unlinked meanwhile is not freed before this program ends:
 * cleanup_net() waits for RCU.
 */
static __always_inline void find_tables(void)
{
	const struct task_struct *task = (const void *)bpf_get_current_task();
	const struct net *net = BPF_CORE_READ(task, nsproxy, net_ns);
	__u64 node;

	tables.n = 2;
	tables.err = 0;
	tables.torn = false;
	tables.ops = (__u64)BPF_CORE_READ(net, ns.ops);
	tables.first = (__u64)net + bpf_core_field_offset(struct net, list);
	node = next_net(tables.first);
	for (int i = 0; i < CAPTURE_STEPS && node && node != tables.first; i++)
		node = nets_steps(node);
	if (node != tables.first && tables.n > 2)	/* of the others nobody knows who has one */
		tables.err = -E2BIG;
	set_listeners(&tables.of[0], (const void *)tables.shared);
	set_others(&tables.of[1], (const void *)tables.shared);
}

/* Its namespace is in the list, so that it stays until we have ended. */
static __always_inline bool table_alive(const struct capture_table *t)
{
	const struct net *net = (const void *)t->net;
	__u64 node = t->net + bpf_core_field_offset(struct net, list);

	return !t->net || (word_at((__u64)BPF_CORE_READ(net, list.prev)) == node &&
			   (__u64)BPF_CORE_READ(hashinfo_of(net), ehash) == t->base);
}

static __always_inline bool walk_ends(void)
{
	return walk.done || walk.err || walk.n == CAPTURE_FOUND;
}

__noinline __u64 walk_steps(__u64 node)
{
	for (int i = 0; i < CAPTURE_STEPS && !walk_ends(); i++)
		node = is_node(node) ? walk_node(node) : walk_heads();
	return node;
}

/*
 * Attached to nothing: user space runs it (BPF_PROG_TEST_RUN, 5.10 1b4d60ec162f). A loop of loops, as the verifier
 * writes a line to its log for each call of a global function that it meets.
 */
SEC("?raw_tp")
int walk_tcp(void *ctx)
{
	__u64 node = 0;

	if (!walk.table.size) {
		find_tables();
		return 0;
	}
	walk.n = 0;
	walk.done |= !table_alive(&walk.table);
	for (int i = 0; i < CAPTURE_STEPS && !walk_ends(); i++)
		node = walk_steps(node);
	if (walk.seek)			/* it was not reached: very many sockets of one address */
		walk.err = -E2BIG;
	walk.seek = is_node(node) ? node : 0;
	return 0;
}

SEC("?iter/task_file")
int it_task_file(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct tcptrace_record r;
	struct sock *sk;
	__u64 id;
	__u32 pid;

	if (!task || !file)
		return 0;
	task = TYPED_PTR(task);
	file = TYPED_PTR(file);
	sk = file_sock(file);
	if (!sk)
		return 0;
	id = task_number(task);
	pid = id >> 32;
	if (cfg.by_pid) {
		if (!bpf_map_lookup_elem(&pids, &pid))
			return 0;
		trace_sock(sk, TRACED_PID);
	}
	if (!wanted(sk))
		return 0;
	clear(&r);
	set_sock(&r, sk);
	r.new = sk_state(sk);
	if (r.new == TCP_LISTEN)
		set_listener(&r, sk);
	r.pid = pid;
	r.tid = id;
	r.fd = ctx->fd;
	r.flags |= TCPTRACE_F_ACTOR;
	BPF_CORE_READ_INTO(&r.comm, task, group_leader, comm);
	bpf_seq_write(ctx->meta->seq, &r, sizeof(r));
	return 0;
}
