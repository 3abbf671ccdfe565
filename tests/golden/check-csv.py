# SPDX-License-Identifier: GPL-2.0-only
"""The CSV of `tcptrace conns`, read back by a parser, has what its JSON has.

usage: check-csv.py CSV JSON-LINES
"""
import csv
import json
import sys

with open(sys.argv[1], newline="", encoding="utf-8") as f:
    rows = list(csv.DictReader(f, strict=True))
with open(sys.argv[2], encoding="utf-8") as f:
    conns = [o for o in map(json.loads, f) if o["type"] == "conn"]
assert rows and len(rows) == len(conns), (len(rows), len(conns))
for row, conn in zip(rows, conns):
    del conn["type"]
    assert None not in row and None not in row.values(), row
    assert set(conn) <= set(row), set(conn) - set(row)
    for key, field in row.items():
        value = conn.get(key, "")
        value = " ".join(value) if isinstance(value, list) else "true" if value is True else str(value)
        assert field == value, (key, field, value)
