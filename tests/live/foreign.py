# SPDX-License-Identifier: GPL-2.0-only
"""Runs tests that others wrote, each in a network namespace of its own, and judges what a tcptrace beside them tells.

usage: foreign.py ipv4|ipv6|mapped DIR WORK TCPTRACE [OPTION]...    the scripts of packetdrill; DIR is its gtests/net
       foreign.py commands FILE WORK TCPTRACE [OPTION]...           each line of FILE, run in FILE's directory

WORK is a directory for files, TCPTRACE the program.
What is not so is printed, a line each; then what was run and compared, on standard error.

What they think of this kernel does not matter: a script that fails makes traffic, too. The truth is the kernel's
counters, its sockets (ss) and the calls that strace saw; a machine without strace has no calls to compare.
Environment: PACKETDRILL_ONLY: a glob of scripts; SEED: their order; FOREIGN_SECONDS: no batch begins that would end later;
FOREIGN_JOBS, FOREIGN_BATCH: scripts at a time, and with one tcptrace.
"""
import collections
import contextlib
import ctypes
import fnmatch
import glob
import json
import os
import random
import re
import select
import shlex
import shutil
import signal
import subprocess
import sys
import time

BATCH = int(os.environ.get("FOREIGN_BATCH", 32))    # --check compares 64 namespaces, and others have some
JOBS = int(os.environ.get("FOREIGN_JOBS", 8))       # scripts sleep most of their time
SECONDS = float(os.environ.get("FOREIGN_SECONDS", 1e9))
START_S = 120
SCRIPT_S = 120
SWEEPS_S = 5.5          # by tracepoints a sweep finds what became of a request: with many namespaces five seconds later
PR_SET_PDEATHSIG = 1
libc = ctypes.CDLL(None)
# tcp_send_reset tells of none that belongs to no socket before 6.12
TELLS_ALL_RSTS = tuple(map(int, re.findall(r"\d+", os.uname().release)[:2])) >= (6, 12)

# What run_all.py of packetdrill gives to each variant. A tolerance: strace and the others here take time.
V4 = ["--local_ip=192.168.0.1", "--gateway_ip=192.168.0.1", "--netmask_ip=255.255.0.0", "--remote_ip=192.0.2.1",
      "-D", "TFO_COOKIE=3021b9d889017eeb", "-D", "CODE=host_unreachable"]
V6 = ["--mtu=1520", "--local_ip=fd3d:0a0b:17d6::1", "--gateway_ip=fd3d:0a0b:17d6:8888::1", "--remote_ip=fd3d:fa7b:d17d::1",
      "-D", "TFO_COOKIE=c1d1e9742a47a9bc"]
VARIANTS = {
    "ipv4": ["--ip_version=ipv4", *V4, "-D", "CMSG_LEVEL_IP=SOL_IP", "-D", "CMSG_TYPE_RECVERR=IP_RECVERR"],
    "ipv6": ["--ip_version=ipv6", *V6, "-D", "CMSG_LEVEL_IP=SOL_IPV6", "-D", "CMSG_TYPE_RECVERR=IPV6_RECVERR"],
    "mapped": ["--ip_version=ipv4-mapped-ipv6", *V4, "-D", "CMSG_LEVEL_IP=SOL_IPV6", "-D", "CMSG_TYPE_RECVERR=IPV6_RECVERR"],
}
OPTIONS = ["--send_omit_free", "--tolerance_usecs=2000000"]
CALLS = "socket", "bind", "listen", "connect", "accept", "shutdown", "close"
STRACE = ["strace", "-ff", "-qqq", "-yy", "-e", "signal=none", "-e", "trace=accept4,unshare,setns," + ",".join(CALLS)]
# strace does not know these sockets for TCP's, or they are in another namespace than the script was given
NOT_COMPARED = re.compile(r"IPPROTO_MPTCP|CLONE_NEWNET|^setns\(.*= 0$")
TCP = r"(\d+)<(?:MP)?TCP(?:v6)?:[^>]*>"
STATES = {"ESTAB": "ESTABLISHED", "FIN-WAIT-1": "FIN_WAIT1", "FIN-WAIT-2": "FIN_WAIT2"}
HOW = {"SHUT_RD": "read", "SHUT_WR": "write", "SHUT_RDWR": "both"}
# By tracepoints nothing tells of the end of a minisock,
MAY_BE_GONE = "TIME_WAIT", "FIN_WAIT2"
# nor of the ICMP message that takes a request down: tcp_req_err(), which counts a drop; a RST that comes later is taken
# for the reason.
ICMP_TO_REQUEST = "fastopen/server/icmp-baseline.pkt", ("ListenDrops", "EmbryonicRsts", "AttemptFails")


