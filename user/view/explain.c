// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel just did, which function did it, and why it matters: one table,
 * for all views. The first row that fits an event explains it. The texts are the
 * msgids of user/po; functions and files are those of Linux 5.10 to 7.2.
 *
 *        207                       │        ── SYN ─▶│ NEW_SYN_RECV           SYN █░░ 1/2  ACC ░░░ 0/2
 *             A SYN arrived: tcp_conn_request() (net/ipv4/tcp_input.c) made a request_sock ...
 */
#include <errno.h>

#include "../lib/tr.h"
#include "../lib/wrap.h"
#include "explain.h"

enum { ANY, WORKED, FAILED, INTERRUPTED };	/* of ret; or a negative errno */

struct explanation {
	uint8_t event, old, new, cause;		/* 0: any */
	int ret;
	const char *text;
};

/* Rows by event; in each event what is special comes first. */
#define STATE(from, to)	TCPTRACE_STATE, (from), (to), 0, ANY
#define CALL(event, how) TCPTRACE_##event, 0, 0, 0, (how)
#define STEP(event)	TCPTRACE_##event, 0, 0, 0, ANY
#define CAUSE(event, why) TCPTRACE_##event, 0, 0, TCPTRACE_##why, ANY

static const struct explanation table[] = {
	/* ---- calls ---- */
	{ STEP(SOCKET),
	  N_("socket() made a TCP socket in state CLOSE: inet_create() (net/ipv4/af_inet.c) "
	     "or inet6_create() (net/ipv6/af_inet6.c). It has neither port nor peer, so no "
	     "packet can reach it yet.") },
	{ CALL(BIND, FAILED),
	  N_("bind() failed in __inet_bind() (net/ipv4/af_inet.c) or __inet6_bind() "
	     "(net/ipv6/af_inet6.c): EADDRINUSE means that inet_csk_get_port() "
	     "(net/ipv4/inet_connection_sock.c) found another socket on this port, or, asked "
	     "for any port, none that is free. The socket is bound no more than before.") },
	{ STEP(BIND),
	  N_("bind() gave the socket its local address and port: __inet_bind() "
	     "(net/ipv4/af_inet.c) or __inet6_bind() (net/ipv6/af_inet6.c). Nothing is sent, and "
	     "until listen() a SYN to this port is answered with a RST, unless another socket "
	     "listens there.") },
	{ CALL(LISTEN, FAILED),
	  N_("listen() failed in inet_listen() (net/ipv4/af_inet.c): the socket is connected, "
	     "or the port is taken. It does not listen.") },
	{ STEP(LISTEN),
	  N_("__sys_listen() (net/socket.c) lowered the backlog to net.core.somaxconn if it "
	     "was higher, and inet_listen() (net/ipv4/af_inet.c) made it the limit of both "
	     "queues. The accept queue holds one more than the limit; calling listen() again "
	     "changes it.") },
	{ STEP(CONNECT),
	  N_("connect() begins: tcp_v4_connect() (net/ipv4/tcp_ipv4.c) or tcp_v6_connect() "
	     "(net/ipv6/tcp_ipv6.c) looks for a route and a local port. A blocking call then "
	     "waits for the second packet of the handshake, not for the third.") },
	{ CALL(CONNECT_RETURN, WORKED),
	  N_("connect() returned 0: __inet_stream_connect() (net/ipv4/af_inet.c) found the "
	     "socket ESTABLISHED. That took the server's kernel only: the server's program "
	     "may not have called accept() yet. Or there is no connection: with "
	     "TCP_FASTOPEN_CONNECT the SYN may wait for the first write(), and connect(AF_UNSPEC) "
	     "takes a connection off.") },
	{ CALL(CONNECT_RETURN, -EINPROGRESS),
	  N_("connect() does not wait for the handshake, as the socket is non-blocking, or no "
	     "longer than its SO_SNDTIMEO: __inet_stream_connect() (net/ipv4/af_inet.c) says "
	     "EINPROGRESS. The handshake goes on (over loopback it may be over by now, or "
	     "refused); poll() finds the socket writable when it is over.") },
	{ CALL(CONNECT_RETURN, -EALREADY),
	  N_("connect() was called again while the handshake goes on: __inet_stream_connect() "
	     "(net/ipv4/af_inet.c) says EALREADY. Nothing has failed; poll() finds the socket "
	     "writable when it is over.") },
	{ CALL(CONNECT_RETURN, -EISCONN),
	  N_("connect() was called again on a connected socket: __inet_stream_connect() "
	     "(net/ipv4/af_inet.c) says EISCONN. The connection is there as before (or, with "
	     "TCP_FASTOPEN_CONNECT, waits for the first write() as before).") },
	{ CALL(CONNECT_RETURN, INTERRUPTED),
	  N_("A signal came while connect() waited: __inet_stream_connect() "
	     "(net/ipv4/af_inet.c) returned before the handshake was over. The kernel goes on "
	     "with that, and the call is begun again or returns EINTR.") },
	{ CALL(CONNECT_RETURN, -ECONNREFUSED),
	  N_("connect() was refused: by a RST, which tcp_reset() (net/ipv4/tcp_input.c) made "
	     "ECONNREFUSED, as where nobody listens on this port; or by an ICMP message, as of a "
	     "firewall: tcp_v4_err() (net/ipv4/tcp_ipv4.c) or tcp_v6_err() (net/ipv6/tcp_ipv6.c); "
	     "or by a filter of this machine that let no SYN out.") },
	{ CALL(CONNECT_RETURN, -ETIMEDOUT),
	  N_("connect() gave up: tcp_write_timeout() (net/ipv4/tcp_timer.c) had seen the SYN sent "
	     "again as often as net.ipv4.tcp_syn_retries (and, since Linux 6.5, "
	     "net.ipv4.tcp_syn_linear_timeouts) or the socket's own TCP_SYNCNT or "
	     "TCP_USER_TIMEOUT allow. A firewall that drops and a server whose accept queue "
	     "stays full look the same from here: neither answers.") },
	{ CALL(CONNECT_RETURN, FAILED),
	  N_("connect() failed: __inet_stream_connect() (net/ipv4/af_inet.c) returned the "
	     "error. There is no connection.") },
	{ CALL(ACCEPT, -EAGAIN),
	  N_("accept() found the accept queue empty, and the listener is non-blocking (or its "
	     "SO_RCVTIMEO was over): inet_csk_accept() (net/ipv4/inet_connection_sock.c) returned EAGAIN. poll() or "
	     "epoll tells when to try again.") },
	{ CALL(ACCEPT, -EMFILE),
	  N_("accept() failed before it looked at the queue: the process has no free descriptor "
	     "for __sys_accept4() (net/socket.c) to give. The connection waits on, and calling "
	     "accept() again and again would change nothing.") },
	{ CALL(ACCEPT, -EFAULT),
	  N_("accept() failed after it had taken a connection out of the queue: move_addr_to_user() "
	     "(net/socket.c) could not write the client's address where the program wants it. The "
	     "connection is closed.") },
	{ CALL(ACCEPT, FAILED),
	  N_("accept() failed in inet_csk_accept() (net/ipv4/inet_connection_sock.c) or "
	     "before it: no connection was taken out of the accept queue.") },
	{ STEP(ACCEPT),
	  N_("accept() returned a descriptor: do_accept() (net/socket.c) gave a file to a "
	     "connection that was there already. accept() takes no part in the handshake; the "
	     "third packet (with Fast Open the SYN) came before it.") },
	{ STEP(CLOSE),
	  N_("close() released the last reference: inet_release() (net/ipv4/af_inet.c) calls "
	     "tcp_close() (net/ipv4/tcp.c). On a connection it sends a FIN, or a RST if data was "
	     "received that nobody has read, or SO_LINGER is 0.") },
	{ STEP(SHUTDOWN),
	  N_("shutdown() closes a direction and keeps the descriptor: inet_shutdown() "
	     "(net/ipv4/af_inet.c) calls tcp_shutdown() (net/ipv4/tcp.c). For writing that "
	     "sends a FIN; for reading nothing is sent, but a listener stops listening.") },
	{ CALL(READ, FAILED),
	  N_("read() failed in tcp_recvmsg() (net/ipv4/tcp.c): EAGAIN means that no data is "
	     "there yet, ECONNRESET that a RST came.") },
	{ STEP(READ),
	  N_("tcp_recvmsg() (net/ipv4/tcp.c) copied received data to the program. It had "
	     "waited in the receive buffer until now; 0 bytes mean that the peer's FIN was "
	     "reached.") },
	{ CALL(WRITE, FAILED),
	  N_("write() failed in tcp_sendmsg() (net/ipv4/tcp.c): EAGAIN means that the send "
	     "buffer is full, EPIPE that this direction is closed.") },
	{ STEP(WRITE),
	  N_("tcp_sendmsg() (net/ipv4/tcp.c) copied data into the send buffer. It does not "
	     "wait for the peer to receive any of it.") },

	/* ---- the handshake, server ---- */
	{ STEP(SYNQ_ADD),
	  N_("A SYN arrived, the first packet: tcp_conn_request() (net/ipv4/tcp_input.c) made "
	     "a request_sock, and inet_csk_reqsk_queue_hash_add() "
	     "(net/ipv4/inet_connection_sock.c) counted it in the SYN queue. It is not a "
	     "socket yet, and no accept() can take it.") },
	{ STEP(SYNACK),
	  N_("The SYN-ACK is made and sent, the second packet: tcp_v4_send_synack() "
	     "(net/ipv4/tcp_ipv4.c) or tcp_v6_send_synack() (net/ipv6/tcp_ipv6.c). A firewall "
	     "of this machine may still drop it, which is not seen. When it arrives, the client's connect() returns, whatever the server's program is "
	     "doing.") },
	{ STEP(SYNACK_RETRANS),
	  N_("No third packet was taken in time: tcp_rtx_synack() (net/ipv4/tcp_output.c) sends the "
	     "SYN-ACK again, for reqsk_timer_handler() (net/ipv4/inet_connection_sock.c), at most "
	     "net.ipv4.tcp_synack_retries times and fewer, down to two, while old requests fill "
	     "more than half of the queue; or for tcp_check_req() (net/ipv4/tcp_minisocks.c), as "
	     "the SYN came again. The request keeps its place in the SYN queue.") },
	{ CAUSE(SYNQ_DEL, SYNQ_ESTABLISHED),
	  N_("The third packet arrived: tcp_check_req() (net/ipv4/tcp_minisocks.c) made a "
	     "socket of the request, and inet_csk_complete_hashdance() "
	     "(net/ipv4/inet_connection_sock.c) takes it out of the SYN queue. Its place is "
	     "free for another client.") },
	{ CAUSE(SYNQ_DEL, SYNQ_EXPIRED),
	  N_("reqsk_timer_handler() (net/ipv4/inet_connection_sock.c) gave the request up after "
	     "its last SYN-ACK. Of the kernel's counters only TCPTimeouts counts it, like every "
	     "other timeout of TCP; nothing tells the client.") },
	{ CAUSE(SYNQ_DEL, SYNQ_RESET),
	  N_("A RST ended the request: tcp_check_req() (net/ipv4/tcp_minisocks.c) took one "
	     "from the client, or sent one, for a SYN that does not fit, or because "
	     "net.ipv4.tcp_abort_on_overflow is 1 and the accept queue is full. The kernel counts "
	     "it in EmbryonicRsts.") },
	{ CAUSE(SYNQ_DEL, SYNQ_LISTENER_CLOSED),
	  N_("The listener of the request is closed, and reqsk_timer_handler() "
	     "(net/ipv4/inet_connection_sock.c) or the next packet found that out and dropped "
	     "the request. Closing a listener leaves its SYN queue alone; each request goes "
	     "when its timer fires or a packet comes.") },
	{ STEP(SYNQ_DEL),
	  N_("The request left the SYN queue without becoming a connection: "
	     "inet_csk_reqsk_queue_drop() (net/ipv4/inet_connection_sock.c), for instance "
	     "after an ICMP error, by ss -K, or as reqsk_timer_handler() could not send its SYN-ACK again: no route, "
	     "a full queue, a firewall of this machine.") },
	{ CAUSE(ACCEPTQ_ADD, ACCEPTQ_COOKIE),
	  N_("An ACK with a valid SYN cookie came: tcp_get_cookie_sock() "
	     "(net/ipv4/syncookies.c) made the socket and put it straight into the accept "
	     "queue. It was never in the SYN queue.") },
	{ CAUSE(ACCEPTQ_ADD, ACCEPTQ_FASTOPEN),
	  N_("Fast Open: tcp_try_fastopen() (net/ipv4/tcp_fastopen.c) made the socket from "
	     "the SYN alone, and tcp_conn_request() (net/ipv4/tcp_input.c) put it into the "
	     "accept queue. accept() may return it before the third packet, in SYN_RECV.") },
	{ CAUSE(ACCEPTQ_ADD, ACCEPTQ_MIGRATED),
	  N_("Its listener closed, and inet_csk_listen_stop() "
	     "(net/ipv4/inet_connection_sock.c) moved the connection to another member of the "
	     "SO_REUSEPORT group, as net.ipv4.tcp_migrate_req is 1 or a BPF program of the group "
	     "says so. Otherwise the client would have got a RST.") },
	{ STEP(ACCEPTQ_ADD),
	  N_("inet_csk_reqsk_queue_add() (net/ipv4/inet_connection_sock.c) put the connection "
	     "at the end of the accept queue. From now on only accept() is missing; data that "
	     "the client sends is received and kept.") },
	{ CAUSE(ACCEPTQ_DEL, ACCEPTQ_CLOSED),
	  N_("The listener was closed while this connection waited: inet_csk_listen_stop() "
	     "(net/ipv4/inet_connection_sock.c) has inet_child_forget() throw it away. The "
	     "client believed itself connected and gets a RST.") },
	{ CAUSE(ACCEPTQ_DEL, ACCEPTQ_RESET),
	  N_("inet_csk_accept() (net/ipv4/inet_connection_sock.c) took out a connection that "
	     "the client had reset while it waited. accept() succeeds all the same; the "
	     "program learns of the RST from its first read().") },
	{ STEP(ACCEPTQ_DEL),
	  N_("inet_csk_accept() (net/ipv4/inet_connection_sock.c) took the oldest connection "
	     "out of the accept queue. Its place is free again; how long it waited is the "
	     "program's doing, not the network's.") },

	/* ---- refused, and cookies ---- */
	{ CAUSE(DROP, DROP_ACCEPTQ_SYN),
	  N_("The accept queue is full, so tcp_conn_request() (net/ipv4/tcp_input.c) dropped "
	     "the SYN and sent no answer. The client sends it again after about a second; its "
	     "connect() only seems slow (ListenOverflows and ListenDrops count it).") },
	{ CAUSE(DROP, DROP_ACCEPTQ_ACK),
	  N_("The accept queue is full, so tcp_v4_syn_recv_sock() (net/ipv4/tcp_ipv4.c) or "
	     "tcp_v6_syn_recv_sock() (net/ipv6/tcp_ipv6.c) made no socket of the third "
	     "packet (ListenOverflows counts it). The client believes it is connected; the request "
	     "stays in the SYN queue and may still complete, but with "
	     "net.ipv4.tcp_abort_on_overflow = 1 a RST ends it.") },
	{ CAUSE(DROP, DROP_ACCEPTQ_COOKIE),
	  N_("An ACK with a valid SYN cookie came, but the accept queue is full, so "
	     "tcp_v4_syn_recv_sock() (net/ipv4/tcp_ipv4.c) or tcp_v6_syn_recv_sock() "
	     "(net/ipv6/tcp_ipv6.c) made no socket. The client believes it is connected, and "
	     "the server remembers nothing of it.") },
	{ CAUSE(DROP, DROP_SYNQ_FULL),
	  N_("The SYN queue is full and SYN cookies are off, so tcp_conn_request() "
	     "(net/ipv4/tcp_input.c) dropped the SYN (TCPReqQFullDrop counts it). The limit "
	     "is the backlog, the same as that of the accept queue.") },
	{ CAUSE(DROP, DROP_SYNQ_QUARTER),
	  N_("SYN cookies are off and less than a quarter of net.ipv4.tcp_max_syn_backlog is "
	     "left: tcp_conn_request() (net/ipv4/tcp_input.c) keeps that for peers it has met "
	     "before, and dropped this SYN. Only ListenDrops counts it.") },
	{ CAUSE(DROP, DROP_NO_MEMORY),
	  N_("The accept queue had room, but tcp_v4_syn_recv_sock() (net/ipv4/tcp_ipv4.c) or "
	     "tcp_v6_syn_recv_sock() (net/ipv6/tcp_ipv6.c) made no socket of the third packet: "
	     "there was no memory, or no route back. Only ListenDrops counts it.") },
	{ STEP(DROP),
	  N_("The listener refused the segment for a reason of its own: tcp_conn_request() "
	     "(net/ipv4/tcp_input.c) or a function it calls dropped it. ListenDrops counts "
	     "it.") },
	{ STEP(COOKIE_SENT),
	  N_("The SYN queue is full, or net.ipv4.tcp_syncookies is 2: tcp_conn_request() "
	     "(net/ipv4/tcp_input.c) answered with a SYN-ACK whose sequence number is a "
	     "cookie, from cookie_v4_init_sequence() (net/ipv4/syncookies.c) or "
	     "cookie_v6_init_sequence() (net/ipv6/syncookies.c). The server keeps nothing of "
	     "this client.") },
	{ STEP(COOKIE_OK),
	  N_("The ACK carries a valid cookie: cookie_v4_check() (net/ipv4/syncookies.c) or "
	     "cookie_v6_check() (net/ipv6/syncookies.c) rebuilt the request from it. Without "
	     "TCP timestamps the options of the SYN, such as window scaling, are lost.") },
	{ STEP(COOKIE_BAD),
	  N_("The ACK carries no valid cookie: cookie_v4_check() (net/ipv4/syncookies.c) or "
	     "cookie_v6_check() (net/ipv6/syncookies.c) refused it, and its sender gets a "
	     "RST. It is too old, forged, or of a connection that is long gone "
	     "(SyncookiesFailed counts it).") },

	/* ---- transitions ---- */
	{ STATE(TCP_S_CLOSE, TCP_S_LISTEN),
	  N_("inet_csk_listen_start() (net/ipv4/inet_connection_sock.c) made the socket a "
	     "listener with two empty queues, and claims its port next. From then on the "
	     "kernel answers SYNs by itself: no accept() is needed for a handshake.") },
	{ STATE(TCP_S_LISTEN, TCP_S_CLOSE),
	  N_("The listener is closed, by close() or shutdown(): inet_csk_listen_stop() "
	     "(net/ipv4/inet_connection_sock.c) now resets what waits in the accept queue. "
	     "Requests in the SYN queue go later, when their timers fire. Or listen() has failed: "
	     "inet_csk_listen_start() found the port taken.") },
	{ STATE(TCP_S_LISTEN, TCP_S_SYN_RECV),
	  N_("inet_csk_clone_lock() (net/ipv4/inet_connection_sock.c) cloned the listener "
	     "into a child socket. Until now the connection was only a request; the third "
	     "packet made it a socket (with Fast Open the SYN does).") },
	{ STATE(TCP_S_SYN_RECV, TCP_S_ESTABLISHED),
	  N_("The third packet completed the handshake: tcp_rcv_state_process() "
	     "(net/ipv4/tcp_input.c) made the socket ESTABLISHED. A listener's child is in the "
	     "accept queue already, and now a waiting accept() is woken (with Fast Open the SYN "
	     "did that).") },
	{ STATE(TCP_S_CLOSE, TCP_S_SYN_SENT),
	  N_("tcp_v4_connect() (net/ipv4/tcp_ipv4.c) or tcp_v6_connect() "
	     "(net/ipv6/tcp_ipv6.c) entered SYN_SENT; next it chooses the local port, and "
	     "tcp_connect() (net/ipv4/tcp_output.c) sends the SYN. A local port of 0 means "
	     "that it is not chosen yet.") },
	{ STATE(TCP_S_SYN_SENT, TCP_S_ESTABLISHED),
	  N_("The SYN-ACK arrived: tcp_finish_connect() (net/ipv4/tcp_input.c) made the client "
	     "ESTABLISHED. This second packet wakes connect(), and the third only leaves now: connect() "
	     "does not wait for the server to take it (over loopback that may happen first).") },
	{ STATE(TCP_S_SYN_SENT, TCP_S_SYN_RECV),
	  N_("A SYN came instead of a SYN-ACK: both ends connect at once, and "
	     "tcp_rcv_synsent_state_process() (net/ipv4/tcp_input.c) answers it. There is "
	     "neither listener nor queue in this handshake.") },
	{ STATE(TCP_S_SYN_SENT, TCP_S_CLOSE),
	  N_("The handshake failed on the client: tcp_done() (net/ipv4/tcp.c) closed the "
	     "socket after a RST, an ICMP message or the last retry of the SYN, or because the "
	     "program closed it; or no SYN could be sent. The server may know nothing of it.") },
	{ STATE(0, TCP_S_FIN_WAIT1),
	  N_("This end closes first: tcp_close_state() (net/ipv4/tcp.c) entered FIN_WAIT1, and "
	     "tcp_send_fin() (net/ipv4/tcp_output.c) sends the FIN after all data. Who closes "
	     "first is who ends in TIME_WAIT.") },
	{ STATE(0, TCP_S_FIN_WAIT2),
	  N_("The peer acknowledged our FIN: tcp_rcv_state_process() (net/ipv4/tcp_input.c). "
	     "It may send on until it closes too; a socket that the program has closed waits "
	     "for that no longer than net.ipv4.tcp_fin_timeout.") },
	{ STATE(0, TCP_S_CLOSING),
	  N_("The peer's FIN came before the ACK of ours: tcp_fin() (net/ipv4/tcp_input.c) "
	     "entered CLOSING. Both ends closed at once, and both end in TIME_WAIT.") },
	{ STATE(0, TCP_S_TIME_WAIT),
	  N_("tcp_time_wait() (net/ipv4/tcp_minisocks.c) put a small inet_timewait_sock in "
	     "place of the socket, for 60 seconds, unless a RST or a new SYN ends it before. Late "
	     "segments of this connection meet it and not a new one with the same ports.") },
	{ STATE(TCP_S_TIME_WAIT, TCP_S_CLOSE),
	  N_("TIME_WAIT is over: inet_twsk_kill() (net/ipv4/inet_timewait_sock.c) freed the "
	     "minisock. The pair of ports can be used again.") },
	{ STATE(0, TCP_S_CLOSE_WAIT),
	  N_("The peer's FIN arrived: tcp_fin() (net/ipv4/tcp_input.c) entered CLOSE_WAIT, and "
	     "read() returns 0 after the last data. It is now for this program to call close(): "
	     "CLOSE_WAIT has no timer of its own, but a RST ends it, as the answer to data or to a "
	     "keepalive probe.") },
	{ STATE(0, TCP_S_LAST_ACK),
	  N_("This end closes second: tcp_close_state() (net/ipv4/tcp.c) entered LAST_ACK, "
	     "and tcp_send_fin() (net/ipv4/tcp_output.c) sends our FIN. Only its ACK is "
	     "missing now.") },
	{ STATE(TCP_S_LAST_ACK, TCP_S_CLOSE),
	  N_("The connection is over on this end, normally by the ACK of our FIN: "
	     "tcp_rcv_state_process() (net/ipv4/tcp_input.c) called tcp_done() "
	     "(net/ipv4/tcp.c). No TIME_WAIT is left here: the end that closed first has it.") },
	{ STATE(TCP_S_ESTABLISHED, TCP_S_CLOSE),
	  N_("The connection was cut without a FIN: by a RST in tcp_reset() "
	     "(net/ipv4/tcp_input.c), by close() with unread data or SO_LINGER 0 in "
	     "tcp_close() (net/ipv4/tcp.c), after the last retransmit or keepalive probe, with its "
	     "listener, or by ss -K. It leaves no TIME_WAIT.") },
	{ STATE(0, TCP_S_CLOSE),
	  N_("tcp_done() (net/ipv4/tcp.c) closed the socket before all its states were "
	     "passed: a RST, a timeout, close() with unread data, or there was no room for a TIME_WAIT "
	     "(net.ipv4.tcp_max_tw_buckets). It leaves no TIME_WAIT.") },
	{ STEP(STATE),
	  N_("tcp_set_state() (net/ipv4/tcp.c) moved the socket to its next state.") },

	/* ---- segments, and the rest ---- */
	{ TCPTRACE_RETRANS, TCP_S_SYN_SENT, 0, 0, ANY,
	  N_("No SYN-ACK came in time: tcp_retransmit_timer() (net/ipv4/tcp_timer.c) sent the "
	     "SYN again. The server drops SYNs while its accept queue is full, and a firewall "
	     "may drop them too; net.ipv4.tcp_syn_retries (and, since Linux 6.5, "
	     "net.ipv4.tcp_syn_linear_timeouts) limit how often.") },
	{ STEP(RETRANS),
	  N_("The segment counts as lost, as no ACK of it came in time or those of later ones came: "
	     "__tcp_retransmit_skb() (net/ipv4/tcp_output.c) sent it again. The path lost it or its "
	     "ACK or delays them, or the peer refuses it, as a server does whose accept queue is "
	     "full.") },
	{ STEP(RST_SENT),
	  N_("A RST leaves: tcp_v4_send_reset() (net/ipv4/tcp_ipv4.c) or tcp_v6_send_reset() "
	     "(net/ipv6/tcp_ipv6.c) answers a segment that fits no connection, "
	     "tcp_send_active_reset() (net/ipv4/tcp_output.c) cuts one. What has arrived at the "
	     "peer it can still read if that is Linux; what is in a send buffer or on the way is "
	     "lost.") },
	{ STEP(RST_RECEIVED),
	  N_("A RST arrived: tcp_reset() (net/ipv4/tcp_input.c) ends the connection at once. "
	     "The program gets ECONNREFUSED from connect(), EPIPE after the peer's FIN, "
	     "ECONNRESET otherwise; what had arrived before it can still read. With ~ it may have "
	     "been data for a socket that close() or shutdown() had taken from reading, which ends "
	     "it the same way (TCPAbortOnData): then a RST of ours follows.") },
	{ STEP(EXISTS),
	  N_("The socket was there before the trace: it was read from the kernel's table of "
	     "sockets (net/ipv4/tcp_ipv4.c). What happened to it before is unknown.") },
	{ STEP(DESTROY),
	  N_("tcp_v4_destroy_sock() (net/ipv4/tcp_ipv4.c) stops the timers of the socket and "
	     "frees its buffers, and its port if no TIME_WAIT has it. No step of this socket can "
	     "follow.") },
};

