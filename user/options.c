/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The command line. Every value is checked whole, and what cannot work
 * together is refused: an option that is silently ignored lies.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "language.h"
#include "lib/parse.h"
#include "lib/tr.h"
#include "model/life.h"
#include "names.h"
#include "options.h"
#include "run/views.h"

static const struct command *command_table;

int options_refuse(struct options *o, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(o->error, sizeof(o->error), fmt, ap);
	va_end(ap);
	return -EINVAL;
}

/* Calls take() for each part between commas; "" and ",," are refused by it. */
static int each_part(struct options *o, const char *list, int (*take)(struct options *, const char *, int), int key)
{
	char *copy = strdup(list), *part = copy, *comma;
	int err = copy ? 0 : options_refuse(o, _("out of memory"));

	while (!err && part) {
		comma = strchr(part, ',');
		if (comma)
			*comma++ = 0;
		err = take(o, part, key);
		part = comma;
	}
	free(copy);
	return err;
}

static int take_pid(struct options *o, const char *s, int key)
{
	struct filter *f = &o->source.filter;
	uint64_t v;
	uint32_t i;

	(void)key;
	if (parse_u64(s, 1, INT_MAX, &v))
		return options_refuse(o, _("-p '%s': not a process number"), s);
	for (i = 0; i < f->npids; i++) {
		if (f->pids[i] == v)
			return 0;
	}
	if (f->npids == FILTER_LIST_MAX)
		return options_refuse(o, _("-p '%s': more than %d processes"), s, FILTER_LIST_MAX);
	f->pids[f->npids++] = (uint32_t)v;
	return 0;
}

/* 8080, 8000-8099 */
static int parse_ports(const char *s, struct port_range *range)
{
	const char *dash = strchr(s, '-');
	char first[8];
	uint64_t from, to;

	snprintf(first, sizeof(first), "%.*s", dash ? (int)(dash - s) : (int)strlen(s), s);
	if ((dash && dash - s > 5) || parse_u64(dash ? first : s, 1, 65535, &from) ||
	    parse_u64(dash ? dash + 1 : s, 1, 65535, &to) || from > to)
		return -EINVAL;
	*range = (struct port_range){ (uint16_t)from, (uint16_t)to };
	return 0;
}

static int take_port(struct options *o, const char *s, int key)
{
	struct filter *f = &o->source.filter;
	struct port_range *list = key == 'P' ? f->lports : f->rports, range;
	uint32_t *n = key == 'P' ? &f->nlports : &f->nrports;

	if (parse_ports(s, &range))
		return options_refuse(o, _("-%c '%s': not a port; ports are 1 to 65535, a range is 8000-8099"), key, s);
	if (*n && filter_has_port(list, *n, range.from) && range.from == range.to)
		return 0;
	if (*n == FILTER_LIST_MAX)
		return options_refuse(o, _("-%c '%s': more than %d ports"), key, s, FILTER_LIST_MAX);
	list[(*n)++] = range;
	return 0;
}

/* An address, with the length of its net behind a slash or without. IPv4 is ::ffff:a.b.c.d. */
static int parse_net(const char *s, struct filter_net *net)
{
	const char *slash = strchr(s, '/');
	char addr[INET6_ADDRSTRLEN];
	uint64_t bits = 128;
	bool four;

	if (slash ? slash - s >= (int)sizeof(addr) : strlen(s) >= sizeof(addr))
		return -EINVAL;
	snprintf(addr, sizeof(addr), "%.*s", slash ? (int)(slash - s) : (int)strlen(s), s);
	memset(net, 0, sizeof(*net));
	four = inet_pton(AF_INET, addr, net->addr + 12) == 1;
	if (four)
		memset(net->addr + 10, 0xff, 2);
	else if (inet_pton(AF_INET6, addr, net->addr) != 1)
		return -EINVAL;
	if (slash && parse_u64(slash + 1, 0, four ? 32 : 128, &bits))
		return -EINVAL;
	bits += four && slash ? 96 : 0;
	for (unsigned int i = 0; i < 16; i++) {
		net->mask[i] = bits >= 8 * (i + 1) ? 0xff : bits <= 8 * i ? 0 : (uint8_t)(0xff00 >> (bits % 8));
		net->addr[i] &= net->mask[i];
	}
	return 0;
}

