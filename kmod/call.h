/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The calls that threads are in: what their entry leaves to their return. Its
 * twin is bpf/call.bpf.h.
 */
#ifndef TCPTRACE_CALL_H
#define TCPTRACE_CALL_H

#include <linux/types.h>

struct sock;
struct socket;
struct task_struct;

struct call {
	struct task_struct *task;	/* NULL: free. Only it touches the rest */
	/* start_time: differs if the task_struct was reused after a thread died in its call */
	u64 task_began;
	const struct sock *sk;
	u64 t_ns;
	int fd;
	enum { NOT_INTERRUPTED, UNDECIDED, RESTARTS } interrupted;
};

/* The call that this thread is in, or NULL. */
struct call *call_find(void);
/* If no slot is free, the call will be one that began before us. */
void call_enter(const struct sock *sk, int fd);
/*
 * accept() and connect() that a signal interrupts return ERESTARTSYS: whether
 * the program sees EINTR or the call begins again is decided when the signal is
 * delivered: the first that has a handler decides, handle_signal().
 */
bool call_interrupted(int ret);
bool call_return(struct call *out);

/* The TCP socket behind a descriptor, held until sockfd_put(), or NULL. */
struct socket *fd_socket(int fd);
/*
 * The address asked for by bind() or connect(), into the given half of the
 * tuple: if it is one of IPv4 or IPv6, and long enough for that.
 */
void user_addr(const unsigned long *args, u8 *addr, u16 *port);

/* connect.c, accept.c: what the tracepoints of system calls and signals see */
void connect_return(const struct sock *sk, const unsigned long *args, int ret);
/* The listening descriptor is still in the registers, whenever it began. */
void accept_return(const struct sock *listener, int ret);
void accept_error(const struct sock *listener, u64 began, int ret);

#endif
