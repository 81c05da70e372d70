# SPDX-License-Identifier: MIT
"""Programs of several users, and one of them that asks for all it can.

users.py SOCKET UID requests|crowd|connections: as that user, floods the daemon until
it is killed; prints a line each time that another MiB was sent, or another
hundred connections were made.
"""
import os
import pathlib
import resource
import select
import shutil
import socket
import sys
import tempfile

import pytest

from world import BUILD, Daemon, Program, ROOT

FIRST_UID = 20000  # nobody's


def as_user(uid, do):
    """The kernel notes the effective user of whoever connects."""
    os.setegid(uid)
    os.seteuid(uid)
    try:
        return do()
    finally:
        os.seteuid(0)
        os.setegid(0)


class PublicDaemon(Daemon):
    """One whose socket every user reaches."""

    def connect_as(self, uid, greet=True):
        program = as_user(uid, lambda: Program(self.socket))
        self.programs.append(program)
        if greet:
            assert program.next(op="greet")["peer"]["uid"] == uid
        return program

    def as_built_for_use(self):
        """A sanitizer's times and memory are no measure."""
        if "address" in str(BUILD):
            self.program = ROOT / "build" / "wampbridged"
        if not self.program.exists():
            pytest.skip("build/wampbridged is not built")


@pytest.fixture
def make_public_daemon():
    if os.geteuid() != 0:
        pytest.skip("only root can be many users")
    daemons, directories = [], []

    def make(**limits):
        directories.append(pathlib.Path(tempfile.mkdtemp(prefix="wampbridge-")))
        directories[-1].chmod(0o755)
        daemon = PublicDaemon(directories[-1], daemon={"socket_mode": "0666"}, limits=limits)
        daemons.append(daemon)
        return daemon

    yield make
    try:
        for daemon in daemons:
            daemon.finish()
    finally:
        for daemon in daemons:
            if daemon.process and daemon.process.poll() is None:
                daemon.process.kill()
                daemon.process.wait()
        for directory in directories:
            shutil.rmtree(directory)


@pytest.fixture
def many_descriptors():
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (15000, max(15000, before[1])))
    except (ValueError, PermissionError):
        pytest.skip(f"not more than {before[1]} file descriptors can be had")
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


class Crowd:
    """Many connections, of which little is asked: sockets without more."""

    def __init__(self):
        self.sockets = []
        self.poll = select.epoll()

    def connect(self, path, uid, n):
        def connect_all():
            for _ in range(n):
                s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                s.connect(path)
                self.sockets.append(s)
                self.poll.register(s, select.EPOLLIN | select.EPOLLONESHOT)
        as_user(uid, connect_all)

    def take_first_lines(self, seconds):
        """What each got first; fewer than there are if the time is over."""
        by_fd = {s.fileno(): s for s in self.sockets}
        lines = []
        while len(lines) < len(self.sockets):
            ready = self.poll.poll(seconds, 4096)
            if not ready:
                break
            lines += [by_fd[fd].recv(4096) for fd, _ in ready]
        return lines

    def close(self):
        for s in self.sockets:
            s.close()
        self.poll.close()


@pytest.fixture
def crowd():
    crowd = Crowd()
    yield crowd
    crowd.close()


# ---- the greedy one ----

MIB = 1 << 20


def line(text):
    return text.encode() + b"\n"


def opening(i):
    """It offers a procedure that it never serves, and listens to what it says itself."""
    return (line('{"op":"register","id":"r","procedure":"com.greedy.p%d"}' % i) +
            line('{"op":"subscribe","id":"s","topic":"com.greedy.t"}'))


def work(i):
    payload = "x" * 1000
    return b"".join(
        line('{"op":"call","id":"c%d","procedure":"com.greedy.p%d","args":["%s"]}' % (n, i, payload)) +
        line('{"op":"publish","topic":"com.greedy.t","exclude_me":false,"args":["%s"]}' % payload) +
        line('{"op":"list","id":"l%d","what":"clients"}' % n)
        for n in range(200))


class Greedy:
    def __init__(self, path, i):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.connect(path)
        self.socket.setblocking(False)
        self.reads = i % 2 == 0  # every other one does not even read
        self.work = work(i)
        self.rest = opening(i)

    def turn(self):
        """How many bytes were sent; -1: cut off."""
        try:
            if self.reads:
                while self.socket.recv(MIB):
                    pass
                return -1
        except BlockingIOError:
            pass
        except OSError:
            return -1
        try:
            n = self.socket.send(self.rest)
        except BlockingIOError:
            return 0
        except OSError:
            return -1
        self.rest = self.rest[n:] or self.work
        return n


def flood_with_requests(path, n=8):
    greedy = [Greedy(path, i) for i in range(n)]
    sent = told = 0
    while True:
        everybody = [g.socket for g in greedy]
        select.select([g.socket for g in greedy if g.reads], everybody, [], 1)
        for i, g in enumerate(greedy):
            n = g.turn()
            sent += max(n, 0)
            if n < 0:
                g.socket.close()
                greedy[i] = Greedy(path, i)
        while sent // MIB > told:
            told += 1
            print(f'{{"done":{told}}}', flush=True)


def flood_with_connections(path):
    made = 0
    while True:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
            s.connect(path)
            try:
                s.send(line('{"op":"register","id":1,"procedure":"com.greedy.p"}'))
            except OSError:  # turned away already
                pass
        made += 1
        if made % 100 == 0:
            print(f'{{"done":{made // 100}}}', flush=True)


if __name__ == "__main__":
    os.setgid(int(sys.argv[2]))
    os.setuid(int(sys.argv[2]))
    {"requests": flood_with_requests, "crowd": lambda path: flood_with_requests(path, 400),
     "connections": flood_with_connections}[sys.argv[3]](sys.argv[1])