static int take_addr(struct options *o, const char *s, int key)
{
	struct filter *f = &o->source.filter;

	(void)key;
	if (f->nnets == FILTER_NETS)
		return options_refuse(o, _("--addr '%.64s': more than %d nets"), s, FILTER_NETS);
	if (parse_net(s, &f->nets[f->nnets]))
		return options_refuse(o, _("--addr '%.64s': not an address or net, as 10.0.0.0/8 or 2001:db8::1"), s);
	f->nnets++;
	return 0;
}

/* The list stays as it is: a name is compared with its parts. */
static int take_places(struct options *o, int key, const char *s)
{
	struct filter_place *by = &o->source.filter.by_place;
	const char *name = key == OPT_UNIT ? "unit" : key == OPT_POD ? "pod" : "container";

	if (!s[0] || s[0] == ',' || s[strlen(s) - 1] == ',' || strstr(s, ",,"))
		return options_refuse(o, _("--%s '%.64s': not a list of names"), name, s);
	*(key == OPT_UNIT ? &by->units : key == OPT_POD ? &by->pods : &by->containers) = s;
	return 0;
}

/* Notes of the capture side are none that a user could ask for. */
static bool is_shown(unsigned int event)
{
	return tcptrace_event_class(event) != TCPTRACE_NOTE;
}

static int take_event(struct options *o, const char *s, int key)
{
	int event = tcptrace_event_by_name(s);
	char valid[512] = "";
	unsigned int i;
	size_t n = 0;

	(void)key;
	if (event > 0 && is_shown(event)) {
		o->events |= 1ull << event;
		return 0;
	}
	for (i = 1; i < TCPTRACE_EVENT_MAX && n < sizeof(valid); i++)
		if (is_shown(i))
			n += (size_t)snprintf(valid + n, sizeof(valid) - n, " %s", tcptrace_event_name(i));
	return options_refuse(o, _("-e '%.32s': no such event; there are%s"), s, valid);
}

static int take_end(struct options *o, const char *s, int key)
{
	int end = life_end_by_word(s);
	char valid[512] = "";
	size_t n = 0;

	(void)key;
	if (end >= 0) {
		o->conns.ends_wanted |= 1ull << end;
		return 0;
	}
	for (int i = 0; i < LIFE_ENDS_MAX && n < sizeof(valid); i++)
		n += (size_t)snprintf(valid + n, sizeof(valid) - n, " %s", life_end_word((enum life_end)i));
	return options_refuse(o, _("--end '%.32s': no such end; there are%s"), s, valid);
}

static int take_fail_on(struct options *o, const char *s, int key)
{
	static const char *const words[] = { "refused", "overflow", "lost" };

	(void)key;
	for (unsigned int i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (!strcmp(words[i], s)) {
			o->fail_on |= 1u << i;
			return 0;
		}
	}
	return options_refuse(o, _("--fail-on '%.32s': there are refused, overflow, lost"), s);
}

