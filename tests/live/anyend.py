# SPDX-License-Identifier: GPL-2.0-only
"""Connections that do anything and end anyhow, and whether what conns says of their ends is what was on the wire.

usage: anyend.py run ADDRESS PORT SEED COUNT > TRUTH    over lo; a line an end of each: its segments as JSON
       anyend.py check TRUTH CONNS                      of `conns -j --ends`; what is not so, a line each
"""
import ctypes
import json
import random
import socket
import struct
import subprocess
import sys
import threading
import time

FIN, SYN, RST = 1, 2, 4
FIRST_CLIENT = 20000
NEAR_NS = 100_000               # of two segments that cross the order is not that of the ends
STEPS = "send", "send", "read", "read_all", "shut", "nap", "nap", "long_nap"
ENDS = "close", "close", "close", "linger", "disconnect", "kill", "shut_both"
RESETS = "reset-unread", "reset-linger", "reset-disconnect", "killed", "reset-late-data", "reset-by-us"
libc = ctypes.CDLL(None)


class Wire(threading.Thread):
    """Each segment of lo, once."""

    def __init__(self):
        super().__init__(daemon=True)
        self.segments, self.over = [], False
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 20)
        self.socket.bind(("lo", 0))
        self.socket.settimeout(0.2)

    def run(self):
        while not self.over:
            try:
                frame, where = self.socket.recvfrom(200)
            except TimeoutError:
                continue
            if where[2] != socket.PACKET_OUTGOING:
                self.look(frame[14:])

    def look(self, packet):
        now = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        if packet[0] >> 4 == 4:
            proto, header, total = packet[9], (packet[0] & 15) * 4, struct.unpack(">H", packet[2:4])[0]
        else:
            proto, header, total = packet[6], 40, struct.unpack(">H", packet[4:6])[0] + 40
        if proto == socket.IPPROTO_TCP:
            source, to, _, _, offset, flags = struct.unpack(">HHIIBB", packet[header:header + 14])
            self.segments.append((now, source, to, flags, total - header - (offset >> 4) * 4))


def play(s, dice):
    s.settimeout(1)
    for step in dice.choices(STEPS, k=dice.randrange(5)):
        if step == "send":
            s.sendall(b"x" * dice.choice((1, 10, 1000, 5000)))
        elif step == "read":
            s.recv(dice.choice((1, 100, 4000)))
        elif step == "read_all":
            while s.recv(65536):
                pass
        elif step == "shut":
            s.shutdown(socket.SHUT_WR)
        else:
            time.sleep(dice.random() * (0.01 if step == "nap" else 0.1))


def end(s, how):
    if how == "linger":
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    elif how == "disconnect":
        libc.connect(s.fileno(), struct.pack("H26x", socket.AF_UNSPEC), 28)
    elif how == "kill":
        subprocess.run(["ss", "-K", "-tn", "sport", "=", f":{s.getsockname()[1]}", "dport", "=", f":{s.getpeername()[1]}"],
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    elif how == "shut_both":
        s.shutdown(socket.SHUT_RDWR)
        time.sleep(0.05)


def live(s, dice):
    try:
        play(s, dice)
    except OSError:
        pass
    try:
        end(s, dice.choice(ENDS))
    except OSError:
        pass
    s.close()


def serve(listener, seed):
    while True:
        s, peer = listener.accept()
        threading.Thread(target=live, args=(s, random.Random(f"{seed} server {peer[1]}")), daemon=True).start()


def dial(family, address, port, mine, seed):
    s = socket.socket(family)
    s.bind((address, mine))
    s.connect((address, port))
    live(s, random.Random(f"{seed} client {mine}"))


def run(address, port, seed, count):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    wire, listener = Wire(), socket.socket(family)
    wire.start()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((address, port))
    listener.listen(4096)
    threading.Thread(target=serve, args=(listener, seed), daemon=True).start()
    clients = [threading.Thread(target=dial, args=(family, address, port, FIRST_CLIENT + i, seed)) for i in range(count)]
    for client in clients:
        client.start()
        time.sleep(0.01)
    for client in clients:
        client.join()
    time.sleep(2)
    wire.over = True
    wire.join()
    for i in range(FIRST_CLIENT, FIRST_CLIENT + count):
        for role, mine, theirs in ("client", i, port), ("server", port, i):
            print(json.dumps({"role": role, "port": i,
                              "out": [[t, f, n] for t, a, b, f, n in wire.segments if (a, b) == (mine, theirs)],
                              "in": [[t, f, n] for t, a, b, f, n in wire.segments if (a, b) == (theirs, mine)]}))


def first(segments, flag):
    """When the first one with that flag came; infinity: none did."""
    return next((t for t, flags, _ in segments if flags & flag), float("inf"))


def wrong(line, truth):
    """What the line says that was not so."""
    word = line["end"]
    fin, their_fin, rst, their_rst = (first(truth[way], flag) for flag in (FIN, RST) for way in ("out", "in"))
    none = float("inf")
    if rst == their_rst == none and not word.startswith("closed-"):
        yield "no RST was there"
    if word == "closed-by-us" and their_fin < fin - NEAR_NS:
        yield "the first FIN was theirs"
    if word == "closed-by-them" and fin < their_fin - NEAR_NS:
        yield "the first FIN was ours"
    if word == "reset-by-them" and (their_rst == none or rst < their_rst - NEAR_NS):
        yield "the RST was ours"
    if word in RESETS and (rst == none or their_rst < rst - NEAR_NS):
        yield "the RST was theirs"
    for key, way in ("bytes_out", "out"), ("bytes_in", "in"):
        sent = sum(n for _, _, n in truth[way])
        if line.get(key, 0) > sent or (key == "bytes_out" and line.get(key) != sent):
            yield f"{key} {line.get(key)}, on the wire {sent}"


def check(truth_file, conns_file):
    lines, ends, bad = {}, 0, 0
    with open(conns_file) as f:
        for line in map(json.loads, f):
            if line.get("type") == "conn":
                port = line["lport" if line.get("role") == "client" else "rport"]
                lines.setdefault((line.get("role"), port), []).append(line)
    with open(truth_file) as f:
        for truth in map(json.loads, f):
            of = lines.get((truth["role"], truth["port"]), [])
            said = [f"{len(of)} lines"] if len(of) != 1 else [f"{of[0]['end']}: {w}" for w in wrong(of[0], truth)]
            ends += 1
            for what in said:
                bad += 1
                print(f"{truth['role']} {truth['port']}: {what}")
    print(f"{ends} ends compared", file=sys.stderr)
    return bad != 0 or not ends


if __name__ == "__main__":
    if sys.argv[1] == "run":
        run(sys.argv[2], *map(int, sys.argv[3:6]))
    else:
        sys.exit(check(*sys.argv[2:4]))
