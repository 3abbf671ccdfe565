// SPDX-License-Identifier: GPL-2.0-only
/*
 * accept() by io_uring, for kernels with neither fentry nor kprobes: by its completion, which runs in the thread
 * that asked, or in one of its process. It costs every completion of the machine a call.
 */
/* Is that number an address of the kernel's? */
#define IS_KERNEL(n)	((__s64)(n) < 0)

/*
 * res: a descriptor of a new connection. The completions of a multishot request name no request, so that they may be
 * those of another kind: if res is a descriptor of a connection that the model has in an accept queue, it was taken out.
 */
static __always_inline int uring_hook(const struct io_kiocb *req, int res)
{
	struct tcptrace_record *r;
	const struct sock *child;

	if (res < 0)
		return 0;
	if (req && (READ(req, opcode) != IORING_OP_ACCEPT || READ(TYPED_PTR((const struct io_accept *)req), file_slot)))
		return 0;		/* another request, or a direct descriptor: res is a slot */
	child = fd_sock(res);
	if (!child || !wanted_call(child) || cfg.only_failed)
		return 0;
	r = reserve(TCPTRACE_ACCEPT);
	if (!r)
		return 0;
	set_sock(r, child);
	set_actor(r, res);
	r->ret = res;
	r->flags |= TCPTRACE_F_INFERRED;
	submit(r);
	return 0;
}

/*
 * (ctx, req, cqe) from 6.17 on; (ctx, req, user_data, res, ...) before, where a multishot request's is not seen. Before
 * 6.0 (cef216fc32d7) req is not there.
 */
SEC("?raw_tp/io_uring_complete")
int BPF_PROG(tp_uring, const void *ring, const struct io_kiocb *req, const struct io_uring_cqe *cqe)
{
	if (!bpf_core_field_exists(struct io_kiocb, cqe) || !bpf_core_type_exists(struct io_accept))
		return 0;
	if (ctx[1])
		return uring_hook(TYPED_PTR(req), READ(TYPED_PTR(req), cqe.res));
	if (!IS_KERNEL(ctx[2]))
		return 0;
	cqe = TYPED_PTR(cqe);
	return READ(cqe, flags) & IORING_CQE_F_MORE ? uring_hook(NULL, READ(cqe, res)) : 0;
}