static int take_number(struct options *o, int key, const char *s)
{
	uint64_t v;
	int err;

	switch (key) {
	case 'd':
		err = parse_seconds(s, &o->duration_ns);
		if (err == -ERANGE)
			return options_refuse(o, _("-d '%s': out of range; more than 0 and at most ten years"), s);
		return err ? options_refuse(o, _("-d '%s': not a number of seconds"), s) : 0;
	case 'c':
		if (parse_u64(s, 1, UINT64_MAX, &o->count))
			return options_refuse(o, _("-c '%s': not a number of events; 1 or more"), s);
		return 0;
	case OPT_MIN_MS:
		if (parse_u64(s, 1, UINT64_MAX / 1000000, &v))
			return options_refuse(o, _("--min-ms '%s': not a number of milliseconds; 1 or more"), s);
		o->conns.min_ns = v * 1000000;
		return 0;
	case OPT_MIN_BYTES:
		if (parse_u64(s, 1, UINT64_MAX, &o->conns.min_bytes))
			return options_refuse(o, _("--min-bytes '%s': not a number of bytes; 1 or more"), s);
		return 0;
	case 'n':
		if (parse_u64(s, 1, UINT64_MAX, &o->count))
			return options_refuse(o, _("-n '%s': not a number of tables; 1 or more"), s);
		return 0;
	case 'i':
		if (parse_seconds(s, &o->interval_ns) || o->interval_ns < INTERVAL_MIN_NS || o->interval_ns > INTERVAL_MAX_NS)
			return options_refuse(o, _("-i '%s': not a number of seconds from 0.2 to 60"), s);
		return 0;
	case OPT_SLOW:
		if (parse_u64(s, 1, 1000000, &v))
			return options_refuse(o, _("--slow '%s': not a factor; 1 to 1000000"), s);
		o->slow = (uint32_t)v;
		return 0;
	case 'C':
		if (parse_u64(s, 1, 1000000, &v))
			return options_refuse(o, _("-C '%s': not a number of MB; 1 to 1000000"), s);
		o->file_bytes = v * 1000000;
		return 0;
	case OPT_RING:
		if (parse_u64(s, 1, 1024, &v))
			return options_refuse(o, _("--ring '%s': not a number of MB; 1 to 1024"), s);
		o->source.ring_bytes = (uint32_t)v << 20;
		return 0;
	case OPT_PRIORITY:
		if (parse_u64(s + (s[0] == '-'), 1, s[0] == '-' ? 20 : 19, &v))
			return options_refuse(o, _("--priority '%s': not a nice value; -20 to 19, not 0"), s);
		o->priority = s[0] == '-' ? -(int)v : (int)v;
		return 0;
	case 'W':
		if (parse_u64(s, 2, 10000, &v))
			return options_refuse(o, _("-W '%s': not a number of files; 2 to 10000"), s);
		o->files = (unsigned int)v;
		return 0;
	default:
		if (parse_u64(s, 0, INT_MAX, &v))
			return options_refuse(o, _("--ready-fd '%s': not a file descriptor"), s);
		o->ready_fd = (int)v;
		return 0;
	}
}

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

static int take_color(struct options *o, const char *s)
{
	if (strcmp(s, "always") && strcmp(s, "never") && strcmp(s, "auto"))
		return options_refuse(o, _("--color '%.32s': there are always, never, auto"), s);
	o->color = s[0] == 'a' && s[1] == 'l' ? 1 : s[0] == 'n' ? -1 : 0;
	return 0;
}

static int take_name(struct options *o, int key, const char *s)
{
	if (key == OPT_MECHANISM) {
		if (!mechanism_by_name(s, &o->source.mechanism))
			return options_refuse(o, _("--mechanism '%s': there are auto, fentry, kprobe, tracepoint"), s);
		return 0;
	}
	o->source_name = s;
	if (strcmp(s, "auto") && strcmp(s, "bpf") && strcmp(s, "kmod"))
		return options_refuse(o, _("--source '%s': there are auto, bpf, kmod"), s);
	if (!source_by_name(s))
		return options_refuse(o, _("--source '%s': not in this build"), s);
	return 0;
}

static int add_output(struct options *o, const char *name, const char *path)
{
	const struct view_ops *view = views_by_name(name);

	if (!view || !view->help)
		return options_refuse(o, _("--out '%.64s': no such output; tcptrace --help lists them"), name);
	if (o->nouts == OUTPUTS_MAX)
		return options_refuse(o, _("--out '%s': at most %u outputs beside the main one"), name, OUTPUTS_MAX);
	if (!path && view->file != VIEW_STREAM)
		return options_refuse(o, _("--out %s: into which file? --out %s:FILE"), name, name);
	o->outs[o->nouts].view = view;
	o->outs[o->nouts++].path = path;
	return 0;
}

