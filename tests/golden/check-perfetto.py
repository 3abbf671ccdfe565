#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Checks a trace of `tcptrace perfetto`, decoded by protoc, against the events in JSON.

usage: check-perfetto.py TRACE.txt EVENTS.jsonl

Slices nest: on each track, in the order of time, every end has its begin and times do not go
back. Counters are the numbers of JSON: the same values in the same order for each listener.
Refusals, accept() and flows are as many as there.
"""
import json
import sys


def packets(path):
    """Each packet as a dict: what is in it, and what stands in that."""
    packet, depth = None, 0
    for line in open(path, encoding="utf-8"):
        line = line.strip()
        if line == "packet {":
            packet, depth = {}, 1
        elif line.endswith("{"):
            depth += 1
            packet.setdefault("in", []).append(line[:-2])
        elif line == "}":
            depth -= 1
            if not depth:
                yield packet
        elif depth <= 2:  # deeper are annotations
            key, value = line.split(": ", 1)
            packet.setdefault(key, []).append(value.strip('"'))


def one(packet, key):
    return packet.get(key, [None])[0]


def fail(what):
    print(what)
    sys.exit(1)


def main():
    tracks, slices, counters, flows = {}, {}, {}, {}
    refused = accepts = 0
    for p in packets(sys.argv[1]):
        if "track_descriptor" in p.get("in", []):
            uuid = one(p, "uuid")
            if uuid in tracks:
                fail(f"track {uuid} is told twice")
            if one(p, "parent_uuid") and one(p, "parent_uuid") not in tracks:
                fail(f"track {uuid} comes before its parent")
            tracks[uuid] = (one(p, "name"), one(p, "parent_uuid"))
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
        accepts += kind == "SLICE_BEGIN" and name == "accept()"
        for key in ("flow_ids", "terminating_flow_ids"):
            for flow in p.get(key, []):
                flows.setdefault(flow, set()).add(key)

    for uuid, events in slices.items():
        stack, last = [], 0
        for t, kind, name in events:
            if t < last:
                fail(f"{tracks[uuid][0]}: {name} at {t} comes after {last}")
            last = t
            if kind == "SLICE_BEGIN":
                stack.append(name)
            elif kind == "SLICE_END" and not stack:
                fail(f"{tracks[uuid][0]}: an end at {t} that nothing began")
            elif kind == "SLICE_END":
                stack.pop()
        if len(stack) > 2:
            fail(f"{tracks[uuid][0]}: {stack} are open at the end")

    want = {}
    drops = taken = 0
    for line in open(sys.argv[2], encoding="utf-8"):
        e = json.loads(line)
        if e["type"] != "event":
            continue
        drops += e["event"] == "drop"
        taken += e["event"] == "accept" and e.get("tid", 0) > 0
        if "acceptq" not in e or "listener" not in e:
            continue
        for key, name in (("acceptq", "accept queue"), ("synq", "SYN queue"), ("acceptq_max", "limit")):
            values = want.setdefault((e["listener"], name), [])
            if not values or values[-1] != e[key]:
                values.append(e[key])
    got = {}
    for uuid, values in counters.items():
        got.setdefault(tracks[uuid][0], []).append(values)
    for (listener, name), values in want.items():
        if values not in got.get(name, []):
            fail(f"listener {listener}, {name}: {values} is not among {got.get(name)}")
    if sum(len(v) for v in got.values()) != len(want):
        fail(f"{sum(len(v) for v in got.values())} counters instead of {len(want)}")
    if refused != drops:
        fail(f"{refused} refusals instead of {drops}")
    if accepts != taken:
        fail(f"{accepts} accept() instead of {taken}")
    for flow, ends in flows.items():
        if ends == {"terminating_flow_ids"} and "--whole" in sys.argv:
            fail(f"flow {flow} ends, but never began")


main()
