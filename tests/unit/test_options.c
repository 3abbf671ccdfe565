// SPDX-License-Identifier: GPL-2.0-only
/* options.c, names.c: what is taken, and what is refused with which sentence. */
#include "edge.h"

#include <sys/stat.h>

#include "../../user/model/life.h"
#include "../../user/names.h"
#include "../../user/options.h"

static int nothing(struct options *o)
{
	(void)o;
	return 0;
}

static const struct command commands[] = {
	{ "stream", "", nothing, ~0u, .view = "table" },
	{ "flow", "", nothing, TAKES_RUN, .view = "flow", .form = "a ladder" },
	{ "conns", "", nothing, ~0u, .view = "conns" },
	{ "report", "", nothing, TAKES_RUN, .view = "report", .form = "one page" },
	{ "metrics", "", nothing, ~TAKES_CSV, .view = "metrics", .form = "numbers" },
	{ "listeners", "", nothing, TAKES_FILTER | TAKES_JSON | TAKES_READ | TAKES_HEADER | TAKES_CSV, .form = "one moment" },
	{ "top", "", nothing, TAKES_RUN | TAKES_TOP | TAKES_JSON | TAKES_HEADER | TAKES_QUIET | TAKES_EXPLAIN | TAKES_CSV,
	  .view = "top", .form = "a screen" },
	{ "doctor", "", nothing, TAKES_JSON | TAKES_SOURCE | TAKES_QUIET | TAKES_HEADER, .form = "no traffic" }, { 0 },
};

static struct options o;

/* Splits at spaces. */
static int parse(const char *line)
{
	static char copy[1024];
	static char *argv[64];
	int argc = 0;
	char *s;

	snprintf(copy, sizeof(copy), "tcptrace %s", line);
	for (s = strtok(copy, " "); s; s = strtok(NULL, " "))
		argv[argc++] = s;
	argv[argc] = NULL;
	return options_parse(&o, argc, argv, commands);
}

static void takes(const char *line)
{
	if (parse(line))
		fail_msg("'%s' refused: %s", line, o.error);
}

static void refuses(const char *line, const char *sentence)
{
	assert_int_equal(parse(line), -EINVAL);
	if (!strstr(o.error, sentence))
		fail_msg("'%s': '%s' is not in '%s'", line, sentence, o.error);
}

static void defaults(void **state)
{
	(void)state;
	takes("");
	assert_ptr_equal(o.command, &commands[0]);
	assert_null(o.program);
	assert_int_equal(o.source.filter.npids + o.source.filter.nlports + o.source.filter.nrports, 0);
	assert_int_equal(o.source.filter.family, 0);
	assert_int_equal(o.source.mechanism, MECH_AUTO);
	assert_int_equal(o.ready_fd, -1);
	assert_string_equal(o.source_name, "auto");
	assert_true(!o.json && !o.quiet && !o.trouble && !o.no_header && !o.count && !o.duration_ns && !o.events);
}