/* NAME or NAME:FILE. The words of the command line stay as they are: a page shows them. */
static int take_output(struct options *o, const char *arg)
{
	const char *colon = strchr(arg, ':');
	size_t n = colon ? (size_t)(colon - arg) : strlen(arg);
	char name[64];

	snprintf(name, sizeof(name), "%.*s", (int)(n < sizeof(name) ? n : sizeof(name) - 1), arg);
	if (colon && !colon[1])
		return options_refuse(o, _("--out %s: into which file? --out %s:FILE"), name, name);
	return add_output(o, name, colon ? colon + 1 : NULL);
}

static const char *const labels[] = { "address", "port", "comm", "unit", "namespace", "pod", "container" };

static int take_label(struct options *o, const char *s, int key)
{
	(void)key;
	for (unsigned int i = 0; i < sizeof(labels) / sizeof(*labels); i++) {
		if (!strcmp(labels[i], s)) {
			o->metrics.labels |= 1u << i;
			return 0;
		}
	}
	return options_refuse(o, _("--labels '%.32s': there are address, port, comm, unit, namespace, pod, container"), s);
}

static int take_histograms(struct options *o, const char *s)
{
	static const char *const words[] = { "none", "accept", "both" };

	for (unsigned int i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (!strcmp(words[i], s)) {
			o->metrics.histograms = i;
			return 0;
		}
	}
	return options_refuse(o, _("--histograms '%.32s': there are accept, both, none"), s);
}

static int take_metrics(struct options *o, int key, const char *s)
{
	uint64_t v;

	switch (key) {
	case OPT_LISTEN:
		o->metrics.listens = true;
		return address_by_name(s, o->metrics.addr, &o->metrics.port, o->error, sizeof(o->error));
	case OPT_TEXTFILE:
		o->path = s;
		return 0;
	case OPT_LABELS:
		return each_part(o, s, take_label, key);
	case OPT_HISTOGRAMS:
		return take_histograms(o, s);
	default:
		if (parse_u64(s, 1, 4096, &v))
			return options_refuse(o, _("--max-listeners '%.32s': not a number of listeners; 1 to 4096"), s);
		o->metrics.max_listeners = (uint32_t)v;
		return 0;
	}
}

