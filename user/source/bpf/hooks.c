// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of hooks: what is to be seen, and the ways to see it, best first.
 * `tcptrace doctor` prints it with the choices made on this kernel.
 */
#include "probes.h"

#define F(target_, loses_, ...) { MECH_FENTRY, target_, { __VA_ARGS__ }, loses_ }
#define K(target_, loses_, ...) { MECH_KPROBE, target_, { __VA_ARGS__ }, loses_ }
#define T(target_, loses_, ...) { MECH_TRACEPOINT, target_, { __VA_ARGS__ }, loses_ }

const struct hook hooks[HOOK_MAX] = {
	[HOOK_STATE] = { "transitions", {
		T("inet_sock_set_state", NULL, "tp_state") } },
	[HOOK_DESTROY] = { "end of a socket", {
		T("tcp_destroy_sock", NULL, "tp_destroy") } },
	[HOOK_SOCKET] = { "socket()", {
		T("sys_exit_socket", NULL, "sys_exit_socket") } },
	[HOOK_BIND] = { "bind()", {
		T("sys_enter_bind, sys_exit_bind", NULL, "sys_enter_bind", "sys_exit_bind") } },
	[HOOK_LISTEN] = { "listen()", {
		T("sys_enter_listen, sys_exit_listen", NULL, "sys_enter_listen", "sys_exit_listen") } },
	[HOOK_CONNECT] = { "connect() begins", {
		F("tcp_v4_connect, tcp_v6_connect", NULL, "f_connect4", "?f_connect6"),
		K("tcp_v4_connect, tcp_v6_connect", NULL, "k_connect4", "?k_connect6"),
		T("cgroup connect4, connect6", NULL, "cg_connect4", "?cg_connect6"),
		T("sys_enter_connect", "connects by io_uring, by sendto(MSG_FASTOPEN) and of 32-bit programs",
		  "sys_enter_connect") } },
	[HOOK_CONNECT_RETURN] = { "connect() returns", {
		T("sys_exit_connect", NULL, "sys_exit_connect", REGS),
		T("sys_enter_connect, sys_exit_connect", NULL, "sys_enter_connect", "sys_exit_connect") } },
	[HOOK_ACCEPT_ENTER] = { "accept() begins", {
		F("inet_csk_accept", NULL, "f_accept"),
		K("inet_csk_accept", NULL, "k_accept"),
		T("sys_enter_accept, sys_enter_accept4", NULL, "sys_enter_accept4") } },
	[HOOK_ACCEPT] = { "accept() returns", {
		T("sys_exit_accept, sys_exit_accept4", NULL, "sys_exit_accept4") } },
	[HOOK_TAKE] = { "accept queue: taken out", {
		F("__inet_accept", NULL, "f_take"),
		K("__inet_accept", NULL, "k_take"),
		T("sys_exit_accept, sys_exit_accept4", "accepts by io_uring and of 32-bit programs",
		  "sys_exit_accept4") } },
	[HOOK_CLOSE] = { "close()", {
		F("tcp_close", NULL, "f_close"),
		K("tcp_close", NULL, "k_close"),
		T("cgroup sock_release", NULL, "cg_release"),
		T("sys_enter_close, inet_sock_set_state",
		  "the close of an already closed connection by exit() or dup2()",
		  "sys_enter_close", "tp_state", "sys_enter_shutdown", "sys_exit_shutdown") } },
	[HOOK_SHUTDOWN] = { "shutdown()", {
		T("sys_enter_shutdown", NULL, "sys_enter_shutdown") } },
	[HOOK_SYNQ_ADD] = { "SYN queue: in; SYN-ACK; cookie sent", {
		F("tcp_make_synack", NULL, "f_synack"),
		K("tcp_make_synack", NULL, "k_synack"),
		T("cgroup sock_ops; consume_skb (cookies)",
		  "that of two CPUs that queue the same request at once one gives it up", "cg_synack", "tp_drop_syn"),
		T("net_dev_queue", "a request whose SYN-ACK a firewall drops", "tp_synack") } },
	[HOOK_SYNQ_DEL] = { "SYN queue: dropped (expired, reset, listener closed)", {
		F("__inet_csk_reqsk_queue_drop", NULL, "f_req_drop", "?f_req_err", "?f_abort"),
		F("reqsk_queue_unlink", NULL, "f_req_unlink", "f_req_timer", "x_req_timer", "?f_req_err",
		  "?f_abort"),
		K("__inet_csk_reqsk_queue_drop", NULL, "k_req_drop", "?k_req_err", "?k_abort"),
		K("reqsk_queue_unlink", NULL, "k_req_unlink", "k_req_timer", "r_req_timer", "?k_req_err",
		  "?k_abort"),
		T("kfree_skb (resets); iter/tcp, once a second (the rest)",
		  "the moment of an expiry; what else takes a request down is told as expired",
		  "tp_drop_ack", "it_tcp"),
		T("kfree_skb, sk_drops (resets); iter/tcp, once a second (the rest)",
		  "the moment of an expiry; what else takes a request down is told as expired",
		  "tp_drop_ack_old", "it_tcp") } },
	[HOOK_ACCEPTQ_ADD] = { "SYN queue: out, accept queue: in", {
		F("inet_csk_complete_hashdance", NULL, "x_hashdance"),
		K("inet_csk_complete_hashdance", NULL, "k_hashdance", "r_hashdance"),
		T("inet_sock_set_state", NULL, "tp_state") } },
	[HOOK_ACCEPTQ_ADD_OTHER] = { "accept queue: in by cookie or Fast Open", {
		F("inet_csk_reqsk_queue_add", NULL, "x_queue_add"),
		K("inet_csk_reqsk_queue_add", NULL, "k_queue_add", "r_queue_add"),
		T("inet_sock_set_state, cgroup sock_ops", NULL, "tp_state", "cg_synack"),
		T("inet_sock_set_state, net_dev_queue", NULL, "tp_state", "tp_synack") } },
	[HOOK_FORGET] = { "accept queue: out with its listener", {
		F("inet_child_forget", NULL, "f_forget"),
		K("inet_child_forget", NULL, "k_forget"),
		T("inet_sock_set_state", NULL, "tp_state") } },
	[HOOK_MIGRATE] = { "accept queue: moved to another member", {
		F("inet_reqsk_clone", NULL, "f_clone"),
		K("inet_reqsk_clone", NULL, "k_clone") } },
	[HOOK_DROP_SYN] = { "SYN refused", {
		F("tcp_conn_request", NULL, "f_conn_request", "x_conn_request"),
		K("tcp_conn_request", NULL, "k_conn_request", "r_conn_request"),
		T("consume_skb", "which member of an SO_REUSEPORT group refused, when two do at once",
		  "tp_drop_syn") } },
	[HOOK_DROP_ACK] = { "third packet refused", {
		F("tcp_v4_syn_recv_sock, tcp_v6_syn_recv_sock", NULL, "x_syn_recv4", "?x_syn_recv6"),
		K("tcp_v4_syn_recv_sock, tcp_v6_syn_recv_sock", NULL, "k_syn_recv4", "r_syn_recv4",
		  "?k_syn_recv6", "?r_syn_recv6"),
		T("kfree_skb (reason TCP_LISTEN_OVERFLOW)",
		  "which member of an SO_REUSEPORT group refused a cookie's ACK, when two do at once",
		  "tp_drop_ack"),
		T("kfree_skb, sk_drops", "which member of an SO_REUSEPORT group refused, when two do at once",
		  "tp_drop_ack_old") } },
	[HOOK_COOKIE] = { "cookie came back", {
		F("__cookie_v4_check, __cookie_v6_check", NULL, "f_cookie_v4", "x_verdict_v4",
		  "?f_cookie_v6", "?x_verdict_v6"),
		K("__cookie_v4_check, __cookie_v6_check", NULL, "k_cookie_v4", "r_verdict_v4",
		  "?k_cookie_v6", "?r_verdict_v6"),
		T("consume_skb, tcp_send_reset",
		  "which member of an SO_REUSEPORT group sent it; good and bad ones are deduced",
		  "cg_synack", "tp_drop_syn", "tp_rst_sent"),
		T("net_dev_queue, tcp_send_reset",
		  "which member of an SO_REUSEPORT group sent it; good and bad ones are deduced",
		  "tp_synack", "tp_rst_sent") } },
	[HOOK_SYNACK_RETRANS] = { "SYN-ACK sent again", {
		T("tcp_retransmit_synack", NULL, "tp_synack_retrans") } },
	[HOOK_RETRANS] = { "segment sent again", {
		T("tcp_retransmit_skb", NULL, "tp_retrans") } },
	[HOOK_RST_SENT] = { "RST sent", {
		T("tcp_send_reset", NULL, "tp_rst_sent") } },
	[HOOK_RST_RECEIVED] = { "RST received", {
		T("tcp_receive_reset", NULL, "tp_rst_received") } },
	[HOOK_TW_END] = { "TIME_WAIT ends", {
		F("inet_twsk_kill", NULL, "f_tw_kill"),
		K("inet_twsk_kill", NULL, "k_tw_kill") } },
	[HOOK_TW_FIN] = { "orphan in FIN_WAIT2 enters TIME_WAIT", {
		F("tcp_timewait_state_process", NULL, "f_tw_segment"),
		K("tcp_timewait_state_process", NULL, "k_tw_segment"),
		T("kfree_skb (rx_sk)", NULL, "tp_tw_segment"),
		T("kfree_skb", NULL, "tp_tw_segment_old") } },
	[HOOK_WRITE] = { "data written (--io)", {
		T("sock_send_length", NULL, "tp_write"),
		F("tcp_sendmsg", "how much of it was taken, and errors", "f_write"),
		K("tcp_sendmsg", "how much of it was taken, and errors", "k_write") } },
	[HOOK_READ] = { "data read (--io)", {
		T("sock_recv_length", NULL, "tp_read"),
		F("tcp_cleanup_rbuf", "errors", "f_read"),
		K("tcp_cleanup_rbuf", "errors", "k_read") } },
	[HOOK_THREADS] = { "threads and children", {
		T("sched_process_exit, sched_process_fork", NULL, "tp_exit", "tp_fork") } },
	[HOOK_SNAPSHOT] = { "snapshot: sockets and queues", {
		T("iter/tcp", NULL, "it_tcp") } },
	[HOOK_OWNERS] = { "snapshot: owners", {
		T("iter/task_file", NULL, "it_task_file") } },
};
