// SPDX-License-Identifier: GPL-2.0-only
/* sock_send_length, sock_recv_length: 6e6eda44b939 (6.3) */
#include <trace/events/sock.h>

void try(void (*probe)(void *data, struct sock *sk, int ret, int flags));

void try(void (*probe)(void *data, struct sock *sk, int ret, int flags))
{
	check_trace_callback_type_sock_send_length(probe);
}
