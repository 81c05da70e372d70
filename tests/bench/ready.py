#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""From the start of the daemon to its READY=1, as a service manager sees it.

    ready.py DAEMON
"""
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time

RUNS = 21
KINDS = {
    "embedded": "sessions: {default: {url: 'embedded:'}}\n",
    "ws": "sessions: {default: {url: 'ws://127.0.0.1:9/ws'}}\n",
    "wss, the system's authorities": "sessions: {default: {url: 'wss://127.0.0.1:9/ws'}}\n",
}


def once(daemon, directory, config):
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    path = os.path.join(directory, "notify")
    notify.bind(path)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("SSL_CERT_")}
    begin = time.perf_counter()
    process = subprocess.Popen([daemon, "-c", config, "--listen", os.path.join(directory, "s.sock")],
                               env={**environment, "NOTIFY_SOCKET": path}, stderr=subprocess.DEVNULL)
    while b"READY=1" not in notify.recv(4096):
        pass
    took = time.perf_counter() - begin
    process.terminate()
    process.wait()
    notify.close()
    os.unlink(path)
    return took * 1000


with tempfile.TemporaryDirectory() as directory:
    for kind, text in KINDS.items():
        config = os.path.join(directory, "wampbridge.yaml")
        with open(config, "w") as f:
            f.write(text)
        times = sorted(once(sys.argv[1], directory, config) for _ in range(RUNS))
        print(f"start to READY, {kind}: median of {RUNS} {statistics.median(times):.1f} ms, worst {times[-1]:.1f} ms")
