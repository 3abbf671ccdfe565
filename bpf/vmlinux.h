/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel types and members that the BPF programs read, and nothing else:
 * this file is the list of what tcptrace depends on. Offsets come from the
 * running kernel's BTF (CO-RE), so members may stand in any order and the
 * machine that builds needs no BTF.
 *
 * struct x___y is the flavour of struct x in some kernels; the comment says which.
 */
#ifndef __VMLINUX_H__
#define __VMLINUX_H__

typedef unsigned char __u8;
typedef signed char __s8;
typedef unsigned short __u16;
typedef short __s16;
typedef unsigned int __u32;
typedef int __s32;
typedef unsigned long long __u64;
typedef long long __s64;
typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s32 s32;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
typedef _Bool bool;
#define true 1
#define false 0
#define NULL ((void *)0)

/* include/uapi/linux/bpf.h */
enum bpf_map_type {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_RINGBUF = 27,
};
enum { BPF_ANY = 0, BPF_NOEXIST = 1, BPF_F_NO_PREALLOC = 1, BPF_F_MMAPABLE = 1024 };
enum { BPF_RB_FORCE_WAKEUP = 2 };
/* helpers that not every kernel has; asked for with bpf_core_enum_value_exists() */
enum bpf_func_id {
	BPF_FUNC_task_pt_regs = 175,		/* 5.15 dd6e10fbd9fb */
	BPF_FUNC_get_func_ret = 184,		/* 5.17 f92c1e183604 */
};
enum { BPF_SOCK_OPS_TIMEOUT_INIT = 1, BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB = 5 };

#define AF_INET		2
#define AF_INET6	10
#define SIN6_LEN_RFC2133	24
#define IPPROTO_ICMP	1
#define IPPROTO_TCP	6
#define IPPROTO_ICMPV6	58
#define SOCK_STREAM	1
#define IPPROTO_MPTCP	262
#define S_IFMT		0170000
#define S_IFSOCK	0140000
#define MSG_PEEK	2
#define PF_IO_WORKER	0x00000010
#define PF_KTHREAD	0x00200000

/* enum sock_flags of include/net/sock.h, first members; enum sk_shutdown mask */
#define SOCK_DEAD	0
#define SOCK_DONE	1
#define RCV_SHUTDOWN	1
#define SHUTDOWN_MASK	3

#define EINTR		4
#define E2BIG		7
#define EAGAIN		11
#define ENOMEM		12
#define EFAULT		14
#define EBUSY		16
#define EINVAL		22
#define ECONNRESET	104
#define ENOBUFS		105
#define EHOSTUNREACH	113
#define EALREADY	114
#define EISCONN		106
#define EINPROGRESS	115
#define ERESTARTSYS	512
#define SA_RESTART	0x10000000

/* include/net/tcp_states.h */
enum {
	TCP_ESTABLISHED = 1, TCP_SYN_SENT, TCP_SYN_RECV, TCP_FIN_WAIT1, TCP_FIN_WAIT2,
	TCP_TIME_WAIT, TCP_CLOSE, TCP_CLOSE_WAIT, TCP_LAST_ACK, TCP_LISTEN, TCP_CLOSING,
	TCP_NEW_SYN_RECV,
};

