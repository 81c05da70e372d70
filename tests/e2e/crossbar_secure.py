# SPDX-License-Identifier: MIT
"""One Crossbar that wants to know who is there: ports with secrets, ports with TLS.

All ports are of one process, which takes seconds to start, so that it serves a
whole module. A Relay stands between where a connection must be cut.
"""
import hashlib
import json
import os
import select
import socket
import ssl
import subprocess
import threading

import pytest

from world import Crossbar, Program, WAIT, answers, free_port, until

TICKET, ROTATED, CRA, SALTED = "t1cket-of-joe", "t1cket-of-joe-next", "cra-s3cret-of-joe", "s4lted-s3cret"
# A signed token of some kilobytes is a ticket too.
TOKEN = "".join(hashlib.sha256(str(i).encode()).hexdigest() for i in range(64))
SECRETS = (TICKET, ROTATED, CRA, SALTED, TOKEN)


# ---- certificates ----


def openssl(directory, *arguments):
    subprocess.run(["openssl", *arguments], cwd=directory, check=True, capture_output=True, timeout=WAIT)


def make_authority(directory, name):
    openssl(directory, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-keyout", f"{name}.key", "-out", f"{name}.pem", "-subj", f"/CN=test authority {name}")


def make_certificate(directory, name, authority="ca", alternatives="DNS:localhost,IP:127.0.0.1", days=2):
    """name.pem and name.key; days -1: over since yesterday."""
    openssl(directory, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}",
            "-addext", f"subjectAltName={alternatives}")
    openssl(directory, "x509", "-req", "-in", f"{name}.csr", "-CA", f"{authority}.pem", "-CAkey", f"{authority}.key",
            "-CAcreateserial", "-days", str(days), "-copy_extensions", "copy", "-out", f"{name}.pem")


def pin_of(certificate):
    """SHA-256 of the public key, as tls_pin_sha256 has it."""
    pem = subprocess.run(["openssl", "x509", "-in", certificate, "-noout", "-pubkey"], check=True,
                         capture_output=True, text=True, timeout=WAIT).stdout
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem.replace("PUBLIC KEY", "CERTIFICATE"))).hexdigest()


# ---- Crossbar ----

ANONYMOUS = {"anonymous": {"type": "static", "role": "anonymous"}}


def ticket(secret):
    return {"type": "static", "principals": {"joe": {"ticket": secret, "role": "user"},
                                             "token": {"ticket": TOKEN, "role": "user"},
                                             "ghost": {"ticket": secret, "role": "nowhere"}}}


CHALLENGES = {
    "ticket": ticket(TICKET),
    "wampcra": {"type": "static", "users": {
        "joe": {"secret": CRA, "role": "user"},
        "salted": {"secret": SALTED, "role": "user", "salt": "salt123", "iterations": 1000, "keylen": 32}}},
}

# Each port's authentication and, with TLS, its certificate and whose certificates it wants to see.
PORTS = {
    "open": (ANONYMOUS, None, None),
    "auth": (CHALLENGES, None, None),
    "ticket": ({"ticket": ticket(TICKET)}, None, None),
    "rotated": ({"ticket": ticket(ROTATED)}, None, None),
    "tls": (ANONYMOUS, "server", None),
    "tls_auth": (CHALLENGES, "server", None),
    "other_name": (ANONYMOUS, "other_name", None),
    "expired": (ANONYMOUS, "expired", None),
    "other_ca": (ANONYMOUS, "stranger", None),
    "client_certificate": (ANONYMOUS, "server", "ca.pem"),
}


class SecureCrossbar(Crossbar):
    def __init__(self, directory):
        super().__init__(directory)
        self.ports = {name: free_port() for name in PORTS}
        self.ports["open"] = self.port

    def make_certificates(self):
        for authority in ("ca", "other"):
            make_authority(self.directory, authority)
        make_certificate(self.directory, "server")
        make_certificate(self.directory, "client", alternatives="DNS:client.example")
        make_certificate(self.directory, "stranger", authority="other")
        make_certificate(self.directory, "other_name", alternatives="DNS:elsewhere.example")
        make_certificate(self.directory, "expired", days=-1)

    def transport(self, name):
        auth, certificate, authority = PORTS[name]
        endpoint = {"type": "tcp", "port": self.ports[name], "interface": "127.0.0.1"}
        if certificate:
            endpoint["tls"] = {"key": f"{certificate}.key", "certificate": f"{certificate}.pem"}
            if authority:
                endpoint["tls"]["ca_certificates"] = [authority]
        return {"type": "websocket", "url": self.url_of(name), "endpoint": endpoint, "auth": auth}

    def configure(self):
        self.make_certificates()
        allow = {"call": True, "register": True, "publish": True, "subscribe": True}
        everything = [{"uri": "", "match": "prefix", "allow": allow, "cache": True}]
        realms = [{"name": "realm1", "roles": [{"name": "anonymous", "permissions": everything}]},
                  {"name": "authrealm", "roles": [{"name": "user", "permissions": everything}]}]
        config = {"version": 2, "controller": {}, "workers": [
            {"type": "router", "realms": realms, "transports": [self.transport(name) for name in PORTS]}]}
        (self.directory / "config.json").write_text(json.dumps(config))

    def start(self):
        super().start()
        for name, port in self.ports.items():
            until(f"Crossbar listens for {name}", lambda: answers(port), 60, 0.05)

    def url_of(self, name, host="127.0.0.1"):
        scheme = "wss" if PORTS[name][1] else "ws"
        return f"{scheme}://{host}:{self.ports[name]}/ws"

    def file(self, name):
        return str(self.directory / name)