def start(*command, **more):
    """A process that ends with this one."""
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=lambda: libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL),
                            **more)


Script = collections.namedtuple("Script", "name cwd command strace")


class Run:
    """One script in its namespace."""

    def __init__(self, script, work):
        self.script, self.name = script, script.name
        self.work = f"{work}/{re.sub('[^A-Za-z0-9_.-]', '.', self.name)[:200]}"
        os.mkdir(self.work)
        self.holder = start("unshare", "-n", "sh", "-c", "ip link set lo up; stat -L -c %i /proc/self/ns/net; exec sleep 3000",
                            stdout=subprocess.PIPE, text=True)
        self.netns = int(self.holder.stdout.readline())
        self.before = self.counters()

    def counters(self):
        """OutRsts and the others of Tcp:"""
        with open(f"/proc/{self.holder.pid}/net/snmp") as f:
            names, values = [line.split()[1:] for line in f if line.startswith("Tcp:")]
        return dict(zip(names, map(int, values)))

    def inside(self, *command):
        return ["nsenter", "-t", str(self.holder.pid), "-n", *command]

    def begin(self, traced):
        strace = [*self.script.strace, "-o", self.work + "/calls"] if traced else []
        self.began = time.monotonic()
        with open(self.work + "/said", "w") as said:
            self.process = start(*self.inside(*strace, *self.script.command), cwd=self.script.cwd, stdout=said, stderr=said,
                                 start_new_session=True)

    def over(self):
        if self.process.poll() is None and time.monotonic() - self.began > SCRIPT_S:
            os.killpg(self.process.pid, signal.SIGKILL)     # strace, and what it follows
            self.process.wait()
        return self.process.returncode is not None

    def sockets(self):
        out = subprocess.run(self.inside("ss", "-Htan"), capture_output=True, text=True).stdout
        rows = (line.split()[:5] for line in out.splitlines())
        return collections.Counter((STATES.get(state, state.replace("-", "_")), *(end.rsplit(":", 1)[1] for end in ends))
                                   for state, _, _, *ends in rows)

    def end(self):
        self.holder.kill()
        self.holder.wait()
        for pid in self.process.pid, *self.threads():      # what set_sysctls.py leaves of a script that fails
            with contextlib.suppress(FileNotFoundError):
                os.unlink(f"/tmp/sysctl_restore_{pid}.sh")

    def threads(self):
        return {int(path.rsplit(".", 1)[1]): path for path in glob.glob(self.work + "/calls.*")}


# ---- the truth

def result(text):
    """What a call returned, as tcptrace has it: its number, or the name of its error"""
    value, *error = text.split()[:2]
    value = int(value.split("<")[0])
    return value if value >= 0 else error[0]


def call(line):
    """(name, descriptor, ..., result) of a line of strace about a TCP socket, else None; what closes has none any more"""
    m = re.match(r"(\w+)\((.*)\)\s+= (-?\d+.*)", line)
    if not m:
        return None
    name, args, ret = m[1].removesuffix("4"), m[2], m[3]
    fd = re.match(TCP, ret if name == "socket" else args)
    if not fd:
        return None
    last = args.rsplit(", ", 1)[-1]
    more = [HOW[last]] if name == "shutdown" else [last] if name == "listen" else []
    returned = {"close": [], "shutdown": []}.get(name, [result(ret)])
    return (name, *more, *returned) if name in ("accept", "close") else (name, int(fd[1]), *more, *returned)


def true_calls(run):
    """Of each thread; None: they are not known"""
    calls = {}
    for tid, path in run.threads().items():
        with open(path, errors="replace") as f:
            lines = f.readlines()
        if any(map(NOT_COMPARED.search, lines)):
            return None
        if found := [c for c in map(call, lines) if c]:
            calls[tid] = found
    return calls


def compared_calls(calls, closes):
    """accept() that finds nobody is not told; close() of one of several descriptors is none of the socket."""
    return [c for c in calls if c != ("accept", "EAGAIN") and (closes or c != ("close",))]


# ---- what is told

def as_call(e):
    """The same of an event; None: it is of no call that ends"""
    name = e["event"].removesuffix("-return")
    if name not in CALLS or e["event"] == "connect":
        return None
    more = {"listen": [str(e.get("backlog"))], "shutdown": [e.get("how")]}.get(name, [])
    fd = [] if name in ("accept", "close") else [e.get("fd")]
    returned = [] if name in ("close", "shutdown") else [e.get("fd") if name == "socket" else e.get("errno") or e.get("ret")]
    return (name, *fd, *more, *returned)


