// SPDX-License-Identifier: GPL-2.0-only
/*
 * The text of a page: Prometheus's format 0.0.4 or OpenMetrics 1.0.0. Both want all samples of a name together.
 * What is unknown is left out, as a 0 would be a statement.
 */
#include <stddef.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "metrics.h"

#ifndef VERSION
#define VERSION "unknown"	/* the Makefile says it */
#endif

struct writer {
	const struct metrics_page *page;
	struct out *o;
	enum page_format format;
};

enum family_type { GAUGE, COUNTER, HISTOGRAM };

void label_value(struct out *o, const char *s, size_t max)
{
	char safe[4 * PUT_SAFE_MAX + PUT_SLACK];
	unsigned int columns = sizeof(safe);
	char *end = put_safe_cut(safe, s, max < PUT_SAFE_MAX ? max : PUT_SAFE_MAX, false, &columns);

	for (const char *p = safe; p < end; p++) {
		if (*p == '\\' || *p == '"')
			out_char(o, '\\');
		out_char(o, *p);
	}
}

/* OpenMetrics names a counter without its _total. */
static void head(const struct writer *w, const char *name, enum family_type type, const char *help)
{
	static const char *const types[] = { "gauge", "counter", "histogram" };
	const char *suffix = type == COUNTER && w->format == PAGE_TEXT ? "_total" : "";
	struct out *o = w->o;

	out_str(o, "# HELP ");
	out_str(o, name);
	out_str(o, suffix);
	out_char(o, ' ');
	out_str(o, help);
	out_str(o, "\n# TYPE ");
	out_str(o, name);
	out_str(o, suffix);
	out_char(o, ' ');
	out_str(o, types[type]);
	out_line_end(o);
}

/* name suffix {labels,key="value"} and a space; labels and key may be NULL. */
static void sample(const struct writer *w, const char *name, const char *suffix, const char *labels, const char *key,
		   const char *value)
{
	struct out *o = w->o;

	out_str(o, name);
	out_str(o, suffix);
	if ((labels && *labels) || key)
		out_char(o, '{');
	if (labels)
		out_str(o, labels);
	if (key) {
		if (labels && *labels)
			out_char(o, ',');
		out_str(o, key);
		out_str(o, "=\"");
		label_value(o, value, PUT_SAFE_MAX);
		out_char(o, '"');
	}
	out_str(o, (labels && *labels) || key ? "} " : " ");
}

static void number(const struct writer *w, uint64_t n)
{
	out_u64(w->o, n);
	out_line_end(w->o);
}

static void seconds(const struct writer *w, uint64_t ns)
{
	out_u64(w->o, ns / 1000000000);
	out_char(w->o, '.');
	out_digits(w->o, ns % 1000000000, 9);
	out_line_end(w->o);
}

/* ---- of a listener ---- */

#define NO_FIGURE	FIGURE_MAX

struct family {
	const char *name, *help;
	enum family_type type;
	bool ns, wide;			/* the number is in nanoseconds; it has 64 bits */
	size_t at, known_at;		/* in struct metrics_row; 0: always known */
	enum figure figure;
};

#define AT(member)	offsetof(struct metrics_row, member)

