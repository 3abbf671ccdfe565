// SPDX-License-Identifier: GPL-2.0-only
/* tcp_send_reset tells a reason: b533fb9cf4f7 (6.12) */
#include <trace/events/tcp.h>

void try(void (*probe)(void *data, const struct sock *sk,
		       const struct sk_buff *skb,
		       const enum sk_rst_reason reason));

void try(void (*probe)(void *data, const struct sock *sk,
		       const struct sk_buff *skb,
		       const enum sk_rst_reason reason))
{
	check_trace_callback_type_tcp_send_reset(probe);
}
