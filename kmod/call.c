// SPDX-License-Identifier: GPL-2.0-only
/* The calls that threads are in, and what they were given. */
#include <linux/file.h>
#include <linux/hash.h>
#include <linux/net.h>
#include <linux/vmalloc.h>

#include "call.h"
#include "hooks.h"
#include "read.h"

#define CALLS_BITS	14
#define CALLS_PROBES	16

static struct call *calls;

int calls_init(void)
{
	calls = vzalloc(sizeof(*calls) << CALLS_BITS);
	return calls ? 0 : -ENOMEM;
}

void calls_exit(void)
{
	vfree(calls);
}

static struct call *call_slot(unsigned int i)
{
	u32 first = hash_ptr(current, CALLS_BITS);

	return &calls[(first + i) & ((1U << CALLS_BITS) - 1)];
}

struct call *call_find(void)
{
	struct call *call;
	unsigned int i;

	for (i = 0; i < CALLS_PROBES; i++) {
		call = call_slot(i);
		if (READ_ONCE(call->task) != current)
			continue;
		if (call->task_began == current->start_time)
			return call;
		smp_store_release(&call->task, NULL);
	}
	return NULL;
}

void call_enter(const struct sock *sk, int fd)
{
	struct call *call = call_find();
	unsigned int i;

	for (i = 0; !call && i < CALLS_PROBES; i++) {
		if (cmpxchg(&call_slot(i)->task, NULL, current))
			continue;
		call = call_slot(i);
		call->task_began = current->start_time;
		call->interrupted = NOT_INTERRUPTED;
	}
	if (!call)
		return;
	/* one that a signal interrupted goes on */
	if (!call->interrupted || call->sk != sk || call->fd != fd)
		call->t_ns = ktime_get_mono_fast_ns();
	call->sk = sk;
	call->fd = fd;
	call->interrupted = NOT_INTERRUPTED;
}

bool call_interrupted(int ret)
{
	struct call *call = ret == -ERESTARTSYS ? call_find() : NULL;

	if (call)
		call->interrupted = UNDECIDED;
	return ret == -ERESTARTSYS;
}

bool call_return(struct call *out)
{
	struct call *call = call_find();

	if (!call)
		return false;
	*out = *call;
	/* read before another thread may take the slot */
	smp_store_release(&call->task, NULL);
	return true;
}

struct socket *fd_socket(int fd)
{
	struct socket *sock;
	int err;

	sock = sockfd_lookup(fd, &err);
	if (!sock)
		return NULL;
	if (sock->sk && is_tcp(sock->sk))
		return sock;
	sockfd_put(sock);
	return NULL;
}

void user_addr(const unsigned long *args, u8 *addr, u16 *port)
{
	const void __user *uaddr = (const void __user *)args[1];
	struct sockaddr_in6 sa = {};
	struct sockaddr_in *sin = (void *)&sa;
	int len = min_t(int, args[2], sizeof(sa));

	if (len < (int)sizeof(*sin) || !access_ok(uaddr, len))
		return;
	pagefault_disable();
	if (__copy_from_user_inatomic(&sa, uaddr, len))
		sa.sin6_family = AF_UNSPEC;
	pagefault_enable();
	if (sa.sin6_family == AF_INET)
		map_v4(addr, sin->sin_addr.s_addr);
	else if (sa.sin6_family == AF_INET6 && len >= SIN6_LEN_RFC2133)
		memcpy(addr, &sa.sin6_addr, 16);
	else
		return;
	*port = ntohs(sa.sin6_port);
}