static void lists(void **state)
{
	(void)state;
	takes("-p 1,22,333,22 -P 80,443 -P 80 -D 65535,1 --remote-port 2");
	assert_int_equal(o.source.filter.npids, 3);
	assert_int_equal(o.source.filter.pids[2], 333);
	assert_int_equal(o.source.filter.nlports, 2);
	assert_int_equal(o.source.filter.nrports, 3);
	assert_int_equal(o.source.filter.rports[0].from, 65535);
	takes("-P 8000-8099,22");
	assert_true(o.source.filter.nlports == 2 && o.source.filter.lports[0].from == 8000 &&
		    o.source.filter.lports[0].to == 8099);
	takes("--addr 10.1.2.3/8,192.0.2.7,2001:db8::ffff/33,::1");
	assert_int_equal(o.source.filter.nnets, 4);
	assert_memory_equal(o.source.filter.nets[0].addr, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\0\0\0", 16);
	assert_memory_equal(o.source.filter.nets[0].mask,
			    "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0", 16);
	assert_int_equal(o.source.filter.nets[1].mask[15], 0xff);
	assert_memory_equal(o.source.filter.nets[2].mask, "\xff\xff\xff\xff\x80\0\0\0\0\0\0\0\0\0\0\0", 16);
	takes("--addr 0.0.0.0/0 --comm nginx");
	assert_int_equal(o.source.filter.nets[0].mask[11], 0xff);
	assert_int_equal(o.source.filter.nets[0].mask[12], 0);
	assert_string_equal(o.source.filter.comm, "nginx");
	takes("-e drop,accept,drop -e state");
	assert_true(o.events == (1ull << TCPTRACE_DROP | 1ull << TCPTRACE_ACCEPT | 1ull << TCPTRACE_STATE));
}

static void bad_lists(void **state)
{
	static const char *const bad[] = { "65536", "0", "-1", "80,", ",80", "80,,81", "8o", "0x50", "99999999999999999999" };
	char line[600] = "-P ";
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(line, sizeof(line), "-P %s", bad[i]);
		refuses(line, "not a port");
		snprintf(line, sizeof(line), "-D %s", bad[i]);
		refuses(line, "not a port");
	}
	refuses("-p 0", "not a process number");
	refuses("-p 2147483648", "not a process number");
	strcpy(line, "-P 1");
	for (i = 2; i <= FILTER_LIST_MAX; i++)
		sprintf(line + strlen(line), ",%zu", i);
	takes(line);
	strcat(line, ",65");
	refuses(line, "more than 64 ports");
	refuses("-e foo", "no such event");
	refuses("-e foo", " synq-add ");
	refuses("-e lost", "no such event");
	refuses("-e snapshot", "no such event");
	refuses("-e drop,", "no such event");
	refuses("-e ANameThatIsMuchLongerThanAnyEventMayEverBecome", "no such event; there are socket");
}

static void families(void **state)
{
	(void)state;
	takes("-4");
	assert_int_equal(o.source.filter.family, 4);
	takes("-6");
	assert_int_equal(o.source.filter.family, 6);
	takes("-46");
	assert_int_equal(o.source.filter.family, 0);
}

static void numbers(void **state)
{
	(void)state;
	takes("-d 0.25 -c 18446744073709551615 --ready-fd 3");
	assert_int_equal(o.duration_ns, 250000000);
	assert_true(o.count == UINT64_MAX);
	assert_int_equal(o.ready_fd, 3);
	takes("--priority -20");
	assert_true(o.prioritized && o.priority == -20);
	takes("--priority 0");
	assert_true(o.prioritized && o.priority == 0);
	takes("");
	assert_false(o.prioritized);
	refuses("--priority 20", "-20 to 19");
	refuses("-d 0", "out of range");
	refuses("-d 1s", "not a number of seconds");
	refuses("-c 0", "not a number of events");
	refuses("-c 1.5", "not a number of events");
	refuses("-c 18446744073709551616", "not a number of events");
	refuses("--ready-fd x", "not a file descriptor");
}

static void commands_and_programs(void **state)
{
	(void)state;
	takes("listeners -j");
	assert_string_equal(o.command->name, "listeners");
	assert_true(o.json);
	takes("-j doctor");
	assert_string_equal(o.command->name, "doctor");
	takes("-q -- curl -s -p 99999 listeners");
	assert_string_equal(o.program[0], "curl");
	assert_string_equal(o.program[4], "listeners");
	assert_null(o.program[5]);
	assert_int_equal(o.source.filter.npids, 0);
	assert_ptr_equal(o.command, &commands[0]);
	takes("-- listeners");
	assert_string_equal(o.program[0], "listeners");
	takes("-- -x");
	assert_string_equal(o.program[0], "-x");
	assert_false(o.trouble);
	refuses("curl", "tcptrace -- curl");
	refuses("stream", "no such command");
	refuses("listeners doctor", "one command only");
	refuses("listeners -- curl", "do not go together");
	refuses("-p 1 -- curl", "do not go together");
	refuses("--", "no program");
}

/* What a command does not take is refused by name, not ignored. */
static void not_taken(void **state)
{
	(void)state;
	refuses("listeners -d 1", "one moment: -d does not go with it");
	refuses("listeners --check", "--check does not go with it");
	refuses("-q listeners", "-q does not go with it");
	refuses("doctor -P 80", "-P does not go with it");
	refuses("doctor --localport 80", "-P does not go with it");
	refuses("flow -j", "a ladder: -j does not go with it");
}

