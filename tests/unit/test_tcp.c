// SPDX-License-Identifier: GPL-2.0-only
/* Names, and which transitions the kernel makes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../user/model/model.h"

static void names(void **state)
{
	int i;

	(void)state;
	assert_string_equal(tcp_state_name(TCP_S_ESTABLISHED), "ESTABLISHED");
	assert_string_equal(tcp_state_name(12), "NEW_SYN_RECV");
	assert_string_equal(tcp_state_name(13), "BOUND_INACTIVE");
	assert_string_equal(tcp_state_name(14), "?");
	assert_string_equal(tcp_state_name(~0u), "?");
	for (i = 1; i < TCPTRACE_EVENT_MAX; i++)
		assert_int_equal(tcptrace_event_by_name(tcptrace_event_name(i)), i);
	assert_string_equal(tcptrace_event_name(0), "?");
	assert_string_equal(tcptrace_event_name(TCPTRACE_EVENT_MAX), "?");
	assert_int_equal(tcptrace_event_by_name("syn-backlog"), 0);
	assert_int_equal(tcptrace_event_by_name(""), 0);
	assert_string_equal(tcptrace_cause_name(TCPTRACE_DROP_ACCEPTQ_ACK), "acceptq-full-ack");
	assert_string_equal(tcptrace_cause_name(TCPTRACE_ACCEPTQ_RESET), "reset");
	assert_string_equal(tcptrace_cause_name(0), "");
	assert_string_equal(tcptrace_cause_name(255), "");
}

static void chain(const uint8_t *states)
{
	for (; states[1]; states++)
		assert_true(tcp_transition_legal(states[0], states[1]));
}

static void legal(void **state)
{
	/* as observed on kernels 5.10 to 7.2, TIME_WAIT as the capture side rewrites it */
	static const uint8_t chains[][8] = {
		{ 7, 10, 7 },			/* listen, close */
		{ 7, 2, 1, 4, 5, 6, 7 },	/* client closes first */
		{ 10, 3, 1, 8, 9, 7 },		/* server, closed by its peer */
		{ 10, 3, 1, 4, 11, 6, 7 },	/* both close at once */
		{ 7, 2, 7 },			/* refused */
		{ 7, 2, 3, 1 },			/* simultaneous open */
		{ 10, 3, 4 },			/* Fast Open, closed before its handshake was complete */
		{ 1, 7 }, { 5, 7 }, { 8, 7 },	/* aborts */
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(chains) / sizeof(*chains); i++)
		chain(chains[i]);
}

static void illegal(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 20; i++)
		assert_false(tcp_transition_legal(i, i));
	assert_false(tcp_transition_legal(TCP_S_CLOSE, TCP_S_ESTABLISHED));
	assert_false(tcp_transition_legal(TCP_S_LISTEN, TCP_S_ESTABLISHED));
	assert_false(tcp_transition_legal(TCP_S_ESTABLISHED, TCP_S_TIME_WAIT));
	assert_false(tcp_transition_legal(TCP_S_TIME_WAIT, TCP_S_ESTABLISHED));
	assert_false(tcp_transition_legal(TCP_S_NEW_SYN_RECV, TCP_S_SYN_RECV));
	assert_false(tcp_transition_legal(255, 255));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(legal),
		cmocka_unit_test(illegal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