static const struct family families[] = {
	{ "tcptrace_accept_queue_length", "Connections that wait for accept(), of the fullest listener.", GAUGE,
	  false, false, AT(acceptq), AT(now_known[0]), NO_FIGURE },
	{ "tcptrace_accept_queue_limit", "Its limit; one more than that fits.", GAUGE,
	  false, false, AT(acceptq_limit), AT(limit_known), NO_FIGURE },
	{ "tcptrace_accept_queue_peak", "The most that waited within the last minute.", GAUGE,
	  false, false, AT(acceptq_peak), AT(peak_known[0]), NO_FIGURE },
	{ "tcptrace_accept_queue_oldest_seconds", "How long the one that waits longest has waited.", GAUGE,
	  true, true, AT(oldest_ns), AT(oldest_known), NO_FIGURE },
	{ "tcptrace_syn_queue_length", "Half-open requests, of the fullest listener.", GAUGE,
	  false, false, AT(synq), AT(now_known[1]), NO_FIGURE },
	{ "tcptrace_syn_queue_limit", "Their limit.", GAUGE, false, false, AT(synq_limit), AT(limit_known), NO_FIGURE },
	{ "tcptrace_syn_queue_peak", "The most half-open requests within the last minute.", GAUGE,
	  false, false, AT(synq_peak), AT(peak_known[1]), NO_FIGURE },
	{ "tcptrace_listener_backlog", "What listen() was given.", GAUGE,
	  false, true, AT(backlog), AT(backlog_known), NO_FIGURE },
	{ "tcptrace_listener_sockets", "Listeners that have these labels.", GAUGE, false, false, AT(sockets), 0, NO_FIGURE },
	{ "tcptrace_listener_incomplete", "Of these, those whose counters may lack lost records.", GAUGE,
	  false, false, AT(incomplete), 0, NO_FIGURE },
	{ "tcptrace_accept_queue_full_seconds", "How long the accept queue was full.", COUNTER,
	  true, true, AT(counts.acceptq_full_ns), AT(full_known[0]), FIGURE_ACCEPTQ_FULL },
	{ "tcptrace_syn_queue_full_seconds", "How long the SYN queue was full.", COUNTER,
	  true, true, AT(counts.synq_full_ns), AT(full_known[1]), FIGURE_SYNQ_FULL },
	{ "tcptrace_established", "Connections that entered the accept queue.", COUNTER,
	  false, true, AT(counts.established), 0, FIGURE_ESTABLISHED },
	{ "tcptrace_accepted", "Connections that accept() took.", COUNTER,
	  false, true, AT(counts.accepted), 0, FIGURE_ACCEPTED },
	{ "tcptrace_accept_errors", "Calls of accept() that failed.", COUNTER,
	  false, true, AT(counts.accept_errors), 0, FIGURE_ACCEPT_ERRORS },
	{ "tcptrace_ghosts", "Clients that believe they are connected and are not.", COUNTER,
	  false, true, AT(counts.ghosts), 0, FIGURE_GHOSTS },
	{ "tcptrace_syncookies_sent", "SYN cookies sent.", COUNTER,
	  false, true, AT(counts.cookies_sent), 0, FIGURE_COOKIES_SENT },
	{ "tcptrace_syncookies_valid", "SYN cookies that came back and were right.", COUNTER,
	  false, true, AT(counts.cookies_ok), 0, FIGURE_COOKIES_BACK },
	{ "tcptrace_syncookies_invalid", "ACKs that were taken for a SYN cookie and were none.", COUNTER,
	  false, true, AT(counts.cookies_bad), 0, FIGURE_COOKIES_BACK },
	{ "tcptrace_synack_retransmits", "SYN-ACKs sent again.", COUNTER,
	  false, true, AT(counts.synack_retrans), 0, FIGURE_SYNACK_RETRANS },
};

static bool is_known(const struct writer *w, const struct metrics_row *row, const struct family *f)
{
	const bool *known = (const bool *)((const char *)row + f->known_at);

	if (f->type == GAUGE && !row->sockets)		/* nobody is open: there is no queue */
		return false;
	if (f->figure != NO_FIGURE && !w->page->rows->best[f->figure])
		return false;
	return !f->known_at || *known || (f->type == COUNTER && !row->sockets);
}

static void put_number(const struct writer *w, const struct metrics_row *row, const struct family *f)
{
	const char *p = (const char *)row + f->at;
	uint64_t n = f->wide ? *(const uint64_t *)p : *(const uint32_t *)p;

	if (f->ns) {
		seconds(w, n);
	} else if (f->at == AT(backlog)) {
		out_i64(w->o, (int64_t)n);
		out_line_end(w->o);
	} else {
		number(w, n);
	}
}

static const struct metrics_row *next_row(const struct writer *w, uint32_t *i)
{
	const struct metrics_rows *r = w->page->rows;

	while (*i < r->rows && !r->row[*i].used)
		++*i;
	return *i < r->rows ? &r->row[(*i)++] : NULL;
}

static void put_family(const struct writer *w, const struct family *f)
{
	const struct metrics_row *row;

	head(w, f->name, f->type, f->help);
	for (uint32_t i = 0; (row = next_row(w, &i)); ) {
		if (!is_known(w, row, f))
			continue;
		sample(w, f->name, f->type == COUNTER ? "_total" : "", row->labels, NULL, NULL);
		put_number(w, row, f);
	}
}

