# SPDX-License-Identifier: GPL-2.0-only
"""listeners.py N: N listeners, each with one connection that waits; says READY, ends when told."""
import os
import resource
import socket
import sys

n = int(sys.argv[1])
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
each = min(n, (hard - 50) // 2)


def listen(first, last):
    kept = []
    for i in range(first, last):
        a = socket.create_server(("127.0.%d.%d" % (1 + i // 200, 1 + i % 200), 7000), backlog=5)
        kept += [a, socket.create_connection(a.getsockname())]
    return kept


done, go = os.pipe(), os.pipe()
for first in range(0, n, each):
    if os.fork() == 0:
        kept = listen(first, min(n, first + each))
        os.write(done[1], b"x")
        os.close(go[1])
        os.read(go[0], 1)
        os._exit(0)
for _ in range(0, n, each):
    os.read(done[0], 1)
print("READY", flush=True)
sys.stdin.readline()
