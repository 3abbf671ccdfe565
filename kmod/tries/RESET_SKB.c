// SPDX-License-Identifier: GPL-2.0-only
/* tcp_reset() is given the segment: 049fe386d353 (5.11) */
#include <net/tcp.h>

void try(struct sock *sk, struct sk_buff *skb);

void try(struct sock *sk, struct sk_buff *skb)
{
	tcp_reset(sk, skb);
}