/* on the wire and from user space: no relocation */
struct in6_addr { union { __u8 s6_addr[16]; __u32 s6_addr32[4]; }; };
struct sockaddr_in { __u16 sin_family; __be16 sin_port; __be32 sin_addr; __u8 pad[8]; };
struct sockaddr_in6 {
	__u16 sin6_family; __be16 sin6_port; __be32 sin6_flowinfo; struct in6_addr sin6_addr; __u32 scope;
};
struct iphdr {
	__u8 ihl_version, tos; __be16 tot_len, id, frag_off; __u8 ttl, protocol; __u16 check;
	__be32 saddr, daddr;
};
struct ipv6hdr {
	__u8 version_class, flow[3]; __be16 payload_len; __u8 nexthdr, hop_limit;
	struct in6_addr saddr, daddr;
};
struct tcphdr {
	__be16 source, dest; __be32 seq, ack_seq; __u8 off_ns, flags; __be16 window; __u16 check, urg_ptr;
};
/* what cgroup programs are given; the verifier makes accesses to the kernel's own out of it */
struct bpf_sock;
struct bpf_sock_addr {
	__u32 user_family, user_ip4, user_ip6[4], user_port, family, type, protocol, msg_src_ip4, msg_src_ip6[4];
	struct bpf_sock *sk;
};
struct bpf_sock_ops { __u32 op; };
struct icmphdr { __u8 type, code; __u16 check; __u32 rest; };
#define ICMP_DEST_UNREACH 3
#define ICMP_TIME_EXCEEDED 11
#define ICMP_PARAMETERPROB 12
#define ICMPV6_DEST_UNREACH 1
#define ICMPV6_PARAMPROB 4
#define TH_FIN 0x01
#define TH_SYN 0x02
#define TH_RST 0x04
#define TH_ACK 0x10

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct { int counter; } atomic_t;
typedef struct { __s64 counter; } atomic64_t;

typedef struct refcount_struct { atomic_t refs; } refcount_t;

struct hlist_nulls_node { struct hlist_nulls_node *next, **pprev; };
struct hlist_nulls_head { struct hlist_nulls_node *first; };

/* The tables of TCP's sockets; lhash2 has a list of its own before 5.19 cae3873c5b3a, which took listening_hash away. */
#define LISTENING_NULLS_BASE	(1u << 29)
struct inet_ehash_bucket { struct hlist_nulls_head chain; };
struct inet_listen_hashbucket { struct hlist_nulls_head nulls_head; };
struct inet_hashinfo {
	struct inet_ehash_bucket *ehash;
	unsigned int ehash_mask, lhash2_mask;
	struct inet_listen_hashbucket *lhash2;
	bool pernet;
};
struct inet_hashinfo___by_port { struct inet_listen_hashbucket listening_hash[32]; };
struct inet_timewait_death_row { struct inet_hashinfo *hashinfo; };

struct list_head { struct list_head *next, *prev; };
struct ns_common { const struct proc_ns_operations *ops; unsigned int inum; };
struct netns_core { int sysctl_somaxconn; };
struct netns_ipv4 {
	int sysctl_max_syn_backlog;
	__u8 sysctl_tcp_syncookies;
	__u8 sysctl_tcp_abort_on_overflow;
	struct inet_timewait_death_row tcp_death_row;
};
/* 5.18 fbb8295248e1 until 6.1 e9bd0cca09d1 */
struct netns_ipv4___ptr { struct inet_timewait_death_row *tcp_death_row; };
/* of each CPU; its first numbers are old enough never to move (include/uapi/linux/snmp.h) */
enum { LINUX_MIB_SYNCOOKIESSENT = 1, LINUX_MIB_EMBRYONICRSTS = 4 };
struct linux_mib { unsigned long mibs[2]; };
struct bpf_array { void *pptrs[0]; };
struct netns_mib { struct linux_mib *net_statistics; };
struct net {
	struct list_head list;
	struct ns_common ns;
	struct netns_core core;
	struct netns_ipv4 ipv4;
	struct netns_mib mib;
	u32 hash_mix;
};
typedef struct { struct net *net; } possible_net_t;

struct sock_common {
	union {
		struct { __be32 skc_daddr; __be32 skc_rcv_saddr; };
	};
	union {
		struct { __be16 skc_dport; __u16 skc_num; };
	};
	unsigned short skc_family;
	volatile unsigned char skc_state;
	unsigned char skc_reuseport:1, skc_ipv6only:1;
	int skc_bound_dev_if;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
	atomic64_t skc_cookie;
	union {
		unsigned long skc_flags;
		struct sock *skc_listener;	/* only while NEW_SYN_RECV */
	};
	union { struct hlist_nulls_node skc_nulls_node; };
	union { unsigned int skc_hash; };
	refcount_t skc_refcnt;
};

