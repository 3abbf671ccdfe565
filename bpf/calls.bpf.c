// SPDX-License-Identifier: GPL-2.0-only
/*
 * What programs ask for: socket, bind, listen, connect, accept, shutdown, close.
 * Its twin is kmod/calls.c; the system-call tracepoints are in tp/calls.bpf.c.
 */
#include "arch.bpf.h"
#include "attach.bpf.h"
#include "file.bpf.h"
#include "filter.bpf.h"
#include "recursion.bpf.h"
#include "ring.bpf.h"

/* ---- calls that threads are in ------------------------------------------------------------------- */

/*
 * The call that a thread is in, from its entry to its return. A thread has a place of its own, by
 * its number; where another one is in that place (their numbers are CAPTURE_CALLS apart), it goes
 * into a hash table, which costs 250 ns a call more.
 */
struct call {
	__u64	who;		/* pid_tgid; 0: nobody is in this place */
	__u64	t_ns;
	__u64	sk;
	__u64	uaddr;		/* bind, connect: the caller's sockaddr */
	__s32	fd;
	__s32	arg;		/* listen: backlog */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, CAPTURE_CALLS);
	__type(key, __u32);
	__type(value, struct call);
} calls SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, CAPTURE_CALLS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);	/* pid_tgid */
	__type(value, struct call);
} more_calls SEC(".maps");

__u32 calls_clashed = 0;	/* something has been in more_calls */

static __always_inline struct call *call_place(__u64 id)
{
	__u32 place = (__u32)id & (CAPTURE_CALLS - 1);

	return bpf_map_lookup_elem(&calls, &place);
}

static __always_inline void call_enter(const struct sock *sk, int fd, __u64 uaddr, int arg, __u64 now)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct call *place = call_place(id);
	struct call call = {
		.who = id, .t_ns = now, .sk = (__u64)sk, .uaddr = uaddr, .fd = fd, .arg = arg,
	};

	if (!place)
		return;
	if (!place->who || place->who == id) {
		*place = call;
		return;
	}
	calls_clashed = 1;
	bpf_map_update_elem(&more_calls, &id, &call, BPF_ANY);
}

/* NULL: it is in none that we saw begin. */
static __always_inline struct call *call_now(void)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct call *call = call_place(id);

	if (call && call->who == id)
		return call;
	return calls_clashed ? bpf_map_lookup_elem(&more_calls, &id) : NULL;
}

/* The call is over, or its thread is. False: we did not see it begin. */
static __always_inline bool call_return(struct call *out)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct call *call = call_now();

	if (!call)
		return false;
	*out = *call;
	call->who = 0;
	if (calls_clashed)
		bpf_map_delete_elem(&more_calls, &id);
	return true;
}

/* The registers of the system call that this thread is in; 5.15 and later. */
#define HAS_REGS	(HAS_CAST || bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_task_pt_regs))

static __always_inline const struct pt_regs *call_regs(void)
{
	return TYPED_PTR((const struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf()));
}

/* A thread that ends inside a call takes its note with it. */
SEC("?raw_tp/sched_process_exit")
int BPF_PROG(tp_exit, struct task_struct *task)
{
	__u64 id = bpf_get_current_pid_tgid();
	__u32 pid = id >> 32;
	struct call call;

	call_return(&call);
	if (cfg.by_pid && cfg.follow && pid == (__u32)id)
		bpf_map_delete_elem(&pids, &pid);
	return 0;
}

SEC("?raw_tp/sched_process_fork")
int BPF_PROG(tp_fork, struct task_struct *parent, struct task_struct *child)
{
	__u32 pid = READ(TYPED_PTR(child), tgid);
	__u8 one = 1;

	if (cfg.follow && pid_wanted())
		bpf_map_update_elem(&pids, &pid, &one, BPF_ANY);
	return 0;
}

/* ---- connect ------------------------------------------------------------------------------------- */

static __always_inline bool wanted_connect(const struct sock *sk, __u16 rport)
{
	return !cfg.filtered || (caller_wanted(sk) && place_wanted(sk) &&
				 ports_wanted(READ(sk, __sk_common.skc_num), rport));
}

static __always_inline void emit_connect(const struct sock *sk, const __u8 *raddr, __u16 rport, int fd, __u64 now)
{
	struct tcptrace_record *r = reserve_at(TCPTRACE_CONNECT, now);

	if (!r)
		return;
	set_sock(r, sk);
	set_actor(r, fd);
	__builtin_memcpy(r->raddr, raddr, 16);
	r->rport = rport;
	submit(r);
}

/* Right before connect() starts. It may have come by sendto() or io_uring, which name no descriptor here. */
static __always_inline void connect_hook(const struct sock *sk, const __u8 *raddr, __u16 rport)
{
	__u64 now = bpf_ktime_get_ns();
	int fd = -1;

	if (!wanted_connect(sk, rport))
		return;
	if (HAS_REGS) {
		const struct pt_regs *regs = call_regs();

		if (call_nr(regs) == NR_connect) {
			fd = call_arg0(regs);
			call_enter(sk, fd, 0, 0, now);
		}
	} else {
		const struct call *call = call_now();

		if (call && call->sk == (__u64)sk)
			fd = call->fd;
	}
	emit_connect(sk, raddr, rport, fd, now);
}

