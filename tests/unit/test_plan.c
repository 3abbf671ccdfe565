// SPDX-License-Identifier: GPL-2.0-only
/*
 * The capture plan without a kernel: what five kernels have, and what they refuse, as written down from these kernels;
 * the tables of `doctor` that come of it are in tests/unit/plan/, frozen from runs on them.
 * UPDATE=1 writes them anew: look at what has changed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <linux/btf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "source/bpf/object.h"
#include "source/bpf/plan.h"

#define EXPECTED	"tests/unit/plan/"
#define ENOTSUPP	524
#define ALL		EVENTS_ALL
#define NO_IO		(ALL & ~EVENTS_IO)
#define ON(sym)		EVENT_BIT(sym)

/* What a kernel has not: functions, and tracepoints as btf_trace_NAME; and which programs it does not take. */
struct kernel {
	const char *name;
	const char *lacks[8];
	struct { unsigned int prog; const char *step; int err; } refuses[4];
	struct features features;
};

static const struct kernel kernels[] = {
	{ "5.10", { "__inet_accept", "__inet_listen_sk", "__sys_listen_socket", "btf_trace_sock_recv_length",
		    "btf_trace_sock_send_length", "inet_reqsk_clone", "reqsk_queue_unlink" },
	  { { P(tp_drop_ack), "load", EINVAL }, { P(tp_tw_segment), "attach", EINVAL } }, {} },
	{ "6.1", { "__inet_listen_sk", "__sys_listen_socket", "btf_trace_sock_recv_length",
		   "btf_trace_sock_send_length", "reqsk_queue_unlink" },
	  { { P(x_syn_recv4), "attach", ENOTSUPP }, { P(x_syn_recv6), "attach", ENOTSUPP },
	    { P(tp_drop_ack), "load", EINVAL }, { P(tp_tw_segment), "attach", EINVAL } },
	  { .reset_skb = true, .regs = true, .allocates = true, .fetches = true } },
	{ "6.12", { "reqsk_queue_unlink" }, { { P(tp_drop_ack), "load", EINVAL } },
	  { .reset_skb = true, .regs = true, .allocates = true, .fetches = true, .casts = true } },
	{ "7.2", { "reqsk_queue_unlink" }, {},
	  { .reset_skb = true, .regs = true, .allocates = true, .fetches = true, .casts = true, .preempts = true } },
	/* without kprobes, modules and trampolines */
	{ "6.18", { "reqsk_queue_unlink" }, {},
	  { .reset_skb = true, .regs = true, .allocates = true, .fetches = true, .casts = true, .preempts = true,
	    .fentry = -EPERM, .fentry_step = "load", .kprobe = -ENOENT } },
};

#define KERNELS	(sizeof(kernels) / sizeof(*kernels))

static struct capture *skel;

static int open_object(void **state)
{
	(void)state;
	return object_open(&skel, -1, true, true);
}

static int close_object(void **state)
{
	(void)state;
	capture__destroy(skel);
	return 0;
}

static void find_in_kernel(const void *ctx, struct btf_name *names, unsigned int n)
{
	const struct kernel *k = ctx;

	for (unsigned int i = 0; i < n; i++) {
		names[i].id = 1;
		for (int j = 0; j < 8 && k->lacks[j]; j++)
			if (!strcmp(names[i].name, k->lacks[j]))
				names[i].id = 0;
	}
}

static void features_of(const struct kernel *k, struct features *f)
{
	*f = k->features;
	features_find_programs(f, skel, find_in_kernel, k);
}

static const struct kernel *kernel_by_name(const char *name)
{
	for (size_t i = 0; i < KERNELS; i++)
		if (!strcmp(kernels[i].name, name))
			return &kernels[i];
	fail_msg("no kernel %s", name);
	return NULL;
}

/* As load.c goes on: what is refused is planned anew, until nothing is. */
static void settle(struct plan *p, const struct kernel *k)
{
	bool again = true;

	while (again) {
		again = false;
		for (int i = 0; i < 4 && k->refuses[i].prog; i++)
			again |= plan_reject(p, k->refuses[i].prog, k->refuses[i].step, k->refuses[i].err);
	}
}

static void plan_on(struct plan *p, struct features *f, const char *kernel, enum mechanism only, uint64_t events)
{
	const struct plan_options options = { .only = only, .events = events };
	const struct kernel *k = kernel_by_name(kernel);

	features_of(k, f);
	plan_make(p, f, &options);
	settle(p, k);
}

/* ---- the tables of doctor ---- */

static void print_table(FILE *to, const struct plan *p)
{
	struct hook_report r;

	for (unsigned int i = 0; plan_report(p, i, &r); i++) {
		fprintf(to, "%-52s %-11s %s\n", r.hook, mechanism_name(r.mechanism), r.target[0] ? r.target : "-");
		if (r.why_not_better[0])
			fprintf(to, "    not better: %s\n", r.why_not_better);
		if (r.loses[0])
			fprintf(to, "    loses: %s\n", r.loses);
	}
}

