// SPDX-License-Identifier: GPL-2.0-only
#include "../../lib/tr.h"
#include "hooks.h"
#include "object.h"
#include "progs.h"

_Static_assert(PROGS <= PROGS_MAX, "each program has a number");

#define ON(sym)		EVENT_BIT(sym)
#define ALL		(~0ull)
#define CALLS		(ON(BIND) | ON(LISTEN) | ON(CONNECT) | ON(CONNECT_RETURN) | ON(ACCEPT) | ON(CLOSE) | ON(SHUTDOWN))

#define PROGS_OF(...)	.progs = { __VA_ARGS__ }
#define ONE(x, ...)	{ .prog = P(x), __VA_ARGS__ }
/* Of what runs in process context alone the second is needed only where the kernel preempts. */
#define TWO(x, ...)	{ .prog = P(x), .retry = P(x##_retry), __VA_ARGS__ }
#define RAW(x)		{ .prog = P(x), .whole = P(x##_whole) }
/* An interrupt is enough to keep the first from its work. */
#define RAW_TWO(x)	TWO(x, .whole = P(x##_whole), .interrupted = true)
#define IF_THERE	.may_miss = true

/* A switch in struct capture_config: one that is not there does not compile. */
#define S(x)		offsetof(struct capture_config, x)
#define SETS(...)	.sets = { __VA_ARGS__ }

#define DEPENDS(...)	.depends = { __VA_ARGS__ }

/* Who looks listeners up by their ports must see them come and go. */
#define GROUPS		RAW_TWO(tp_state), TWO(sys_enter_listen, .helps = true),	\
			TWO(sys_exit_listen, .helps = true)

/* A good one by the connection that it makes or that is refused, a bad one by its RST. */
#define COOKIE_DEPENDS	DEPENDS({ ON(COOKIE_OK), ON(SYNQ_ADD) | ON(COOKIE_SENT) | ON(ACCEPTQ_ADD) | ON(DROP) },	\
			      { ON(COOKIE_BAD), ON(COOKIE_SENT) | ON(RST_SENT) })

#define CGROUP		.needs = NEEDS_CGROUP
#define SYSCALL		.needs = NEEDS_TRACEFS

/* What several of them lose. A tracepoint of a system call is that of 64-bit programs. */
#define NO_SUCH_CALLS	N_("those of 32-bit programs, of io_uring and of the kernel")
#define RING_FAILS	N_("accepts by io_uring that fail")
#define MANY_CONNECTS	N_("returns of more than 10 threads that sleep in connect() at once")
#define NO_SUCH_ACCEPTS	N_("accepts of 32-bit programs and of the kernel; of io_uring those into slots, before 6.17 multishot " \
			   "ones, before 6.0 all")
#define MANY_ACCEPTS	N_("returns of more than 10 threads that sleep in accept() at once")
#define WHICH_MEMBER	N_("which member of an SO_REUSEPORT group refused, when two do at once")
#define WHOSE_COOKIE	N_("which member of an SO_REUSEPORT group sent it; good and bad ones are deduced")
#define EXPIRY		N_("the moment of an expiry; what else takes down a request whose SYN-ACK was sent again is told as expired")
#define HOW_MUCH	N_("how much of it was taken, and errors")

