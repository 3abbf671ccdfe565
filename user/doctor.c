/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `tcptrace doctor`: what each hook got, why not better, and what that loses.
 *
 * HOOK                     MECHANISM   TARGET
 * SYN queue insert         tracepoint  net_dev_queue
 *     not better: kprobe: this kernel has no CONFIG_KPROBES
 *     loses: requests that expire are found by a sweep, up to 1 s late
 */
#include <string.h>
#include <unistd.h>

#include "doctor.h"
#include "run.h"
#include "talk.h"
#include "view/jsonout.h"

static void put_note(struct out *o, const char *label, const char *text)
{
	if (!text || !text[0])
		return;
	out_str(o, "    ");
	out_str(o, label);
	out_str(o, text);
	out_line_end(o);
}

static void put_hook(struct out *o, const struct hook_report *h)
{
	out_str_pad(o, h->hook, 24);
	out_char(o, ' ');
	out_str_pad(o, mechanism_name(h->mechanism), 11);
	out_char(o, ' ');
	out_str(o, h->target && h->target[0] ? h->target : "-");
	out_line_end(o);
	put_note(o, "not better: ", h->why_not_better);
	put_note(o, "loses: ", h->loses);
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
	out_char(o, '}');
	out_line_end(o);
}

static void put_hooks(struct out *o, struct source *src, const struct options *opt)
{
	struct hook_report h;
	unsigned int i;

	if (!opt->json && !opt->no_header) {
		out_str(o, "HOOK                     MECHANISM   TARGET");
		out_line_end(o);
	}
	for (i = 0; src->ops->hook && src->ops->hook(src, i, &h); i++) {
		if (opt->json)
			put_hook_json(o, &h);
		else
			put_hook(o, &h);
	}
}

int run_doctor(struct options *opt)
{
	struct source *src;
	struct out out;
	int err;

	if (run_open_source(opt, &src))
		return EXIT_FAILED;
	err = out_open(&out, STDOUT_FILENO);
	if (!err) {
		put_hooks(&out, src, opt);
		err = out_flush(&out);
		out_close(&out);
	}
	if (err)
		talk("cannot write to standard output: %s", strerror(-err));
	src->ops->close(src);
	return err ? EXIT_FAILED : EXIT_OK;
}
