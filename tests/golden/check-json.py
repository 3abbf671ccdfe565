# SPDX-License-Identifier: GPL-2.0-only
"""Every line is one strict JSON object, and has what user/doc/schema.json says of its type, and nothing else.

The schema lets new keys come, for those who read with it; here a key that it does not name is a key that nobody has
written down. Only the words of JSON Schema that it uses are understood; another one fails.

usage: check-json.py < LINES        check-json.py FILE...: "type" or "event NAME" of what is in them, each once; of a file
                                    that a signal ended the last line may be cut, and one that holds no JSON is passed over
       check-json.py --keys         what the schema names, "type key", for the lint of the manual
"""
import json
import pathlib
import re
import sys

SCHEMA = json.loads((pathlib.Path(__file__).parent / "../../user/doc/schema.json").read_text())
TYPES = {"integer": int, "string": str, "boolean": bool, "object": dict, "array": list}
KNOWN = {"type", "description", "required", "properties", "additionalProperties", "propertyNames", "enum", "const",
         "items", "pattern", "$ref"}


def no_duplicates(pairs):
    keys = [key for key, _ in pairs]
    assert len(keys) == len(set(keys)), f"a key is there twice: {keys}"
    return dict(pairs)


def refuse(word):
    raise ValueError(f"{word} is no JSON")


def check_object(o, s, where):
    for key in s.get("required", []):
        assert key in o, f"{where}: no {key}"
    if "propertyNames" in s:
        for key in o:
            check(key, s["propertyNames"], f"{where}: the key {key}")
    for key, value in o.items():
        below = s.get("properties", {}).get(key, s.get("additionalProperties"))
        assert below, f"{where}: {key} is not in user/doc/schema.json"
        check(value, below, f"{where}.{key}")


def check(o, s, where):
    assert set(s) <= KNOWN, f"{where}: {set(s) - KNOWN} of the schema is not understood"
    if "$ref" in s:
        s = SCHEMA["$defs"][s["$ref"].rsplit("/", 1)[-1]]
    if "type" in s:
        types = s["type"] if isinstance(s["type"], list) else [s["type"]]
        assert type(o) in [TYPES[t] for t in types], f"{where}: {o!r} is no {' or '.join(types)}"
    assert "const" not in s or o == s["const"], f"{where}: {o!r} is not {s['const']!r}"
    assert "enum" not in s or o in s["enum"], f"{where}: {o!r} is none of {s['enum']}"
    assert "pattern" not in s or re.search(s["pattern"], o), f"{where}: {o!r}"
    if isinstance(o, dict):
        check_object(o, s, where)
    if isinstance(o, list):
        for part in o:
            check(part, s["items"], where)


SAME = re.compile(rb"[1-9][0-9]*")
seen = {}


def line_of(raw):
    """What the line is. One that differs from another in its numbers alone is as right as that."""
    shape = SAME.sub(b"1", raw)
    if shape not in seen:
        text = raw.decode("utf-8")
        o = json.loads(text, object_pairs_hook=no_duplicates, parse_constant=refuse)
        assert all(c.isprintable() or c == "\n" for c in text), text
        assert {"$ref": f"#/$defs/{o['type']}"} in SCHEMA["oneOf"], f"no type {o['type']}"
        check(o, {"$ref": o["type"]}, o["type"])
        seen[shape] = f"{o['type']} {o.get('event', '')}".strip()
    return seen[shape]


def lines(file):
    n = 0
    for raw in file:
        line_of(raw)
        n += 1
    assert n, "no line at all"


def files(paths):
    for path in map(pathlib.Path, paths):
        for n, raw in enumerate(path.open("rb"), 1):
            if n == 1 and not raw.startswith(b'{"type":"'):
                break
            try:
                if raw.endswith(b"\n"):
                    line_of(raw)
            except Exception as e:
                sys.exit(f"{path.name}:{n}: {e}")
    print(*sorted(set(seen.values())), sep="\n")


def keys():
    for kind, schema in SCHEMA["$defs"].items():
        for key in schema["properties"]:
            if key != "type":
                print(kind, key)


if sys.argv[1:] == ["--keys"]:
    keys()
elif sys.argv[1:]:
    files(sys.argv[1:])
else:
    lines(sys.stdin.buffer)
