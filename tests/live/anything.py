# SPDX-License-Identifier: GPL-2.0-only
"""Processes that do anything with TCP sockets, and whether what tcptrace says of them is so.

usage: anything.py run SEED STEPS PROCESSES > TRUTH     each line a step, as JSON, with the time before and after it; they
                                                        begin when their input ends
       anything.py check TRUTH JSON[:PID,...]...        what is not so, a line each; then how much was compared. PID: that
                                                        run was asked for these alone

No part of a run, whatever it was asked for, may name a process that did not have the socket then, or a descriptor that
was another one's; nor count accepts that nobody made.
"""
import collections
import ctypes
import json
import os
import random
import select
import socket
import struct
import sys
import threading
import time

FIRST_PORT = 10000          # of listeners: each has one of its own
SHARED_PORTS = 10900, 10901  # any process may listen there, too
NOBODY_LISTENS = 19000
MPTCP = 262
SLACK_NS = 5_000_000
MANY_CONNS = 40
PR_SET_NAME = 15
libc = ctypes.CDLL(None)


def as_key(read):
    return tuple(read) if isinstance(read, list) else read


class Process:
    def __init__(self, no, seed, mail):
        self.random, self.no, self.mail = random.Random(f"{seed}.{no}"), no, mail
        self.processes, self.next_port = len(mail), no
        self.listeners, self.conns = [], []     # (key, socket): key is its port, or both
        self.children = []
        self.shared = set()     # keys of what another process may have, too

    def tell(self, began, step, **more):
        with open("/proc/self/comm") as f:
            comm = f.read().strip()
        more |= {"t0": began, "t1": time.monotonic_ns(), "pid": os.getpid(), "comm": comm, "step": step}
        os.write(1, (json.dumps(more) + "\n").encode())

    def has(self, began, key, s):
        self.tell(began, "has", key=key, fd=s.fileno())

    def close(self, key, s):
        fd, began = s.fileno(), time.monotonic_ns()
        s.close()
        self.tell(began, "closes", key=key, fd=fd)

    # ---- listeners

    def listen(self, port, s):
        backlog, began = self.random.choice([0, 1, 2, 3, 8, 128]), time.monotonic_ns()
        try:
            s.listen(backlog)
        except OSError:
            return
        self.tell(began, "listens", key=port, backlog=backlog)

    def open_listener(self):
        if len(self.listeners) > 3:
            return
        r, shared = self.random, self.random.random() < .2
        port = r.choice(SHARED_PORTS) if shared else FIRST_PORT + self.next_port
        self.next_port += 0 if shared else self.processes
        v6 = r.random() < .4
        s = self.socket(v6)
        if v6:
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, r.random() < .3)
        if r.random() < .1:
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 1)
        if shared or r.random() < .2:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        try:
            s.bind((r.choice(["::", "::", "::1"] if v6 else ["0.0.0.0", "127.0.0.1", "127.0.0.2"]), port))
        except OSError:     # a connection has that port
            s.close()
            return
        began = time.monotonic_ns()
        self.has(began, port, s)
        self.listen(port, s)
        s.setblocking(False)
        self.listeners.append((port, s))

    def listen_again(self):
        if self.listeners:
            self.listen(*self.random.choice(self.listeners))

    def shut_and_listen(self):
        if not self.listeners:
            return
        port, s = self.random.choice(self.listeners)
        try:
            s.shutdown(socket.SHUT_RD)
        except OSError:
            return      # an earlier one found its port taken
        self.listen(port, s)

    def close_listener(self):
        if self.listeners:
            self.close(*self.listeners.pop(self.random.randrange(len(self.listeners))))

    def accept(self):
        if not self.listeners:
            return
        port, s = self.random.choice(self.listeners)
        for _ in range(self.random.randrange(1, 4)):
            began = time.monotonic_ns()
            try:
                a, peer = s.accept()
            except OSError:
                return
            key = port, peer[1]
            self.tell(began, "accepts", key=key, fd=a.fileno())
            self.has(began, key, a)
            a.setblocking(False)
            self.conns.append((key, a))

    def accept_in_thread(self):
        def body():
            libc.prctl(PR_SET_NAME, b"thread", 0, 0, 0)
            self.accept()
        t = threading.Thread(target=body)
        t.start()
        t.join()

    def wait_and_accept(self):
        if self.listeners and select.select([s for _, s in self.listeners], [], [], .02)[0]:
            self.accept()

    # ---- connections

    def socket(self, v6):
        family = socket.AF_INET6 if v6 else socket.AF_INET
        if self.random.random() < .1:
            try:
                return socket.socket(family, socket.SOCK_STREAM, MPTCP)
            except OSError:
                pass        # the kernel has none
        return socket.socket(family)

    def port(self):
        return self.random.choices([FIRST_PORT + self.random.randrange(max(0, self.next_port - 12), self.next_port + 4),
                                    self.random.choice(SHARED_PORTS), NOBODY_LISTENS], [8, 1, 1])[0]

    def connect(self):
        r = self.random
        if len(self.conns) > MANY_CONNS:
            return
        v6 = r.random() < .25
        s = self.socket(v6)
        s.settimeout(r.choice([0, .03]))
        if r.random() < .1:
            s.bind(("::" if v6 else "0.0.0.0", 0))
        self.call(s, v6)

    def call(self, s, v6):
        r, began = self.random, time.monotonic_ns()
        to = r.choice(["::1", "::ffff:127.0.0.1"] if v6 else ["127.0.0.1", "127.0.0.2"]), self.port()
        before = key = s.getsockname()[1], to[1]     # which it may keep until it is called
        self.has(began, key, s)
        s.connect_ex(to)
        try:
            key = s.getsockname()[1], s.getpeername()[1]
        except OSError:
            self.close(key, s)
            return
        self.tell(began, "closes", key=before, fd=s.fileno())
        self.has(began, key, s)
        self.conns.append((key, s))

    def call_another(self):
        """A socket that listened, or had a connection, has one to elsewhere."""
        if not (one := self.any()):
            return
        which, i = one
        key, s = which[i]
        if key in self.shared:
            return
        began = time.monotonic_ns()
        try:
            if which is self.listeners:
                s.shutdown(socket.SHUT_RD)
            elif libc.connect(s.fileno(), bytes(16), 16):   # AF_UNSPEC
                return
        except OSError:
            return
        del which[i]
        self.tell(began, "closes", key=key, fd=s.fileno())
        self.call(s, s.family == socket.AF_INET6)

    def flood(self):
        for _ in range(self.random.randrange(2, 7)):
            self.connect()

    def close_conn(self):
        if not self.conns:
            return
        key, s = self.conns.pop(self.random.randrange(len(self.conns)))
        try:
            if self.random.random() < .2:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:
            pass
        self.close(key, s)

    def talk(self):
        for _, s in self.random.sample(self.conns, min(3, len(self.conns))):
            try:
                self.random.choice([lambda: s.send(b"x" * self.random.randrange(1, 3000)), lambda: s.recv(4000),
                                    lambda: s.shutdown(self.random.randrange(3))])()
            except OSError:
                pass

    # ---- both

    def any(self):
        """A list and a place in it, or None."""
        which = self.random.choice([self.conns, self.listeners])
        return (which, self.random.randrange(len(which))) if which else None

    def duplicate(self):
        if not (one := self.any()):
            return
        which, i = one
        key, s = which[i]
        began = time.monotonic_ns()
        d = s.dup()
        d.setblocking(False)
        self.has(began, key, d)
        which[i] = key, d
        self.close(key, s)

    def hand_on(self):
        """A copy of a descriptor to another process, which may have ended."""
        if not (one := self.any()):
            return
        which, i = one
        key, s = which[i]
        try:
            socket.send_fds(self.random.choice(self.mail)[1], [json.dumps(key).encode()], [s.fileno()])
        except OSError:
            return
        self.shared.add(key)
        if self.random.random() < .7:
            del which[i]
            self.close(key, s)

    def receive(self):
        began = time.monotonic_ns()
        try:
            text, fds, *_ = socket.recv_fds(self.mail[self.no][0], 100, 1)
        except OSError:
            return False
        key, s = as_key(json.loads(text)), socket.socket(fileno=fds[0])
        self.has(began, key, s)
        s.setblocking(False)
        self.shared.add(key)
        (self.conns if isinstance(key, tuple) else self.listeners).append((key, s))
        return True

    def fork(self):
        """It has what this one has, and ends before."""
        if len(self.children) > 2:
            return
        began = time.monotonic_ns()
        self.shared |= {key for key, _ in self.listeners + self.conns}
        if pid := os.fork():
            self.children.append(pid)
            return
        self.mail, self.children = [], []
        self.random.seed(os.getpid())
        for key, s in self.listeners + self.conns:
            self.has(began, key, s)
        self.steps(15, {self.accept: 5, self.close_conn: 4, self.talk: 2, self.rename: 1, self.listen_again: 1,
                        self.accept_in_thread: 1, self.connect: 2, self.close_listener: 1})
        os._exit(0)

    def reap(self):
        while self.children:
            os.waitpid(self.children.pop(), 0)

    def rename(self):
        libc.prctl(PR_SET_NAME, b"name-%d" % self.random.randrange(1000), 0, 0, 0)
        self.tell(time.monotonic_ns(), "renames")

    def steps(self, n, often):
        self.rename()
        for _ in range(n):
            self.random.choices(list(often), list(often.values()))[0]()
            if self.random.random() < .5:
                time.sleep(self.random.random() * .01)
        for key, s in self.listeners + self.conns:
            self.close(key, s)

    def run(self, n):
        self.tell(time.monotonic_ns(), "begins")
        sys.stdin.read()
        self.steps(n, {self.open_listener: 6, self.listen_again: 1, self.shut_and_listen: 1, self.close_listener: 2,
                       self.accept: 20, self.accept_in_thread: 3, self.wait_and_accept: 3, self.connect: 16, self.flood: 4,
                       self.close_conn: 18, self.talk: 8, self.duplicate: 2, self.rename: 1, self.hand_on: 3, self.call_another: 2,
                       self.receive: 4, self.fork: 1, self.reap: 1})
        self.reap()


