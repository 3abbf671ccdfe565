# SPDX-License-Identifier: GPL-2.0-only
"""A recording as another machine's: with a clock that is ahead and drifts, another name, boot and number.

usage: shift.py NAME SECONDS PPM < RECORDING > RECORDING
"""
import struct
import sys

name, seconds, ppm = sys.argv[1], float(sys.argv[2]), float(sys.argv[3])
data = bytearray(sys.stdin.buffer.read())
size = struct.unpack_from("=I", data, 24)[0]
assert data[:8] == b"tcptrace" and size >= 64 + 120, "no recording that says whose it is"
struct.pack_into("=Q16s64s", data, 64, len(name), name.encode(), name.encode())
first = struct.unpack_from("=Q", data, size)[0]
for at in range(size, len(data) - 127, 128):
    t = struct.unpack_from("=Q", data, at)[0]
    struct.pack_into("=Q", data, at, t + int(seconds * 1e9) + int((t - first) * ppm / 1e6))
sys.stdout.buffer.write(data)
