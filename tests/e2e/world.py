# SPDX-License-Identifier: MIT
"""The world outside the daemon: routers, programs on raw sockets, a remote peer.

Nothing here sleeps to let things happen: lines, files and processes are
awaited with a deadline.
"""
import json
import os
import pathlib
import re
import select
import signal
import socket
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("BUILD", "build")
ROUTER_DIR = ROOT / "build" / "routers"
# What is started ends with the tests, also when these are killed.
WITH_US = ["setpriv", "--pdeathsig", "KILL"]
WAIT = float(os.environ.get("WAMPBRIDGE_TEST_WAIT", "20"))  # seconds that anything may take on a loaded machine


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def until(what, condition, seconds=WAIT, pause=0.02):
    """Polls what cannot be awaited (another process' state)."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(pause)
    raise AssertionError(f"not within {seconds} s: {what}")


def answers(port):
    with socket.socket() as s:
        s.settimeout(1)
        return s.connect_ex(("127.0.0.1", port)) == 0


def connects(path):
    with socket.socket(socket.AF_UNIX) as s:
        return s.connect_ex(str(path)) == 0


# ---- routers ----


class Embedded:
    name = "embedded"
    url = None

    def __init__(self, directory):
        pass

    @staticmethod
    def absent():
        return None

    def start(self):
        pass

    def stop(self):
        pass

    def session(self):
        return {"url": "embedded:"}


class Router:
    """A router process of one's own on a free port."""

    def __init__(self, directory):
        self.directory = directory
        self.port = free_port()
        self.process = None

    @property
    def url(self):
        return f"ws://127.0.0.1:{self.port}/ws"

    def session(self):
        return {"url": self.url}

    def start(self):
        self.configure()
        log = open(self.directory / "router.log", "ab")
        self.process = subprocess.Popen([*WITH_US, *self.command()], stdout=log, stderr=log, cwd=self.directory,
                                        stdin=subprocess.DEVNULL, start_new_session=True)
        log.close()
        until(f"{self.name} listens", lambda: answers(self.port), 60, 0.05)

    def send_signal(self, number):
        """To the whole group: Crossbar's work is done by a child."""
        os.killpg(self.process.pid, number)

    def stop(self, number=signal.SIGKILL):
        if self.process is None:
            return
        for n in (signal.SIGCONT, number):
            try:
                self.send_signal(n)
            except ProcessLookupError:
                pass
        self.process.wait(WAIT)
        self.process = None
        until("port is free", lambda: not answers(self.port))


class Nexus(Router):
    name = "nexus"
    program = ROUTER_DIR / "nexusd"

    @classmethod
    def absent(cls):
        return None if cls.program.exists() else "build/routers/nexusd is not built (scripts/test --routers)"

    def configure(self):
        config = {
            "websocket": {"address": f"127.0.0.1:{self.port}", "allow_origins": ["*"]},
            "router": {"realms": [{"uri": "realm1", "anonymous_auth": True}]},
        }
        (self.directory / "nexus.json").write_text(json.dumps(config))

    def command(self):
        return [self.program, "-c", self.directory / "nexus.json"]


class Crossbar(Router):
    name = "crossbar"
    program = ROUTER_DIR / "crossbar" / "bin" / "crossbar"

    @classmethod
    def absent(cls):
        return None if cls.program.exists() else "build/routers/crossbar is not installed (scripts/test --routers)"

    def configure(self):
        allow = {"call": True, "register": True, "publish": True, "subscribe": True}
        config = {
            "version": 2,
            "controller": {},
            "workers": [{
                "type": "router",
                "realms": [{"name": "realm1", "roles": [{"name": "anonymous", "permissions": [
                    {"uri": "", "match": "prefix", "allow": allow, "cache": True}]}]}],
                "transports": [{
                    "type": "websocket", "url": self.url,
                    "endpoint": {"type": "tcp", "port": self.port, "interface": "127.0.0.1"},
                    "auth": {"anonymous": {"type": "static", "role": "anonymous"}},
                }],
            }],
        }
        (self.directory / "config.json").write_text(json.dumps(config))

    def command(self):
        return [self.program, "start", "--cbdir", self.directory]


