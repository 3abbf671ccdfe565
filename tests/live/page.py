#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Checks a page of `tcptrace report` against the JSON that the same run wrote beside it.

usage: page.py PAGE.html EVENTS.jsonl

The numbers of each listener are those of its last line; its queues over time are those of the
events, each change, or where there were too many as low, as high and in the end as there; what
the page left out is as much as is missing; no URL is in it. Listeners are told apart by address
and owner: JSON that was made of a recording counts them anew.
"""
import json
import re
import sys


def fail(what):
    print(what)
    sys.exit(1)


def changes(events, listener, key):
    values = []
    for e in events:
        if e.get("listener") == listener and key in e and (not values or values[-1] != e[key]):
            values.append(e[key])
    return values


def check_series(name, s, want):
    if not s["interval_us"]:
        if s["last"] != want:
            fail(f"{name}: {s['queue']} is {s['last']} instead of {want}")
        return
    got = min(s["min"]), max(s["max"]), s["last"][-1]
    if got != (min(want), max(want), want[-1]):
        fail(f"{name}: {s['queue']} from, to, last are {got}, not {min(want), max(want), want[-1]}")


def check_listener(page, line, events):
    name = f"[{line['laddr']}]:{line['lport']}" if ":" in line["laddr"] else f"{line['laddr']}:{line['lport']}"
    owner = f"{line['opener']['comm']}[{line['opener']['pid']}]"
    got = next((x for x in page["listeners"] if (x["name"], x["owner"]) == (name, owner)), None)
    if not got:
        fail(f"{name} of {owner} is not on it")
    want = {"acceptq": line["acceptq"]["now"], "acceptq_peak": line["acceptq"]["peak"], "synq": line["synq"]["now"],
            "synq_peak": line["synq"]["peak"], "established": line["established"], "accepted": line["accepted"],
            "refused": line["drops"]}
    for key, n in want.items():
        if got.get(key) != n:
            fail(f"{name}: {key} is {got.get(key)} instead of {n}")
    for s in page["series"]:
        if s["listener"] == got["listener"]:
            check_series(name, s, changes(events, line["listener"], s["queue"]))


def main():
    html = open(sys.argv[1], encoding="utf-8").read()
    data = re.search(r'<script type="application/json" id="tcptrace-data">(.*?)</script>', html, re.S)
    if not data:
        fail("there is no data in it")
    page = json.loads(data.group(1))
    lines = [json.loads(line) for line in open(sys.argv[2], encoding="utf-8")]
    events = [e for e in lines if e["type"] == "event"]

    for line in lines:
        if line["type"] == "listener":
            check_listener(page, line, events)
    if page["meta"]["events"] < len(events):  # it counts those of others, too
        fail(f"{page['meta']['events']} events are fewer than {len(events)}")
    for key in ("lost", "missed"):
        if key in lines[-1] and page["meta"].get(key) != lines[-1][key]:  # a recording does not say what was missed
            fail(f"{key}: {page['meta'].get(key)} instead of {lines[-1].get(key)}")
    for line in lines:
        if line["type"] == "ledger":
            row = f'<th scope="row">{line["counter"]}</th><td>{line["netns"]}</td>'
            numbers = f"<td>{line['kernel']:,}</td><td>{line['counted']:,}</td>"
            if row + numbers not in html:
                fail(f"{line['counter']} of the kernel is not on it")
    if "--netns" in html.split("</header>")[0] and "one network namespace" not in html:
        fail("it does not say that it is of one namespace")
    findings = sum(line["type"] == "finding" for line in lines)
    told = html.count("<li><p><strong>")
    if told != findings:
        fail(f"{told} findings instead of {findings}")
    conns = {e["conn"] for e in events if e["event"] in ("connect", "synq-add", "accept") and e.get("conn")}
    shown = set(re.findall(r'<tr id="conn-(\d+)"', html))
    missing = len(conns) - len(shown)
    if missing != page["left_out"]["conns"]:
        fail(f"{missing} connections are missing, {page['left_out']['conns']} are said to be")
    if re.search(r"https?:|[\"'(]//", html.replace(data.group(0), "")):
        fail("a URL is in it")
    print(f"{len(page['listeners'])} listeners, {len(shown)} connections and {page['left_out']['conns']} left out, "
          f"{len(page['steps']['t'])} steps, {len(html)} bytes")


main()
