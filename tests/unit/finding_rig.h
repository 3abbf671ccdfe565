/* SPDX-License-Identifier: GPL-2.0-only */
/* Findings on the bench: a machine that answers as a test wants, and what was told, in words. */
#ifndef FINDING_RIG_H
#define FINDING_RIG_H

#include <errno.h>

#include "model_rig.h"

#include "../../user/lib/out.h"
#include "../../user/model/finding.h"
#include "../../user/view/view.h"

#define S	(1000 * MS)
#define FOUND	16
#define HOSTILE	"{clients}\033[2J%s"

/* A machine as a test wants it. */
static struct {
	struct machine machine;
	uint64_t sysctl[MACHINE_SYSCTL_MAX];	/* UINT64_MAX: unknown */
	uint32_t dead, holder, instead_of, workers, netns, thread_gone, alike, unlike;
	uint64_t ran_ns, of_ns;
	bool frozen, elsewhere, inherited, parent, unheard;
	char state, state_then;			/* state_then: in a pause that is over; 0: the same */
	const char *comm;
	uint64_t nofile;
	finding_wanted_fn wanted;
} box;

static bool box_sysctl(void *ctx, uint32_t netns, enum machine_sysctl which, uint64_t *value)
{
	(void)ctx;
	assert_int_equal(netns, 7);
	*value = box.sysctl[which];
	return *value != UINT64_MAX;
}

static bool box_process(void *ctx, uint32_t pid, struct process *p)
{
	(void)ctx;
	*p = (struct process){ .pid = pid, .state = box.state, .nofile = box.nofile, .netns = box.netns,
				.instead_of = box.instead_of, .workers = box.workers, .frozen = box.frozen, .elsewhere = box.elsewhere,
				.inherited = box.inherited, .parent = box.parent, .unheard = box.unheard,
				.thread_gone = box.thread_gone, .alike = box.alike, .unlike = box.unlike, .ran_ns = box.ran_ns, .of_ns = box.of_ns };
	strncpy(p->comm, box.comm, sizeof(p->comm) - 1);
	return pid != box.dead;
}

static bool box_holder(void *ctx, const struct listener *l, uint64_t from_ns, struct process *p)
{
	uint32_t dead = box.dead;
	bool found;

	(void)l;
	(void)from_ns;
	box.dead = 0;			/* it lived when it was looked at */
	found = box.holder && box_process(ctx, box.holder, p);
	box.dead = dead;
	if (box.state_then)
		p->state = box.state_then;
	return found;
}

static struct {
	unsigned int n;
	struct finding f[FOUND];
	char text[FOUND][FINDING_PART_MAX][2048];
} found;

static void keep(void *ctx, const struct finding *f)
{
	const struct view v = { .cfg = { .wall_offset_ns = 0 } };
	struct out o;

	(void)ctx;
	assert_in_range(found.n, 0, FOUND - 1);
	assert_int_equal(out_open(&o, -1), 0);
	for (unsigned int part = 0; part < FINDING_PART_MAX; part++) {
		o.len = 0;
		finding_text(&v, &o, f, part, NULL);
		assert_in_range(o.len, 0, sizeof(found.text[0][0]) - 1);
		memcpy(found.text[found.n][part], o.buf, o.len);
		found.text[found.n][part][o.len] = 0;
		if (strcmp(box.comm, HOSTILE))
			assert_null(strchr(found.text[found.n][part], '{'));	/* each key was known */
		assert_null(strstr(found.text[found.n][part], "  "));
	}
	o.len = 0;
	out_close(&o);
	found.f[found.n++] = *f;
}

static inline void look_on(const struct machine *machine)
{
	memset(&found, 0, sizeof(found));
	findings(rig.m, machine, box.wanted, keep, NULL);
}

static inline void look(void) { look_on(&box.machine); }

static inline int up(void **state)
{
	memset(&box, 0, sizeof(box));
	memset(box.sysctl, 0xff, sizeof(box.sysctl));
	box.machine = (struct machine){ NULL, 0, box_sysctl, box_process, box_holder };
	box.state = 'S';
	box.comm = "prog";
	return rig_up(state);
}

static inline void pass(uint64_t ns)
{
	model_until(rig.m, rig.t += ns);
}

static inline void observe(unsigned int event, enum tcptrace_seen how, uint32_t only)
{
	struct tcptrace_record rec = { .event = TCPTRACE_OBSERVED, .fd = -1, .req = only };

	rec.arg = ~(3ull << TCPTRACE_SEEN_SHIFT(event)) | ((uint64_t)how << TCPTRACE_SEEN_SHIFT(event));
	rig_feed(rec);
}

/* One finding, its id, and words of its parts. */
#define assert_told(id_, part, words)						\
	do {									\
		assert_int_equal(found.n, 1);					\
		assert_string_equal(found.f[0].id, id_);			\
		if (!strstr(found.text[0][part], words))			\
			fail_msg("'%s' is not in '%s'", words, found.text[0][part]); \
	} while (0)
#define assert_says(part, words)						\
	do {									\
		if (!strstr(found.text[0][part], words))			\
			fail_msg("'%s' is not in '%s'", words, found.text[0][part]); \
	} while (0)
#define assert_not_said(words)							\
	do {									\
		for (unsigned int p_ = 0; p_ < FINDING_PART_MAX; p_++)		\
			if (strstr(found.text[0][p_], words))			\
				fail_msg("'%s' is in '%s'", words, found.text[0][p_]); \
	} while (0)

static inline void refuse(unsigned int i)
{
	drop(i, TCPTRACE_DROP_ACCEPTQ_SYN, 0, 0, rig.limit + 1);
}

/* limit + 1 come in, `refused` do not; then the program takes all that wait, and after a second the others. */
static inline void burst(unsigned int refused)
{
	unsigned int i, held = rig.limit + 1;

	for (i = 1; i <= held; i++)
		handshake(i, i);
	for (i = 0; i < refused; i++)
		refuse(100 + i);
	for (i = 1; i <= held; i++)
		accept_by(i, SERVER, 0, 0, held - i);
	pass(S);
	for (i = 0; i < refused; i++) {
		handshake(100 + i, 1);
		accept_by(100 + i, SERVER, 0, 0, 0);
	}
}

static inline void knock(unsigned int n, uint16_t port, uint32_t to)
{
	for (unsigned int i = 0; i < n; i++) {
		struct tcptrace_record rec = server_rec(TCPTRACE_RST_SENT, i);

		mapped(rec.laddr, to);
		rec.lport = port;
		rec.arg = 0x02;
		rig_feed(rec);
	}
}

#endif
