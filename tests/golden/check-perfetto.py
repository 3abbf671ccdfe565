#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Checks a trace of `tcptrace perfetto`, decoded by protoc, against the events in JSON.

usage: check-perfetto.py TRACE.txt EVENTS.jsonl

Slices nest: on each track, in the order of time, every end has its begin and times do not go
back. A connection's slice holds one for each stage, a call's nothing. Counters are the numbers
of JSON: the same values in the same order for each listener. Refusals and the calls of each
thread are as many as there, each call as long as there. Arrows: each that ends has begun, and
they lead from connect() to the connection of the same two ends, from "accept queue" to accept().
"""
import collections
import json
import sys


def packets(path):
    """Each packet as a dict: what is in it and what stands in that; annotations as "note"; the thread of a track."""
    packet, depth, inner = None, 0, {}
    for line in open(path, encoding="utf-8"):
        line = line.strip()
        key, _, value = line.partition(": ")
        value = value.strip('"')
        if line == "packet {":
            packet, depth = {"note": {}}, 1
        elif line.endswith("{"):
            depth += 1
            packet.setdefault("in", []).append(line[:-2])
            inner = {}
        elif line == "}":
            if depth == 3 and "name" in inner:
                packet["note"][inner["name"]] = inner.get("uint_value", inner.get("string_value"))
            elif depth == 3 and "tid" in inner:
                packet["tid"] = [inner["tid"]]
            depth -= 1
            if not depth:
                yield packet
        elif depth <= 2:
            packet.setdefault(key, []).append(value)
        else:
            inner[key] = value


def one(packet, key):
    return packet.get(key, [None])[0]


def fail(what):
    print(what)
    sys.exit(1)


STAGES = ["SYN queue", "accept queue", "open", "closing"]
CALLS = {"accept": "accept()", "connect-return": "connect()", "close": "close()"}


def check_slices(track, events):
    """Of one track, in the order of the file, which is that of time; yields (begin, end, names from the outermost in)."""
    stack, last = [], 0
    for t, kind, name in events:
        if t < last:
            fail(f"{track}: {name} at {t} comes after {last}")
        last = t
        if kind == "SLICE_BEGIN":
            stack.append((t, name))
            names = [n for _, n in stack]
            if name in STAGES and not (len(names) == 2 and names[0].startswith("conn ")):
                fail(f"{track}: {names}: a stage lies in its connection")
            if name not in STAGES and len(names) > 1:
                fail(f"{track}: {names}: nothing but stages lies in another")
        elif kind == "SLICE_END" and not stack:
            fail(f"{track}: an end at {t} that nothing began")
        elif kind == "SLICE_END":
            yield stack[-1][0], t, [n for _, n in stack]
            stack.pop()
    if len(stack) > 2:
        fail(f"{track}: {stack} are open at the end")


def check_counters(tracks, counters, events):
    want = {}
    for e in events:
        if "acceptq" not in e or "listener" not in e:
            continue
        for key, name in (("acceptq", "accept queue"), ("synq", "SYN queue"), ("acceptq_max", "limit")):
            values = want.setdefault((e["listener"], name), [])
            if not values or values[-1] != e[key]:
                values.append(e[key])
    got = {}
    for uuid, values in counters.items():
        got.setdefault(tracks[uuid]["name"], []).append(values)
    for (listener, name), values in want.items():
        if values not in got.get(name, []):
            fail(f"listener {listener}, {name}: {values} is not among {got.get(name)}")
    if sum(len(v) for v in got.values()) != len(want):
        fail(f"{sum(len(v) for v in got.values())} counters instead of {len(want)}")


def check_calls(calls, events):
    """As many for each thread, each as long; one may begin later, where its thread's last one had not ended."""
    want = collections.Counter()
    longest = {}
    for e in events:
        if e["event"] in CALLS and e.get("tid", 0) > 0:
            key = (e["tid"], CALLS[e["event"]])
            want[key] += 1
            longest.setdefault(key, []).append(e.get("dur_ns", 0))
    got = collections.Counter((tid, name) for tid, name, _ in calls)
    if got != want:
        fail(f"calls by thread: {dict(got)} instead of {dict(want)}")
    for tid, name, duration in calls:
        allowed = longest[tid, name].pop(0)
        if duration > allowed:
            fail(f"{name} of thread {tid} took {duration} ns instead of {allowed}")


