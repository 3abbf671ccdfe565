// SPDX-License-Identifier: GPL-2.0-only
/*
 * `tcptrace doctor`: what each hook got, why not better, and what that loses;
 * then where it runs, and the kernel's options that something depends on.
 *
 * HOOK                                                 MECHANISM   TARGET
 * connect() begins                                     tracepoint  sys_enter_connect
 *     not better: fentry is refused here (load: Operation not permitted)
 *     loses: connects by io_uring, by sendto(MSG_FASTOPEN) and of 32-bit programs
 *
 * What it costs: about 1,900 instructions a connection, both ends of it, measured on Linux 6.12 (fentry 1,900)
 *
 * Where it runs:
 *     PID namespace: the host's
 *     tracefs: only root may read it: add CAP_DAC_READ_SEARCH
 *
 * Kernel options (/proc/config.gz): 16 of 18 set
 *     CONFIG_KPROBES is not set: no kprobes where fentry fails, and no kernel module
 */
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../kconfig.h"
#include "../lib/tr.h"
#include "../lib/wrap.h"
#include "../source/bpf/place.h"
#include "../talk.h"
#include "../terminal.h"
#include "../view/jsonout.h"
#include "doctor.h"
#include "input.h"
#include "views.h"

#define HOOK_COLUMNS	52u
#define HOOK_NARROW	40u		/* below 100 columns: the longest one pushes its row to the right */
#define TARGET_AT	13u		/* after it */

/* The rest of a line that has at columns, and goes on below where the terminal is not wide enough. */
static void put_wrapped(struct out *o, const char *text, unsigned int at, unsigned int indent)
{
	unsigned int columns = terminal_columns(o->fd);

	out_wrapped_from(o, text, at, indent, columns ? columns : UINT_MAX);
}

static unsigned int hook_columns(const struct out *o)
{
	unsigned int columns = terminal_columns(o->fd);

	return columns && columns < 100 ? HOOK_NARROW : HOOK_COLUMNS;
}

static void put_title(struct out *o, const char *text)
{
	out_line_end(o);
	put_wrapped(o, text, 0, 0);
}

static void put_note(struct out *o, const char *label, const char *text)
{
	if (!text || !text[0])
		return;
	out_str(o, "    ");
	out_str(o, tr(label));
	put_wrapped(o, text, 4 + text_columns(tr(label)), 6);
}

static void put_hook(struct out *o, const struct hook_report *h)
{
	unsigned int n = out_safe_cut(o, tr(h->hook), PUT_SAFE_MAX, HOOK_COLUMNS), width = hook_columns(o);

	out_spaces(o, n < width ? width + 1 - n : 1);
	out_str_pad(o, mechanism_name(h->mechanism), 11);
	out_char(o, ' ');
	put_wrapped(o, h->target && h->target[0] ? tr(h->target) : "-", (n < width ? width : n) + TARGET_AT,
		    width + TARGET_AT);
	put_note(o, N_("not better: "), h->why_not_better);
	put_note(o, N_("loses: "), tr(h->loses));
}

/* {"type":"hook","hook":"..","mechanism":"fentry","target":"..","why_not_better":"..","loses":".."} */
static void put_hook_json(struct out *o, const struct hook_report *h)
{
	out_str(o, "{\"type\":\"hook\"");
	json_str(o, "hook", h->hook);
	json_str(o, "mechanism", mechanism_name(h->mechanism));
	json_str(o, "target", h->target ? h->target : "");
	json_str(o, "why_not_better", h->why_not_better ? h->why_not_better : "");
	json_str(o, "loses", h->loses ? h->loses : "");
	if (h->measured_on) {
		json_u64(o, "instructions", h->instructions);
		json_str(o, "measured_on", h->measured_on);
	}
	out_char(o, '}');
	out_line_end(o);
}

/* Two digits, and in groups of three: another kernel or compiler changes the third. */
static const char *roughly(char buf[16], unsigned int n)
{
	unsigned int unit = 1;

	while (n / unit >= 100)
		unit *= 10;
	n = (n + unit / 2) / unit * unit;
	if (n < 1000)
		snprintf(buf, 16, "%u", n);
	else
		snprintf(buf, 16, "%u,%03u", n / 1000, n % 1000);
	return buf;
}

