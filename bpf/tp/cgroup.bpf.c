// SPDX-License-Identifier: GPL-2.0-only
/*
 * connect() and close() for kernels with neither fentry nor kprobes: cgroup programs at the root, which
 * every socket is below. They stand right where the exact hooks do (__inet_stream_connect() before
 * tcp_v4_connect(), inet_release() before tcp_close()), so that they see, too, what io_uring, exit() and
 * dup2() do; and system calls pay nothing for them. All of them say "go on".
 */

enum { GO_ON = 1 };

/* An address of another family will be refused: it is not reported. */
static __always_inline int cgroup_connect(const struct bpf_sock_addr *ctx, const __u8 *raddr, __u32 family)
{
	const struct sock *sk;
	__u8 none[16] = {};
	bool is_one;

	if (ctx->protocol != IPPROTO_TCP)
		return GO_ON;
	sk = TYPED_PTR((const struct sock *)addr_of_untyped(ctx->sk));
	is_one = ctx->user_family == family;
	connect_hook(sk, is_one ? raddr : none, is_one ? bpf_ntohs(ctx->user_port) : 0);
	return GO_ON;
}

SEC("?cgroup/connect4")
int cg_connect4(struct bpf_sock_addr *ctx)
{
	__u8 raddr[16];

	map_v4(raddr, ctx->user_ip4);
	return cgroup_connect(ctx, raddr, AF_INET);
}

SEC("?cgroup/connect6")
int cg_connect6(struct bpf_sock_addr *ctx)
{
	__u32 raddr[4];

	for (int i = 0; i < 4; i++)
		raddr[i] = ctx->user_ip6[i];
	return cgroup_connect(ctx, (__u8 *)raddr, AF_INET6);
}

/* The context is the socket itself, if somebody asks for its address. */
SEC("?cgroup/sock_release")
int cg_release(struct bpf_sock *ctx)
{
	const struct sock *sk = TYPED_PTR((const struct sock *)addr_of_untyped(ctx));

	close_hook(tcp_side((struct sock *)sk), -1);
	return GO_ON;
}