def ends_of(events):
    """Both ends of each conn, the client's first: {conn: (client, server)}; a client is who called connect()."""
    clients, ends = set(), {}
    for e in events:
        conn = e.get("conn", 0)
        if not conn or not e.get("lport") or not e.get("rport"):
            continue
        if e["event"] in ("connect", "connect-return"):
            clients.add(conn)
        # the last step of a socket may have lost its address
        ends.setdefault(conn, (f"{e['laddr']}:{e['lport']}", f"{e['raddr']}:{e['rport']}"))
    return {conn: pair if conn in clients else pair[::-1] for conn, pair in ends.items()}


def check_flows(begun, ended, events):
    """begun: {flow: what it began at}; ended: [(flow, names, conn)]."""
    ends = ends_of(events)
    returned = {ends.get(e["conn"]) for e in events if e["event"] == "connect-return" and e.get("conn")}
    for flow, name, conn in ended:
        if flow not in begun and name != "accept()" and ends[conn] not in returned:
            continue  # it was called, and no one saw it return
        if flow not in begun:
            fail(f"an arrow ends at {name} of conn {conn}, but never began")
        from_name, from_conn = begun[flow]
        if (from_name, name) not in (("connect()", "accept queue"), ("connect()", "open"), ("accept queue", "accept()")):
            fail(f"an arrow leads from {from_name} to {name}")
        same = from_conn == conn if name == "accept()" else ends.get(from_conn) == ends.get(conn)
        if not same:
            fail(f"an arrow leads from {from_name} of conn {from_conn} to {name} of conn {conn}")
    if len({flow for flow, _, _ in ended}) != len(ended):
        fail("an arrow ends twice")
    return collections.Counter(begun[flow][0] for flow, _, _ in ended if flow in begun)


def main():
    tracks, slices, counters, begun, ended = {}, {}, {}, {}, []
    conn_in, stage_in = {}, {}
    refused = 0
    for p in packets(sys.argv[1]):
        if "track_descriptor" in p.get("in", []):
            uuid = one(p, "uuid")
            if uuid in tracks:
                fail(f"track {uuid} is told twice")
            if one(p, "parent_uuid") and one(p, "parent_uuid") not in tracks:
                fail(f"track {uuid} comes before its parent")
            tracks[uuid] = {"name": one(p, "name"), "tid": int(one(p, "tid") or 0)}
        if "track_event" not in p.get("in", []):
            continue
        uuid, t, kind, name = one(p, "track_uuid"), int(one(p, "timestamp")), one(p, "type"), one(p, "name")
        if uuid not in tracks:
            fail(f"an event of the unknown track {uuid}")
        if kind == "COUNTER":
            counters.setdefault(uuid, []).append(int(one(p, "counter_value")))
            continue
        slices.setdefault(uuid, []).append((t, kind, name))
        refused += (name or "").startswith("refused ")
        if kind == "SLICE_BEGIN":
            stage_in[uuid] = name
            if tracks[uuid]["tid"]:
                conn_in[uuid] = int(p["note"].get("conn", 0))
            elif name.startswith("conn "):
                conn_in[uuid] = int(name.split()[1])
        for flow in p.get("flow_ids", []):
            begun[flow] = (name, conn_in[uuid])
        for flow in p.get("terminating_flow_ids", []):
            ended.append((flow, stage_in[uuid], conn_in[uuid]))

    events = [e for e in map(json.loads, open(sys.argv[2], encoding="utf-8")) if e["type"] == "event"]
    calls = []
    for uuid, of_track in slices.items():
        for begin, end, names in check_slices(tracks[uuid]["name"], of_track):
            if tracks[uuid]["tid"]:
                calls.append((tracks[uuid]["tid"], names[0], end - begin))
    check_counters(tracks, counters, events)
    check_calls(calls, events)
    drops = sum(e["event"] == "drop" for e in events)
    if refused != drops:
        fail(f"{refused} refusals instead of {drops}")
    arrows = check_flows(begun, ended, events)
    print(f"{len(tracks)} tracks, {sum(len(v) for v in slices.values())} steps of slices, {len(calls)} calls, "
          f"{arrows['connect()']} arrows from connect(), {arrows['accept queue']} to accept()")


main()
