# SPDX-License-Identifier: MIT
"""A router that breaks the protocol is left with an ABORT; one that is merely odd is lived with."""
import pathlib
import subprocess
import sys

import pytest

from world import Answers, answers, free_port, until


class HostileRouter:
    def __init__(self, behaviour):
        self.port = free_port()
        self.process = subprocess.Popen(
            [sys.executable, str(pathlib.Path(__file__).with_name("hostile_router.py")), str(self.port), behaviour],
            stdout=subprocess.PIPE)
        self.take = Answers(self.process.stdout).take
        until("the hostile router listens", lambda: answers(self.port))

    def session(self):
        return {"url": f"ws://127.0.0.1:{self.port}/ws", "reconnect_delay": 0.1}

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture
def hostile(request):
    router = HostileRouter(request.param)
    yield router
    router.stop()


def watch(daemon):
    p = daemon.connect()
    p.request(op="watch", id="w")
    return p


@pytest.mark.parametrize("hostile", ["garbage", "object", "empty", "second_welcome", "client_message"], indirect=True)
def test_a_violation_is_answered_with_abort_and_a_new_attempt(hostile, make_daemon):
    daemon = make_daemon(hostile)
    daemon.start()
    p = watch(daemon)
    assert hostile.take()[0] == 1
    assert hostile.take()[::2] == [3, "wamp.error.protocol_violation"]
    # at once, and then at a pace, the next HELLO
    assert hostile.take()[0] == 1
    assert p.request(op="ping", id=1)["op"] == "pong"


@pytest.mark.parametrize("hostile", ["unknown_invocation", "unknown_answers", "huge_numbers"], indirect=True)
def test_what_is_merely_odd_is_answered_or_ignored(hostile, make_daemon):
    daemon = make_daemon(hostile)
    daemon.start()
    daemon.wait_joined()
    assert hostile.take()[0] == 1
    error = hostile.take()
    assert error[:2] == [8, 68] and error[2] in (9, 10, 11) and error[4] == "wamp.error.unavailable"
    assert daemon.connect().request(op="status", id=1)["sessions"]["default"]["state"] == "joined"


@pytest.mark.parametrize("hostile", ["challenge"], indirect=True)
def test_a_demand_to_authenticate_is_told(hostile, make_daemon):
    daemon = make_daemon(hostile)
    daemon.start()
    line = watch(daemon).expect(op="session", state="failed")
    assert line["reason"] == "wamp.error.cannot_authenticate" and "ticket" in line["message"]


@pytest.mark.parametrize("hostile", ["no_subprotocol"], indirect=True)
def test_another_subprotocol_is_told(hostile, make_daemon):
    daemon = make_daemon(hostile)
    daemon.start()
    p = watch(daemon)
    line = until("a failed attempt", lambda: (s := p.expect(op="session")).get("message") and s)
    assert "wamp.2.json" in line["message"]


@pytest.mark.parametrize("hostile", ["silent"], indirect=True)
def test_no_welcome_is_a_failed_attempt(hostile, make_daemon):
    session = {**hostile.session(), "connection_timeout": 0.5}
    daemon = make_daemon(sessions={"default": session})
    daemon.start()
    p = watch(daemon)
    line = until("a failed attempt", lambda: (s := p.expect(op="session")).get("reason") and s)
    assert line["reason"] == "wampbridge.error.join_timeout"
