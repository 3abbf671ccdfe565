// SPDX-License-Identifier: GPL-2.0-only
/*
 * A listener of the kernel's own, for tests/live: a thread accepts, reads to the end and closes, as nfsd, nvmet-tcp and
 * ksmbd do. Some of these make their socket for the kernel (sock_create_kern()), some as if for a process (sock_create()).
 */
#include <linux/err.h>
#include <linux/in6.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/net.h>
#include <linux/nsproxy.h>
#include <linux/sched.h>
#include <net/sock.h>

static int port = 8080, backlog = 127;
static bool kern = true;
static uint accepted;
module_param(port, int, 0);
module_param(backlog, int, 0);
module_param(kern, bool, 0);
module_param(accepted, uint, 0444);

static struct socket *listener;
static struct task_struct *thread;

static void read_to_end(struct socket *sock)
{
	char buf[256];

	for (;;) {
		struct kvec vec = { buf, sizeof(buf) };
		struct msghdr msg = {};

		if (kernel_recvmsg(sock, &msg, &vec, 1, sizeof(buf), 0) <= 0)
			return;
	}
}

static int serve(void *unused)
{
	struct socket *sock;

	while (!kthread_should_stop()) {
		if (kernel_accept(listener, &sock, 0)) {
			schedule_timeout_interruptible(HZ / 100);	/* shut down */
			continue;
		}
		accepted++;
		read_to_end(sock);
		sock_release(sock);
	}
	return 0;
}

/* IPv6's, which takes IPv4 too, in the network namespace of who loads this. */
static int listen_in(struct net *net)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int err;

	if (kern)
		err = sock_create_kern(net, AF_INET6, SOCK_STREAM, IPPROTO_TCP, &listener);
	else
		err = sock_create(AF_INET6, SOCK_STREAM, IPPROTO_TCP, &listener);
	if (err)
		return err;
	err = kernel_bind(listener, (void *)&any, sizeof(any));
	if (!err)
		err = kernel_listen(listener, backlog);
	if (err)
		sock_release(listener);
	return err;
}

static int __init listener_init(void)
{
	int err = listen_in(current->nsproxy->net_ns);

	if (err)
		return err;
	thread = kthread_run(serve, NULL, "listener");
	if (!IS_ERR(thread))
		return 0;
	sock_release(listener);
	return PTR_ERR(thread);
}

static void __exit listener_exit(void)
{
	kernel_sock_shutdown(listener, SHUT_RDWR);
	kthread_stop(thread);
	sock_release(listener);
}

module_init(listener_init);
module_exit(listener_exit);
MODULE_DESCRIPTION("a listener of the kernel's own");
MODULE_LICENSE("GPL");
