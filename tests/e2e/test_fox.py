# SPDX-License-Identifier: MIT
"""fox-wamp as a smoke peer: a router that departs from WAMP in many ways, and must not hurt.

It sends null for absent arguments, unwraps a list that is the only argument,
replaces the URI of an error, knows no roles and no authid.
"""
import os
import shutil

import pytest

from world import Daemon, ROUTER_DIR, Router


class FoxWamp(Router):
    name = "fox-wamp"
    program = ROUTER_DIR / "fox-wamp" / "node_modules" / "fox-wamp" / "bin" / "basic.js"

    @classmethod
    def absent(cls):
        if not shutil.which("node"):
            return "there is no node on this machine"
        return None if cls.program.exists() else "build/routers/fox-wamp is not installed (scripts/test --routers)"

    def configure(self):
        pass

    def command(self):
        return ["node", self.program, "-p", str(self.port)]


@pytest.fixture(scope="module")
def fox(tmp_path_factory):
    reason = FoxWamp.absent()
    if reason:
        required = os.environ.get("WAMPBRIDGE_REQUIRE_ROUTERS") == "1" and shutil.which("npm")
        (pytest.fail if required else pytest.skip)(f"fox-wamp: {reason}")
    router = FoxWamp(tmp_path_factory.mktemp("fox"))
    router.start()
    yield router
    router.stop()


@pytest.fixture
def daemon(fox, make_daemon):
    daemon = make_daemon(fox)
    daemon.start()
    daemon.wait_joined()
    return daemon


def test_it_is_joined_although_it_tells_neither_authid_nor_role(daemon):
    p = daemon.connect()
    row = p.request(op="list", id="l", what="sessions")["items"][0]
    assert row["state"] == "joined" and row["realm"] == "realm1" and row["session_id"] > 0, row


def test_a_procedure_of_the_router_itself_is_called(daemon):
    result = daemon.connect().request(op="call", id=1, procedure="test.foo", args=[1, 2])
    assert result["op"] == "result" and result["args"][0]["key1"] == "bar1", result


def test_a_call_between_two_programs(daemon):
    callee, caller = daemon.connect(), daemon.connect()
    callee.register("com.example.add2")
    caller.send(op="call", id=1, procedure="com.example.add2", args=[20, 22], kwargs={"unit": "m"})
    invocation = callee.answer(args=[42], kwargs={"ok": True})
    assert invocation["args"] == [20, 22] and invocation["kwargs"] == {"unit": "m"}
    assert caller.expect(id=1) == {"op": "result", "id": 1, "args": [42], "kwargs": {"ok": True}}


def test_null_for_absent_arguments_is_none(daemon):
    callee, caller = daemon.connect(), daemon.connect()
    callee.register("com.example.p")
    caller.send(op="call", id=1, procedure="com.example.p")
    invocation = callee.answer()
    assert invocation["args"] == [] and invocation["kwargs"] == {}, invocation
    assert caller.expect(id=1) == {"op": "result", "id": 1, "args": [], "kwargs": {}}


def test_an_error_arrives_although_its_uri_is_lost(daemon):
    callee, caller = daemon.connect(), daemon.connect()
    callee.register("com.example.p")
    caller.send(op="call", id=1, procedure="com.example.p", args=[1, 2])
    callee.send(op="error", inv=callee.expect(op="invocation")["inv"], uri="com.example.error.mine", message="no")
    error = caller.expect(id=1)
    assert error["op"] == "error" and error["uri"] == "wamp.error.callee_failure", error


def test_nobody_registered_it(daemon):
    assert daemon.connect().request(op="call", id=1, procedure="com.example.nope")["code"] == "no_such_procedure"


def test_events_reach_another_program_and_not_their_own(daemon):
    a, b = daemon.connect(), daemon.connect()
    a.subscribe("com.example.t")
    b.subscribe("com.example.t")
    ok = b.request(op="publish", id=1, topic="com.example.t", args=[21.5, "x"], kwargs={"unit": "C"}, ack=True)
    assert ok["op"] == "ok" and ok["publication"] > 0, ok
    event = a.expect(op="event")
    assert event["args"] == [21.5, "x"] and event["kwargs"] == {"unit": "C"}
    b.quiet()


def test_events_between_two_daemons(fox, daemon, tmp_path):
    (tmp_path / "other").mkdir()
    other = Daemon(tmp_path / "other", fox)
    try:
        other.start()
        other.wait_joined()
        here, there = daemon.connect(), other.connect()
        here.subscribe("com.example.far")
        there.register("com.example.there")
        there.request(op="publish", id=1, topic="com.example.far", args=["from", "there"], ack=True)
        assert here.expect(op="event")["args"] == ["from", "there"]
        here.send(op="call", id=1, procedure="com.example.there", args=["a", "b"])
        assert there.answer(args=["done", 1])["args"] == ["a", "b"]
        assert here.expect(id=1)["args"] == ["done", 1]
    finally:
        other.finish()


def test_no_more_events_and_calls_after_the_undoing(daemon):
    a, b = daemon.connect(), daemon.connect()
    a.subscribe("com.example.t", id="t")
    a.register("com.example.p", id="p")
    assert a.request(op="unsubscribe", id=1, subscription="t")["op"] == "ok"
    assert a.request(op="unregister", id=2, registration="p")["op"] == "ok"
    b.request(op="publish", id=1, topic="com.example.t", args=[1, 2], ack=True)
    assert b.request(op="call", id=2, procedure="com.example.p")["code"] == "no_such_procedure"
    a.quiet()


def test_it_is_left_in_peace_at_the_end(fox, make_daemon):
    """Its GOODBYE answer has a reason of the old times."""
    daemon = make_daemon(fox)
    daemon.start()
    daemon.wait_joined()
    assert daemon.stop() == 0
    assert "violation" not in daemon.log.read_text()


def test_it_comes_back_and_so_do_we(fox, make_daemon):
    daemon = make_daemon(fox)
    daemon.start()
    daemon.wait_joined()
    p = daemon.connect()
    p.register("com.example.p")
    fox.stop()
    p.expect(op="state", state="pending")
    fox.start()
    p.expect(op="state", state="active")
    p.send(op="call", id=1, procedure="com.example.p", args=[1, 2])
    p.answer(args=[3, 4])
    assert p.expect(id=1)["args"] == [3, 4]
