# SPDX-License-Identifier: GPL-2.0-only
"""Does a run that asks for a part tell of it what one beside it tells that asks for all?

usage: alike.py MISSED WHOLE PART...    JSON of both; what differs is printed, a line each; then how many events were compared
       alike.py listeners WHOLE PART... of their listeners alone, and then how many of these

An event is found again by both ports and its states, the nearest in time. A member that the part leaves out is unknown
there; one that it has, and the whole has not, or has otherwise, is said though it was not seen. MISSED: so many events
of a part may be without their like, on a machine whose kernel leaves programs out.
"""
import collections
import json
import sys

SAME = "pid", "comm", "fd", "cause", "ret"
NEAR_NS = 100_000_000
AT_ONCE_NS = 50_000_000     # of two CPUs' steps each run has its own order
COUNTS = ("established", "accepted", "acceptors", "accept_errors", "drops", "expired", "ghosts", "synack_retrans", "cookies.sent",
          "effective", "backlog", "open", "synq.wait.count", "acceptq.wait.count", "acceptq.limit_low", "acceptq.limit_high")


def read(path):
    events, listeners = collections.defaultdict(list), {}
    for line in open(path, errors="replace"):
        j = json.loads(line)
        if j["type"] == "listener":
            listeners[j["listener"]] = j
        elif j["type"] == "event" and j.get("lport") and j.get("rport"):
            events[j["event"], j["lport"], j["rport"], j.get("old"), j.get("new")].append(j)
    return events, listeners


def port_of(event, listeners):
    return listeners.get(event.get("listener"), {}).get("lport")


def being_accepted(event, whole):
    return any(abs(a["t_ns"] - event["t_ns"]) < AT_ONCE_NS
               for a in whole[0].get(("accept", event["lport"], event["rport"], None, None), []))


def otherwise(k, e, near, whole):
    if k not in e or e[k] == near.get(k) or (e[k], near.get(k)) == ("accepted", "reset"):
        return False    # accept() takes what was reset, too
    return k not in ("pid", "fd", "comm") or not being_accepted(e, whole)


def figure(listener, path):
    for key in path.split("."):
        listener = listener.get(key) if listener else None
    return listener


# The only one that ever listened at its port: after shutdown() and listen() a part may take the socket for another one.
def alone(listeners):
    at = collections.defaultdict(list)
    for j in listeners.values():
        at[j["lport"]].append(j)
    return {port: one[0] for port, one in at.items() if len(one) == 1}


def listener_differences(listeners, whole):
    theirs_at = alone(whole)
    for port, j in alone(listeners).items():
        for k in COUNTS if port in theirs_at else ():
            ours, theirs = figure(j, k), figure(theirs_at[port], k)
            least = any(k.startswith(l) for l in j.get("at_least", {}))
            if None not in (ours, theirs) and (ours > theirs if least else ours != theirs):
                yield f"listener at {port}: {k} {'>=' if least else ''}{ours}, the whole says {theirs}"


def differences(part, whole, missed):
    events, listeners = read(part)
    compared = 0
    for key, told in events.items():
        for e in told:
            near = min(whole[0].get(key, []), key=lambda w: abs(w["t_ns"] - e["t_ns"]), default=None)
            # a sweep tells it late; a RST for no socket is that of a connection which a part has not seen to end
            if key[0] == "exists" or e.get("sampled") or key[0] == "rst-sent" and near and "conn" not in near:
                continue
            compared += 1
            name = " ".join(str(k) for k in key if k is not None)
            # with -p that another process took it shows when the queue has been shorter for a while
            if near is None or key[0] != "acceptq-del" and abs(near["t_ns"] - e["t_ns"]) > NEAR_NS:
                wrong = ["not told by the whole"]
            else:
                wrong = [f"{k} {e[k]}, the whole says {near.get(k)}" for k in SAME if otherwise(k, e, near, whole)]
            ours, theirs = port_of(e, listeners), near and port_of(near, whole[1])
            if ours and theirs and ours != theirs:
                wrong.append(f"of the listener at {ours}, the whole says {theirs}")
            missed -= bool(wrong)
            if missed < 0:
                yield from (f"{name}: {w}" for w in wrong)
    yield from listener_differences(listeners, whole[1])
    print(part.rsplit("/", 1)[-1], compared, "compared", file=sys.stderr)


def of_listeners(part):
    listeners = read(part)[1]
    yield from listener_differences(listeners, whole[1])
    print(part.rsplit("/", 1)[-1], len(listeners), "compared", file=sys.stderr)


whole = read(sys.argv[2])
for part in sys.argv[3:]:
    for line in of_listeners(part) if sys.argv[1] == "listeners" else differences(part, whole, int(sys.argv[1])):
        print(part.rsplit("/", 1)[-1], line)