static int take_flag(struct options *o, int key)
{
	switch (key) {
	case '4': o->ipv4 = true; return 0;
	case '6': o->ipv6 = true; return 0;
	case 'x': o->trouble = true; return 0;
	case 'j': o->json = true; return 0;
	case 'H': o->no_header = true; return 0;
	case 't': o->time = VIEW_TIME_START; return 0;
	case 'T': o->time = VIEW_TIME_WALL; return 0;
	case 'q': o->quiet = true; return 0;
	case 'a': o->conns.all = true; return 0;
	case OPT_ENDS: o->conns.both = true; return 0;
	case OPT_CSV: o->conns.csv = true; return 0;
	case OPT_WIDE: o->conns.wide = true; return 0;
	case 'b': o->batch = true; return 0;
	case 'v': o->source.verbose = true; return 0;
	case OPT_IO: o->source.io = true; return 0;
	case OPT_HELP_FIELDS: o->help_fields = true; return 0;
	case OPT_CHECK: return add_output(o, "check", NULL);
	case OPT_EXPLAIN: o->explain = true; return 0;
	case OPT_REPLAY: o->replay = true; return 0;
	case OPT_STEP: o->step = true; return 0;
	case OPT_QUIZ: o->quiz = true; return 0;
	case OPT_ANONYMOUS: o->anonymous = true; return 0;
	case OPT_ONCE: o->metrics.once = true; return 0;
	case OPT_IDLE: o->metrics.all = true; return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static int take_command(struct options *o, const char *s)
{
	const struct command *c;

	if (o->command && o->command->argument && !o->argument) {
		o->argument = s;
		return 0;
	}
	if (o->argument && !strcmp(o->argument, "check") && !o->exercise) {
		o->exercise = s;
		return 0;
	}
	if (o->command)
		return options_refuse(o, _("'%s': one command only, '%s' is given already"), s, o->command->name);
	for (c = command_table + 1; c->name; c++) {
		if (!strcmp(s, c->name)) {
			o->command = c;
			return 0;
		}
	}
	return options_refuse(o, _("'%s': no such command; to run a program and follow it: tcptrace -- %s"), s, s);
}

static int take_argument(struct options *o, struct argp_state *state, char *arg)
{
	/* state->quoted: the index after "--", where the words of PROGRAM begin. */
	if (!state->quoted || state->next <= state->quoted)
		return take_command(o, arg);
	o->program = state->argv + state->next - 1;
	state->next = state->argc;
	return 0;
}

static void print_and_exit(const struct options *o, int key, const char *program)
{
	if (key != 'V')
		exit(options_help(command_table, o->command, program, o->lang) ? EXIT_FAILED : EXIT_OK);
	puts("tcptrace " VERSION);
	exit(fflush(stdout) ? EXIT_FAILED : EXIT_OK);
}

/* 0, or a sentence in o->error. */
static int take(struct options *o, int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 'p':
		return each_part(o, arg, take_pid, key);
	case 'P': case 'D':
		return each_part(o, arg, take_port, key);
	case 'e':
		return each_part(o, arg, take_event, key);
	case OPT_END:
		return each_part(o, arg, take_end, key);
	case OPT_FAIL_ON:
		return each_part(o, arg, take_fail_on, key);
	case OPT_ADDR:
		return each_part(o, arg, take_addr, key);
	case OPT_COMM:
		o->source.filter.comm = arg;
		return arg[0] && strlen(arg) < TCPTRACE_COMM_LEN ? 0 :
		       options_refuse(o, _("--comm '%.64s': not a name; the kernel keeps 1 to 15 bytes of it"), arg);
	case OPT_UNIT: case OPT_POD: case OPT_CONTAINER:
		return take_places(o, key, arg);
	case OPT_COLOR:
		return take_color(o, arg);
	case OPT_MIN_MS: case OPT_MIN_BYTES:
	case 'd': case 'c': case 'n': case 'i': case 'C': case 'W': case OPT_READY_FD: case OPT_SLOW:
	case OPT_RING: case OPT_PRIORITY:
		return take_number(o, key, arg);
	case OPT_SOURCE: case OPT_MECHANISM:
		return take_name(o, key, arg);
	case OPT_LANG:
		if (strcmp(arg, "zh") && strcmp(arg, "en"))
			return options_refuse(o, _("--lang '%s': there are zh and en"), arg);
		o->lang = arg;
		language_use(arg);	/* what is refused after it is said in it, too */
		return 0;
	case OPT_COMPLETIONS:
		o->completions = arg;
		return 0;
	case OPT_NETNS:
		return netns_by_name(arg, &o->source.filter.netns, o->error, sizeof(o->error));
	case OPT_CGROUP:
		return cgroup_by_path(arg, &o->source.filter.cgroup, o->error, sizeof(o->error));
	case 'o':
		o->path = arg;
		return 0;
	case OPT_OUT:
		return take_output(o, arg);
	case OPT_HTML:
		o->html_path = arg;
		return 0;
	case OPT_MAX_SIZE:
		return take_size(o, arg);
	case OPT_LISTEN: case OPT_TEXTFILE: case OPT_LABELS: case OPT_MAX_LISTENERS: case OPT_HISTOGRAMS:
		return take_metrics(o, key, arg);
	case 'w':
		o->write_path = arg;
		return 0;
	case 'u':
		o->user = arg;
		return 0;
	case 'r':
		if (o->nreads == SOURCE_FILES)
			return options_refuse(o, _("-r '%s': more than %u recordings"), arg, SOURCE_FILES);
		o->reads[o->nreads++] = arg;
		o->read_path = o->reads[0];
		return 0;
	case ARGP_KEY_ARG:
		return take_argument(o, state, arg);
	case ARGP_KEY_END:
		if (!o->program && state->argc > 1 && !strcmp(state->argv[state->argc - 1], "--"))
			return options_refuse(o, _("--: no program to run after it"));
		return 0;
	}
	return take_flag(o, key);
}

/* Which options were given: what the command does not take is refused later, when it is known. */
static void note_given(struct options *o, int key)
{
	for (unsigned int i = 0; option_rows[i].option.name || option_rows[i].option.doc; i++) {
		if (option_rows[i].option.key == key && !(option_rows[i].option.flags & OPTION_ALIAS))
			o->given[i] = true;
	}
}

/* argp goes on after an error of a value unless it is told to stop. */
static error_t parse_one(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;
	int err;

	if (key > 0 && key < ARGP_KEY_END)
		note_given(o, key);
	if (key == 'h' || key == '?' || key == 'V')	/* at once: what follows need not make sense */
		print_and_exit(o, key, state->name);
	err = take(o, key, arg, state);
	return err == ARGP_ERR_UNKNOWN ? ARGP_ERR_UNKNOWN : err ? EINVAL : 0;
}

/* What getopt does not know it prints as it is. */
static int check_words(struct options *o, int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--"); i++) {
		for (const char *s = argv[i]; argv[i][0] == '-' && *s && *s != '='; s++) {
			unsigned char c = (unsigned char)*s;

			if (c < ' ' || c == 0x7f || (c >= 0x80 && (argv[i][1] == '-' || s == argv[i] + 1)))
				return options_refuse(o, _("'%.64s': no such option"), argv[i]);
		}
	}
	return 0;
}

