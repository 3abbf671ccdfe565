// SPDX-License-Identifier: GPL-2.0-only
/* Options that say when to end and how it is shown. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "language.h"
#include "lib/parse.h"
#include "lib/tr.h"
#include "names.h"
#include "options_take.h"

/* ---- when to end ---- */

static int take_duration(struct options *o, const char *s)
{
	int err = parse_seconds(s, &o->duration_ns);

	if (!strcmp(s, "0")) {		/* what there is: options_check.c says for whom */
		o->duration_ns = 1;
		o->at_once = true;
		return 0;
	}
	if (err == -ERANGE)
		return options_refuse(o, _("-d '%s': out of range; more than 0 and at most ten years"), s);
	return err ? options_refuse(o, _("-d '%s': not a number of seconds"), s) : 0;
}

static int take_count(struct options *o, int key, const char *s)
{
	if (!parse_u64(s, 1, UINT64_MAX, &o->count))
		return 0;
	if (key == 'n')
		return options_refuse(o, _("-n '%s': not a number of tables; 1 or more"), s);
	return options_refuse(o, _("-c '%s': not a number of events; 1 or more"), s);
}

static int take_interval(struct options *o, const char *s)
{
	if (parse_seconds(s, &o->interval_ns) || o->interval_ns < INTERVAL_MIN_NS || o->interval_ns > INTERVAL_MAX_NS)
		return options_refuse(o, _("-i '%s': not a number of seconds from 0.2 to 60"), s);
	return 0;
}

/* ---- of conns ---- */

static int take_end(struct options *o, const char *s, int key)
{
	int end = option_word_index(key, s);
	char all[512];

	if (end >= 0) {
		o->conns.ends_wanted |= 1ull << end;
		return 0;
	}
	option_words(key, " ", all, sizeof(all));
	return options_refuse(o, _("--end '%.32s': no such end; there are %s"), s, all);
}

static int take_min_ms(struct options *o, const char *s)
{
	uint64_t ms;

	if (parse_u64(s, 1, UINT64_MAX / 1000000, &ms))
		return options_refuse(o, _("--min-ms '%s': not a number of milliseconds; 1 or more"), s);
	o->conns.min_ns = ms * 1000000;
	return 0;
}

static int take_sort(struct options *o, int key, const char *s)
{
	int which = option_word_index(key, s);

	if (which < 0)
		return options_refuse_word(o, key, s);
	o->conns.sort = (enum conns_sort)(which + 1);
	return 0;
}

static int take_conns(struct options *o, int key, char *arg)
{
	switch (key) {
	case 'a': o->conns.all = true; return 0;
	case OPT_ENDS: o->conns.both = true; return 0;
	case OPT_WIDE: o->conns.wide = true; return 0;
	case OPT_END: return options_each_part(o, arg, take_end, key);
	case OPT_MIN_MS: return take_min_ms(o, arg);
	case OPT_SORT: return take_sort(o, key, arg);
	case OPT_MIN_BYTES:
		if (parse_u64(arg, 1, UINT64_MAX, &o->conns.min_bytes))
			return options_refuse(o, _("--min-bytes '%s': not a number of bytes; 1 or more"), arg);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

/* ---- of metrics ---- */

/* As view.h has the bits: in the order of the words. */
static int take_label(struct options *o, const char *s, int key)
{
	return options_take_bit(o, key, s, &o->metrics.labels);
}

static int take_histograms(struct options *o, int key, const char *s)
{
	int which = option_word_index(key, s);

	if (which < 0)
		return options_refuse_word(o, key, s);
	o->metrics.histograms = (enum view_histograms)which;
	return 0;
}

static int take_metrics(struct options *o, int key, char *arg)
{
	uint64_t v;

	switch (key) {
	case OPT_LISTEN:
		o->metrics.listens = true;
		return address_by_name(arg, o->metrics.addr, &o->metrics.port, o->error, sizeof(o->error));
	case OPT_TEXTFILE: o->path = arg; return 0;
	case OPT_ONCE: o->metrics.once = true; return 0;
	case OPT_IDLE: o->metrics.all = true; return 0;
	case OPT_LABELS: return options_each_part(o, arg, take_label, key);
	case OPT_HISTOGRAMS: return take_histograms(o, key, arg);
	case OPT_MAX_LISTENERS:
		if (parse_u64(arg, 1, 4096, &v))
			return options_refuse(o, _("--max-listeners '%.32s': not a number of listeners; 1 to 4096"), arg);
		o->metrics.max_listeners = (uint32_t)v;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

/* ---- of report ---- */

/* "300000", "800K", "5M" */
static int take_size(struct options *o, const char *s)
{
	size_t n = strlen(s);
	unsigned int shift = n && s[n - 1] == 'M' ? 20 : n && s[n - 1] == 'K' ? 10 : 0;
	char digits[24];

	snprintf(digits, sizeof(digits), "%.*s", (int)(n - (shift != 0)), s);
	if (n >= sizeof(digits) || parse_u64(digits, 1, UINT32_MAX, &o->max_size))
		return options_refuse(o, _("--max-size '%.32s': not a number of bytes, as 300000, 800K, 5M"), s);
	o->max_size <<= shift;
	if (o->max_size < VIEW_SIZE_MIN)
		return options_refuse(o, _("--max-size '%s': a page is at least %uK large"), s, VIEW_SIZE_MIN >> 10);
	return 0;
}

/* ---- of all ---- */

static int take_color(struct options *o, int key, const char *s)
{
	static const int colors[] = { 1, -1, 0 };
	int which = option_word_index(key, s);

	if (which < 0)
		return options_refuse_word(o, key, s);
	o->color = colors[which];
	return 0;
}

static int take_lang(struct options *o, int key, const char *s)
{
	if (option_word_index(key, s) < 0)
		return options_refuse_word(o, key, s);
	o->lang = s;
	language_use(s);		/* what is refused after it is said in it, too */
	return 0;
}

static int take_fail_on(struct options *o, const char *s, int key)
{
	return options_take_bit(o, key, s, &o->fail_on);
}

static int take_text(struct options *o, int key, char *arg)
{
	switch (key) {
	case 'b': o->batch = true; return 0;
	case 'j': o->json = true; return 0;
	case OPT_CSV: o->csv = true; return 0;
	case 'H': o->no_header = true; return 0;
	case 't': o->time = VIEW_TIME_START; return 0;
	case 'T': o->time = VIEW_TIME_WALL; return 0;
	case 'q': o->quiet = true; return 0;
	case OPT_EXPLAIN: o->explain = true; return 0;
	case OPT_HELP_FIELDS: o->help_fields = true; return 0;
	case OPT_ANONYMOUS: o->anonymous = true; return 0;
	case OPT_COLOR: return take_color(o, key, arg);
	case OPT_LANG: return take_lang(o, key, arg);
	case OPT_MAX_SIZE: return take_size(o, arg);
	}
	return ARGP_ERR_UNKNOWN;
}

int options_take_show(struct options *o, int key, char *arg)
{
	int err;

	switch (key) {
	case 'd': return take_duration(o, arg);
	case 'c': case 'n': return take_count(o, key, arg);
	case 'i': return take_interval(o, arg);
	case OPT_FAIL_ON: return options_each_part(o, arg, take_fail_on, key);
	}
	err = take_conns(o, key, arg);
	if (err == ARGP_ERR_UNKNOWN)
		err = take_metrics(o, key, arg);
	return err == ARGP_ERR_UNKNOWN ? take_text(o, key, arg) : err;
}
