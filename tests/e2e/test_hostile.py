# SPDX-License-Identifier: MIT
"""What goes over the wire, seen by a router of ours.

One that breaks the protocol is left with an ABORT; one that is merely odd is lived with.
"""
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


# ---- what a router sees ----


@pytest.mark.parametrize("hostile", ["obedient"], indirect=True)
def test_hello_tells_only_what_is_there(hostile, make_daemon):
    daemon = make_daemon(hostile)
    daemon.start()
    kind, realm, details = hostile.take()
    assert (kind, realm) == (1, "realm1")
    assert set(details["roles"]) == {"caller", "callee", "publisher", "subscriber"}
    features = {name for role in details["roles"].values() for name, on in role.get("features", {}).items() if on}
    # nothing of the advanced profile that no op of this version can use
    assert not features & {"progressive_call_results", "progressive_call_invocations", "shared_registration",
                           "pattern_based_registration", "pattern_based_subscription", "payload_passthru_mode",
                           "call_reroute"}


@pytest.mark.parametrize("hostile", ["obedient"], indirect=True)
def test_request_ids_count_from_one_without_a_gap(hostile, make_daemon):
    daemon = make_daemon(hostile)
    daemon.start()
    daemon.wait_joined()
    assert hostile.take()[0] == 1
    p = daemon.connect()
    for i in range(20):
        p.send(op="register", id=f"r{i}", procedure=f"com.example.p{i}")
        p.send(op="subscribe", id=f"s{i}", topic=f"com.example.t{i}")
        # refused here: no id may be spent on it
        p.send(op="call", id=f"b{i}", procedure="no uri")
        p.send(op="call", id=f"c{i}", procedure="com.example.other", args=[i])
        p.send(op="publish", topic="com.example.other")
        p.send(op="publish", id=f"p{i}", topic="com.example.other", ack=True)
        for name in ("r", "s", "c", "p"):
            p.expect(id=f"{name}{i}")
        p.send(op="unregister", registration=f"r{i}")
        p.send(op="unsubscribe", subscription=f"s{i}")
    ids = [hostile.take()[1] for _ in range(7 * 20)]
    assert ids == list(range(1, 141))


@pytest.mark.parametrize("hostile", ["obedient"], indirect=True)
def test_a_stop_takes_everything_back_and_says_goodbye(hostile, make_daemon):
    daemon = make_daemon(hostile)
    daemon.start()
    daemon.wait_joined()
    assert hostile.take()[0] == 1
    p = daemon.connect()
    p.register("com.example.p")
    p.subscribe("com.example.t")
    assert daemon.stop() == 0
    assert [hostile.take()[0] for _ in range(2)] == [64, 32]
    assert {tuple(hostile.take()[::2]) for _ in range(2)} == {(66, 1001), (34, 1002)}
    goodbye = hostile.take()
    assert goodbye[0] == 6 and goodbye[2] == "wamp.close.system_shutdown"


@pytest.mark.parametrize("hostile", ["mute"], indirect=True)
def test_every_request_has_its_own_deadline(hostile, make_daemon):
    session = {**hostile.session(), "registration_timeout": 1, "call_timeout": 0.7}
    daemon = make_daemon(sessions={"default": session})
    daemon.start()
    daemon.wait_joined()
    p = daemon.connect()
    p.send(op="register", id="r", procedure="com.example.p")
    p.send(op="subscribe", id="s", topic="com.example.t")
    p.send(op="publish", id="p", topic="com.example.t", ack=True)
    p.send(op="call", id="c", procedure="com.example.other")
    replies = {}
    while len(replies) < 4:
        line = p.expect(op="error")
        replies[line["id"]] = line["code"]
    assert replies == {name: "timeout" for name in "rspc"}
    p.quiet()


@pytest.mark.parametrize("hostile", ["revoking"], indirect=True)
def test_what_the_router_takes_away_is_told_and_asked_for_again(hostile, make_daemon):
    daemon = make_daemon(hostile)
    daemon.start()
    daemon.wait_joined()
    p = daemon.connect()
    p.send(op="register", id="r", procedure="com.example.p")
    p.send(op="subscribe", id="s", topic="com.example.t")
    states = [p.expect(op="state") for _ in range(4)]
    for name in ("registration", "subscription"):
        first, then = [s for s in states if name in s]
        assert first["state"] == "failed" and first["error"]["uri"] == "com.example.error.kicked"
        assert then["state"] == "active"


@pytest.mark.parametrize("hostile", ["goodbye_at_once"], indirect=True)
def test_a_goodbye_of_the_router_is_answered_and_survived(hostile, make_daemon):
    daemon = make_daemon(hostile)
    daemon.start()
    daemon.wait_joined()
    assert hostile.take()[0] == 1
    p = watch(daemon)
    caller = daemon.connect()
    assert caller.request(op="call", id=1, procedure="com.example.p")["code"] == "session_lost"
    assert hostile.take()[0] == 48
    goodbye = hostile.take()
    assert goodbye[0] == 6 and goodbye[2] == "wamp.close.goodbye_and_out"
    left = p.expect(op="session", state="left")
    assert left["reason"] == "wamp.close.system_shutdown"
    p.expect(op="session", state="joined")