/* argp wants its rows in one piece. */
static void argp_rows(struct argp_option *to)
{
	unsigned int i;

	for (i = 0; option_rows[i].option.name || option_rows[i].option.doc || option_rows[i].option.key; i++)
		to[i] = option_rows[i].option;
	to[i] = (struct argp_option){ 0 };
}

/* Another main view has it as an output beside it, which writes a file. */
static void settle_metrics(struct options *o)
{
	struct view_metrics *m = &o->metrics;
	bool main = o->view && !strcmp(o->view, "metrics");

	if (!m->labels)
		m->labels = VIEW_LABELS_ALL;
	if (m->once && !o->duration_ns && !o->read_path)
		o->duration_ns = 1;
	if (main && !m->listens && !m->once && !o->path && !o->read_path) {
		address_by_name("127.0.0.1:9817", m->addr, &m->port, o->error, sizeof(o->error));
		m->listens = true;
	}
}

/* What the short forms mean, once the command is known. */
static int settle(struct options *o)
{
	if (!o->command)
		o->command = command_table;
	o->view = o->command->view;
	if (o->json && o->view && !views_by_name(o->view)->json)
		o->view = "json";
	if (o->ipv4 != o->ipv6)
		o->source.filter.family = o->ipv4 ? 4 : 6;
	o->source.path = o->read_path;
	settle_metrics(o);
	if (o->write_path && o->view)
		return add_output(o, "record", o->write_path);
	return 0;
}

int options_parse(struct options *o, int argc, char **argv, const struct command *commands)
{
	struct argp_option rows[OPTION_ROWS_MAX];
	const struct argp argp = { .options = rows, .parser = parse_one };
	int err;

	memset(o, 0, sizeof(*o));
	o->source_name = "auto";
	o->ready_fd = -1;
	o->metrics.max_listeners = 256;
	o->metrics.histograms = VIEW_HISTOGRAMS_ACCEPT;
	o->metrics.interval_ns = 15000000000ull;
	command_table = commands;
	argp_err_exit_status = EXIT_USAGE;
	argp_rows(rows);
	/* In order: otherwise a command before "--" would move after it and be run as a program. */
	err = check_words(o, argc, argv);
	if (err)
		return err;
	err = argp_parse(&argp, argc, argv, ARGP_IN_ORDER | ARGP_NO_HELP, NULL, o);
	if (err)
		return o->error[0] ? -EINVAL : options_refuse(o, "%s", strerror(err));
	err = settle(o);
	return err ? err : options_check(o);
}