static char *read_file(const char *path)
{
	FILE *f = fopen(path, "re");
	char *text = calloc(1, 65536);

	if (f) {
		assert_true(fread(text, 1, 65535, f) < 65535);
		fclose(f);
	}
	return text;
}

static void compare_table(const char *kernel, const char *name, const struct plan *p)
{
	char path[128], *text = NULL, *expected;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	snprintf(path, sizeof(path), EXPECTED "%s-%s.txt", kernel, name);
	print_table(f, p);
	fclose(f);
	if (getenv("UPDATE")) {
		f = fopen(path, "we");
		assert_non_null(f);
		fputs(text, f);
		fclose(f);
	}
	expected = read_file(path);
	if (strcmp(expected, text)) {
		size_t at = 0;

		while (text[at] && text[at] == expected[at])
			at++;
		while (at && text[at - 1] != '\n')
			at--;
		fail_msg("%s differs at\n%.*s\nis now\n%.*s", path, (int)strcspn(expected + at, "\n"), expected + at,
			 (int)strcspn(text + at, "\n"), text + at);
	}
	free(expected);
	free(text);
}

static void test_tables(void **state)
{
	static const enum mechanism mechanisms[] = { MECH_AUTO, MECH_FENTRY, MECH_KPROBE, MECH_TRACEPOINT };

	(void)state;
	for (size_t i = 0; i < KERNELS; i++) {
		for (size_t m = 0; m < 4; m++) {
			struct features f;
			struct plan p;

			/* with fentry alone it is as by auto; but 6.1 cannot have all of it */
			if (mechanisms[m] == MECH_FENTRY && strcmp(kernels[i].name, "6.1"))
				continue;
			plan_on(&p, &f, kernels[i].name, mechanisms[m], ALL);
			compare_table(kernels[i].name, m ? mechanism_name(mechanisms[m]) : "auto", &p);
		}
	}
}