def run(seed, steps, processes):
    pids, mail = [], [socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM) for _ in range(processes)]
    for end in sum(mail, ()):
        end.setblocking(False)
    for no in range(processes):
        pid = os.fork()
        if not pid:
            Process(no, seed, mail).run(steps)
            os._exit(0)
        pids.append(pid)
    failed = any([os.waitpid(pid, 0)[1] for pid in pids])
    for no in range(processes):         # who has the letters left is the last to have what is in them
        last = Process(no, seed, mail)
        while last.receive():
            pass
        last.steps(0, {})
    return failed


class Truth:
    def __init__(self, path):
        self.held, self.accepts, self.listens = (collections.defaultdict(list) for _ in range(3))
        self.names = collections.defaultdict(set)
        has = {}
        with open(path) as f:
            steps = sorted(map(json.loads, f), key=lambda s: s["t1"])
        for s in steps:
            key = as_key(s.get("key"))
            self.names[s["pid"]].add(s["comm"])
            if s["step"] == "has":
                has[s["pid"], s["fd"]] = s
                self.held[key].append(s)
                s["until"] = float("inf")
            elif s["step"] == "closes":
                has.pop((s["pid"], s["fd"]))["until"] = s["t1"]
            elif s["step"] == "accepts":
                self.accepts[key].append(s)
            elif s["step"] == "listens":
                self.listens[key].append(s)

    def holders(self, key, t):
        """At t, or, if nobody has it, who had it last. Of what was handed on: whoever had it, as nothing tells of that."""
        past = [h for h in self.held.get(key, []) if h["t0"] - SLACK_NS <= t]
        last = max((h["until"] for h in past), default=0)
        shared = len({h["pid"] for h in past}) > 1
        return {h["pid"] for h in past if shared or h["until"] + SLACK_NS >= min(t, last)}

    def owners(self, lport, rport, t, of_queue):
        """Who may be named for a step of that socket: of one that nobody has accepted yet, who has its listener."""
        if not rport:
            return self.holders(lport, t)
        held = self.held.get((lport, rport), [])        # of one connection after the other, where a port came again
        taken = max((h["t0"] for h in held), default=float("inf"))
        has = any(h["t0"] + SLACK_NS < t < h["until"] - SLACK_NS for h in held)
        pids = self.holders((lport, rport), t)
        return pids | self.holders(lport, t) if of_queue or (t <= taken + SLACK_NS and not has) else pids

    def was_called(self, pid, comm):
        return comm in self.names[pid] | {"thread"} or comm.startswith("python")

    def descriptors(self, lport, rport, pid, t):
        return {h["fd"] for key in (lport, (lport, rport)) for h in self.held.get(key, [])
                if h["pid"] == pid and h["t0"] - SLACK_NS <= t}