static void outputs(void **state)
{
	(void)state;
	takes("-o x --out json:y --out flow:z:1 -w r");
	assert_string_equal(o.path, "x");
	assert_string_equal(o.view, "table");
	assert_int_equal(o.nouts, 3);
	assert_string_equal(o.outs[1].path, "z:1");
	assert_ptr_equal(o.outs[0].view, &view_json);
	takes("flow -o x");
	assert_string_equal(o.view, "flow");
	takes("--check");
	assert_null(o.outs[0].path);
	refuses("--out nothing:x", "no such output");
	refuses("--out record", "into which file?");
	refuses("--out json:", "into which file?");
	refuses("--out json:a --out json:b --out json:c --out json:d --out json:e --out json:f --out json:g "
		"--out json:h --out json:i", "at most 8 outputs");
	refuses("-j --out record:-", "standard output");
	takes("--out record:- -q");
	refuses("-o - -w -", "'table' and 'record' both want standard output");
	refuses("-o /dev/stdout -w -", "both want standard output");
	refuses("-o - -w /dev/fd/1", "both want standard output");
	refuses("-r x -j -o - --out flow:-", "'json' and 'flow' both want standard output");
	refuses("flow -o - -w -", "'flow' and 'record' both want standard output");
	refuses("report -w -", "both want standard output");
	takes("report -o x -w -");
	refuses("conns --csv -w -", "both want standard output");
	refuses("metrics --once -d 1 -w -", "'metrics' and 'record' both want standard output");
	refuses("metrics -r x -w -", "both want standard output");
	takes("metrics -w -");
	takes("metrics --once -o x -w -");
	refuses("-r x --check", "--check");
	refuses("-p 1 --check", "--check");
	refuses("-c 5 --check", "-d ends both");
}

static void together(void **state)
{
	(void)state;
	takes("-r x -w y -p 1 -P 2 -D 3 -4 -x -e drop -j");
	takes("-r x listeners");
	refuses("-r x doctor", "-r");
	refuses("-r x --source bpf", "-r");
	refuses("-r x --mechanism kprobe", "-r");
	refuses("-r x --io", "--io");
	refuses("-r x -- true", "-r");
	refuses("-w x listeners", "-w");
	refuses("-w - -j", "standard output");
	takes("-w -");
	assert_string_equal(o.outs[0].view->name, "record");
	assert_string_equal(o.outs[0].path, "-");
	refuses("--source file", "there are auto, bpf, kmod");
	refuses("--mechanism ebpf", "there are auto, fentry, kprobe, tracepoint");
	takes("--mechanism kprobe --source bpf");
	assert_int_equal(o.source.mechanism, MECH_KPROBE);
}

/* What getopt refuses, in our words: the letter, or the whole word. */
static void unknown(void **state)
{
	(void)state;
	refuses("--foo", "'--foo': no such option");
	refuses("-q --foo=1", "'--foo=1': no such option");
	refuses("-Z", "'-Z': no such option");
	refuses("-P 80 -jZq", "'-Z': no such option");
	refuses("-j flow --quiet -Zq", "'-Z': no such option");
	refuses("-d", "'-d': a value is missing: SECONDS");
	refuses("-jd", "'-d': a value is missing: SECONDS");
	refuses("-q --out", "'--out': a value is missing: NAME[:FILE]");
	refuses("flow --dur", "'--dur': a value is missing: SECONDS");
	refuses("--json=x", "'--json=x': the option takes no value");
	refuses("--co 1", "'--co': several options begin so");
	refuses("--mechanis", "a value is missing: NAME");
	takes("--remote 80");
}