/* The sums of what was measured program by program are near what was measured as a whole: tests/bench/vm 6.12. */
static void test_cost(void **state)
{
	static const struct { enum mechanism only; uint64_t events; unsigned int seen; } plans[] = {
		{ MECH_FENTRY, NO_IO, 13399 }, { MECH_FENTRY, EVENTS_QUEUES, 1860 }, { MECH_FENTRY, EVENTS_TROUBLE, 871 },
		{ MECH_FENTRY, ON(ACCEPT), 1138 }, { MECH_FENTRY, ON(DESTROY), 904 }, { MECH_FENTRY, ON(STATE), 5831 },
		{ MECH_KPROBE, EVENTS_QUEUES, 2040 }, { MECH_KPROBE, EVENTS_TROUBLE, 1745 },
		{ MECH_TRACEPOINT, EVENTS_QUEUES, 5574 }, { MECH_TRACEPOINT, ON(ACCEPT), 989 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(plans) / sizeof(*plans); i++) {
		unsigned int sum = 0;
		struct hook_report r;
		struct features f;
		struct plan p;

		plan_on(&p, &f, "6.12", plans[i].only, plans[i].events);
		for (unsigned int h = 0; plan_report(&p, h, &r); h++)
			sum += r.instructions;
		assert_string_equal(r.measured_on, "6.12");
		if (sum < plans[i].seen * 9 / 10 || sum > plans[i].seen * 11 / 10)
			fail_msg("plan %zu: %u instructions, measured %u", i, sum, plans[i].seen);
	}
	struct features f;
	struct plan p;
	struct hook_report r;

	plan_on(&p, &f, "6.1", MECH_AUTO, ALL);		/* not measured there: nothing is said */
	assert_true(plan_report(&p, 0, &r) && !r.measured_on);
}

/* ---- the table of hooks ---- */

static void test_every_program_has_a_place(void **state)
{
	struct progs placed = {};

	(void)state;
	for (int id = 0; id < HOOK_MAX; id++) {
		assert_non_null(hook_table[id].name);
		assert_true(hook_table[id].variants[0].target != NULL);
		for (int v = 0; v < VARIANTS_MAX; v++) {
			for (int i = 0; i < VARIANT_PROGS; i++) {
				progs_add(&placed, hook_table[id].variants[v].progs[i].prog);
				progs_add(&placed, hook_table[id].variants[v].progs[i].retry);
				progs_add(&placed, hook_table[id].variants[v].progs[i].whole);
			}
		}
	}
	for (unsigned int i = 1; i <= PROGS; i++)
		if (!progs_has(&placed, i))
			fail_msg("no hook has the program %s", bpf_program__name(prog_at(skel, i)));
}

/* That of a system call is of 64-bit programs alone, which use no io_uring for it. */
static void test_tracepoints_of_calls_lose_some(void **state)
{
	(void)state;
	for (int id = 0; id < HOOK_MAX; id++) {
		for (int v = 0; v < VARIANTS_MAX && hook_table[id].variants[v].target; v++) {
			const struct variant *way = &hook_table[id].variants[v];

			if (strstr(way->target, "sys_e") && (!way->loses || !*way->loses) && !strstr(way->target, "32-bit"))
				fail_msg("%s by %s: nothing is said of 32-bit programs and io_uring", hook_table[id].name, way->target);
		}
	}
}

static bool begins(const char *section, const char *with)
{
	return !strncmp(section + (*section == '?'), with, strlen(with));
}

static void check_program(const struct variant *v, const struct hook_prog *hp)
{
	const char *section = bpf_program__section_name(prog_at(skel, hp->prog));
	bool exact = begins(section, "fentry/") || begins(section, "fexit/");
	bool probe = begins(section, "kprobe/") || begins(section, "kretprobe/");
	bool tells = v->mech != MECH_TRACEPOINT && begins(section, "raw_tp/");
	bool cgroup = begins(section, "cgroup/") || begins(section, "sockops");

	/* the return of a call that sleeps is seen by its tracepoint with kprobes, what has a tracepoint beside it by that */
	if ((exact != (v->mech == MECH_FENTRY) && !tells) ||
	    (probe != (v->mech == MECH_KPROBE) && !tells && !begins(section, "tp/syscalls/")))
		fail_msg("%s in a variant of %s", section, mechanism_name(v->mech));
	if (cgroup && !(v->needs & NEEDS_CGROUP))
		fail_msg("%s: %s needs the cgroup", v->target, section);
	if (begins(section, "tp/") && !hp->helps && !(v->needs & NEEDS_TRACEFS))
		fail_msg("%s: %s needs tracefs", v->target, section);
	assert_true(!hp->also_at || begins(section, "tp/syscalls/"));
	if (!hp->retry)
		return;
	assert_string_equal(section, bpf_program__section_name(prog_at(skel, hp->retry)));
	/* of a function's programs the one that is attached last runs first, of a tracepoint's last */
	assert_true(exact ? hp->retry < hp->prog : hp->retry > hp->prog);
}

static void test_programs_fit_their_variants(void **state)
{
	(void)state;
	for (int id = 0; id < HOOK_MAX; id++) {
		for (int i = 0; i < VARIANTS_MAX; i++) {
			const struct variant *v = &hook_table[id].variants[i];

			for (int j = 0; j < VARIANT_PROGS && v->progs[j].prog; j++)
				check_program(v, &v->progs[j]);
		}
	}
}

/* An event that no hook delivers could not be seen by any plan. */
static void test_every_event_has_a_hook(void **state)
{
	uint64_t delivered = 0;

	(void)state;
	for (int id = 0; id < HOOK_MAX; id++)
		delivered |= hook_table[id].events;
	for (unsigned int event = 1; event < TCPTRACE_EVENT_MAX; event++)
		assert_int_equal(delivered >> event & 1, tcptrace_event_class(event) != TCPTRACE_NOTE);
}

/* ---- choosing ---- */

static void test_older_function(void **state)
{
	/* before e8c526f2bdf1 and its backports */
	const struct kernel old = { "5.10.223", { "__inet_csk_reqsk_queue_drop", "inet_reqsk_clone" }, {}, {} };
	const struct plan_options options = { .events = ALL };
	struct features f;
	struct plan p;

	(void)state;
	features_of(&old, &f);
	plan_make(&p, &f, &options);
	assert_int_equal(p.choice[HOOK_SYNQ_DEL].variant, 1);
	assert_true(progs_has(&p.wanted, P(f_req_timer)));
	assert_false(progs_has(&p.wanted, P(f_req_drop)));
}

/* 6.6 to 6.10: listen() of MPTCP does not come by inet_listen() any more. */
static void test_older_listen(void **state)
{
	const struct kernel old = { "6.6", { "__sys_listen_socket", "reqsk_queue_unlink" }, {},
				    { .reset_skb = true, .regs = true, .allocates = true, .fetches = true, .casts = true } };
	const struct plan_options by_fentry = { .only = MECH_FENTRY, .events = ALL };
	const struct plan_options by_kprobe = { .only = MECH_KPROBE, .events = ALL };
	struct features f;
	struct plan p;

	(void)state;
	features_of(&old, &f);
	plan_make(&p, &f, &by_fentry);
	assert_true(progs_has(&p.wanted, P(x_listen)) && progs_has(&p.wanted, P(f_asked_old)));
	plan_make(&p, &f, &by_kprobe);
	assert_true(progs_has(&p.wanted, P(k_listen)) && progs_has(&p.wanted, P(k_asked_old)));
	assert_false(progs_has(&p.wanted, P(k_listen_old)));
}

static void test_no_ipv6(void **state)
{
	const struct kernel without = { "6.12", { "tcp_v6_connect", "tcp_v6_syn_recv_sock" }, {}, {} };
	const struct plan_options options = { .events = ALL };
	struct features f;
	struct plan p;

	(void)state;
	features_of(&without, &f);
	plan_make(&p, &f, &options);
	assert_int_equal(p.choice[HOOK_CONNECT].variant, 0);
	assert_true(progs_has(&p.wanted, P(f_connect4)));
	assert_false(progs_has(&p.wanted, P(f_connect6)));
	assert_int_equal(p.choice[HOOK_DROP_ACK].variant, 0);
}

static void test_second_programs(void **state)
{
	struct features f;
	struct plan p;

	(void)state;
	plan_on(&p, &f, "6.12", MECH_AUTO, ALL);
	assert_true(progs_has(&p.wanted, P(tp_state_retry)));
	assert_false(progs_has(&p.wanted, P(f_connect4_retry)));
	plan_on(&p, &f, "7.2", MECH_AUTO, ALL);
	assert_true(progs_has(&p.wanted, P(f_connect4_retry)));
	assert_true(plan_is_retry(P(f_connect4_retry)));
	assert_false(plan_is_retry(P(f_connect4)));
	/* a second one that is refused takes the variant with it */
	assert_true(plan_reject(&p, P(f_connect4_retry), "load", EINVAL));
	assert_false(progs_has(&p.wanted, P(f_connect4)));
	assert_true(progs_has(&p.wanted, P(k_connect4)));
}

static void test_delivers(void **state)
{
	struct features f;
	struct plan p;

	(void)state;
	plan_on(&p, &f, "6.12", MECH_KPROBE, ALL);
	assert_int_equal(plan_delivers(&p, P(r_syn_recv4)), ON(DROP));
	assert_true(plan_delivers(&p, P(k_synack)) & ON(COOKIE_SENT));
	assert_true(plan_delivers(&p, P(k_synack)) & ON(DROP));	/* that a SYN was answered */
	assert_int_equal(plan_delivers(&p, P(x_syn_recv4)), 0);	/* not in use */
}

/* With PREEMPT_RT what keeps preemption off comes first: a kprobe, and a tracepoint as perf runs it. */
static void test_rt(void **state)
{
	struct kernel rt = *kernel_by_name("7.2");
	struct plan_options options = { .events = ALL };
	struct features f;
	struct plan p;

	(void)state;
	rt.features.rt = true;
	features_of(&rt, &f);
	plan_make(&p, &f, &options);
	assert_true(progs_has(&p.wanted, P(k_synack)) && progs_has(&p.wanted, P(tp_state_whole)));
	assert_false(progs_has(&p.wanted, P(f_synack)));
	assert_false(progs_has(&p.wanted, P(tp_state)) || progs_has(&p.wanted, P(tp_state_retry)));
	/* one that the kernel does not take is done without, and nothing else changes */
	assert_true(plan_reject(&p, P(tp_state_whole), "load", EINVAL));
	assert_true(progs_has(&p.wanted, P(tp_state)) && progs_has(&p.wanted, P(tp_state_retry)));
	assert_false(progs_has(&p.wanted, P(tp_state_whole)));
	assert_true(progs_has(&p.wanted, P(tp_destroy_whole)));
	/* nor can it be found without tracefs */
	f.tracefs = -EACCES;
	plan_make(&p, &f, &options);
	assert_true(progs_has(&p.wanted, P(tp_retrans)));
	assert_false(progs_has(&p.wanted, P(tp_retrans_whole)));
	/* fentry where there is nothing better, or where it is asked for */
	f.kprobe = -ENOENT;
	plan_make(&p, &f, &options);
	assert_true(progs_has(&p.wanted, P(f_synack)));
	f.kprobe = 0;
	options.only = MECH_FENTRY;
	plan_make(&p, &f, &options);
	assert_true(progs_has(&p.wanted, P(f_synack)));
}

static void test_reject(void **state)
{
	struct features f;
	struct plan p;

	(void)state;
	plan_on(&p, &f, "6.18", MECH_AUTO, ALL);
	assert_false(plan_reject(&p, P(f_connect4), "load", EPERM));	/* not in this plan */
	assert_true(progs_has(&p.wanted, P(cg_synack)));
	assert_true(plan_reject(&p, P(cg_synack), "attach", EPERM));
	assert_false(progs_has(&p.wanted, P(cg_synack)));
	assert_true(progs_has(&p.wanted, P(tp_synack)));
	assert_string_equal(p.choice[HOOK_SYNQ_ADD].why, "tracepoint attach: Operation not permitted");
	assert_int_equal(p.choice[HOOK_SYNQ_ADD].err, -EPERM);
	assert_false(plan_reject(&p, P(cg_synack), "attach", EPERM));
}

static void test_nothing_left(void **state)
{
	struct features f;
	struct plan p;

	(void)state;
	plan_on(&p, &f, "6.18", MECH_AUTO, ON(STATE));
	assert_true(plan_sees_any(&p));
	plan_reject(&p, P(tp_state), "attach", EPERM);
	assert_int_equal(plan_seen(&p, TCPTRACE_STATE), TCPTRACE_SEEN_NOT);
	assert_false(plan_sees_any(&p));
}

static void test_switches(void **state)
{
	struct capture_config c = {};
	struct features f;
	struct plan p;

	(void)state;
	plan_on(&p, &f, "6.12", MECH_AUTO, ALL);
	plan_config(&p, &c);
	assert_false(c.tp_connect || c.tp_close || c.tp_synack || c.tp_drop_syn || c.cg_synack || c.tp_acceptq_add ||
		     c.tp_groups || c.tp_cookie || c.tp_synq_del || c.retries);
	assert_true(c.fetches);
	plan_on(&p, &f, "6.18", MECH_AUTO, ALL);
	plan_config(&p, &c);
	assert_false(c.tp_connect || c.tp_close);	/* cgroup programs do these */
	assert_true(c.tp_synack && c.tp_drop_syn && c.cg_synack && c.tp_acceptq_add && c.tp_groups && c.tp_cookie &&
		    c.tp_synq_del && c.retries);
	/* without cgroups: the SYN-ACK as it leaves, and only that */
	plan_reject(&p, P(cg_synack), "attach", EPERM);
	plan_reject(&p, P(cg_connect4), "attach", EPERM);
	plan_reject(&p, P(cg_release), "attach", EPERM);
	c = (struct capture_config){};
	plan_config(&p, &c);
	assert_true(c.tp_synack && !c.cg_synack && c.tp_connect && c.tp_close);
}

/* ---- how well events are seen ---- */

static void test_seen(void **state)
{
	struct features f;
	struct plan p;

	(void)state;
	plan_on(&p, &f, "6.12", MECH_AUTO, NO_IO);
	for (unsigned int event = 1; event < TCPTRACE_EVENT_MAX; event++) {
		if (event == TCPTRACE_READ || event == TCPTRACE_WRITE || tcptrace_event_class(event) == TCPTRACE_NOTE)
			assert_int_equal(plan_seen(&p, event), TCPTRACE_SEEN_NOT);
		else
			assert_int_equal(plan_seen(&p, event), TCPTRACE_SEEN_EXACTLY);
	}
	plan_on(&p, &f, "6.18", MECH_AUTO, ALL);
	assert_int_equal(plan_seen(&p, TCPTRACE_STATE), TCPTRACE_SEEN_EXACTLY);
	assert_int_equal(plan_seen(&p, TCPTRACE_SYNQ_ADD), TCPTRACE_SEEN_EXACTLY);
	assert_int_equal(plan_seen(&p, TCPTRACE_COOKIE_SENT), TCPTRACE_SEEN_DEDUCED);
	assert_int_equal(plan_seen(&p, TCPTRACE_SYNQ_DEL), TCPTRACE_SEEN_SAMPLED);
	assert_int_equal(plan_seen(&p, TCPTRACE_DROP), TCPTRACE_SEEN_DEDUCED);
	assert_int_equal(plan_seen(&p, TCPTRACE_READ), TCPTRACE_SEEN_EXACTLY);
}

/* One of two hooks of an event is gone: some of them are seen, and not always. */
static void test_seen_in_part(void **state)
{
	struct features f;
	struct plan p;

	(void)state;
	plan_on(&p, &f, "6.12", MECH_FENTRY, ALL);
	assert_int_equal(plan_seen(&p, TCPTRACE_ACCEPTQ_DEL), TCPTRACE_SEEN_EXACTLY);
	assert_int_equal(plan_seen(&p, TCPTRACE_DROP), TCPTRACE_SEEN_EXACTLY);
	plan_reject(&p, P(x_conn_request), "load", EPERM);
	plan_reject(&p, P(tp_drop_syn), "load", EPERM);
	assert_int_equal(plan_seen(&p, TCPTRACE_DROP), TCPTRACE_SEEN_SAMPLED);
	/* what leaves with its listener is no substitute for what accept() takes */
	plan_reject(&p, P(f_take), "load", EPERM);
	plan_reject(&p, P(f_graft), "load", EPERM);
	plan_reject(&p, P(sys_exit_accept4), "attach", EACCES);
	assert_int_equal(plan_seen(&p, TCPTRACE_ACCEPTQ_DEL), TCPTRACE_SEEN_NOT);
	assert_int_equal(plan_seen(&p, TCPTRACE_ACCEPT), TCPTRACE_SEEN_NOT);
	assert_int_equal(plan_observed(&p) >> TCPTRACE_SEEN_SHIFT(TCPTRACE_DROP) & 3, TCPTRACE_SEEN_SAMPLED);
	assert_int_equal(plan_observed(&p) >> TCPTRACE_SEEN_SHIFT(TCPTRACE_STATE) & 3, TCPTRACE_SEEN_EXACTLY);
}

/* tracefs is 0700: with CAP_BPF and CAP_PERFMON alone there are no system-call tracepoints. */
static void test_no_tracefs(void **state)
{
	const struct plan_options options = { .events = NO_IO };
	struct features f;
	struct plan p;

	(void)state;
	features_of(kernel_by_name("6.18"), &f);
	f.tracefs = -EACCES;
	plan_make(&p, &f, &options);
	assert_int_equal(p.choice[HOOK_LISTEN].variant, -1);
	assert_int_equal(p.choice[HOOK_LISTEN].err, -EACCES);
	assert_int_equal(plan_seen(&p, TCPTRACE_LISTEN), TCPTRACE_SEEN_NOT);
	assert_int_equal(plan_seen(&p, TCPTRACE_DROP), TCPTRACE_SEEN_DEDUCED);
	for (unsigned int i = 1; i <= PROGS; i++)
		assert_false(progs_has(&p.wanted, i) && begins(bpf_program__section_name(prog_at(skel, i)), "tp/"));
}

/* ---- only what is asked for ---- */

static void expect_programs(const struct plan *p, const unsigned int *progs)
{
	struct progs expected = {};

	for (; *progs; progs++)
		progs_add(&expected, *progs);
	for (unsigned int i = 1; i <= PROGS; i++)
		if (progs_has(&expected, i) != progs_has(&p->wanted, i))
			fail_msg("%s is %swanted", bpf_program__name(prog_at(skel, i)),
				 progs_has(&expected, i) ? "not " : "");
}

#define EXPECT_PROGRAMS(p, ...) \
	expect_programs(p, (const unsigned int[]){ P(walk_tcp), P(it_task_file), __VA_ARGS__, 0 })

static void test_one_event(void **state)
{
	struct capture_config c = {};
	struct features f;
	struct plan p;

	(void)state;
	plan_on(&p, &f, "6.12", MECH_AUTO, ON(RETRANS));
	EXPECT_PROGRAMS(&p, P(tp_retrans), P(f_retransmit), P(x_retransmit), P(f_retransmit_tlp), P(x_retransmit_tlp));
	plan_config(&p, &c);
	assert_int_equal(c.events, ON(RETRANS) | ON(EXISTS));
	assert_int_equal(plan_seen(&p, TCPTRACE_RETRANS), TCPTRACE_SEEN_EXACTLY);
	assert_int_equal(plan_seen(&p, TCPTRACE_STATE), TCPTRACE_SEEN_NOT);
	plan_on(&p, &f, "6.12", MECH_AUTO, ON(DROP));
	EXPECT_PROGRAMS(&p, P(f_conn_request), P(x_conn_request), P(f_synack), P(x_syn_recv4), P(x_syn_recv6),
			P(f_asked), P(f_asked_old), P(x_listen), P(f_listen_stop));
	/* by tracepoints a listener is looked up by its port: it must be seen to come and to go */
	plan_on(&p, &f, "6.12", MECH_TRACEPOINT, ON(DROP));
	EXPECT_PROGRAMS(&p, P(tp_drop_syn), P(cg_synack), P(tp_drop_ack_old), P(tp_state), P(tp_state_retry),
			P(sys_enter_listen), P(sys_exit_listen));
	c = (struct capture_config){};
	plan_config(&p, &c);
	assert_int_equal(c.events, ON(DROP) | ON(LISTEN) | ON(EXISTS));
	assert_true(c.tp_groups && c.tp_drop_syn && c.listener_ends && !c.tp_acceptq_add);
}

/* ... or by the snapshot and its end alone, where system calls cannot be traced. */
static void test_helpers_may_be_refused(void **state)
{
	const struct plan_options options = { .only = MECH_TRACEPOINT, .events = ON(DROP) };
	struct features f;
	struct plan p;

	(void)state;
	plan_on(&p, &f, "6.12", MECH_TRACEPOINT, ON(DROP));
	assert_true(plan_reject(&p, P(sys_exit_listen), "attach", EACCES));
	EXPECT_PROGRAMS(&p, P(tp_drop_syn), P(cg_synack), P(tp_drop_ack_old), P(tp_state), P(tp_state_retry),
			P(sys_enter_listen));
	f.tracefs = -EACCES;
	plan_make(&p, &f, &options);
	settle(&p, kernel_by_name("6.12"));
	EXPECT_PROGRAMS(&p, P(tp_drop_syn), P(cg_synack), P(tp_drop_ack_old), P(tp_state), P(tp_state_retry));
	assert_int_equal(plan_seen(&p, TCPTRACE_DROP), TCPTRACE_SEEN_DEDUCED);
}

static void test_queues(void **state)
{
	struct capture_config c = {};
	struct features f;
	struct plan p;

	(void)state;
	plan_on(&p, &f, "6.12", MECH_AUTO, EVENTS_QUEUES);
	assert_true(progs_has(&p.wanted, P(f_listen_stop)) && progs_has(&p.wanted, P(f_take)));
	assert_false(progs_has(&p.wanted, P(tp_state)) || progs_has(&p.wanted, P(tp_destroy)) ||
		     progs_has(&p.wanted, P(f_release)) || progs_has(&p.wanted, P(x_accept)) ||
		     progs_has(&p.wanted, P(f_connect4)));
	plan_config(&p, &c);
	assert_false(c.events & ON(STATE));
	assert_int_equal(plan_seen(&p, TCPTRACE_STATE), TCPTRACE_SEEN_NOT);
	assert_int_equal(plan_seen(&p, TCPTRACE_ACCEPTQ_DEL), TCPTRACE_SEEN_EXACTLY);
	assert_int_equal(plan_seen(&p, TCPTRACE_ACCEPT), TCPTRACE_SEEN_NOT);
	/* where accept() is seen by its system call alone, the way out of the queue is deduced from it */
	plan_reject(&p, P(f_take), "load", EINVAL);
	plan_reject(&p, P(f_graft), "load", EINVAL);
	plan_reject(&p, P(k_take), "load", EINVAL);
	plan_reject(&p, P(k_graft), "load", EINVAL);
	assert_true(progs_has(&p.wanted, P(sys_exit_accept4)));
	assert_int_equal(plan_seen(&p, TCPTRACE_ACCEPT), TCPTRACE_SEEN_EXACTLY);
	assert_int_equal(plan_seen(&p, TCPTRACE_ACCEPTQ_DEL), TCPTRACE_SEEN_DEDUCED);
	assert_false(plan_samples(&p, ON(SYNQ_DEL)));
	plan_on(&p, &f, "6.18", MECH_AUTO, EVENTS_QUEUES);
	assert_true(plan_samples(&p, ON(SYNQ_DEL)));
	c = (struct capture_config){};
	plan_config(&p, &c);
	assert_true(c.listener_ends && c.tp_acceptq_add && !(c.events & ON(STATE)));
}

/* Thousands where many connections are opened: who asks for queues and trouble has no use for them. */
static void test_timewaits(void **state)
{
	static const struct { uint64_t events; bool told; } asked[] = {
		{ EVENTS_QUEUES | EVENTS_TROUBLE, false }, { ON(ACCEPT) | ON(DROP), false }, { ALL, true },
		{ ON(EXISTS), true }, { EVENTS_QUEUES | ON(EXISTS), true }, { ON(STATE), true }, { ON(DESTROY), true },
		{ EVENTS_QUEUES | EVENTS_OPEN, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(asked) / sizeof(*asked); i++) {
		struct capture_config c = {};
		struct features f;
		struct plan p;

		plan_on(&p, &f, "6.12", MECH_AUTO, asked[i].events);
		plan_config(&p, &c);
		assert_int_equal(c.timewaits, asked[i].told);
		assert_true(progs_has(&p.wanted, P(walk_tcp)));
	}
}

static void test_trouble(void **state)
{
	struct capture_config c = {};
	struct features f;
	struct plan p;

	(void)state;
	plan_on(&p, &f, "6.12", MECH_AUTO, EVENTS_TROUBLE);
	/* nothing that runs for each connection that goes well but the calls' ends and what may refuse it */
	EXPECT_PROGRAMS(&p, P(x_bind4), P(x_bind6), P(f_asked), P(f_asked_old), P(x_listen), P(f_listen_stop), P(x_connect), P(x_accept),
			P(f_req_drop), P(f_req_err), P(f_abort), P(f_forget), P(f_conn_request), P(x_conn_request),
			P(f_synack), P(x_syn_recv4), P(x_syn_recv6), P(f_cookie_v4), P(x_verdict_v4), P(x_cookie_v4), P(f_cookie_v6),
			P(x_verdict_v6), P(x_cookie_v6), P(tp_synack_retrans), P(tp_retrans), P(f_retransmit), P(x_retransmit), P(f_retransmit_tlp), P(x_retransmit_tlp),
			P(tp_rst_sent), P(tp_rst_sent_retry), P(tp_rst_received), P(tp_rst_received_retry), P(f_reset),
			P(tp_exit), P(tp_fork));
	plan_config(&p, &c);
	assert_true(c.only_failed);
	assert_false(c.events & (ON(SYNQ_ADD) | ON(ACCEPTQ_ADD) | ON(STATE) | ON(DESTROY)));
	/* of these a part: how many there were says nothing about the whole */
	assert_int_equal(plan_seen(&p, TCPTRACE_ACCEPTQ_DEL), TCPTRACE_SEEN_NOT);
	assert_int_equal(plan_seen(&p, TCPTRACE_SYNQ_DEL), TCPTRACE_SEEN_SAMPLED);
	assert_int_equal(plan_seen(&p, TCPTRACE_ACCEPT), TCPTRACE_SEEN_SAMPLED);
	assert_int_equal(plan_seen(&p, TCPTRACE_DROP), TCPTRACE_SEEN_EXACTLY);
	/* a part of what is asked for as a whole is no part */
	c = (struct capture_config){};
	plan_on(&p, &f, "6.12", MECH_AUTO, EVENTS_TROUBLE | ON(ACCEPT) | ON(STATE));
	plan_config(&p, &c);
	assert_false(c.only_failed || c.listener_ends);
	assert_false(progs_has(&p.wanted, P(f_listen_stop)));
	assert_int_equal(plan_seen(&p, TCPTRACE_ACCEPT), TCPTRACE_SEEN_EXACTLY);
}

static bool slows_system_calls(const struct plan *p, unsigned int prog)
{
	const char *section = bpf_program__section_name(prog_at(skel, prog));

	return progs_has(&p->wanted, prog) && (begins(section, "tp/syscalls/") || begins(section, "raw_tp/sys_"));
}

/* Each tracepoint at a system call costs all system calls of the machine. */
static void test_no_system_call_is_slower(void **state)
{
	static const uint64_t by_kprobe[] = { EVENTS_QUEUES, EVENTS_TROUBLE, EVENTS_QUEUES | EVENTS_TROUBLE };
	struct features f;
	struct plan p;

	(void)state;
	for (size_t i = 0; i < KERNELS; i++) {
		if (kernels[i].features.fentry)
			continue;
		plan_on(&p, &f, kernels[i].name, MECH_AUTO, ALL);
		for (unsigned int prog = 1; prog <= PROGS; prog++)
			assert_false(slows_system_calls(&p, prog));
		for (size_t j = 0; j < 3; j++) {
			plan_on(&p, &f, kernels[i].name, MECH_KPROBE, by_kprobe[j]);
			for (unsigned int prog = 1; prog <= PROGS; prog++)
				assert_false(slows_system_calls(&p, prog));
		}
	}
}

/* Whose a socket is tell others than what is asked for; they write nothing. */
static void test_by_pid(void **state)
{
	struct plan_options options = { .events = ON(RETRANS), .by_pid = true };
	struct capture_config c = {};
	struct features f;
	struct plan p;

	(void)state;
	features_of(kernel_by_name("6.12"), &f);
	plan_make(&p, &f, &options);
	assert_true(progs_has(&p.wanted, P(tp_retrans)) && progs_has(&p.wanted, P(x_socket)) &&
		    progs_has(&p.wanted, P(f_connect4)) && progs_has(&p.wanted, P(f_take)) &&
		    progs_has(&p.wanted, P(tp_state)) && progs_has(&p.wanted, P(tp_destroy)));
	assert_false(progs_has(&p.wanted, P(tp_fork)) || progs_has(&p.wanted, P(f_release)));
	plan_config(&p, &c);
	assert_int_equal(c.events, ON(RETRANS) | ON(EXISTS));
	options.follow = true;
	plan_make(&p, &f, &options);
	assert_true(progs_has(&p.wanted, P(tp_fork)));
}

/* Among all the end of a listener is one of the transitions. */
static bool of_parts(unsigned int prog)
{
	return prog == P(f_listen_stop) || prog == P(k_listen_stop);
}

/* Each event by itself, on each kernel, by each mechanism: seen as well as among all, and by no other programs. */
static void test_each_event_alone(void **state)
{
	(void)state;
	for (size_t i = 0; i < KERNELS; i++) {
		for (enum mechanism m = MECH_AUTO; m < MECH_MAX; m++) {
			struct features f;
			struct plan all;

			plan_on(&all, &f, kernels[i].name, m, ALL);
			for (unsigned int event = 1; event < TCPTRACE_EVENT_MAX; event++) {
				struct plan p;

				plan_on(&p, &f, kernels[i].name, m, 1ull << event);
				assert_int_equal(plan_seen(&p, event), plan_seen(&all, event));
				for (unsigned int prog = 1; prog <= PROGS; prog++)
					assert_true(!progs_has(&p.wanted, prog) || progs_has(&all.wanted, prog) ||
						    of_parts(prog));
			}
		}
	}
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_cost),
		cmocka_unit_test(test_every_program_has_a_place),
		cmocka_unit_test(test_tracepoints_of_calls_lose_some),
		cmocka_unit_test(test_programs_fit_their_variants),
		cmocka_unit_test(test_every_event_has_a_hook),
		cmocka_unit_test(test_older_function),
		cmocka_unit_test(test_older_listen),
		cmocka_unit_test(test_no_ipv6),
		cmocka_unit_test(test_second_programs),
		cmocka_unit_test(test_delivers),
		cmocka_unit_test(test_rt),
		cmocka_unit_test(test_reject),
		cmocka_unit_test(test_nothing_left),
		cmocka_unit_test(test_switches),
		cmocka_unit_test(test_seen),
		cmocka_unit_test(test_seen_in_part),
		cmocka_unit_test(test_no_tracefs),
		cmocka_unit_test(test_one_event),
		cmocka_unit_test(test_helpers_may_be_refused),
		cmocka_unit_test(test_queues),
		cmocka_unit_test(test_timewaits),
		cmocka_unit_test(test_trouble),
		cmocka_unit_test(test_no_system_call_is_slower),
		cmocka_unit_test(test_by_pid),
		cmocka_unit_test(test_each_event_alone),
	};

	return cmocka_run_group_tests(tests, open_object, close_object);
}