def wrong_calls(run, events):
    """Each call of each thread, in its order, and no other. What a process still has when it exits is closed then."""
    told, made, closes = collections.defaultdict(list), true_calls(run), "-b" in run.script.strace
    if made is None:
        return
    for e in events:
        if c := as_call(e):
            told[e["tid"]].append(c)
    for tid in made.keys() | told.keys():
        ours, theirs = (compared_calls(calls, closes) for calls in (told[tid], made.get(tid, [])))
        while len(ours) > len(theirs) and ours[-1] == ("close",):
            ours.pop()
        if ours != theirs:
            same = next((i for i, both in enumerate(zip(ours, theirs)) if both[0] != both[1]), min(len(ours), len(theirs)))
            yield f"calls of thread {tid} after {same}: made {theirs[same:][:9]}, told {ours[same:][:9]}"
    run.compared["calls"] += sum(map(len, made.values()))


def wrong_owners(run, events):
    """Nobody else makes sockets there."""
    there = run.threads()
    for e in events:
        if e.get("tid") and e["tid"] not in there:
            yield f"{e['event']} of {e['comm']}, thread {e['tid']}"


class Sockets:
    """What is there after the events, by what they say."""

    def __init__(self, events):
        self.now, self.steps, self.illegal = {}, 0, []
        for e in events:
            if e["event"] == "state":
                self.transition(e)
            elif e["event"] == "synq-add":
                self.now[e["conn"]] = ("request", *self.ends(e))
            elif e["event"] == "synq-del" and self.now.get(e["conn"], ("",))[0] == "request":
                del self.now[e["conn"]]

    @staticmethod
    def ends(e):
        return str(e.get("lport")), str(e.get("rport") or "*")

    def transition(self, e):
        listens = {e["old"], e["new"]} == {"LISTEN", "CLOSE"}
        key = ("listener", e["listener"]) if listens else e["conn"]
        was = self.now.pop(key, ("CLOSE",))[0]
        if e["old"] != ("LISTEN" if e["new"] == "SYN_RECV" and was != "SYN_SENT" else was):
            self.illegal.append(f"{' '.join(self.ends(e))}: {was}, then {e['old']} to {e['new']}")
        if e["new"] != "CLOSE":
            self.now[key] = (e["new"], *self.ends(e))
        self.steps += 1

    def count(self):
        return collections.Counter((s[0].replace("request", "SYN_RECV"), *s[1:]) for s in self.now.values())


def wrong_sockets(run, events):
    """The last state of each is what ss says."""
    told = Sockets(events)
    yield from told.illegal
    run.compared["transitions"] += told.steps
    seen = []
    for there in run.there:
        gone, new = told.count() - there, there - told.count()
        seen.append([f"told of {' '.join(s)}, which ss has not" for s in gone if s[0] not in MAY_BE_GONE] +
                    [f"ss has {' '.join(s)}, which is not told" for s in new])
    if all(seen):
        yield from seen[0]


def wrong_counters(run, ledger, events):
    rose = {name: run.after[name] - n for name, n in run.before.items()}
    rsts = sum(e["event"] == "rst-sent" for e in events)
    if rsts > rose["OutRsts"] or (rsts < rose["OutRsts"] and TELLS_ALL_RSTS):
        yield f"OutRsts: the kernel {rose['OutRsts']}, told {rsts}"
    for j in ledger:
        run.compared["counters"] += 1
        limit = run.by_tracepoints and run.name.startswith(ICMP_TO_REQUEST[0]) and j["counter"] in ICMP_TO_REQUEST[1]
        if j["kernel"] != j["counted"] and not limit:
            yield f"{j['counter']}: the kernel {j['kernel']}, counted {j['counted']}"


def wrong_listeners(listeners, events):
    """The sums at the end are those of the events, and nobody waits at a listener that is closed."""
    for j in listeners:
        told = collections.Counter(e["event"] for e in events if e.get("listener") == j["listener"] and "errno" not in e)
        for key, event in ("accepted", "accept"), ("drops", "drop"), ("synack_retrans", "synack-retrans"):
            if j[key] != told[event]:
                yield f"listener at {j['lport']}: {key} {j[key]}, told {told[event]}"
        if not j["open"] and (j["synq"]["now"] or j["acceptq"]["now"] or j["synq_young"]):
            yield f"closed listener at {j['lport']}: {j['synq']['now']} ({j['synq_young']} young) and {j['acceptq']['now']} wait"


# ---- a batch: one tcptrace, many scripts