def wrong_accepts(truth, events, only):
    told = [e for e in events if e["event"] == "accept" and e.get("ret", 0) >= 0]
    if not told:
        return
    for key, accepts in truth.accepts.items():
        for a in accepts:
            if only and a["pid"] not in only:
                continue
            # an MPTCP socket that was reset while it waited has no remote end any more
            near = [e for e in told if ((e.get("lport"), e.get("rport")) == key or
                                        (e.get("lport"), e.get("rport"), e.get("fd")) == (key[0], None, a["fd"])) and
                    a["t0"] - SLACK_NS <= e["t_ns"] <= a["t1"] + SLACK_NS]
            if [(e.get("pid"), e.get("fd")) for e in near] != [(a["pid"], a["fd"])]:
                yield f"accept() of {key} by {a['pid']}, descriptor {a['fd']}: told {near}"


def wrong_owners(truth, events):
    # a client's port came again while somebody still had the descriptor of the first connection
    begun = collections.Counter((e.get("lport"), e.get("rport")) for e in events if e.get("old") == "LISTEN")
    for e in events:
        lport, rport, pid, t = e.get("lport"), e.get("rport"), e.get("pid"), e["t_ns"]
        # who lists descriptors may be the last who has one
        if not pid or not lport or e["event"] in ("socket", "bind") or e["comm"] == "tcptrace":
            continue
        if (lport, rport) not in truth.held and lport not in truth.held:
            continue
        what = f"{e['event']} {e.get('old', '')} {e.get('new', '')} {lport} {rport} at {t}"
        if pid not in (owners := truth.owners(lport, rport, t, "acceptq" in e or begun[lport, rport] > 1)):
            yield f"{what}: of {pid}, {owners} had it"
        elif e["event"] != "accept" and e.get("fd", None) not in (fds := truth.descriptors(lport, rport, pid, t)) | {None}:
            yield f"{what}: descriptor {e['fd']}, {pid} had {fds}"
        elif not truth.was_called(pid, e["comm"]):
            yield f"{what}: {pid} was never called {e['comm']}"


