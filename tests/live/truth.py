# SPDX-License-Identifier: GPL-2.0-only
"""Clients that count their bytes, and whether tcptrace counted the same.

usage: truth.py nginx|redis|postgres PORT COUNT         prints "KIND PORT OUT IN FIRST" for each connection: PORT its
                                                        own, FIRST who closed it first
       truth.py --check CSV LINES SERVER-PORT [ACCESS]  of `tcptrace conns --csv --ends`; ACCESS: "PORT IN OUT" of nginx
       truth.py --beside CSV TCPLIFE FROM TO            what tcplife printed of sockets with a port of FROM to TO
"""
import csv
import random
import socket
import struct
import sys


class Counted:
    def __init__(self, port):
        self.s = socket.create_connection(("127.0.0.1", port))
        self.port = self.s.getsockname()[1]
        self.out = self.into = 0

    def send(self, data):
        self.s.sendall(data)
        self.out += len(data)

    def receive(self, n=65536):
        data = self.s.recv(n)
        self.into += len(data)
        return data

    def exactly(self, n):
        data = b""
        while len(data) < n:
            more = self.receive(n - len(data))
            assert more, "the server closed"
            data += more
        return data

    def to_the_end(self):
        while self.receive():
            pass
        return "server"


def nginx(c, _):
    path = random.choice(["f0", "f1", "f2", "f3", "none"])
    c.send(f"GET /{path} HTTP/1.1\r\nHost: x\r\nX: {'y' * random.randrange(500)}\r\nConnection: close\r\n\r\n".encode())
    return c.to_the_end()


def redis(c, i):
    value = "z" * random.randrange(20000)
    c.send(f"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n${len(value)}\r\n{value}\r\n".encode())
    c.exactly(len("+OK\r\n"))
    c.send(b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n")
    c.exactly(len(f"${len(value)}\r\n{value}\r\n"))
    if i % 3 == 0:
        c.send(b"*1\r\n$4\r\nQUIT\r\n")
        return c.to_the_end()
    return "client"


def message(c):
    kind, length = struct.unpack("!cI", c.exactly(5))
    c.exactly(length - 4)
    return kind


def postgres(c, i):
    words = b"user\0postgres\0database\0postgres\0\0"
    c.send(struct.pack("!II", 8 + len(words), 196608) + words)
    while message(c) != b"Z":
        pass
    query = f"SELECT repeat('x', {random.randrange(20000)})\0".encode()
    c.send(b"Q" + struct.pack("!I", 4 + len(query)) + query)
    while message(c) != b"Z":
        pass
    if i % 3:
        c.send(b"X" + struct.pack("!I", 4))	# Terminate: the server closes
        return c.to_the_end()
    return "client"


def run(kind, port, count):
    random.seed(7)
    for i in range(count):
        c = Counted(port)
        first = {"nginx": nginx, "redis": redis, "postgres": postgres}[kind](c, i)
        c.s.close()
        print(kind, c.port, c.out, c.into, first)


def in_turn(pairs):
    """A port may be used again: {port: its connections in their order}"""
    found = {}
    for port, what in pairs:
        found.setdefault(port, []).append(what)
    return found


def check(table, lines, port, access=None):
    with open(table, newline="", encoding="utf-8") as f:
        rows = list(csv.DictReader(f, strict=True))
    server = in_turn((r["rport"], r) for r in rows if r["role"] == "server" and r["lport"] == port)
    client = in_turn((r["lport"], r) for r in rows if r["role"] == "client" and r["rport"] == port)
    logged = {}
    if access:
        with open(access, encoding="utf-8") as f:
            logged = in_turn((p, counts) for p, *counts in map(str.split, f))
    with open(lines, encoding="utf-8") as f:
        for kind, p, out, into, first in map(str.split, f):
            if not server.get(p) or not client.get(p):
                print(f"{kind} {p}: no line of", "the client" if server.get(p) else "the server")
                continue
            s, c = server[p].pop(0), client[p].pop(0)
            said = logged[p].pop(0) if access else [out, into]
            seen = [s["bytes_in"], s["bytes_out"], c["bytes_out"], c["bytes_in"]]
            if seen != [out, into, out, into] or said != [out, into]:
                print(f"{kind} {p}: counted {out} {into}, seen {seen}, logged {said}")
            ends = ["closed-by-us", "closed-by-them"]
            if [s["end"], c["end"]] != (ends if first == "server" else ends[::-1]):
                print(f"{kind} {p}: the {first} closed first, seen {s['end']}, {c['end']}")


def beside(table, lines, low, high):
    """tcplife rounds to 10 bytes, and counts a SYN and a FIN of each side as bytes, and what was acknowledged alone"""
    ours, n = {}, 0
    with open(table, newline="", encoding="utf-8") as f:
        for r in csv.DictReader(f, strict=True):
            ours.setdefault((r["laddr"], r["lport"], r["raddr"], r["rport"]), []).append(r)
    with open(lines, encoding="utf-8") as f:
        for line in map(str.split, f):
            if len(line) != 9 or not any(int(low) <= int(line[i]) <= int(high) for i in (3, 5) if line[i].isdigit()):
                continue
            n += 1
            sent, taken = float(line[6]) * 1024, float(line[7]) * 1024
            near = [r for r in ours.get(tuple(line[2:6]), []) if not r.get("taken") and abs(taken - int(r["bytes_in"] or 0)) < 8
                    and abs(sent - int(r["bytes_out"] or 0) + (int(r["undelivered"] or 0) if r["end"] == "timed-out" else 0)) < 8]
            if near:
                near[0]["taken"] = True
            else:
                print("not here:", *line)
    print(n, "of tcplife")


if sys.argv[1] == "--check":
    check(*sys.argv[2:])
elif sys.argv[1] == "--beside":
    beside(*sys.argv[2:])
else:
    run(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
