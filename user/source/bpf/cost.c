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
	{ P(tp_state_retry), 870, ALWAYS }, { P(tp_state_retry), 150, ON(STATE) },
	{ P(tp_destroy), 725, ALWAYS }, { P(tp_destroy_retry), 177, ALWAYS },
	{ P(tp_exit), 15, ALWAYS }, { P(tp_fork), 10, ALWAYS },
	/* fentry */
	{ P(f_release), 911, ALWAYS }, { P(f_connect4), 750, ALWAYS },
	{ P(x_connect), 104, ALWAYS }, { P(x_connect), 448, ON(CONNECT_RETURN) },
	{ P(x_socket), 536, ALWAYS }, { P(x_create4), 173, ALWAYS },
	{ P(f_accept), 216, ALWAYS }, { P(x_accept), 106, ALWAYS }, { P(x_accept), 425, ON(ACCEPT) },
	{ P(f_take), 221, ALWAYS }, { P(f_take), 280, ON(ACCEPTQ_DEL) },
	{ P(x_hashdance), 397, ALWAYS },
	{ P(f_synack), 123, ALWAYS }, { P(f_synack), 327, ON(SYNQ_ADD) },
	{ P(f_conn_request), 155, ALWAYS }, { P(x_conn_request), 110, ALWAYS },
	{ P(x_req_drop), 96, ALWAYS }, { P(x_syn_recv4), 95, ALWAYS },
	/* kprobes */
	{ P(k_release), 880, ALWAYS }, { P(k_connect4), 650, ALWAYS },
	{ P(k_connect), 409, ALWAYS }, { P(r_connect), 113, ALWAYS }, { P(r_connect), 30, ON(CONNECT_RETURN) },
	{ P(r_socket), 504, ALWAYS }, { P(k_create4), 111, ALWAYS }, { P(r_create4), 195, ALWAYS },
	{ P(k_accept), 196, ALWAYS }, { P(r_accept), 111, ALWAYS },
	{ P(k_take), 205, ALWAYS }, { P(k_take), 280, ON(ACCEPTQ_DEL) },
	{ P(k_hashdance), 82, ALWAYS }, { P(r_hashdance), 397, ALWAYS },
	{ P(k_synack), 104, ALWAYS }, { P(k_synack), 327, ON(SYNQ_ADD) },
	{ P(k_conn_request), 136, ALWAYS }, { P(r_conn_request), 91, ALWAYS },
	{ P(k_req_drop), 83, ALWAYS }, { P(r_req_drop), 82, ALWAYS },
	{ P(k_syn_recv4), 110, ALWAYS }, { P(r_syn_recv4), 86, ALWAYS },
	/* tracepoints and cgroup programs */
	{ P(cg_synack), 852, ALWAYS }, { P(cg_synack), 266, ON(SYNQ_ADD) },
	{ P(cg_release), 833, ALWAYS }, { P(cg_connect4), 635, ALWAYS }, { P(sys_exit_socket), 506, ALWAYS },
	{ P(sys_enter_accept4), 338, ALWAYS }, { P(sys_exit_accept4), 456, ALWAYS },
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