/* All of them from the first scrape on, so that increase() sees the first of each. */
static void put_causes(const struct writer *w, const char *name, const char *help, enum tcptrace_cause_group group,
		       enum figure figure)
{
	const struct metrics_row *row;

	head(w, name, COUNTER, help);
	if (!w->page->rows->best[figure])
		return;
	for (uint32_t i = 0; (row = next_row(w, &i)); ) {
		for (unsigned int c = 1; c < TCPTRACE_CAUSE_END; c++) {
			if (tcptrace_cause_group(c) != group || c == TCPTRACE_SYNQ_ESTABLISHED)
				continue;
			sample(w, name, "_total", row->labels, "cause", tcptrace_cause_name(c));
			number(w, row->counts.causes[c]);
		}
	}
}

static void put_buckets(const struct writer *w, const char *name, const char *labels, const struct wait_counts *c)
{
	static const char *const le[WAIT_BUCKETS + 1] = {
		"8.192e-06", "6.5536e-05", "0.000524288", "0.004194304", "0.033554432", "0.268435456", "1.073741824",
		"2.147483648", "4.294967296", "34.359738368", "+Inf",
	};

	for (unsigned int i = 0; i <= WAIT_BUCKETS; i++) {
		sample(w, name, "_bucket", labels, "le", le[i]);
		number(w, i < WAIT_BUCKETS ? c->below[i] : c->count);
	}
	sample(w, name, "_sum", labels, NULL, NULL);
	seconds(w, c->sum_ns);
	sample(w, name, "_count", labels, NULL, NULL);
	number(w, c->count);
}

static void put_waits(const struct writer *w, bool synq, const char *name, const char *help)
{
	const struct metrics_row *row;

	head(w, name, HISTOGRAM, help);
	if (!w->page->rows->best[synq ? FIGURE_SYNQ_WAIT : FIGURE_ACCEPTQ_WAIT])
		return;
	for (uint32_t i = 0; (row = next_row(w, &i)); )
		put_buckets(w, name, row->labels, synq ? &row->counts.synq_wait : &row->counts.acceptq_wait);
}

static void put_listeners(const struct writer *w)
{
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		put_family(w, &families[i]);
	put_causes(w, "tcptrace_refused", "Segments that a listener refused: a client that tries again is several.", TCPTRACE_CAUSES_REFUSED, FIGURE_REFUSED);
	put_causes(w, "tcptrace_requests_removed", "Half-open requests that ended without a connection.",
		   TCPTRACE_CAUSES_SYNQ_OUT, FIGURE_EXPIRED);
	if (w->page->cfg->histograms >= VIEW_HISTOGRAMS_ACCEPT)
		put_waits(w, false, "tcptrace_accept_queue_wait_seconds", "How long those waited that accept() took.");
	if (w->page->cfg->histograms == VIEW_HISTOGRAMS_BOTH)
		put_waits(w, true, "tcptrace_syn_queue_wait_seconds",
			  "How long half-open requests waited that were established.");
}

/* ---- of the tracer ---- */

static void one(const struct writer *w, const char *name, enum family_type type, const char *help, uint64_t n)
{
	head(w, name, type, help);
	sample(w, name, type == COUNTER ? "_total" : "", NULL, NULL, NULL);
	number(w, n);
}

static void put_states(const struct writer *w)
{
	const struct metrics_rows *r = w->page->rows;
	const char *name = "tcptrace_listeners";
	const struct { const char *state; uint32_t n; } states[] = {
		{ "shown", r->shown }, { "idle", r->idle }, { "other", r->other }, { "uncounted", r->uncounted },
	};

	head(w, name, GAUGE, "Open listeners: with a row, without traffic, summed up as address other, or above the bound.");
	for (unsigned int i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		sample(w, name, "", NULL, "state", states[i].state);
		number(w, states[i].n);
	}
	one(w, "tcptrace_listeners_max", GAUGE, "Rows that there may be.", w->page->cfg->max_listeners);
}

static unsigned int hooks_by(const struct metrics_page *p, const char *mechanism)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < p->nhooks; i++)
		n += !strcmp(p->hooks[i].mechanism, mechanism);
	return n;
}