static bool fits_ret(int want, int ret)
{
	switch (want) {
	case ANY: return true;
	case WORKED: return ret >= 0;
	case FAILED: return ret < 0;
	case INTERRUPTED: return is_interruption(ret_errno(ret));
	}
	return ret == want;
}

const char *explain(unsigned int event, unsigned int old, unsigned int new, unsigned int cause, int ret)
{
	const struct explanation *e;

	for (e = table; e < table + sizeof(table) / sizeof(table[0]); e++) {
		if (e->event == event && (!e->old || e->old == old) && (!e->new || e->new == new) &&
		    (!e->cause || e->cause == cause) && fits_ret(e->ret, ret))
			return e->text;
	}
	return NULL;
}

const char *explain_event(const struct model_event *ev)
{
	/* which segment is sent again, the state says */
	unsigned int old = ev->event == TCPTRACE_RETRANS && ev->c ? ev->c->state : ev->old;

	return explain(ev->event, old, ev->new, ev->cause, ev->rec->ret);
}

const char *explain_text(unsigned int i)
{
	return i < sizeof(table) / sizeof(table[0]) ? table[i].text : NULL;
}

void explain_put(struct view *v, const char *text, unsigned int indent)
{
	unsigned int columns = v->cfg.columns ? v->cfg.columns : 100;

	if (!text)
		return;
	out_wrapped(v->out, tr(text), indent, columns < 60 ? 60 : columns);
}