def wrong_conns(truth, conns):
    """Each end is one of those who had it, or its listener, from its begin on: they may get it when it is over."""
    for c in conns:
        ends = (("", c["lport"], c["rport"]), ("peer_", c["rport"], c["lport"]))
        for whose, lport, rport in ends:
            pid, comm = c.get(whose + "pid"), c.get(whose + "comm")
            keys = {(lport, rport), lport} & set(truth.held)
            if pid is None or comm == "tcptrace" or not keys:
                continue
            pids = {h["pid"] for k in keys for h in truth.held[k] if h["until"] + SLACK_NS >= c["start_ns"]}
            pids |= {p for k in keys for p in truth.holders(k, c["start_ns"])}
            if pid not in pids:
                yield f"conn {lport} {rport} at {c['start_ns']} to {c['t_ns']}: of {pid}, {pids} had it"
            elif not truth.was_called(pid, comm):
                yield f"conn {lport} {rport}: {pid} was never called {comm}"


def wrong_listeners(truth, listeners, only):
    by_port = collections.defaultdict(list)
    for j in listeners:
        if j["lport"] in truth.listens:
            by_port[j["lport"]].append(j)
        elif j["lport"] in truth.held:
            yield f"listener {j['lport']}: nobody listened there"
    for port, lives in by_port.items():
        accepts = [a for key, all_ in truth.accepts.items() if key[0] == port for a in all_]
        opened, last = truth.listens[port], lives[-1]
        # that of another process at the same port is not told
        hidden = only and port in SHARED_PORTS
        if not hidden and all("accepted" in j and "accepted" not in j.get("at_least", {}) for j in lives):
            if (told := sum(j["accepted"] for j in lives)) != len(accepts):
                yield f"listener {port}: accepted {told}, not {len(accepts)}"
        if "effective" in last and last["effective"] not in {s["backlog"] for s in opened}:
            yield f"listener {port}: limit {last['effective']}, which no listen() gave it"
        # a call of another process is hidden until the kernel's own limit shows it
        given = {s["backlog"] for s in opened if s is opened[-1] or s["pid"] in only or port in SHARED_PORTS}
        if last.get("backlog", opened[-1]["backlog"]) not in given:
            yield f"listener {port}: backlog {last['backlog']}, not {given}"
        holders = {h["pid"] for h in truth.held[port]}
        # where no listen() was seen the opener is who had it when we looked, and who accepts at another one's address is
        # told apart by the next list only (one may accept for other ports: TPROXY)
        called = "backlog" in last
        for role, pids in ("opener", {s["pid"] for s in opened} if called else holders), ("holder", holders), \
                ("acceptor" if called else "", {a["pid"] for a in accepts}):
            if role in last and last[role]["pid"] not in pids:
                yield f"listener {port}: {role} {last[role]}, not {pids}"


def check(path, *parts):
    truth = Truth(path)
    for part in parts:
        part, _, pids = part.partition(":")
        only = set(map(int, filter(None, pids.split(","))))
        with open(part) as f:
            told = [json.loads(line) for line in f]
        events, listeners, conns = ([j for j in told if j["type"] == t] for t in ("event", "listener", "conn"))
        name = os.path.basename(part)
        for wrong in wrong_accepts(truth, events, only), wrong_owners(truth, events), wrong_listeners(truth, listeners, only), \
                wrong_conns(truth, conns):
            for line in wrong:
                print(f"{name}: {line}")
        print(name, len(events), "events", len(listeners), "listeners", sum(map(len, truth.accepts.values())), "accepted",
              len(conns), "conns", file=sys.stderr)


if sys.argv[1] == "run":
    sys.exit(run(sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
check(*sys.argv[2:])
