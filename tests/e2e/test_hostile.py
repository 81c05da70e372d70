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


@pytest.mark.parametrize("hostile", ["abort_with_list", "abort_with_null", "abort_with_number"], indirect=True)
def test_a_refusal_is_understood_whatever_stands_for_its_details(hostile, make_daemon):
    daemon = make_daemon(hostile)
    daemon.start()
    p = watch(daemon)
    line = until("a refusal", lambda: (s := p.expect(op="session")).get("reason") and s)
    assert line["state"] == "failed" and line["reason"] == "wamp.error.no_such_realm"
    assert line["message"] == 'the router has no realm "realm1"' and line["retry_in_ms"] > 3000
    status = daemon.connect().request(op="status", id=1)["sessions"]["default"]
    assert status["message"] == line["message"] and line["message"] in daemon.log.read_text()
    assert hostile.take()[0] == 1


@pytest.mark.parametrize("hostile", ["welcome_with_list", "welcome_with_odd_roles"], indirect=True)
def test_a_welcome_with_odd_details_is_one(hostile, make_daemon):
    daemon = make_daemon(hostile)
    daemon.start()
    daemon.wait_joined()
    assert hostile.take()[0] == 1
    p = daemon.connect()
    # it is taken to have a dealer and a broker
    for i, op in enumerate([{"op": "call", "procedure": "com.example.p"}, {"op": "publish", "topic": "com.example.t"}]):
        p.send(id=i, **op)
    assert [hostile.take()[0] for _ in range(2)] == [48, 16]


@pytest.mark.parametrize("hostile,sentence", [
    ("welcome_with_text", "WELCOME (2): session id is a string"),
    ("welcome_too_large", "WELCOME (2): session id is 9007199254740993, which is not an integer from 0 to 2^53"),
    ("second_welcome", "WELCOME (2) must not come from a router here"),
    ("garbage", "not a WAMP message: expected '[' at byte 1"),
], indirect=["hostile"])
def test_what_is_wrong_with_a_message_is_said(hostile, sentence, make_daemon):
    daemon = make_daemon(hostile)
    daemon.start()
    p = watch(daemon)
    line = until("a violation", lambda: (s := p.expect(op="session")).get("reason") and s)
    assert (line["reason"], line["message"]) == ("wamp.error.protocol_violation", sentence)
    assert hostile.take()[0] == 1
    assert hostile.take() == [3, {"message": sentence}, "wamp.error.protocol_violation"]


@pytest.mark.parametrize("hostile", ["goodbye_with_list"], indirect=True)
def test_a_goodbye_with_a_list_is_one(hostile, make_daemon):
    daemon = make_daemon(hostile)
    daemon.start()
    left = watch(daemon).expect(op="session", state="left")
    assert (left["reason"], left["message"]) == ("wamp.close.system_shutdown", "the router is shutting down")


@pytest.mark.parametrize("hostile", ["odd"], indirect=True)
def test_a_payload_of_another_type_ends_no_session(hostile, make_daemon):
    daemon = make_daemon(hostile)
    daemon.start()
    daemon.wait_joined()
    p = daemon.connect()
    p.register("com.example.p")
    p.send(op="subscribe", id="s", topic="com.example.t")
    event = p.expect(op="event", subscription="s")
    assert event["args"] == [] and event["kwargs"] == {}
    assert p.expect(op="gap", subscription="s")["reason"] == "undecodable"
    line = p.request(op="call", id=1, procedure="com.example.list")
    assert line["op"] == "result" and line["args"] == [] and line["kwargs"] == {}
    line = p.request(op="call", id=2, procedure="com.example.dict")
    assert line["uri"] == "wamp.error.invalid_payload" and line["origin"] == "daemon"
    line = p.request(op="call", id=3, procedure="com.example.error")
    assert line["uri"] == "com.example.error" and line["args"] == [] and line["kwargs"] == {}
    seen = [hostile.take() for _ in range(7)]
    assert [m[0] for m in seen if m[0] in (1, 3)] == [1]
    assert [m[4] for m in seen if m[0] == 8] == ["wamp.error.invalid_payload"]


@pytest.mark.parametrize("hostile", ["long"], indirect=True)
def test_long_messages_cost_no_memory_behind_their_session(hostile, make_daemon):
    daemon = make_daemon(hostile)
    daemon.start()
    daemon.wait_joined()
    before = daemon.memory_kb()
    assert daemon.connect().request(op="call", id=1, procedure="com.example.p")["code"] == "session_lost"
    until("what the messages needed is given back", lambda: daemon.memory_kb() < before + 8 * 1024)


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