class Batch:
    """Of the whole host: others may make traffic, too."""

    def __init__(self, tcptrace, runs):
        self.runs, self.by_tracepoints = runs, "tracepoint" in tcptrace
        ready, write = os.pipe()
        self.json, self.talk = f"{runs[0].work}/json", f"{runs[0].work}/talk"
        with open(self.json, "w") as out, open(self.talk, "w") as talk:
            self.process = start(*tcptrace, "--json", "--check", "--ready-fd", str(write),
                                 stdout=out, stderr=talk, pass_fds=[write])
        os.close(write)
        if not select.select([ready], [], [], START_S)[0] or not os.read(ready, 1):
            with open(self.talk) as f:
                sys.exit("tcptrace does not start: " + f.read())
        os.close(ready)

    def play(self, traced):
        waiting, going = list(self.runs), []
        while waiting or going:
            while waiting and len(going) < JOBS:
                going.append(waiting.pop(0))
                going[-1].begin(traced)
            time.sleep(.02)
            going = [r for r in going if not r.over()]

    def end(self):
        """What exists is looked at before and after, as timers go on."""
        time.sleep(SWEEPS_S)
        for run in self.runs:
            run.there = [run.sockets()]
        self.process.send_signal(signal.SIGINT)
        self.status = self.process.wait()
        for run in self.runs:
            run.there.append(run.sockets())
            run.after = run.counters()
            run.end()

    def judge(self, traced, compared):
        by_netns = collections.defaultdict(lambda: collections.defaultdict(list))
        with open(self.json, errors="replace") as f:
            lines = [json.loads(line) for line in f]
        for j in lines:
            by_netns[j.get("netns")][j["type"]].append(j)
        end = lines[-1]
        if self.status not in (0, 1) or end["type"] != "end":   # 1: --check, of any namespace of this machine
            yield f"tcptrace ended with status {self.status}"
        for word in "lost", "missed", "illegal", "evicted":
            if end.get(word):
                yield f"{word} {end[word]}"
        with open(self.talk) as f:
            left_out = f.read()
        for run in self.runs:
            run.compared, run.by_tracepoints = compared, self.by_tracepoints
            told = by_netns[run.netns]
            events = told["event"]
            if f"namespace {run.netns} is not compared" in left_out:
                yield f"{run.name}: --check has not compared it"
            for wrong in (wrong_calls(run, events) if traced else (), wrong_owners(run, events) if traced else (),
                          wrong_sockets(run, events), wrong_listeners(told["listener"], events),
                          wrong_counters(run, told["ledger"], events)):
                yield from (f"{run.name}: {w}" for w in wrong)
            compared["events"] += len(events)
            compared["scripts"] += 1
            compared["passed"] += not run.process.returncode


def packetdrill(variant, root):
    """run_all.py's: a name that ends in v4 or v6 is for that family alone."""
    only = os.environ.get("PACKETDRILL_ONLY", "*")
    other = "v4.pkt" if variant == "ipv6" else "v6.pkt"
    for path in sorted(glob.glob(root + "/tcp/**/*.pkt", recursive=True)):
        name = path.removeprefix(root + "/tcp/")
        if not name.endswith(other) and fnmatch.fnmatch(name, only):
            cwd, file = os.path.split(path)
            yield Script(f"{name} {variant}", cwd, [root + "/packetdrill/packetdrill", *OPTIONS, *VARIANTS[variant], file],
                         [*STRACE, "-b", "execve"])


def commands(path):
    with open(path) as f:
        for number, line in enumerate(f, 1):
            yield Script(f"{number} {line.strip()}", os.path.dirname(path), shlex.split(line), STRACE)


def main(what, where, work, *tcptrace):
    where = os.path.abspath(where)
    scripts = list(commands(where) if what == "commands" else packetdrill(what, where))
    compared, traced = collections.Counter(scripts=0), bool(shutil.which("strace"))
    random.Random(os.environ.get("SEED", "1")).shuffle(scripts)    # of all kinds, where time is short
    began, longest = time.monotonic(), 0
    while scripts and time.monotonic() - began + longest < SECONDS:
        batch_began = time.monotonic()
        batch = Batch(tcptrace, [Run(s, work) for s in scripts[:BATCH]])
        batch.play(traced)
        batch.end()
        for line in batch.judge(traced, compared):
            print(line, flush=True)
        del scripts[:BATCH]
        longest = max(longest, time.monotonic() - batch_began)
    print(*(f"{n} {what}," for what, n in compared.items()), len(scripts), "left", file=sys.stderr)


main(*sys.argv[1:])