ROUTERS = {"embedded": Embedded, "nexus": Nexus, "crossbar": Crossbar}


# ---- the daemon ----


def is_sound(text):
    """Whether no sanitizer and no assertion said anything."""
    return not re.search(r"Sanitizer|runtime error:|Assertion", text)


def to_yaml(settings):
    """JSON is YAML."""
    return json.dumps(settings, indent=1) + "\n"


class Daemon:
    def __init__(self, directory, router=None, daemon=None, session=None, limits=None, sessions=None):
        self.directory = directory
        self.socket = str(directory / "s.sock")
        self.log = directory / "daemon.log"
        default = dict(router.session() if router else {"url": "embedded:"})
        default.update(session or {})
        self.settings = {
            "daemon": {"listen": self.socket, "shutdown_timeout": 5, **(daemon or {})},
            "sessions": sessions or {"default": default},
            "limits": limits or {},
        }
        self.program = BUILD / "wampbridged"
        self.process = None
        self.programs = []

    def start(self, listening=True):
        config = self.directory / "wampbridge.yaml"
        config.write_text(to_yaml({k: v for k, v in self.settings.items() if v}))
        log = open(self.log, "ab")
        self.process = subprocess.Popen([*WITH_US, self.program, "-c", config], stderr=log, stdout=log,
                                        stdin=subprocess.DEVNULL)
        log.close()
        if listening:
            until("daemon listens", self.is_listening)

    def is_listening(self):
        assert self.process.poll() is None, self.log.read_text()
        return "listening on" in self.log.read_text()

    def connect(self, greet=True, **options):
        program = Program(self.socket, **options)
        self.programs.append(program)
        if greet:
            program.expect(op="greet")
        return program

    def wait_joined(self, session="default"):
        with Program(self.socket) as p:
            p.send(op="watch", id="w", session=session)
            p.expect(op="session", state="joined")

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait(WAIT)

    def memory_kb(self):
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", text).group(1))

    def finish(self):
        """Stops it, and fails for whatever a sanitizer or an assertion said."""
        for program in self.programs:
            program.close()
        if self.process and self.process.poll() is None:
            assert self.stop() == 0, self.log.read_text()[-4000:]
        text = self.log.read_text() if self.log.exists() else ""
        assert is_sound(text), text[-8000:]
        # Whoever expects another end has looked at it; a signal is never one.
        assert self.process is None or self.process.returncode >= 0, (self.process.returncode, text[-4000:])

    def ctl(self, *arguments, **options):
        done = subprocess.run([BUILD / "wampctl", "--socket", self.socket, *arguments],
                              capture_output=True, text=True, timeout=WAIT, **options)
        assert is_sound(done.stderr) and done.returncode >= 0, done
        return done

    def start_ctl(self, *arguments, **options):
        return subprocess.Popen([*WITH_US, BUILD / "wampctl", "--socket", self.socket, *arguments],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


class Attached(Daemon):
    """A daemon that somebody else started, installed and confined as it is: only its socket is known."""

    def __init__(self, directory, path):
        super().__init__(directory)
        self.socket = path

    def finish(self):
        for program in self.programs:
            program.close()


# ---- programs ----


class Program:
    """A local program on a raw socket."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.connect(path)
        self.received = b""
        self.lines = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, **line):
        self.send_raw(json.dumps(line).encode() + b"\n")

    def send_raw(self, data):
        self.socket.sendall(data)

    def half_close(self):
        self.socket.shutdown(socket.SHUT_WR)

    def fill(self, seconds):
        """Reads once; False at the end of file or when nothing came."""
        if not select.select([self.socket], [], [], seconds)[0]:
            return False
        try:
            data = self.socket.recv(1 << 20)
        except ConnectionResetError:
            return False
        self.received += data
        *lines, self.received = self.received.split(b"\n")
        self.lines += lines
        return bool(data)

    def take_raw(self, seconds=WAIT):
        deadline = time.monotonic() + seconds
        while not self.lines:
            left = deadline - time.monotonic()
            if left < 0 or (not self.fill(left) and not self.lines):
                return None
        return self.lines.pop(0)

    def take(self, seconds=WAIT):
        raw = self.take_raw(seconds)
        assert raw is None or raw.startswith(b'{"op":"'), raw
        return None if raw is None else json.loads(raw)

    def expect(self, **members):
        """The next line that has these members; what comes before it is dropped."""
        seen = []
        deadline = time.monotonic() + WAIT
        while True:
            line = self.take(max(0, deadline - time.monotonic()))
            assert line is not None, f"no line {members}, but {seen[-10:]}"
            if all(line.get(k) == v for k, v in members.items()):
                return line
            seen.append(line)

    def next(self, **members):
        """The very next line, which must have these members."""
        line = self.take()
        assert line is not None and all(line.get(k) == v for k, v in members.items()), (line, members)
        return line

    def quiet(self, marker="quiet"):
        """Nothing came before the answer to a ping that is sent now."""
        self.send(op="ping", id=marker)
        self.next(op="pong", id=marker)

    def at_end(self):
        """Drops lines until the connection ends; they are returned."""
        lines = []
        while (line := self.take()) is not None:
            lines.append(line)
        return lines

    def request(self, **line):
        """Sends and returns the terminal reply."""
        self.send(**line)
        while True:
            reply = self.expect(id=line["id"])
            if reply["op"] in ("ok", "result", "error", "pong"):
                return reply

    def register(self, procedure, id=None):
        reply = self.request(op="register", id=id or procedure, procedure=procedure)
        assert reply["op"] == "ok" and reply["state"] == "active", reply

    def subscribe(self, topic, id=None):
        reply = self.request(op="subscribe", id=id or topic, topic=topic)
        assert reply["op"] == "ok" and reply["state"] == "active", reply

    def answer(self, **members):
        """Waits for an invocation and answers it; returns the invocation."""
        invocation = self.expect(op="invocation")
        self.send(op="result", inv=invocation["inv"], **members)
        return invocation


class Answers:
    """Lines of JSON that a process prints, awaited. (A file object would hide what it has read ahead.)"""

    def __init__(self, file):
        self.fd = file.fileno()
        self.rest = b""

    def take(self):
        while b"\n" not in self.rest:
            assert select.select([self.fd], [], [], WAIT)[0], "the process is silent"
            data = os.read(self.fd, 1 << 20)
            assert data, "the process has ended"
            self.rest += data
        line, self.rest = self.rest.split(b"\n", 1)
        return json.loads(line)


class Remote:
    """python3-autobahn in a process of its own: one line of JSON a command and an answer."""

    def __init__(self, router, realm="realm1"):
        self.process = subprocess.Popen(
            [*WITH_US, sys.executable, str(pathlib.Path(__file__).with_name("remote_peer.py")), router.url, realm],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.take = Answers(self.process.stdout).take
        self.expect("joined")

    def expect(self, what):
        while True:
            line = self.take()
            if line["what"] == what:
                return line
            assert line["what"] != "failed", line

    def do(self, **command):
        self.process.stdin.write(json.dumps(command).encode() + b"\n")
        self.process.stdin.flush()

    def call(self, procedure, *args, **kwargs):
        self.do(do="call", procedure=procedure, args=args, kwargs=kwargs)
        while True:
            line = self.take()
            if line["what"] in ("result", "failed"):
                return line

    def register(self, procedure, behaviour="echo"):
        self.do(do="register", procedure=procedure, behaviour=behaviour)
        self.expect("registered")

    def unregister(self, procedure):
        self.do(do="unregister", procedure=procedure)
        self.expect("unregistered")

    def subscribe(self, topic):
        self.do(do="subscribe", topic=topic)
        self.expect("subscribed")

    def publish(self, topic, *args, **kwargs):
        self.do(do="publish", topic=topic, args=args, kwargs=kwargs)
        self.expect("published")

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