/* sk: TCP; uaddr: of the kernel's copy. */
static __always_inline int tcp_connect_hook(const struct sock *sk, const void *uaddr, bool v6)
{
	struct sockaddr_in6 sa = {};
	struct sockaddr_in *sin = (void *)&sa;
	__u8 addr[16];

	sk = TYPED_PTR(sk);
	if (v6) {
		bpf_probe_read_kernel(&sa, sizeof(sa), uaddr);
		/* a mapped address goes on to tcp_v4_connect(), whose hook writes the record */
		if (!sa.sin6_addr.s6_addr[0] && sa.sin6_addr.s6_addr[10] == 0xff &&
		    sa.sin6_addr.s6_addr[11] == 0xff)
			return 0;
		__builtin_memcpy(addr, &sa.sin6_addr, 16);
	} else {
		bpf_probe_read_kernel(&sa, sizeof(*sin), uaddr);
		map_v4(addr, sin->sin_addr);
	}
	connect_hook(sk, addr, bpf_ntohs(sa.sin6_port));
	return 0;
}

GUARDED_ENTRY(f_connect4, tcp_v4_connect, addr_of(sk), DID_CONNECT, tcp_connect_hook(sk, uaddr, false),
	      const struct sock *sk, const void *uaddr)

GUARDED_ENTRY(f_connect6, tcp_v6_connect, addr_of(sk), DID_CONNECT, tcp_connect_hook(sk, uaddr, true),
	      const struct sock *sk, const void *uaddr)

SEC("?kprobe/tcp_v4_connect")
int BPF_KPROBE(k_connect4, const struct sock *sk, const void *uaddr)
{
	return tcp_connect_hook(sk, uaddr, false);
}

SEC("?kprobe/tcp_v6_connect")
int BPF_KPROBE(k_connect6, const struct sock *sk, const void *uaddr)
{
	return tcp_connect_hook(sk, uaddr, true);
}

/* ---- accept -------------------------------------------------------------------------------------- */

/* inet_csk_accept(): entered only when a descriptor is at hand, so its failure is not seen here */
static __always_inline int accept_hook(const struct sock *listener)
{
	if (is_tcp(TYPED_PTR(listener)))
		call_enter(listener, -1, 0, 0, bpf_ktime_get_ns());
	return 0;
}

GUARDED_ENTRY(f_accept, inet_csk_accept, bpf_get_current_pid_tgid(), DID_ACCEPT, accept_hook(sk),
	      const struct sock *sk)

SEC("?kprobe/inet_csk_accept")
int BPF_KPROBE(k_accept, const struct sock *sk)
{
	return accept_hook(sk);
}

static __always_inline void emit_take(const struct sock *child, const struct sock *listener)
{
	struct tcptrace_record *r = reserve(TCPTRACE_ACCEPTQ_DEL);

	if (!r)
		return;
	set_sock(r, child);
	if (listener)
		set_queues(r, listener);
	r->cause = sk_state(child) == TCP_CLOSE ? TCPTRACE_ACCEPTQ_RESET : TCPTRACE_ACCEPTQ_ACCEPTED;
	submit(r);
}

/* 6.1 and later: accept() has its connection, by whatever way it was called (io_uring too) */
static __always_inline int take_hook(const struct socket *sock, const struct sock *child)
{
	const struct sock *listener = READ(TYPED_PTR(sock), sk);

	child = TYPED_PTR(child);
	if (!is_tcp(child))
		return 0;
	if (cfg.by_pid && (sock_traced(listener) || pid_wanted()))
		trace_sock(child);
	if (wanted_of(listener, (const void *)child) || (cfg.filtered && wanted(child)))
		emit_take(child, listener);
	return 0;
}

GUARDED_ENTRY(f_take, __inet_accept, addr_of(child), DID_TAKE, take_hook(sock, child),
	      const struct socket *sock, const void *newsock, const struct sock *child)

SEC("?kprobe/__inet_accept")
int BPF_KPROBE(k_take, const struct socket *sock, const void *newsock, const struct sock *child)
{
	return take_hook(sock, child);
}

/* ---- close --------------------------------------------------------------------------------------- */

static __always_inline void emit_close(const struct sock *sk, int fd, __u64 now)
{
	struct tcptrace_record *r = reserve_at(TCPTRACE_CLOSE, now);

	if (!r)
		return;
	set_sock(r, sk);
	set_actor(r, fd);
	submit(r);
}

static __always_inline int close_hook(const struct sock *sk, int fd)
{
	sk = TYPED_PTR(sk);
	if (wanted(sk))
		emit_close(sk, fd, bpf_ktime_get_ns());
	return 0;
}

GUARDED_ENTRY(f_close, tcp_close, addr_of(sk), DID_CLOSE, close_hook(sk, -1), const struct sock *sk)

SEC("?kprobe/tcp_close")
int BPF_KPROBE(k_close, const struct sock *sk)
{
	return close_hook(sk, -1);
}
