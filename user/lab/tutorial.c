// SPDX-License-Identifier: GPL-2.0-only
/*
 * `tcptrace lab tutorial`: the sentences of the tutorial in its order. Each is a claim of
 * some experiment, which says so by lab_sentence(); here those experiments are run, one
 * after the other, and a sentence is shown as soon as all before it have been.
 *
 *  7  connect() starts the handshake.
 *   Tried by  lab handshake: Client and server are joined by a wire that ...
 *   Measured  socket() had sent nothing. 0.031 ms after connect() was called ...
 *   Verdict   confirmed
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../lib/wrap.h"
#include "../run/signals.h"
#include "../view/jsonout.h"
#include "ahead.h"
#include "run.h"

/* In the order in which their sentences come up. */
static const struct lab *const experiments[] = {
	&lab_lifecycle, &lab_address, &lab_netstat, &lab_handshake, &lab_queues, &lab_concurrency, &lab_backlog,
	  &lab_synqueue,
};
#define EXPERIMENTS	(sizeof(experiments) / sizeof(experiments[0]))

struct course {
	struct session *session;
	struct options *o;
	struct out *out;
	struct { const struct lab *lab; struct claim claim; } sentence[TUTORIAL_END];	/* lab NULL: not tried yet */
	unsigned int next;		/* to be shown */
	const struct lab *introduced[EXPERIMENTS];	/* whose setup has been told */
	unsigned int nintroduced;
};

/* ---- text ---- */

static bool introduced(struct course *c, const struct lab *lab)
{
	for (unsigned int i = 0; i < c->nintroduced; i++) {
		if (c->introduced[i] == lab)
			return true;
	}
	c->introduced[c->nintroduced++] = lab;
	return false;
}

static void show_sentence(struct course *c, unsigned int n)
{
	const struct lab *lab = c->sentence[n].lab;
	const struct claim *claim = &c->sentence[n].claim;
	char text[640];

	snprintf(text, sizeof(text), "%2u  ", n);
	out_str(c->out, text);
	out_wrapped_from(c->out, tr(claim->text), 4, 4, lab_columns(c->out));
	if (introduced(c, lab))
		snprintf(text, sizeof(text), _("lab %s, see above"), lab->name);
	else
		snprintf(text, sizeof(text), _("lab %s: %s"), lab->name, tr(lab->setup));
	lab_put_labelled(c->out, _("Tried by"), text);
	lab_put_labelled(c->out, _("Measured"), claim->answer);
	lab_show_verdict(c->out, claim);
	out_line_end(c->out);
	out_flush(c->out);
}

static void show_begin(struct course *c)
{
	unsigned int columns = lab_columns(c->out);

	out_wrapped(c->out, _("== tutorial: the sentences of a tutorial about sockets, tried on this kernel"), 0,
	  columns);
	if (c->o->replay)
		out_wrapped(c->out, _("A recording: replayed, not measured on this machine."), 0, columns);
	out_line_end(c->out);
	out_wrapped(c->out, _("The calls of a server and of a client, and what the kernel did between them:"), 0,
	  columns);
}

static void show_table(struct course *c)
{
	unsigned int columns = lab_columns(c->out), n;
	char text[32];

	for (n = 1; n < TUTORIAL_END; n++) {
		const char *verdict = _("not tried");

		if (c->sentence[n].lab)
			verdict = c->sentence[n].claim.holds ? tr(lab_verdict(c->sentence[n].claim.verdict)) :
		  _("FAILED");
		snprintf(text, sizeof(text), "%3u  ", n);
		out_str(c->out, text);
		out_str(c->out, verdict);
		out_spaces(c->out, text_columns(verdict) < 11 ? 11 - text_columns(verdict) : 1);
		if (c->sentence[n].lab)
			out_wrapped_from(c->out, tr(c->sentence[n].claim.text), 16, 16, columns);
		else
			out_line_end(c->out);
	}
	out_line_end(c->out);
	tally_show(&c->session->tally, c->out, N_("%u sentences: %u confirmed, %u depend, %u refuted"));
}

/* ---- JSON ---- */

static void show_json(struct course *c)
{
	const struct tally *tally = &c->session->tally;
	struct out *out = c->out;

	out_char(out, '{');
	json_str(out, "type", "lab");
	json_str(out, "name", "tutorial");
	json_key(out, "claims");
	out_char(out, '[');
	for (unsigned int n = 1; n < TUTORIAL_END; n++) {
		if (!c->sentence[n].lab)
			continue;
		out_str(out, out->buf[out->len - 1] == '[' ? "{" : ",{");
		json_u64(out, "sentence", n);
		json_str(out, "lab", c->sentence[n].lab->name);
		lab_json_claim(out, &c->sentence[n].claim);
		json_end(out);
	}
	out_char(out, ']');
	json_u64(out, "confirmed", tally->count[CONFIRMED]);
	json_u64(out, "depends", tally->count[DEPENDS]);
	json_u64(out, "refuted", tally->count[REFUTED]);
	json_bool(out, "replay", c->o->replay);
	json_bool(out, "ok", !tally->failed);
	json_end(out);
	out_line_end(out);
}

/* ---- the run ---- */

static void take(struct course *c, const struct lab_run *r)
{
	struct tally *tally = &c->session->tally;

	for (unsigned int i = 0; i < r->nclaims; i++) {
		unsigned int n = r->claims[i].sentence;

		if (n == NO_SENTENCE)
			continue;
		c->sentence[n].lab = r->lab;
		c->sentence[n].claim = r->claims[i];
		tally_claim(tally, &r->claims[i]);
	}
	tally->failed |= !r->ok;
}

/* As many sentences as there are without a gap. */
static void show_next(struct course *c)
{
	struct quiz *quiz = &c->session->quiz;

	for (; c->next < TUTORIAL_END && c->sentence[c->next].lab && !quiz->stopped; c->next++) {
		if (c->o->quiz)
			quiz_claim(quiz, &c->sentence[c->next].claim, c->out);
		else
			show_sentence(c, c->next);
	}
	out_flush(c->out);
}

static int try(struct course *c, const struct lab *lab)
{
	struct lab_run r;
	int err = lab_perform(&r, c->o, lab);
	bool text = !c->o->json && err != -EINTR;

	take(c, &r);
	if (text && !err && !c->o->quiz && lab == experiments[0])
		lab_show_picture(c->out, &r);
	if (text && !r.ok)
		lab_put_labelled(c->out, _("FAILED"), r.error);
	if (text)
		show_next(c);
	lab_forget(&r);
	return signal_flags.end ? -EINTR : err;
}

int run_tutorial(struct session *s)
{
	struct course c = { .session = s, .o = s->o, .out = s->out, .next = 1 };
	int err = 0;

	ahead_start(s->o, experiments, EXPERIMENTS);
	if (!s->o->json && !s->o->quiz)
		show_begin(&c);
	for (unsigned int i = 0; !err && i < EXPERIMENTS && !s->quiz.stopped; i++)
		err = try(&c, experiments[i]);
	if (err || s->o->quiz)
		return err;
	for (unsigned int n = 1; n < TUTORIAL_END; n++)
		s->tally.failed |= !c.sentence[n].lab;
	if (s->o->json)
		show_json(&c);
	else
		show_table(&c);
	return 0;
}