/* Of what there is one is not given twice, and a pod has a name. */
static void once(void **state)
{
	static const char *const twice[] = {
		"--comm a --comm b", "--unit a --unit b", "--pod a --pod b", "--container a --container b", "-w a -w b", "-o a --output b",
		"--check --check", "metrics --textfile a --textfile b", "metrics --listen :1 --listen :2",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(twice) / sizeof(twice[0]); i++)
		refuses(twice[i], "is given twice: one of them would be ignored");
	takes("-w x --out record:y");
	takes("-p 1 -p 2 -P 3 -P 4 --addr ::1 --addr ::2 -q -q");
	takes("--lang en --lang en -d 1 -d 2 --color never --color auto");
	refuses("--pod /", "not a list of NAME or NAMESPACE/NAME");
	refuses("--pod a,b/", "not a list of NAME or NAMESPACE/NAME");
	refuses("--pod /b", "not a list of NAME or NAMESPACE/NAME");
	refuses("--pod a/b/c", "not a list of NAME or NAMESPACE/NAME");
	takes("--pod a,b/c,d/e");
}

/* What would change nothing is refused; what another output makes something of is not. */
static void forms(void **state)
{
	(void)state;
	refuses("-j -H", "-H does not go with -j");
	refuses("listeners -j -H", "-H does not go with -j");
	refuses("-j -t", "-t does not go with -j");
	refuses("conns -j -T", "-T does not go with -j");
	refuses("-j --color always", "--color always does not go with -j");
	refuses("-j -t -w x", "-t does not go with -j");
	refuses("-q -H", "-H does not go with -q");
	refuses("-q -t", "-t does not go with -q");
	refuses("conns -q -T", "-T does not go with -q");
	refuses("conns --csv -t", "-t does not go with --csv");
	refuses("conns --csv --color always", "--color always does not go with --csv");
	refuses("conns -q --csv", "--csv is how lines look, and -q shows none");
	refuses("conns -q --wide", "--wide is how lines look");
	refuses("top -b --color always", "--color always does not go with -b");
	refuses("report --color always", "--color always does not go with report");
	refuses("metrics -r x --color always", "--color always does not go with metrics");
	refuses("top -b --explain", "--explain goes with events and ladders");
	refuses("-t -T", "-t and -T are two clocks for one column");
	refuses("conns -T -t --out flow:x", "-t and -T are two clocks for one column");
	refuses("-j --lang en", "--lang does not go with -j");
	refuses("top -j --lang en", "--lang does not go with -j");
	refuses("top -b -q", "-q does not go with -b");
	refuses("top -j -q", "-q does not go with -j");
	refuses("-q -r x -x", "-x leaves out steps, and -q shows none");
	refuses("-q -j -r x -e drop", "-e leaves out steps, and -q shows none");
	refuses("-q -r x -x -w y", "-x leaves out steps, and -q shows none");
	takes("-q -x");
	takes("-q -e drop");
	takes("-q -r x -e drop -c 3");
	takes("-q -r x -x --out json:y");
	takes("conns -q -r x -x");
	takes("top -q -r x -x");
	takes("report -o z --color always --out table:x");
	takes("top --color always");
	takes("conns --csv -H");
	takes("-j -t -H --out table:x");
	takes("-q -T --out conns:x");
	takes("-j --color never");
	takes("-j --color auto");
	takes("-q --color always");
	takes("top -q -H");
	takes("doctor -q -H");
	takes("doctor -q -j");
	takes("-j --lang en --out report:x");
	takes("conns --csv --lang en");
}

/* A table is of listeners or of connections, and nothing else is in it. */
static void csv(void **state)
{
	(void)state;
	refuses("--csv", "--csv has no events");
	refuses("-q -j --csv", "--csv and -j are two forms of the same");
	refuses("-q --csv -T", "-T does not go with --csv");
	refuses("top -b --csv -q", "-q does not go with -b");
	refuses("-q --csv -i 1", "-i is how often");
	refuses("-q --csv --check", "has its file to itself");
	refuses("-q --csv --explain", "--explain goes with");
	refuses("-q --csv -w -", "both want standard output");
	refuses("top --csv", "--csv of top goes with -b");
	refuses("flow --csv", "--csv does not go with it");
	refuses("report --csv", "--csv does not go with it");
	refuses("metrics --csv", "--csv does not go with it");
	refuses("doctor --csv", "--csv does not go with it");
	refuses("-q --out csv:x", "no such output");
	takes("-q --csv -H -o x -w y --out table:z");
	assert_string_equal(o.view, "csv");
	takes("top -b --csv -H -n 2 -x");
	assert_string_equal(o.view, "top");
	takes("listeners --csv -H");
}

