// SPDX-License-Identifier: GPL-2.0-only
/* tcp_retransmit_skb tells an error: ad892e912b84 (6.16) */
#include <trace/events/tcp.h>

void try(void (*probe)(void *data, const struct sock *sk,
		       const struct sk_buff *skb, int err));

void try(void (*probe)(void *data, const struct sock *sk,
		       const struct sk_buff *skb, int err))
{
	check_trace_callback_type_tcp_retransmit_skb(probe);
}
