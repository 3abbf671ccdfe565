# SPDX-License-Identifier: GPL-2.0-only
"""Every line is one strict JSON object of a known type, with the keys and types of the contract."""
import json
import sys

NUMBERS = {"t_ns", "conn", "listener", "cookie", "lport", "rport", "netns", "pid", "tid", "fd",
           "synq", "synq_young", "synq_max", "acceptq", "acceptq_max", "backlog", "somaxconn",
           "ret", "dur_ns"}
STRINGS = {"time", "event", "family", "laddr", "raddr", "comm", "old", "new", "cause", "errno", "how"}
FLAGS = {"queued", "inferred", "sampled"}


def no_duplicates(pairs):
    keys = [key for key, _ in pairs]
    assert len(keys) == len(set(keys)), f"a key is there twice: {keys}"
    return dict(pairs)


def refuse(word):
    raise ValueError(f"{word} is no JSON")


def check_event(o):
    for key, value in o.items():
        if key in NUMBERS:
            assert type(value) is int, (key, value)
        elif key in STRINGS:
            assert type(value) is str, (key, value)
        elif key in FLAGS:
            assert value is True, (key, value)
        else:
            assert key == "type", f"unknown key {key}"
    assert {"t_ns", "time", "event"} <= set(o), o
    assert o.get("family", "ipv4") in ("ipv4", "ipv6"), o


def main():
    n = 0
    for line in sys.stdin.buffer:
        text = line.decode("utf-8")
        o = json.loads(text, object_pairs_hook=no_duplicates, parse_constant=refuse)
        assert all(c.isprintable() or c == "\n" for c in text), text
        kind = o["type"]
        assert kind in ("event", "lost", "listener", "finding", "ledger", "end"), kind
        if kind == "event":
            check_event(o)
        n += 1
    assert n, "no line at all"


main()