/* The bits and numbers that words stand for are those of other headers. */
static void words(void **state)
{
	(void)state;
	takes("--fail-on lost,refused");
	assert_int_equal(o.fail_on, FAIL_ON_LOST | FAIL_ON_REFUSED);
	takes("--labels pod,comm");
	assert_int_equal(o.metrics.labels, VIEW_LABEL_POD | VIEW_LABEL_COMM);
	takes("--histograms both");
	assert_int_equal(o.metrics.histograms, VIEW_HISTOGRAMS_BOTH);
	takes("--end expired,unknown");
	assert_true(o.conns.ends_wanted == (1ull << LIFE_EXPIRED | 1ull << LIFE_UNKNOWN));
	takes("--color never");
	assert_int_equal(o.color, -1);
	takes("-e destroy");
	assert_true(o.events == EVENT_BIT(DESTROY));
	refuses("--fail-on lost,", "there are refused, overflow, lost");
	refuses("--histograms none,both", "there are none, accept, both");
	refuses("metrics --listen [::1]:0", "not ADDRESS:PORT");	/* nobody would know which one it is */
	assert_null(option_word('p', 0));
	assert_null(option_word(OPT_LABELS, 7));
	assert_true(option_takes_list('e'));
	assert_false(option_takes_list(OPT_COLOR));
}

static void namespaces(void **state)
{
	char error[256];
	struct stat st;
	uint32_t inum;
	char pid[16];

	(void)state;
	assert_int_equal(stat("/proc/self/ns/net", &st), 0);
	snprintf(pid, sizeof(pid), "%d", getpid());
	assert_int_equal(netns_by_name(pid, &inum, error, sizeof(error)), 0);
	assert_int_equal(inum, st.st_ino);
	assert_int_equal(netns_by_name("4026531833", &inum, error, sizeof(error)), 0);	/* the initial one from 6.18 on */
	assert_int_equal(inum, 4026531833u);
	assert_int_equal(netns_by_name("4194304", &inum, error, sizeof(error)), -EINVAL);
	assert_non_null(strstr(error, "no such process"));
	assert_int_equal(netns_by_name("4294967296", &inum, error, sizeof(error)), -EINVAL);
	inum = 0;
	assert_int_equal(netns_by_name("/proc/self/ns/net", &inum, error, sizeof(error)), 0);
	assert_int_equal(inum, st.st_ino);
	assert_int_equal(netns_by_name("/proc/self/ns/mnt", &inum, error, sizeof(error)), -EINVAL);
	assert_int_equal(netns_by_name("/proc/self/stat", &inum, error, sizeof(error)), -EINVAL);
	assert_int_equal(netns_by_name("nobody-has-this", &inum, error, sizeof(error)), -EINVAL);
	assert_non_null(strstr(error, "no name of ip netns"));
	assert_int_equal(netns_by_name("", &inum, error, sizeof(error)), -EINVAL);
}

static void cgroups(void **state)
{
	char error[256];
	struct stat st;
	uint64_t id;

	(void)state;
	assert_int_equal(cgroup_by_path("/nonexistent", &id, error, sizeof(error)), -EINVAL);
	assert_non_null(strstr(error, "No such file"));
	assert_int_equal(cgroup_by_path("/proc", &id, error, sizeof(error)), -EINVAL);
	assert_non_null(strstr(error, "cgroup v2"));
	if (cgroup_by_path("/sys/fs/cgroup", &id, error, sizeof(error)))
		skip();
	assert_int_equal(stat("/sys/fs/cgroup", &st), 0);
	assert_int_equal(id, st.st_ino);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(lists),
		cmocka_unit_test(bad_lists),
		cmocka_unit_test(families),
		cmocka_unit_test(numbers),
		cmocka_unit_test(commands_and_programs),
		cmocka_unit_test(not_taken),
		cmocka_unit_test(outputs),
		cmocka_unit_test(together),
		cmocka_unit_test(unknown),
		cmocka_unit_test(once),
		cmocka_unit_test(forms),
		cmocka_unit_test(csv),
		cmocka_unit_test(words),
		cmocka_unit_test(namespaces),
		cmocka_unit_test(cgroups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