struct kernfs_node { __u64 id; };
struct cgroup { struct kernfs_node *kn; int level; };
/* 6.1 7f203bc89eb6: ids of the ancestors became pointers */
struct cgroup___ids { __u64 ancestor_ids[0]; };
struct cgroup___ptrs { struct cgroup *ancestors[0]; };
struct sock_cgroup_data { struct cgroup *cgroup; };
/* before 5.16 8520e224f547: a word whose low bit says that it is no pointer */
struct sock_cgroup_data___val { __u64 val; };

struct sock {
	struct sock_common __sk_common;
	__u16 sk_type;
	__u16 sk_protocol;
	int sk_err, sk_err_soft;
	__u64 sk_route_caps;
	__u32 sk_ack_backlog;
	__u32 sk_max_ack_backlog;
	atomic_t sk_drops;
	__u8 sk_shutdown;
	struct socket *sk_socket;
	struct sock_reuseport *sk_reuseport_cb;
	struct sock_cgroup_data sk_cgrp_data;
};

/* of an SO_REUSEPORT group */
struct sock_reuseport { unsigned int synq_overflow_ts; };

struct request_sock_queue { __u8 rskq_defer_accept; atomic_t qlen, young; };
struct inet_sock { __be16 inet_sport; };
struct inet_connection_sock { struct request_sock_queue icsk_accept_queue; void *icsk_ulp_data; };

struct tcp_sock {
	struct list_head tsorted_sent_queue; struct request_sock *fastopen_rsk;
	bool is_mptcp;
	struct tcp_options_received { int ts_recent_stamp; } rx_opt;
	int linger2;
	__u64 bytes_received, bytes_sent, bytes_acked, bytes_retrans;
	__u32 segs_in, segs_out, rcv_nxt, copied_seq, snd_una, snd_nxt, write_seq, srtt_us, total_retrans;
	struct minmax { struct minmax_sample { __u32 t, v; } s[3]; } rtt_min;
};

/* 5.6 and later, with CONFIG_MPTCP: what a program holds; first: the TCP socket of it that is named here */
struct mptcp_sock { struct sock *first; };
/* of a TCP socket that MPTCP has made (icsk_ulp_data); conn: for which of its own */
struct mptcp_subflow_context { struct sock *conn; unsigned int mp_join : 1; };

struct request_sock {
	struct sock_common __req_common;
	__u8 num_timeout:7;
	struct timer_list { void *function; } rsk_timer;
	struct sock *sk;
};
struct tcp_request_sock {
	u64 snt_synack; bool tfo_listener, is_mptcp, drop_req; __u32 rcv_isn, snt_isn;
};

struct inet_timewait_sock { struct sock_common __tw_common; volatile unsigned char tw_substate; };

struct socket { struct file *file; struct sock *sk; };
struct inode { __u16 i_mode; };
typedef struct { __s64 counter; } atomic_long_t;
struct file { struct inode *f_inode; void *private_data; };
struct file___count { atomic_long_t f_count; };		/* until 6.12 */
typedef struct { atomic_long_t refcnt; } file_ref_t;	/* 6.13 90ee6ed776c0: one reference is 0 */
struct file___ref { file_ref_t f_ref; };
struct fdtable { unsigned int max_fds; struct file **fd; };
struct files_struct { struct fdtable *fdt; };
struct signal_struct { atomic_t live; };	/* threads of a process that have not ended */
struct task_struct {
	int pid, tgid;
	struct signal_struct *signal;
	unsigned int flags;
	struct files_struct *files;
	struct task_struct *group_leader;
	char comm[16];
	void *stack;
	struct thread_info { unsigned int status; } thread_info;
	struct pid *thread_pid;
	struct nsproxy *nsproxy;
};

