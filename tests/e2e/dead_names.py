# SPDX-License-Identifier: MIT
"""A daemon whose name servers are there and say nothing: dead_names.py DIRECTORY, in network and mount namespaces of
its own (unshare --net --mount), so that port 53 and /etc/resolv.conf are nobody else's.

It prints one JSON object: how long things took.
"""
import fcntl
import json
import pathlib
import socket
import struct
import subprocess
import sys
import time

from wire_router import WireRouter
from world import WAIT, Daemon, until

SIOCSIFFLAGS, UP_AND_RUNNING = 0x8914, 0x41
FILES = {
    "resolv.conf": "nameserver 127.0.0.1\nnameserver 127.0.0.2\nsearch a.example b.example\n",
    "hosts": "127.0.0.1 router.test\n",
    "nsswitch.conf": "hosts: files dns\n",
}


def set_up(directory):
    with socket.socket() as s:
        fcntl.ioctl(s, SIOCSIFFLAGS, struct.pack("16sh", b"lo", UP_AND_RUNNING))
    for name, text in FILES.items():
        (directory / name).write_text(text)
        subprocess.run(["mount", "--bind", directory / name, f"/etc/{name}"], check=True)
    servers = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
    for i, server in enumerate(servers):
        server.bind((f"127.0.0.{i + 1}", 53))
    return servers


def look(daemon, router):
    """What the daemon does from its start to its end, and how long it takes."""
    living = ("number", "file", "local")
    daemon.start()
    began = time.monotonic()
    for name in living:
        daemon.wait_joined(name)
    took = {"join": time.monotonic() - began}
    # Every lookup has been given up once, and hangs.
    until("the lookups are given up", lambda: all(f"router{i}.example.org\": the name servers have not answered"
                                                  in daemon.log.read_text() for i in range(6)))
    p = daemon.connect()
    for name in living:
        p.send(op="watch", id=name, session=name)
        p.expect(op="session", state="joined")
    began = time.monotonic()
    for connection in router.connections:
        connection.socket.shutdown(socket.SHUT_RDWR)
    for _ in living:
        p.expect(op="session", state="joined")
    took["rejoin"] = time.monotonic() - began
    p.close()
    began = time.monotonic()
    status = daemon.stop()
    return {**took, "stop": time.monotonic() - began, "status": status}


def main(directory):
    servers = set_up(directory)
    router = WireRouter(lambda c: c.upgrade().welcome().serve())
    sessions = {f"dead{i}": {"url": f"ws://router{i}.example.org:8080/ws"} for i in range(6)}
    sessions.update({name: {"url": f"ws://{host}:{router.port}/ws", "reconnect_delay": 0.1}
                     for name, host in (("number", "127.0.0.1"), ("file", "router.test"), ("local", "localhost"))})
    daemon = Daemon(directory, daemon={"default_session": "number"}, sessions=sessions)
    try:
        print(json.dumps(look(daemon, router)))
    finally:
        if daemon.process and daemon.process.poll() is None:
            daemon.process.kill()
        router.stop()
        for server in servers:
            server.close()


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
