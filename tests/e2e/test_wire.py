# SPDX-License-Identifier: MIT
"""Routers that are slow, long-winded, busy or dead on the wire."""
import time

import pytest

from wire_router import PING, WireRouter, frame
from world import WAIT, until


@pytest.fixture
def make_router():
    routers = []

    def make(script, **options):
        routers.append(WireRouter(script, **options))
        return routers[-1]

    yield make
    for router in routers:
        router.stop()


def start(make_daemon, router, **settings):
    daemon = make_daemon(router, session=settings)
    daemon.start()
    return daemon


def test_pings_that_come_together_are_answered(make_router, make_daemon):
    def script(connection):
        connection.upgrade().welcome()
        connection.socket.sendall(b"".join(frame(PING, p) for p in (b"one", b"", b"x" * 125, b"last")))
        connection.serve()

    router = make_router(script)
    start(make_daemon, router).wait_joined()
    assert [router.notes.get(timeout=WAIT) for _ in range(5)] == ["joined", b"one", b"", b"x" * 125, b"last"]


@pytest.mark.parametrize("headers", [["Set-Cookie: gw=" + "v" * 4090], ["Content-Security-Policy: " + "v" * 16000],
                                     [f"X-Gateway-{i}: {'v' * 190}" for i in range(40)]],
                         ids=["4-KB", "16-KB", "forty"])
def test_an_answer_with_long_headers_is_joined(headers, make_router, make_daemon):
    start(make_daemon, make_router(lambda c: c.upgrade(*headers).welcome().serve())).wait_joined()


REFUSALS = {
    "too-long": (lambda c: c.upgrade("X-Gateway: " + "v" * 20000), "headers of more than 16 KiB", "wss"),
    "429": (lambda c: c.request() and c.socket.sendall(b"HTTP/1.1 429 Too Many\r\nRetry-After: 30\r\n\r\n"),
            "HTTP 429: too many requests (it is tried again later; Retry-After: 30)", "check `path`"),
    "503": (lambda c: c.request() and c.socket.sendall(b"HTTP/1.1 503 No\r\n\r\n"), "HTTP 503: busy", "check `path`"),
    "404": (lambda c: c.request() and c.socket.sendall(b"HTTP/1.1 404 No\r\n\r\n" + b"b" * 100000),
            "HTTP 404: no WebSocket at /ws (check `path`)", "headers"),
    "redirect": (lambda c: c.request() and c.socket.sendall(b"HTTP/1.1 302 F\r\nLocation: https://r.example/\r\n\r\n"),
                 "to https://r.example/", "check `path`"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_is_told_with_its_cause_and_cure(name, make_router, make_daemon):
    script, text, wrong = REFUSALS[name]
    daemon = start(make_daemon, make_router(script))
    log = until("the refusal is in the log", lambda: text in daemon.log.read_text() and daemon.log.read_text())
    assert wrong not in next(line for line in log.splitlines() if text in line)


def test_a_long_message_to_a_slow_router_is_no_silence(make_router, make_daemon):
    def script(connection):
        connection.upgrade().welcome()
        receive = connection.socket.recv

        def fill():
            time.sleep(0.02)  # the slowness itself: the rate of a poor line
            data = receive(8192)
            if not data:
                raise ConnectionError
            connection.received += data

        connection.fill = fill
        connection.serve()

    router = make_router(script, receive_buffer=8192)
    daemon = start(make_daemon, router, ping_interval=0.5, ping_timeout=0.5)
    daemon.wait_joined()
    reply = daemon.connect().request(op="publish", id=1, topic="com.example.image", args=["x" * 800000], ack=True)
    assert reply["op"] == "ok", reply
    assert router.notes.get(timeout=WAIT) == "joined" and router.notes.empty()


def test_a_router_that_stops_is_found_with_a_message_under_way(make_router, make_daemon):
    router = make_router(lambda c: c.upgrade().welcome().router.gone.wait())
    daemon = start(make_daemon, router, ping_interval=0.2, ping_timeout=0.2)
    daemon.wait_joined()
    p = daemon.connect()
    p.request(op="watch", id="w")
    p.send(op="publish", id=1, topic="com.example.image", args=["x" * 8000000])
    began = time.monotonic()
    line = p.expect(op="session", state="lost")
    assert line["reason"] == "wampbridge.error.ping_timeout", line
    assert time.monotonic() - began < 1.5