/* What the programs of all hooks take, by mechanism: they are measured one by one, and a plan is any set of them. */
static void put_cost(struct out *o, const unsigned int cost[MECH_MAX], const char *measured_on)
{
	char text[160], by[96] = "", number[16], all[256];
	unsigned int sum = 0;
	size_t n = 0;

	for (unsigned int m = MECH_FENTRY; m < MECH_MAX; m++) {
		if (cost[m])
			n += (size_t)snprintf(by + n, sizeof(by) - n, "%s%s %s", n ? ", " : " (",
					      mechanism_name((enum mechanism)m), roughly(number, cost[m]));
		sum += cost[m];
	}
	snprintf(text, sizeof(text), _("What it costs: about %s instructions a connection, both ends of it, measured on Linux %s"),
		 roughly(number, sum), measured_on);
	snprintf(all, sizeof(all), "%s%s%s", text, by, n ? ")" : "");
	put_title(o, all);
}

static void put_hooks(struct out *o, struct source *src, const struct options *opt)
{
	unsigned int i, cost[MECH_MAX] = { 0 };
	const char *measured_on = NULL;
	struct hook_report h;

	if (!opt->json && !opt->no_header) {
		out_str_pad(o, "HOOK", hook_columns(o));
		out_str(o, " MECHANISM   TARGET");
		out_line_end(o);
	}
	for (i = 0; src->ops->hook && src->ops->hook(src, i, &h); i++) {
		if (opt->json)
			put_hook_json(o, &h);
		else
			put_hook(o, &h);
		cost[h.mechanism] += h.instructions;
		measured_on = h.measured_on;
	}
	if (measured_on && !opt->json)
		put_cost(o, cost, measured_on);
}

struct place_out {
	struct out *o;
	bool json;
};

/* {"type":"place","what":"tracefs","state":"readable"} */
static void put_place(void *ctx, const char *what, const char *state)
{
	struct place_out *p = ctx;
	struct out *o = p->o;

	if (p->json) {
		out_str(o, "{\"type\":\"place\"");
		json_str(o, "what", what);
		json_str(o, "state", state);
		out_char(o, '}');
		out_line_end(o);
	} else {
		out_str(o, "    ");
		out_str(o, what);
		out_str(o, _(": "));
		put_wrapped(o, state, 4 + text_columns(what) + text_columns(_(": ")), 6);
	}
}

struct kernel {
	struct out *o;
	bool json;
	unsigned int set, all;
};

static void count_option(void *ctx, const struct kconfig_note *note)
{
	struct kernel *k = ctx;

	k->all++;
	k->set += note->set;
}

static void put_option(void *ctx, const struct kconfig_note *note)
{
	struct kernel *k = ctx;
	struct out *o = k->o;

	if (k->json) {
		out_str(o, "{\"type\":\"kconfig\"");
		json_str(o, "option", note->option);
		json_bool(o, "set", note->set);
		json_bool(o, "must", note->must);
		json_str(o, "without", note->without);
		out_char(o, '}');
		out_line_end(o);
	} else if (!note->set) {
		out_str(o, "    ");
		out_str(o, note->option);
		out_str(o, _(" is not set: "));
		put_wrapped(o, tr(note->without), 4 + text_columns(note->option) + text_columns(_(" is not set: ")), 6);
	}
}

static void put_kernel(struct out *o, bool json)
{
	struct kernel k = { .o = o, .json = json };
	const char *source;
	char text[160];

	if (kconfig_each(&source, count_option, &k)) {
		if (!json)
			put_title(o, _("Kernel options: unknown, there is neither /proc/config.gz nor a "
				       "/boot/config-* of this kernel"));
		return;
	}
	if (!json) {
		snprintf(text, sizeof(text), _("Kernel options (%s): %u of %u set"), source, k.set, k.all);
		put_title(o, text);
	}
	kconfig_each(&source, put_option, &k);
}

/* The options are shown even where nothing can be attached: they may be why. */
int run_doctor(struct options *opt)
{
	struct source *src = NULL;
	struct out out;
	int err, failed;

	signal(SIGXFSZ, SIG_IGN);
	opt->source.events = views_events(opt);
	failed = input_open_source(opt, &src);
	err = out_open(&out, STDOUT_FILENO);
	if (!err) {
		if (!failed)
			put_hooks(&out, src, opt);
		if (!opt->json)
			put_title(&out, _("Where it runs:"));
		place_each(put_place, &(struct place_out){ &out, opt->json });
		put_kernel(&out, opt->json);
		err = out_flush(&out);
		out_close(&out);
	}
	if (err)
		talk(_("cannot write to standard output: %s"), strerror(-err));
	if (src)
		src->ops->close(src);
	return err || failed ? EXIT_FAILED : EXIT_OK;
}