@pytest.fixture(scope="module")
def crossbar(tmp_path_factory):
    only = os.environ.get("WAMPBRIDGE_ROUTERS", "").split()
    if only and "crossbar" not in only:
        pytest.skip("crossbar is not among WAMPBRIDGE_ROUTERS")
    reason = Crossbar.absent()
    if reason:
        (pytest.fail if os.environ.get("WAMPBRIDGE_REQUIRE_ROUTERS") == "1" else pytest.skip)(f"crossbar: {reason}")
    router = SecureCrossbar(tmp_path_factory.mktemp("secure"))
    router.start()
    yield router
    router.stop()


class Relay:
    """TCP from a port of its own to one of the router's, until it is cut."""

    def __init__(self, target):
        self.target = target
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.lock = threading.Lock()
        self.pairs = []
        self.n_accepted = 0
        self.sent = b""  # by the client
        self.waker = socket.socketpair()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def url(self):
        return f"ws://127.0.0.1:{self.port}/ws"

    def run(self):
        while True:
            with self.lock:
                pairs = list(self.pairs)
            sockets = [s for pair in pairs for s in pair]
            ready = select.select([self.listener, self.waker[1], *sockets], [], [])[0]
            if self.waker[1] in ready:
                if self.waker[1].recv(1) == b"q":
                    return
                continue
            if self.listener in ready:
                self.accept()
            for pair in pairs:
                for source, sink in (pair, pair[::-1]):
                    if source in ready:
                        self.pass_on(pair, source, sink)

    def accept(self):
        client = self.listener.accept()[0]
        self.n_accepted += 1
        try:
            router = socket.create_connection(("127.0.0.1", self.target))
        except OSError:
            client.close()
            return
        with self.lock:
            self.pairs.append((client, router))

    def pass_on(self, pair, source, sink):
        try:
            data = source.recv(65536)
            sink.sendall(data)
        except OSError:
            data = b""
        if source is pair[0]:
            self.sent += data
        if not data:
            self.drop([pair])

    def drop(self, pairs):
        with self.lock:
            for pair in pairs:
                if pair in self.pairs:
                    self.pairs.remove(pair)
                    for s in pair:
                        s.close()

    def cut(self):
        """All connections end, as when a cable is pulled and put back."""
        with self.lock:
            for s in (s for pair in self.pairs for s in pair):
                try:
                    s.shutdown(socket.SHUT_RDWR)
                except OSError:  # it ended by itself
                    pass
        self.waker[0].send(b"w")

    def stop(self):
        self.waker[0].send(b"q")
        self.thread.join(WAIT)
        self.drop(list(self.pairs))
        for s in (self.listener, *self.waker):
            s.close()


@pytest.fixture
def make_relay():
    relays = []

    def make(target):
        relays.append(Relay(target))
        return relays[-1]

    yield make
    for relay in relays:
        relay.stop()


# ---- what the daemon tells ----


def watch(daemon):
    """A program whose next lines are those of the session."""
    p = daemon.connect()
    p.send(op="watch", id="w", session="default")
    p.next(op="ok", id="w")
    return p


def joined(daemon):
    return watch(daemon).expect(op="session", state="joined")


def refused(watcher, reason=None):
    """The session line that tells why: its reason and message are there."""
    for _ in range(50):
        line = watcher.expect(op="session")
        assert line["state"] != "joined", line
        if "reason" in line and (reason is None or line["reason"] == reason):
            assert line["message"], line
            return line
    raise AssertionError(f"no reason {reason}")


LISTS = ("sessions", "clients", "registrations", "subscriptions", "calls", "registries", "config", "limits",
         "features", "errors")


def everything_told(daemon):
    """All that the daemon shows to anybody, as one text."""
    p = daemon.connect()
    told = [json.dumps(p.request(op="status", id="s"))]
    for what in LISTS:
        p.send(op="list", id=what, what=what)
        told.append(json.dumps(p.expect(id=what)))
    told += [json.dumps(line) for line in snapshot(daemon)]
    config = daemon.directory / "wampbridge.yaml"
    for option in ("--dump-config", "--check-config"):
        done = subprocess.run([daemon.program, "-c", config, option], capture_output=True, text=True, timeout=WAIT,
                              stdin=subprocess.DEVNULL)
        told += [done.stdout, done.stderr]
    done = daemon.ctl("status")
    told += [done.stdout, done.stderr, daemon.log.read_text()]
    for name in ("cmdline", "environ"):
        with open(f"/proc/{daemon.process.pid}/{name}", "rb") as file:
            told.append(file.read().decode("utf-8", "replace"))
    return "\n".join(told)


def snapshot(daemon):
    with Program(daemon.socket) as p:
        p.send(op="watch", id="w", session="*")
        return [p.expect(op="session")]


def no_leak(daemon, *secrets):
    text = everything_told(daemon)
    for secret in secrets:
        where = text.find(secret)
        assert where < 0, text[max(0, where - 200):where + 200]
