# SPDX-License-Identifier: GPL-2.0-only
"""CSV, read back by a parser, has what JSON has of the same, and a column for each key that there can be.

usage: check-csv.py TYPE CSV JSON-LINES
"""
import csv
import json
import pathlib
import re
import sys

DEFS = json.loads((pathlib.Path(__file__).parent / "../../user/doc/schema.json").read_text())["$defs"]
# A type of two views has keys that are of one of them: tcptrace listeners has lengths, and no history.
NOW = {"synq_now", "acceptq_now", "oldest_ns", "sk_drops"}
HISTORY = {"synq", "acceptq", "accept_blocked", "born_ns", "closed_ns", "host"}


def columns(schema, prefix=""):
    """The names of all keys: an object with keys of its own is a column for each; at_least is one with words."""
    for key, below in schema["properties"].items():
        below = DEFS[below["$ref"].rsplit("/", 1)[-1]] if "$ref" in below else below
        if "properties" in below:
            yield from columns(below, prefix + key + ".")
        elif "propertyNames" in below:
            yield from (prefix + key + "." + name for name in below["propertyNames"]["enum"])
        else:
            yield prefix + key


def fields(o, prefix=""):
    for key, value in o.items():
        if isinstance(value, dict) and key != "at_least":
            yield from fields(value, prefix + key + ".")
        else:
            yield prefix + key, " ".join(value) if isinstance(value, (list, dict)) else \
                str(value).lower() if isinstance(value, bool) else str(value)


kind, table, lines = sys.argv[1:]
with open(table, newline="", encoding="utf-8") as f:
    rows = list(csv.reader(f, strict=True))
with open(lines, encoding="utf-8") as f:
    objects = [o for o in map(json.loads, f) if o["type"] == kind]
head, rows = rows[0], [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
assert len(head) == len(set(head)), "a column is there twice"
known = set(columns(DEFS[kind])) - {"type"}
if kind == "listener":
    other = HISTORY if "sk_drops" in head else NOW
    known = {key for key in known if key.split(".")[0] not in other}
assert set(head) == known, f"columns without a key {set(head) - known}, keys without a column {known - set(head)}"
assert objects and len(rows) == len(objects), (len(rows), len(objects))
for row, o in zip(rows, objects):
    del o["type"]
    want = dict(fields(o))
    assert [key for key in head if key in want] == list(want), f"another order: {list(want)}"
    for key, field in row.items():
        # bytes that a terminal would obey are escaped, as in text
        value = re.sub(r"[\0-\x1f\x7f]", lambda c: f"\\x{ord(c[0]):02x}", want.get(key, ""))
        # causes of which there was none: JSON leaves them out of the object
        group = key.split(".")[0]
        none = field == "0" and group in o and "propertyNames" in DEFS[kind]["properties"][group]
        assert field == value or none, (key, field, value)