const struct hook hook_table[HOOK_MAX] = {
	[HOOK_STATE] = { N_("transitions"), ON(STATE), .helps = HELPS_PIDS, .variants = {
		{ MECH_TRACEPOINT, "inet_sock_set_state", PROGS_OF(RAW_TWO(tp_state)) },
	} },
	/* where no transition is asked for */
	[HOOK_LISTENER_END] = { N_("end of a listener"), EVENTS_LISTENER, .variants = {
		{ MECH_FENTRY, "inet_csk_listen_stop", PROGS_OF(ONE(f_listen_stop)) },
		{ MECH_KPROBE, "inet_csk_listen_stop", PROGS_OF(ONE(k_listen_stop)) },
		{ MECH_TRACEPOINT, "inet_sock_set_state", PROGS_OF(RAW_TWO(tp_state)),
		  SETS(S(listener_ends)) },
	} },
	[HOOK_DESTROY] = { N_("end of a socket"), ON(DESTROY), .helps = HELPS_PIDS, .variants = {
		{ MECH_TRACEPOINT, "tcp_destroy_sock", PROGS_OF(RAW_TWO(tp_destroy)) },
	} },
	[HOOK_SOCKET] = { N_("socket()"), ON(SOCKET), .helps = HELPS_PIDS, .variants = {
		{ MECH_FENTRY, "__sys_socket, inet_create, inet6_create",
		  PROGS_OF(TWO(x_socket), TWO(x_create4), TWO(x_create6, IF_THERE)) },
		{ MECH_KPROBE, "__sys_socket, inet_create, inet6_create",
		  PROGS_OF(ONE(r_socket), ONE(k_create4), ONE(r_create4), ONE(k_create6, IF_THERE),
			   ONE(r_create6, IF_THERE)) },
		{ MECH_TRACEPOINT, "sys_exit_socket", PROGS_OF(TWO(sys_exit_socket)), SYSCALL,
		  .loses = NO_SUCH_CALLS },
	} },
	[HOOK_BIND] = { N_("bind()"), ON(BIND), .helps = HELPS_PIDS, .variants = {
		{ MECH_FENTRY, "__inet_bind, __inet6_bind", PROGS_OF(TWO(x_bind4), TWO(x_bind6, IF_THERE)) },
		{ MECH_KPROBE, "__inet_bind, __inet6_bind",
		  PROGS_OF(ONE(k_bind4), ONE(r_bind4), ONE(k_bind6, IF_THERE), ONE(r_bind6, IF_THERE)) },
		{ MECH_TRACEPOINT, "sys_enter_bind, sys_exit_bind",
		  PROGS_OF(TWO(sys_enter_bind), TWO(sys_exit_bind)), SYSCALL, .loses = NO_SUCH_CALLS },
	} },
	[HOOK_LISTEN] = { N_("listen()"), ON(LISTEN), .helps = HELPS_PIDS, .variants = {
		/* __sys_listen() has a copy of __sys_listen_socket() in itself, which io_uring calls */
		{ MECH_FENTRY, "__sys_listen_socket, __inet_listen_sk",
		  PROGS_OF(TWO(f_asked), TWO(f_asked_old), TWO(x_listen)) },
		{ MECH_FENTRY, "__sys_listen, __inet_listen_sk", PROGS_OF(TWO(f_asked_old), TWO(x_listen)) },
		{ MECH_FENTRY, "__sys_listen, inet_listen", PROGS_OF(TWO(f_asked_old), TWO(x_listen_old)) },
		{ MECH_KPROBE, "__sys_listen_socket, __inet_listen_sk",
		  PROGS_OF(ONE(k_asked), ONE(k_asked_old), ONE(k_listen), ONE(r_listen)) },
		{ MECH_KPROBE, "__sys_listen, __inet_listen_sk",
		  PROGS_OF(ONE(k_asked_old), ONE(k_listen), ONE(r_listen)) },
		{ MECH_KPROBE, "__sys_listen, inet_listen",
		  PROGS_OF(ONE(k_asked_old), ONE(k_listen_old), ONE(r_listen_old)) },
		{ MECH_TRACEPOINT, "sys_enter_listen, sys_exit_listen",
		  PROGS_OF(TWO(sys_enter_listen), TWO(sys_exit_listen)), SYSCALL, .loses = NO_SUCH_CALLS },
	} },
	[HOOK_CONNECT] = { N_("connect() begins"), ON(CONNECT), .also = ON(CONNECT_RETURN), .helps = HELPS_PIDS,
		.variants = {
		{ MECH_FENTRY, "tcp_v4_connect, tcp_v6_connect",
		  PROGS_OF(TWO(f_connect4), TWO(f_connect6, IF_THERE)) },
		{ MECH_KPROBE, "tcp_v4_connect, tcp_v6_connect",
		  PROGS_OF(ONE(k_connect4), ONE(k_connect6, IF_THERE)) },
		{ MECH_TRACEPOINT, "cgroup connect4, connect6",
		  PROGS_OF(ONE(cg_connect4), ONE(cg_connect6, IF_THERE)), CGROUP },
		{ MECH_TRACEPOINT, "sys_enter_connect",
		  PROGS_OF(TWO(sys_enter_connect)), SETS(S(tp_connect)), SYSCALL, .deduced = ON(CONNECT),
		  .loses = N_("connects by io_uring, by sendto(MSG_FASTOPEN) and of 32-bit programs") },
	} },
	[HOOK_CONNECT_RETURN] = { N_("connect() returns"), ON(CONNECT_RETURN), .variants = {
		{ MECH_FENTRY, "__inet_stream_connect", PROGS_OF(TWO(x_connect)),
		  .loses = N_("threads that sleep in connect() when tcptrace starts") },
		{ MECH_KPROBE, N_("sys_exit_connect; __inet_stream_connect (io_uring, 32-bit programs)"),
		  PROGS_OF(TWO(sys_exit_connect), ONE(k_connect), ONE(r_connect)), SETS(S(tp_connect_return)),
		  .needs = NEEDS_TRACEFS | NEEDS_REGS },
		{ MECH_KPROBE, "__inet_stream_connect", PROGS_OF(ONE(k_connect), ONE(r_connect)),
		  .deduced = ON(CONNECT_RETURN),
		  .loses = MANY_CONNECTS },
		{ MECH_TRACEPOINT, "sys_exit_connect", PROGS_OF(TWO(sys_exit_connect)),
		  .needs = NEEDS_TRACEFS | NEEDS_REGS, .loses = NO_SUCH_CALLS },
		{ MECH_TRACEPOINT, "sys_enter_connect, sys_exit_connect",
		  PROGS_OF(TWO(sys_enter_connect), TWO(sys_exit_connect)), SYSCALL, .loses = NO_SUCH_CALLS },
	} },
	/* where no other return of it is asked for */
	[HOOK_CONNECT_FAILED] = { N_("connect() fails"), EVENTS_FAILED, .variants = {
		{ MECH_FENTRY, "__inet_stream_connect", PROGS_OF(TWO(x_connect)), SETS(S(only_failed)) },
		{ MECH_KPROBE, "__inet_stream_connect", PROGS_OF(ONE(k_connect), ONE(r_connect)), SETS(S(only_failed)),
		  .deduced = EVENTS_FAILED, .loses = MANY_CONNECTS },
		{ MECH_TRACEPOINT, "sys_exit_connect", PROGS_OF(TWO(sys_exit_connect)), SETS(S(only_failed)),
		  .needs = NEEDS_TRACEFS | NEEDS_REGS, .loses = NO_SUCH_CALLS },
		{ MECH_TRACEPOINT, "sys_enter_connect, sys_exit_connect",
		  PROGS_OF(TWO(sys_enter_connect), TWO(sys_exit_connect)), SETS(S(only_failed)), SYSCALL,
		  .loses = NO_SUCH_CALLS },
	} },
	[HOOK_ACCEPT_ENTER] = { N_("accept() begins"), .also = ON(ACCEPT), .variants = {
		{ MECH_FENTRY, "__sys_accept4", PROGS_OF(TWO(f_accept)) },
		{ MECH_KPROBE, "__sys_accept4", PROGS_OF(ONE(k_accept)) },
		{ MECH_TRACEPOINT, "sys_enter_accept, sys_enter_accept4",
		  PROGS_OF(TWO(sys_enter_accept4, .also_at = "sys_enter_accept")), SYSCALL, .loses = NO_SUCH_CALLS },
	} },
	[HOOK_ACCEPT] = { N_("accept() returns"), ON(ACCEPT), .variants = {
		{ MECH_FENTRY, "__sys_accept4, __inet_accept",
		  PROGS_OF(TWO(x_accept), TWO(f_accept), TWO(f_take)), SETS(S(accept_notes)), .loses = RING_FAILS },
		{ MECH_FENTRY, "__sys_accept4, security_sock_graft",
		  PROGS_OF(TWO(x_accept), TWO(f_accept), TWO(f_graft)), SETS(S(accept_notes)), .loses = RING_FAILS },
		{ MECH_KPROBE, N_("sys_exit_accept, sys_exit_accept4; __inet_accept (io_uring, 32-bit programs)"),
		  PROGS_OF(TWO(sys_exit_accept4, .also_at = "sys_exit_accept"), ONE(k_take)), SYSCALL,
		  .loses = N_("accepts by io_uring and of 32-bit programs that fail") },
		{ MECH_KPROBE, "__sys_accept4, __inet_accept", PROGS_OF(ONE(k_accept), ONE(r_accept), ONE(k_take)),
		  SETS(S(accept_notes)), .deduced = ON(ACCEPT),
		  .loses = MANY_ACCEPTS },
		{ MECH_TRACEPOINT, "sys_exit_accept, sys_exit_accept4; io_uring_complete",
		  PROGS_OF(TWO(sys_exit_accept4, .also_at = "sys_exit_accept"), ONE(tp_uring, .helps = true)), SYSCALL,
		  .loses = NO_SUCH_ACCEPTS },
	} },
	[HOOK_ACCEPT_FAILED] = { N_("accept() fails"), EVENTS_FAILED, .variants = {
		{ MECH_FENTRY, "__sys_accept4", PROGS_OF(TWO(x_accept)), SETS(S(only_failed)), .loses = RING_FAILS },
		{ MECH_KPROBE, "__sys_accept4", PROGS_OF(ONE(k_accept), ONE(r_accept)), SETS(S(only_failed)),
		  .deduced = EVENTS_FAILED, .loses = MANY_ACCEPTS },
		{ MECH_TRACEPOINT, "sys_exit_accept, sys_exit_accept4",
		  PROGS_OF(TWO(sys_exit_accept4, .also_at = "sys_exit_accept")), SETS(S(only_failed)),
		  .needs = NEEDS_TRACEFS | NEEDS_REGS, .loses = NO_SUCH_CALLS },
		{ MECH_TRACEPOINT, "sys_enter_accept, sys_enter_accept4, sys_exit_accept, sys_exit_accept4",
		  PROGS_OF(TWO(sys_enter_accept4, .also_at = "sys_enter_accept"),
			   TWO(sys_exit_accept4, .also_at = "sys_exit_accept")), SETS(S(only_failed)), SYSCALL,
		  .loses = NO_SUCH_CALLS },
	} },
	[HOOK_SIGNAL] = { N_("accept(), connect() interrupted"), .also = ON(ACCEPT) | ON(CONNECT_RETURN), .variants = {
		{ MECH_TRACEPOINT, "signal_deliver", PROGS_OF(ONE(tp_signal)) },
	} },
	[HOOK_TAKE] = { N_("accept queue: taken out"), ON(ACCEPTQ_DEL), .helps = HELPS_PIDS, .variants = {
		{ MECH_FENTRY, "__inet_accept", PROGS_OF(TWO(f_take)) },
		{ MECH_FENTRY, "security_sock_graft", PROGS_OF(TWO(f_graft)) },
		{ MECH_KPROBE, "__inet_accept", PROGS_OF(ONE(k_take)) },
		{ MECH_KPROBE, "security_sock_graft", PROGS_OF(ONE(k_graft)) },
		{ MECH_TRACEPOINT, "sys_exit_accept, sys_exit_accept4; io_uring_complete",
		  PROGS_OF(TWO(sys_exit_accept4, .also_at = "sys_exit_accept"), ONE(tp_uring, .helps = true)), SYSCALL,
		  .deduced = ON(ACCEPTQ_DEL), DEPENDS({ ON(ACCEPTQ_DEL), ON(ACCEPT) | ON(ACCEPTQ_ADD) }),
		  .loses = NO_SUCH_ACCEPTS },
	} },
	[HOOK_CLOSE] = { N_("close()"), ON(CLOSE), .variants = {
		{ MECH_FENTRY, "inet_release", PROGS_OF(TWO(f_release)) },
		{ MECH_KPROBE, "inet_release", PROGS_OF(ONE(k_release)) },
		{ MECH_TRACEPOINT, "cgroup sock_release", PROGS_OF(ONE(cg_release)), CGROUP },
		{ MECH_TRACEPOINT, "sys_enter_close, inet_sock_set_state",
		  PROGS_OF(TWO(sys_enter_close), RAW_TWO(tp_state), TWO(sys_enter_shutdown),
			   TWO(sys_exit_shutdown)), SETS(S(tp_close)), SYSCALL, .deduced = ON(CLOSE),
		  .loses = N_("the close of an already closed connection by exit() or dup2()") },
	} },
	[HOOK_SHUTDOWN] = { N_("shutdown()"), ON(SHUTDOWN), .variants = {
		{ MECH_FENTRY, "inet_shutdown", PROGS_OF(TWO(f_shutdown)) },
		{ MECH_KPROBE, "inet_shutdown", PROGS_OF(ONE(k_shutdown)) },
		{ MECH_TRACEPOINT, "sys_enter_shutdown", PROGS_OF(TWO(sys_enter_shutdown)), SYSCALL,
		  .loses = NO_SUCH_CALLS },
	} },
	[HOOK_SYNQ_ADD] = { N_("SYN queue: in; SYN-ACK; cookie sent"), ON(SYNQ_ADD) | ON(SYNACK) | ON(COOKIE_SENT),
		.variants = {
		{ MECH_FENTRY, "tcp_make_synack", PROGS_OF(ONE(f_synack)) },
		{ MECH_KPROBE, "tcp_make_synack", PROGS_OF(ONE(k_synack)) },
		{ MECH_TRACEPOINT, N_("cgroup sock_ops; consume_skb (cookies)"),
		  PROGS_OF(ONE(cg_synack), ONE(tp_drop_syn)), SETS(S(tp_synack), S(cg_synack)), CGROUP,
		  .deduced = ON(COOKIE_SENT),
		  .loses = N_("that of two CPUs that queue the same request at once one gives it up") },
		{ MECH_TRACEPOINT, "net_dev_queue", PROGS_OF(ONE(tp_synack)), SETS(S(tp_synack)),
		  .deduced = ON(SYNQ_ADD) | ON(SYNACK) | ON(COOKIE_SENT),
		  .loses = N_("a request whose SYN-ACK a firewall drops") },
	} },
	[HOOK_SYNQ_DEL] = { N_("SYN queue: dropped (expired, reset, listener closed)"), ON(SYNQ_DEL) | EVENTS_DROPPED,
		.variants = {
		{ MECH_FENTRY, "__inet_csk_reqsk_queue_drop",
		  PROGS_OF(ONE(f_req_drop), ONE(f_synack), ONE(f_req_err, IF_THERE), ONE(f_abort, IF_THERE)) },
		{ MECH_FENTRY, "reqsk_queue_unlink",
		  PROGS_OF(ONE(f_req_unlink), ONE(f_synack), ONE(f_req_timer), ONE(x_req_timer), ONE(f_req_err, IF_THERE),
			   ONE(f_abort, IF_THERE)) },
		{ MECH_KPROBE, "__inet_csk_reqsk_queue_drop",
		  PROGS_OF(ONE(k_req_drop), ONE(k_synack), ONE(k_req_err, IF_THERE), ONE(k_abort, IF_THERE)) },
		{ MECH_KPROBE, "reqsk_queue_unlink",
		  PROGS_OF(ONE(k_req_unlink), ONE(k_synack), ONE(k_req_timer), ONE(r_req_timer),
			   ONE(k_req_err, IF_THERE), ONE(k_abort, IF_THERE)) },
		{ MECH_TRACEPOINT, N_("kfree_skb, tcp_send_reset (resets); consume_skb (ICMP); tcp_hashinfo, once a second (the rest)"),
		  PROGS_OF(ONE(tp_drop_ack), ONE(tp_drop_syn), RAW_TWO(tp_rst_sent), ONE(walk_tcp), GROUPS),
		  SETS(S(tp_synq_del), S(tp_groups)),
		  .sampled = ON(SYNQ_DEL) | EVENTS_DROPPED,
		  .loses = EXPIRY },
		{ MECH_TRACEPOINT, N_("kfree_skb, sk_drops, tcp_send_reset (resets); consume_skb (ICMP); tcp_hashinfo, once a second (the rest)"),
		  PROGS_OF(ONE(tp_drop_ack_old), ONE(tp_drop_syn), RAW_TWO(tp_rst_sent), ONE(walk_tcp), GROUPS),
		  SETS(S(tp_synq_del), S(tp_groups)),
		  .sampled = ON(SYNQ_DEL) | EVENTS_DROPPED,
		  .loses = EXPIRY },
	} },
	[HOOK_ACCEPTQ_ADD] = { N_("SYN queue: out, accept queue: in"), ON(SYNQ_DEL) | ON(ACCEPTQ_ADD), .helps = HELPS_PIDS,
		.variants = {
		{ MECH_FENTRY, "inet_csk_complete_hashdance", PROGS_OF(ONE(f_hashdance)) },
		{ MECH_KPROBE, "inet_csk_complete_hashdance", PROGS_OF(ONE(k_hashdance)) },
		{ MECH_TRACEPOINT, "inet_sock_set_state", PROGS_OF(RAW_TWO(tp_state)),
		  SETS(S(tp_acceptq_add)), DEPENDS({ ON(SYNQ_DEL), ON(SYNQ_ADD) | ON(ACCEPTQ_ADD) }) },
	} },
	[HOOK_ACCEPTQ_ADD_OTHER] = { N_("accept queue: in by cookie or Fast Open"), ON(ACCEPTQ_ADD), .helps = HELPS_PIDS,
		.variants = {
		{ MECH_FENTRY, "inet_csk_reqsk_queue_add", PROGS_OF(ONE(f_queue_add)) },
		{ MECH_KPROBE, "inet_csk_reqsk_queue_add", PROGS_OF(ONE(k_queue_add)) },
		{ MECH_TRACEPOINT, "inet_sock_set_state, cgroup sock_ops",
		  PROGS_OF(RAW_TWO(tp_state), ONE(cg_synack)), CGROUP },
		{ MECH_TRACEPOINT, "inet_sock_set_state, net_dev_queue",
		  PROGS_OF(RAW_TWO(tp_state), ONE(tp_synack)) },
	} },
	[HOOK_FORGET] = { N_("accept queue: out with its listener"), EVENTS_CLOSED, .also = ON(ACCEPTQ_DEL), .variants = {
		{ MECH_FENTRY, "inet_child_forget", PROGS_OF(ONE(f_forget)) },
		{ MECH_KPROBE, "inet_child_forget", PROGS_OF(ONE(k_forget)) },
		{ MECH_TRACEPOINT, "inet_sock_set_state", PROGS_OF(RAW_TWO(tp_state)),
		  DEPENDS({ ON(ACCEPTQ_DEL), ON(ACCEPTQ_ADD) | EVENTS_LISTENER }, { EVENTS_CLOSED, EVENTS_LISTENER }) },
	} },
	[HOOK_MIGRATE] = { N_("accept queue: moved to another member"), .also = ON(ACCEPTQ_ADD), .variants = {
		{ MECH_FENTRY, "inet_reqsk_clone", PROGS_OF(ONE(f_clone)) },
		{ MECH_KPROBE, "inet_reqsk_clone", PROGS_OF(ONE(k_clone)) },
	} },
	[HOOK_DROP_SYN] = { N_("SYN refused"), ON(DROP), .variants = {
		{ MECH_FENTRY, "tcp_conn_request, tcp_make_synack",
		  PROGS_OF(ONE(f_conn_request), ONE(x_conn_request), ONE(f_synack)) },
		{ MECH_KPROBE, "tcp_conn_request, tcp_make_synack",
		  PROGS_OF(ONE(k_conn_request), ONE(r_conn_request), ONE(k_synack)) },
		{ MECH_TRACEPOINT, "consume_skb, cgroup sock_ops", PROGS_OF(ONE(tp_drop_syn), ONE(cg_synack), GROUPS),
		  SETS(S(tp_drop_syn), S(cg_synack), S(tp_groups)), CGROUP, .deduced = ON(DROP),
		  .loses = WHICH_MEMBER },
		{ MECH_TRACEPOINT, "consume_skb", PROGS_OF(ONE(tp_drop_syn), GROUPS),
		  SETS(S(tp_drop_syn), S(tp_groups)), .deduced = ON(DROP),
		  .loses = WHICH_MEMBER },
	} },
	[HOOK_DROP_ACK] = { N_("third packet refused"), ON(DROP), .variants = {
		{ MECH_FENTRY, "tcp_v4_syn_recv_sock, tcp_v6_syn_recv_sock",
		  PROGS_OF(ONE(x_syn_recv4), ONE(x_syn_recv6, IF_THERE)) },
		{ MECH_KPROBE, "tcp_v4_syn_recv_sock, tcp_v6_syn_recv_sock",
		  PROGS_OF(ONE(k_syn_recv4), ONE(r_syn_recv4), ONE(k_syn_recv6, IF_THERE),
			   ONE(r_syn_recv6, IF_THERE)) },
		{ MECH_TRACEPOINT, N_("kfree_skb (reason TCP_LISTEN_OVERFLOW)"), PROGS_OF(ONE(tp_drop_ack), GROUPS),
		  SETS(S(tp_groups)), .deduced = ON(DROP),
		  .loses = N_("which member of an SO_REUSEPORT group refused a cookie's ACK, when two do at once") },
		{ MECH_TRACEPOINT, "kfree_skb, sk_drops", PROGS_OF(ONE(tp_drop_ack_old), GROUPS),
		  SETS(S(tp_groups)), .deduced = ON(DROP), .loses = WHICH_MEMBER },
	} },
	[HOOK_COOKIE] = { N_("cookie came back"), ON(COOKIE_OK) | ON(COOKIE_BAD), .also = ON(COOKIE_SENT), .variants = {
		{ MECH_FENTRY, "__cookie_v4_check, __cookie_v6_check",
		  PROGS_OF(ONE(f_cookie_v4), ONE(x_verdict_v4), ONE(x_cookie_v4), ONE(f_cookie_v6, IF_THERE),
			   ONE(x_verdict_v6, IF_THERE), ONE(x_cookie_v6, IF_THERE)) },
		{ MECH_KPROBE, "__cookie_v4_check, __cookie_v6_check",
		  PROGS_OF(ONE(k_cookie_v4), ONE(r_verdict_v4), ONE(r_cookie_v4), ONE(k_cookie_v6, IF_THERE),
			   ONE(r_verdict_v6, IF_THERE), ONE(r_cookie_v6, IF_THERE)) },
		{ MECH_TRACEPOINT, "consume_skb, tcp_send_reset",
		  PROGS_OF(ONE(cg_synack), ONE(tp_drop_syn), RAW_TWO(tp_rst_sent), GROUPS), COOKIE_DEPENDS,
		  SETS(S(tp_cookie), S(cg_synack), S(tp_groups)), CGROUP, .deduced = ON(COOKIE_OK) | ON(COOKIE_BAD),
		  .loses = WHOSE_COOKIE },
		{ MECH_TRACEPOINT, "net_dev_queue, tcp_send_reset",
		  PROGS_OF(ONE(tp_synack), RAW_TWO(tp_rst_sent), GROUPS), COOKIE_DEPENDS,
		  SETS(S(tp_cookie), S(tp_groups)), .deduced = ON(COOKIE_OK) | ON(COOKIE_BAD),
		  .loses = WHOSE_COOKIE },
	} },
	[HOOK_SYNACK_RETRANS] = { N_("SYN-ACK sent again"), ON(SYNACK_RETRANS), .variants = {
		{ MECH_TRACEPOINT, "tcp_retransmit_synack", PROGS_OF(RAW(tp_synack_retrans)) },
	} },
	[HOOK_RETRANS] = { N_("segment sent again"), ON(RETRANS), .variants = {
		{ MECH_TRACEPOINT, "tcp_retransmit_skb", PROGS_OF(RAW(tp_retrans)) },
	} },
	/* those that netfilter drops; from 6.16 on the tracepoint has them */
	[HOOK_RETRANS_FAILED] = { N_("segment sent again, but refused"), .also = ON(RETRANS), .variants = {
		{ MECH_FENTRY, "tcp_retransmit_skb, __tcp_retransmit_skb",
		  PROGS_OF(ONE(f_retransmit), ONE(x_retransmit), ONE(f_retransmit_tlp), ONE(x_retransmit_tlp)) },
		{ MECH_KPROBE, "tcp_retransmit_skb, __tcp_retransmit_skb",
		  PROGS_OF(ONE(k_retransmit), ONE(r_retransmit), ONE(k_retransmit_tlp), ONE(r_retransmit_tlp)) },
		{ MECH_TRACEPOINT, "tcp_retransmit_skb", PROGS_OF(RAW(tp_retrans)),
		  .loses = N_("it, before 6.16") },
	} },
	[HOOK_RST_SENT] = { N_("RST sent"), ON(RST_SENT), .variants = {
		{ MECH_TRACEPOINT, "tcp_send_reset", PROGS_OF(RAW_TWO(tp_rst_sent)),
		  .loses = N_("that of no socket, as where nobody listens, before 6.10") },
	} },
	[HOOK_RST_RECEIVED] = { N_("RST received"), ON(RST_RECEIVED), .variants = {
		{ MECH_TRACEPOINT, "tcp_receive_reset", PROGS_OF(RAW_TWO(tp_rst_received)) },
	} },
	[HOOK_RESET] = { N_("RST received, or data"), .also = ON(RST_RECEIVED), .variants = {
		{ MECH_FENTRY, "tcp_reset", PROGS_OF(ONE(f_reset)), .needs = NEEDS_RESET_SKB },
		{ MECH_KPROBE, "tcp_reset", PROGS_OF(ONE(k_reset)), .needs = NEEDS_RESET_SKB },
		{ MECH_TRACEPOINT, "tcp_receive_reset", PROGS_OF(RAW_TWO(tp_rst_received)),
		  .loses = N_("which of the two, where the socket reads no more") },
	} },
	/* These two are about minisocks: the model ends TIME_WAIT by time, too. */
	[HOOK_TW_END] = { N_("TIME_WAIT ends"), .also = ON(STATE), .variants = {
		{ MECH_FENTRY, "inet_twsk_kill", PROGS_OF(ONE(f_tw_kill)) },
		{ MECH_KPROBE, "inet_twsk_kill", PROGS_OF(ONE(k_tw_kill)) },
	} },
	[HOOK_TW_FIN] = { N_("orphan in FIN_WAIT2 enters TIME_WAIT"), .also = ON(STATE), .variants = {
		{ MECH_FENTRY, "tcp_timewait_state_process", PROGS_OF(ONE(f_tw_segment), ONE(x_tw_segment)) },
		{ MECH_KPROBE, "tcp_timewait_state_process", PROGS_OF(ONE(k_tw_segment), ONE(r_tw_segment)) },
		{ MECH_TRACEPOINT, "kfree_skb (rx_sk)", PROGS_OF(ONE(tp_tw_segment)) },
		{ MECH_TRACEPOINT, "kfree_skb", PROGS_OF(ONE(tp_tw_segment_old)) },
	} },
	/* what a thread was in when it ended is forgotten */
	[HOOK_THREADS] = { N_("threads and children"), .also = CALLS, .helps = HELPS_CHILDREN, .variants = {
		{ MECH_TRACEPOINT, "sched_process_exit, sched_process_fork", PROGS_OF(ONE(tp_exit), ONE(tp_fork)) },
	} },
	[HOOK_SNAPSHOT] = { N_("snapshot: sockets and queues"), ON(EXISTS), .also = ALL, .variants = {
		{ MECH_TRACEPOINT, "tcp_hashinfo", PROGS_OF(ONE(walk_tcp)) },
	} },
	[HOOK_OWNERS] = { N_("snapshot: owners"), .also = ALL, .variants = {
		{ MECH_TRACEPOINT, "iter/task_file", PROGS_OF(ONE(it_task_file)) },
	} },
	[HOOK_WRITE] = { N_("data written (--io)"), ON(WRITE), .variants = {
		{ MECH_TRACEPOINT, "sock_send_length", PROGS_OF(ONE(tp_write)) },
		{ MECH_FENTRY, "tcp_sendmsg", PROGS_OF(ONE(f_write)), .deduced = ON(WRITE),
		  .loses = HOW_MUCH },
		{ MECH_KPROBE, "tcp_sendmsg", PROGS_OF(ONE(k_write)), .deduced = ON(WRITE),
		  .loses = HOW_MUCH },
	} },
	[HOOK_READ] = { N_("data read (--io)"), ON(READ), .variants = {
		{ MECH_FENTRY, "sock_recv_length, tcp_splice_read", PROGS_OF(ONE(tp_read), ONE(x_splice)) },
		{ MECH_KPROBE, "sock_recv_length, tcp_cleanup_rbuf", PROGS_OF(ONE(tp_read), ONE(k_splice)), .needs = NEEDS_REGS,
		  .loses = N_("what io_uring spliced; a splice() that waits for more is several reads") },
		{ MECH_TRACEPOINT, "sock_recv_length", PROGS_OF(ONE(tp_read)), .loses = N_("what splice() read") },
		{ MECH_FENTRY, "tcp_cleanup_rbuf", PROGS_OF(ONE(f_read)), .loses = N_("errors; MSG_PEEK is told as a read") },
		{ MECH_KPROBE, "tcp_cleanup_rbuf", PROGS_OF(ONE(k_read)), .loses = N_("errors; MSG_PEEK is told as a read") },
	} },
};
