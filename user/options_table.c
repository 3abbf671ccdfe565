// SPDX-License-Identifier: GPL-2.0-only
/* The options, in the order of --help. The manual and the completions are made from the same rows. */
#include "options.h"

#define HEAD(group, text)		{ { NULL, 0, NULL, 0, text, group }, 0 }
#define ALIAS(name, key, group, takes)	{ { name, key, NULL, OPTION_ALIAS | OPTION_HIDDEN, NULL, group }, takes }

const struct option_row option_rows[] = {
	HEAD(1, "What to look at (lists are ORed, options are ANDed):"),
	{ { "pid", 'p', "PID,...", 0, "sockets of these processes", 1 }, TAKES_FILTER },
	{ { "port", 'P', "PORT,...", 0, "local ports", 1 }, TAKES_FILTER },
	ALIAS("localport", 'P', 1, TAKES_FILTER),
	{ { "remote-port", 'D', "PORT,...", 0, "remote ports", 1 }, TAKES_FILTER },
	ALIAS("remoteport", 'D', 1, TAKES_FILTER),
	{ { "ipv4", '4', NULL, 0, "IPv4 sockets", 1 }, TAKES_FILTER },
	{ { "ipv6", '6', NULL, 0, "IPv6 sockets, v4-mapped ones too", 1 }, TAKES_FILTER },
	{ { "netns", OPT_NETNS, "PID|INUM", 0,
	    "one network namespace: of this process, or by inode number (above 4194304, the largest PID)", 1 },
	  TAKES_FILTER },
	{ { "cgroup", OPT_CGROUP, "PATH", 0, "processes of this cgroup v2 directory and those below", 1 },
	  TAKES_FILTER },
	{ { "event", 'e', "EVENT,...", 0, "show only these events", 1 }, TAKES_EVENTS },
	{ { "trouble", 'x', NULL, 0, "show only trouble: drops, overflows, resets, retransmits, errors", 1 },
	  TAKES_TROUBLE },
	{ { "io", OPT_IO, NULL, 0, "read and write events too", 1 }, TAKES_EVENTS },

	HEAD(2, "When to end:"),
	{ { "duration", 'd', "SECONDS", 0, "after this time (decimals allowed)", 2 }, TAKES_END },
	{ { "count", 'c', "COUNT", 0, "after this many events shown", 2 }, TAKES_END },

	HEAD(3, "How to show it:"),
	{ { "json", 'j', NULL, 0, "one JSON object a line", 3 }, TAKES_JSON },
	{ { "no-header", 'H', NULL, 0, "no header line", 3 }, TAKES_HEADER },
	{ { "timestamp", 't', NULL, 0, "seconds since the start", 3 }, TAKES_TIME },
	{ { "time", 'T', NULL, 0, "wall clock", 3 }, TAKES_TIME },
	{ { "quiet", 'q', NULL, 0, "no events, only the summary", 3 }, TAKES_QUIET },
	{ { "explain", OPT_EXPLAIN, NULL, 0,
	    "below each event what the kernel just did, where, and why it matters", 3 }, TAKES_EXPLAIN },
	{ { "lang", OPT_LANG, "LANG", 0, "explain in zh or en; otherwise as LANG says", 3 }, TAKES_EXPLAIN },

	HEAD(4, "Where it comes from and goes to:"),
	{ { "output", 'o', "FILE", 0, "write there instead of to standard output", 4 }, TAKES_OUTS },
	{ { "out", OPT_OUT, "NAME[:FILE]", 0, "another output beside it (repeatable); the names are below", 4 },
	  TAKES_OUTS },
	{ { "write", 'w', "FILE", 0,
	    "record too, as --out record:FILE (-: standard output, then nothing else is written there)", 4 },
	  TAKES_WRITE },
	{ { "read", 'r', "FILE", 0, "replay a recording (-: standard input); needs no root", 4 }, TAKES_READ },
	{ { "source", OPT_SOURCE, "NAME", 0, "auto, bpf or kmod", 4 }, TAKES_SOURCE },
	{ { "mechanism", OPT_MECHANISM, "NAME", 0, "auto, fentry, kprobe or tracepoint", 4 }, TAKES_SOURCE },
	{ { "check", OPT_CHECK, NULL, 0,
	    "at the end compare what was counted with the kernel's own counters; exit status 1 if they differ", 4 },
	  TAKES_OUTS },
	{ { "replay", OPT_REPLAY, NULL, 0, "show the run that ships with tcptrace; needs no root", 4 }, TAKES_REPLAY },
	{ { "verbose", 'v', NULL, 0, "say on standard error how each hook is attached", 4 }, TAKES_SOURCE },
	{ { "help", 'h', NULL, 0, "this text; after a command, that command's", -1 }, 0 },
	ALIAS(NULL, '?', -1, 0),
	{ { "help-fields", OPT_HELP_FIELDS, NULL, 0, "explain the columns and the keys of JSON", -1 }, 0 },
	{ { "version", 'V', NULL, 0, "print the version", -1 }, 0 },
	{ { "completions", OPT_COMPLETIONS, "SHELL", OPTION_HIDDEN, "print what bash, zsh or fish completes", 4 }, 0 },
	{ { "ready-fd", OPT_READY_FD, "FD", OPTION_HIDDEN, "write a newline there when attached", 4 }, 0 },
	{ { 0 }, 0 },
};