static void put_hooks(const struct writer *w)
{
	static const char *const mechanisms[] = { "fentry", "kprobe", "tracepoint", "none" };
	const struct metrics_page *p = w->page;

	if (!p->nhooks)
		return;
	head(w, "tcptrace_hooks", GAUGE, "Hooks by the mechanism that they are attached with.");
	for (unsigned int i = 0; i < sizeof(mechanisms) / sizeof(mechanisms[0]); i++) {
		sample(w, "tcptrace_hooks", "", NULL, "mechanism", mechanisms[i]);
		number(w, hooks_by(p, mechanisms[i]));
	}
	head(w, "tcptrace_hook_missing", GAUGE, "Hooks that could not be attached.");
	for (unsigned int i = 0; i < p->nhooks; i++) {
		if (strcmp(p->hooks[i].mechanism, "none"))
			continue;
		sample(w, "tcptrace_hook_missing", "", NULL, "hook", p->hooks[i].hook);
		number(w, 1);
	}
}

static void put_ledger(const struct writer *w)
{
	const char *name = "tcptrace_ledger_difference";

	head(w, name, GAUGE, "The kernel's counter minus what was counted, since the start, in this network namespace.");
	for (unsigned int k = 0; k < LEDGER_MAX; k++) {
		if (!w->page->ledger_known[k])
			continue;
		sample(w, name, "", NULL, "counter", ledger_name(k));
		out_i64(w->o, w->page->ledger[k]);
		out_line_end(w->o);
	}
}

static void put_worth(const struct writer *w)
{
	static const char *const names[] = { "tcptrace_figure_unknown", "tcptrace_figure_at_least" };
	static const char *const helps[] = {
		"Figures that are left out, as what they are counted from is not seen.",
		"Figures that are lower bounds, as not all that they are counted from is seen, or some was lost.",
	};

	for (enum known k = KNOWN_NOT; k <= KNOWN_LEAST; k++) {
		head(w, names[k], GAUGE, helps[k]);
		for (enum figure f = 0; f < FIGURE_MAX && w->page->rows->any; f++) {
			if (w->page->rows->worst[f] != k)
				continue;
			sample(w, names[k], "", NULL, "figure", figure_key(f));
			number(w, 1);
		}
	}
}

static uint64_t resident_bytes(void)
{
	unsigned long size, resident = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (f && fscanf(f, "%lu %lu", &size, &resident) != 2)
		resident = 0;
	if (f)
		fclose(f);
	return (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void put_process(const struct writer *w)
{
	struct timespec cpu;
	uint64_t resident = resident_bytes();

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
	head(w, "process_cpu_seconds", COUNTER, "CPU time of tcptrace; its hooks run in the kernel and are not in it.");
	sample(w, "process_cpu_seconds", "_total", NULL, NULL, NULL);
	seconds(w, (uint64_t)cpu.tv_sec * 1000000000 + (uint64_t)cpu.tv_nsec);
	if (resident)
		one(w, "process_resident_memory_bytes", GAUGE, "Memory of tcptrace.", resident);
	head(w, "process_start_time_seconds", GAUGE, "When tcptrace began, since the epoch.");
	sample(w, "process_start_time_seconds", "", NULL, NULL, NULL);
	seconds(w, w->page->start_ns);
}

static void put_tracer(const struct writer *w)
{
	const struct metrics_page *p = w->page;

	put_states(w);
	one(w, "tcptrace_events", COUNTER, "Events that were seen.", view_events(p->totals));
	one(w, "tcptrace_events_lost", COUNTER, "Records that the kernel side could not store.", p->lost);
	if (p->missed_known)
		one(w, "tcptrace_probe_misses", COUNTER, "Hits of hooks that the kernel could not run.", p->missed);
	put_hooks(w);
	put_ledger(w);
	put_worth(w);
	head(w, "tcptrace_build_info", GAUGE, "Which tcptrace this is.");
	sample(w, "tcptrace_build_info", "", "version=\"" VERSION "\"", "source", p->source);
	number(w, 1);
	if (p->process)
		put_process(w);
}

void page_put(const struct metrics_page *page, enum page_format format, struct out *o)
{
	const struct writer w = { page, o, format };

	put_listeners(&w);
	put_tracer(&w);
	if (format == PAGE_OPENMETRICS)
		out_str(o, "# EOF\n");
}
