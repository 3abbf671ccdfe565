// SPDX-License-Identifier: GPL-2.0-only
/*
 * Measured by PROGRAMS=1 tests/bench/vm 6.12, where time is instructions: of a connection of loopback that goes well. A
 * program that is not here was not seen to run then. Kernels without bpf_rdonly_cast() take more, and were not measured.
 */
#include "../../lib/events.h"
#include "cost.h"
#include "object.h"
#include "progs.h"

#define ON(sym)	EVENT_BIT(sym)
#define ALWAYS	(~0ull)

static const struct cost {
	uint8_t prog;
	uint16_t takes;			/* so much, beside what other lines of it say ... */
	uint64_t events;		/* ... if one of these is asked for */
} costs[] = {
	{ P(tp_state), 1174, ALWAYS }, { P(tp_state), 3500, ON(STATE) }, { P(tp_state), 514, ON(ACCEPTQ_ADD) },
	{ P(tp_state_retry), 1128, ALWAYS }, { P(tp_state_retry), 140, ON(STATE) },
	{ P(tp_destroy), 771, ALWAYS }, { P(tp_destroy_retry), 221, ALWAYS },
	{ P(tp_exit), 15, ALWAYS }, { P(tp_fork), 10, ALWAYS },
	/* fentry */
	{ P(f_release), 1049, ALWAYS }, { P(f_connect4), 759, ALWAYS },
	{ P(x_connect), 109, ALWAYS }, { P(x_connect), 470, ON(CONNECT_RETURN) },
	{ P(x_socket), 536, ALWAYS }, { P(x_create4), 183, ALWAYS },
	{ P(f_accept), 361, ALWAYS }, { P(x_accept), 106, ALWAYS }, { P(x_accept), 425, ON(ACCEPT) },
	{ P(f_take), 227, ALWAYS }, { P(f_take), 300, ON(ACCEPTQ_DEL) },
	{ P(f_hashdance), 445, ALWAYS },
	{ P(f_synack), 123, ALWAYS }, { P(f_synack), 338, ON(SYNQ_ADD) },
	{ P(f_conn_request), 160, ALWAYS }, { P(x_conn_request), 110, ALWAYS },
	{ P(f_req_drop), 60, ALWAYS }, { P(x_syn_recv4), 95, ALWAYS },
	/* kprobes */
	{ P(k_release), 1007, ALWAYS }, { P(k_connect4), 638, ALWAYS },
	{ P(k_connect), 409, ALWAYS }, { P(r_connect), 106, ALWAYS }, { P(r_connect), 47, ON(CONNECT_RETURN) },
	{ P(r_socket), 504, ALWAYS }, { P(k_create4), 111, ALWAYS }, { P(r_create4), 205, ALWAYS },
	{ P(k_accept), 342, ALWAYS }, { P(r_accept), 110, ALWAYS },
	{ P(k_take), 205, ALWAYS }, { P(k_take), 300, ON(ACCEPTQ_DEL) },
	{ P(k_hashdance), 426, ALWAYS },
	{ P(k_synack), 104, ALWAYS }, { P(k_synack), 338, ON(SYNQ_ADD) },
	{ P(k_conn_request), 141, ALWAYS }, { P(r_conn_request), 91, ALWAYS },
	{ P(k_req_drop), 124, ALWAYS },
	{ P(k_syn_recv4), 110, ALWAYS }, { P(r_syn_recv4), 86, ALWAYS },
	/* tracepoints and cgroup programs */
	{ P(cg_synack), 871, ALWAYS }, { P(cg_synack), 266, ON(SYNQ_ADD) },
	{ P(cg_release), 989, ALWAYS }, { P(cg_connect4), 695, ALWAYS }, { P(sys_exit_socket), 506, ALWAYS },
	{ P(sys_enter_accept4), 338, ALWAYS }, { P(sys_exit_accept4), 390, ALWAYS },
	{ P(sys_exit_accept4), 250, ON(ACCEPT) }, { P(sys_exit_connect), 340, ALWAYS },
	{ P(sys_exit_connect), 168, ON(CONNECT_RETURN) }, { P(tp_drop_ack_old), 317, ALWAYS },
	{ P(tp_drop_syn), 257, ALWAYS }, { P(tp_tw_segment), 63, ALWAYS },
};

unsigned int cost_of(unsigned int prog, uint64_t events)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < sizeof(costs) / sizeof(*costs); i++)
		if (costs[i].prog == prog && costs[i].events & events)
			n += costs[i].takes;
	return n;
}