struct nsproxy { struct net *net_ns; };

struct pid_namespace { struct ns_common ns; };
struct upid { int nr; struct pid_namespace *ns; };
struct pid { unsigned int level; struct upid numbers[]; };

struct k_sigaction { struct sigaction { void *sa_handler; unsigned long sa_flags; } sa; };

struct sk_buff {
	struct sock *sk;
	unsigned char *head;
	__u16 transport_header, network_header;
	__be16 protocol;
	__s64 tstamp;
	char cb[48];
	struct net_device *dev;
	int skb_iif;
	unsigned long _skb_refdst;
};
struct tcp_skb_cb { __u16 tcp_gso_segs; };	/* what TCP keeps in cb */
struct dst_entry { struct net_device *dev; };
struct net_device { possible_net_t nd_net; };

/* the registers at a system call, by arch.bpf.h alone */
#if defined(__TARGET_ARCH_arm64)
struct user_pt_regs { u64 regs[31], sp, pc, pstate; };
struct pt_regs { struct user_pt_regs user_regs; u64 orig_x0; s32 syscallno; };
#else
struct pt_regs {
	unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, orig_ax, ip, cs,
		      flags, sp, ss;
};
#endif

/* io_uring: a request, what accept() keeps in it, and its completion */
#define IORING_OP_ACCEPT	13
#define IORING_CQE_F_MORE	2
struct io_cqe { int res; };
struct io_kiocb { u8 opcode; struct io_cqe cqe; };
struct io_accept { u32 file_slot; };
struct io_uring_cqe { int res; u32 flags; };

/* what a struct bpf_sock_ops really is */
struct bpf_sock_ops_kern { struct sock *sk; };

/*
 * What system-call tracepoints are given. Not trace_event_raw_sys_enter and _exit, which have the members
 * where raw_syscalls has them: with one more member in trace_entry (preempt_lazy_count of RHEL 9.3 and PREEMPT_RT before
 * 6.6) these are elsewhere (ba8ea72388a1).
 */
struct trace_entry { unsigned short type; unsigned char flags, preempt_count; int pid; };
struct syscall_trace_enter { struct trace_entry ent; int nr; unsigned long args[6]; };
struct syscall_trace_exit { struct trace_entry ent; int nr; long ret; };

/* What the other tracepoints of perf are given, which whole programs are for: recursion.bpf.h. */
struct trace_event_raw_inet_sock_set_state { const void *skaddr; int oldstate, newstate; };
struct trace_event_raw_tcp_event_sk { const void *skaddr; };
struct trace_event_raw_tcp_event_sk_skb { const void *skbaddr, *skaddr; };
enum sk_rst_reason { SK_RST_REASON_TCP_FLAGS = 6, SK_RST_REASON_INVALID_SYN = 10 };
/* 6.10 and later; the one above before */
struct trace_event_raw_tcp_send_reset { const void *skbaddr, *skaddr; enum sk_rst_reason reason; };
struct trace_event_raw_tcp_retransmit_skb { const void *skbaddr, *skaddr; int err; };	/* 6.16 and later; the same */
struct trace_event_raw_tcp_retransmit_synack { const void *skaddr, *req; };

struct seq_file;
struct bpf_iter_meta { struct seq_file *seq; };
struct bpf_iter__task_file {
	struct bpf_iter_meta *meta; struct task_struct *task; __u32 fd; struct file *file;
};

/* enum of the running kernel: numbers move between releases, so names are resolved by CO-RE */
enum skb_drop_reason {
	SKB_DROP_REASON_NOT_SPECIFIED = 2, SKB_DROP_REASON_NO_SOCKET = 3, SKB_DROP_REASON_TCP_LISTEN_OVERFLOW = 40,
};

#pragma clang attribute pop

#endif
