# SPDX-License-Identifier: MIT
"""What every router must give local programs: the same scenarios for each."""
import json
import os
import signal
import subprocess

import pytest

from world import WAIT


# ---- calls ----


def test_a_call_between_two_programs(daemon):
    callee, caller = daemon.connect(), daemon.connect()
    callee.register("com.example.add2")
    caller.send(op="call", id=1, procedure="com.example.add2", args=[20, 22], kwargs={"unit": "m"})
    invocation = callee.answer(args=[42], kwargs={"ok": True})
    assert invocation["args"] == [20, 22] and invocation["kwargs"] == {"unit": "m"}
    assert invocation["procedure"] == "com.example.add2"
    assert caller.expect(id=1) == {"op": "result", "id": 1, "args": [42], "kwargs": {"ok": True}}


def test_a_program_may_call_itself(daemon):
    p = daemon.connect()
    p.register("com.example.self")
    p.send(op="call", id=1, procedure="com.example.self")
    p.answer()
    assert p.expect(id=1) == {"op": "result", "id": 1, "args": [], "kwargs": {}}


def test_an_application_error_between_two_programs(daemon):
    callee, caller = daemon.connect(), daemon.connect()
    callee.register("com.example.user")
    caller.send(op="call", id="u", procedure="com.example.user", kwargs={"id": 99})
    inv = callee.expect(op="invocation")["inv"]
    callee.send(op="error", inv=inv, uri="com.example.error.not_found", message="no user 99", kwargs={"id": 99})
    assert caller.expect(id="u") == {
        "op": "error", "id": "u", "code": "app", "uri": "com.example.error.not_found",
        "message": "no user 99", "origin": "peer", "args": ["no user 99"], "kwargs": {"id": 99}}


def test_an_error_without_uri_is_a_runtime_error(daemon):
    callee, caller = daemon.connect(), daemon.connect()
    callee.register("com.example.p")
    caller.send(op="call", id=1, procedure="com.example.p")
    callee.send(op="error", inv=callee.expect(op="invocation")["inv"], args=["a", 1])
    error = caller.expect(id=1)
    assert error["uri"] == "wamp.error.runtime_error" and error["args"] == ["a", 1]


def test_nobody_registered_it(daemon):
    error = daemon.connect().request(op="call", id=3, procedure="com.example.nope")
    assert error["code"] == "no_such_procedure" and error["origin"] == "router"


def test_a_timeout_and_its_late_answer(daemon):
    callee, caller = daemon.connect(), daemon.connect()
    callee.register("com.example.slow")
    error = caller.request(op="call", id=2, procedure="com.example.slow", timeout=200)
    assert error["code"] == "timeout" and error["origin"] == "daemon"
    callee.answer()
    assert caller.request(op="ping", id=3)["op"] == "pong"
    # the id is free again
    caller.send(op="call", id=2, procedure="com.example.slow")
    callee.answer(args=[2])
    assert caller.expect(id=2)["args"] == [2]


def test_many_calls_at_once_come_back_to_their_ids(daemon):
    callee, caller = daemon.connect(), daemon.connect()
    callee.register("com.example.echo")
    # nexus drops what goes beyond 64 messages for one session: fewer at a time
    for first in range(0, 300, 30):
        for i in range(first, first + 30):
            caller.send(op="call", id=i, procedure="com.example.echo", args=[i])
        for _ in range(30):
            inv = callee.expect(op="invocation")
            callee.send(op="result", inv=inv["inv"], args=inv["args"])
        for _ in range(30):
            result = caller.expect(op="result")
            assert result["args"] == [result["id"]]


def test_callee_gone_cancels_the_call(daemon):
    callee, caller = daemon.connect(), daemon.connect()
    callee.register("com.example.p")
    caller.send(op="call", id=1, procedure="com.example.p")
    callee.expect(op="invocation")
    callee.close()
    assert caller.expect(id=1)["code"] == "canceled"


def test_caller_gone_does_not_hurt_the_callee(daemon):
    callee, caller = daemon.connect(), daemon.connect()
    callee.register("com.example.p")
    caller.send(op="call", id=1, procedure="com.example.p")
    inv = callee.expect(op="invocation")["inv"]
    caller.close()
    callee.send(op="result", inv=inv)
    callee.quiet()
    other = daemon.connect()
    other.send(op="call", id=1, procedure="com.example.p")
    callee.answer(args=["again"])
    assert other.expect(id=1)["args"] == ["again"]


# What each router does to payloads on their way; absent: they arrive as they were sent.
FIDELITY = {
    "nexus": {"-0": "0", "18446744073709551616": "18446744073709552000", '{"a":1,"a":2}': '{"a":2}'},
    "crossbar": {"-0": "0", '{"a":1,"a":2}': '{"a":2}'},
}


@pytest.mark.parametrize("value", ["0.1", "-0", "18446744073709551616", '{"a":1,"a":2}', '"\\u0000AQID"',
                                   '"é€😀"', '{"z":1,"a":[2,{"y":null}]}', "1e5", '"\\ud83d\\ude00"'])
def test_payloads_keep_their_spelling(router, daemon, value):
    callee, caller = daemon.connect(), daemon.connect()
    callee.register("com.example.p")
    caller.send_raw(b'{"op":"call","id":1,"procedure":"com.example.p","args":[ %s ]}\n' % value.encode())
    raw = callee.take_raw()
    expected = FIDELITY.get(router.name, {}).get(value, value)
    if router.name == "embedded":
        assert b'"args":[%s]' % expected.encode() in raw
    else:
        got = json.loads(raw)["args"][0]
        assert got == json.loads(expected)
    callee.send(op="result", inv=json.loads(raw)["inv"])
    caller.expect(id=1, op="result")


# ---- registrations ----


def test_a_procedure_is_taken_by_another_program(daemon):
    a, b = daemon.connect(), daemon.connect()
    a.register("com.example.p")
    error = b.request(op="register", id=1, procedure="com.example.p")
    assert error["code"] == "procedure_already_exists"
    a.request(op="unregister", id="x", registration="com.example.p")
    b.register("com.example.p", id=2)


def test_after_unregister_nobody_has_it(daemon):
    callee, caller = daemon.connect(), daemon.connect()
    callee.register("com.example.p", id="r")
    assert callee.request(op="unregister", id="x", registration="r")["op"] == "ok"
    assert caller.request(op="call", id=1, procedure="com.example.p")["code"] == "no_such_procedure"
    error = callee.request(op="unregister", id="y", registration="r")
    assert error["code"] == "no_such_registration"


def test_a_program_that_leaves_takes_its_procedures_along(daemon):
    a, b = daemon.connect(), daemon.connect()
    a.register("com.example.p")
    a.close()
    for i in range(50):
        if b.request(op="register", id=i, procedure="com.example.p")["op"] == "ok":
            return
    pytest.fail("still taken")


def test_an_invalid_uri_never_reaches_the_router(daemon):
    p = daemon.connect()
    for i, uri in enumerate(["", "a..b", "a b", ".a", "a.", "a#b", "a\u0000b"]):
        assert p.request(op="call", id=i, procedure=uri)["code"] == "invalid_uri", uri
        assert p.request(op="register", id=i, procedure=uri)["code"] == "invalid_uri", uri
        assert p.request(op="subscribe", id=i, topic=uri)["code"] == "invalid_uri", uri
        assert p.request(op="publish", id=i, topic=uri)["code"] == "invalid_uri", uri
    p.register("com.example.still_joined")


@pytest.mark.parametrize("space", ["\u0085", "\u00a0", "\u2003", "\u2028", "\u3000"])
def test_white_space_of_unicode_does_not_end_the_session(daemon, space):
    """Crossbar closes the session that sends such a URI, which is everybody's."""
    p = daemon.connect()
    session = p.request(op="status", id=1)["sessions"]["default"]["session_id"]
    uri = f"com.a{space}b"
    assert p.request(op="register", id=2, procedure=uri)["code"] == "invalid_uri"
    assert p.request(op="call", id=3, procedure=uri)["code"] == "invalid_uri"
    assert p.request(op="subscribe", id=4, topic=uri)["code"] == "invalid_uri"
    assert p.request(op="publish", id=5, topic=uri, ack=True)["code"] == "invalid_uri"
    p.register("com.example.fine")
    assert p.request(op="status", id=6)["sessions"]["default"]["session_id"] == session


@pytest.mark.parametrize("value", ["\0x", "\0AQI", "\0AQ=D", "\0====", "\0AQ-_"])
def test_a_binary_value_that_is_none_does_not_end_the_session(daemon, value):
    """Crossbar closes the session that sends what begins with U+0000 and is no base64."""
    p = daemon.connect()
    session = p.request(op="status", id=1)["sessions"]["default"]["session_id"]
    error = p.request(op="publish", id=2, topic="com.example.t", args=[value], ack=True)
    assert error["code"] == "bad_message" and "base64" in error["message"]
    assert p.request(op="call", id=3, procedure="com.example.p", kwargs={"k": [value]})["code"] == "bad_message"
    good = p.request(op="publish", id=4, topic="com.example.t", args=["\0eA=="], ack=True)
    assert good["op"] == "ok", good
    assert p.request(op="status", id=5)["sessions"]["default"]["session_id"] == session


# ---- publications ----


def test_events_reach_others_and_not_their_own_program(daemon):
    a, b, c = daemon.connect(), daemon.connect(), daemon.connect()
    for p in (a, b):
        p.subscribe("com.example.temp", id="t")
    c.send(op="publish", topic="com.example.temp", args=[21.5], kwargs={"unit": "C"})
    for p in (a, b):
        event = p.expect(op="event")
        assert event["subscription"] == "t" and event["topic"] == "com.example.temp"
        assert event["args"] == [21.5] and event["kwargs"] == {"unit": "C"} and event["publication"] > 0
    ok = a.request(op="publish", id=1, topic="com.example.temp", args=["own"], ack=True)
    assert ok["op"] == "ok" and ok["publication"] > 0
    assert b.expect(op="event")["args"] == ["own"]
    # to the program itself only with exclude_me false, and what comes next is that one
    a.send(op="publish", topic="com.example.temp", args=["mine"], exclude_me=False)
    assert a.expect(op="event")["args"] == ["mine"]
    assert b.expect(op="event")["args"] == ["mine"]


def test_a_program_alone_does_not_hear_itself(daemon):
    p = daemon.connect()
    p.subscribe("com.example.t")
    p.request(op="publish", id=1, topic="com.example.t", args=[1], ack=True)
    p.send(op="publish", topic="com.example.t", args=[2], exclude_me=False)
    assert p.expect(op="event")["args"] == [2]


def test_events_keep_their_order(daemon):
    a, b = daemon.connect(), daemon.connect()
    a.subscribe("com.example.t")
    for i in range(300):
        b.request(op="publish", id=i, topic="com.example.t", args=[i], ack=True)
    assert [a.expect(op="event")["args"][0] for _ in range(300)] == list(range(300))


def test_after_unsubscribe_no_more_events(daemon):
    a, b = daemon.connect(), daemon.connect()
    a.subscribe("com.example.t", id="t")
    assert a.request(op="unsubscribe", id=9, subscription="t")["op"] == "ok"
    b.request(op="publish", id=1, topic="com.example.t", ack=True)
    a.quiet()
    assert a.request(op="unsubscribe", id=9, subscription="t")["code"] == "no_such_subscription"


def test_one_subscription_at_the_router_for_many_programs(router, daemon):
    programs = [daemon.connect() for _ in range(5)]
    for p in programs:
        p.subscribe("com.example.shared", id="t")
    p.send(op="list", id="l", what="subscriptions")
    rows = p.expect(id="l")["items"]
    assert len({row["subscription_id"] for row in rows}) == 1 and len(rows) == 5


# ---- a remote peer ----


def test_calls_from_and_to_a_remote_peer(daemon, remote):
    p = daemon.connect()
    p.register("com.example.local")
    remote.do(do="call", procedure="com.example.local", args=[1, "x"], kwargs={"k": [None, True]})
    invocation = p.answer(args=[{"sum": 3}])
    assert invocation["args"] == [1, "x"] and invocation["kwargs"] == {"k": [None, True]}
    assert remote.expect("result")["value"] == {"sum": 3}
    remote.register("com.example.remote")
    assert p.request(op="call", id=1, procedure="com.example.remote", args=[["list", 2]])["args"] == [["list", 2]]


def test_errors_from_and_to_a_remote_peer(daemon, remote):
    p = daemon.connect()
    p.register("com.example.local")
    remote.do(do="call", procedure="com.example.local", args=[], kwargs={})
    p.send(op="error", inv=p.expect(op="invocation")["inv"], uri="com.example.error.local", args=["bad"],
           kwargs={"n": 1})
    failed = remote.take()
    assert failed == {"what": "failed", "uri": "com.example.error.local", "args": ["bad"], "kwargs": {"n": 1}}
    remote.register("com.example.remote", "error")
    error = p.request(op="call", id=1, procedure="com.example.remote")
    assert error["code"] == "app" and error["uri"] == "com.example.error.remote"
    assert error["message"] == "no luck" and error["kwargs"] == {"code": 7}


def test_events_from_and_to_a_remote_peer(daemon, remote):
    p = daemon.connect()
    p.subscribe("com.example.in", id="t")
    remote.subscribe("com.example.out")
    remote.publish("com.example.in", 1, "two", three=3)
    event = p.expect(op="event")
    assert event["args"] == [1, "two"] and event["kwargs"] == {"three": 3}
    p.send(op="publish", topic="com.example.out", args=[4], kwargs={"five": 5})
    assert remote.expect("event") == {"what": "event", "args": [4], "kwargs": {"five": 5}}


def test_a_procedure_is_taken_by_a_remote_peer(daemon, remote):
    remote.register("com.example.taken")
    p = daemon.connect()
    error = p.request(op="register", id=1, procedure="com.example.taken")
    assert error["code"] == "procedure_already_exists" and error["origin"] == "router"
    remote.unregister("com.example.taken")
    p.register("com.example.taken", id=2)


def test_a_remote_callee_that_leaves_cancels_the_call(daemon, remote):
    remote.register("com.example.slow", "slow")
    p = daemon.connect()
    p.send(op="call", id=1, procedure="com.example.slow")
    # a second call is refused or waits too; either way the first is at the router when it is answered
    p.request(op="call", id=2, procedure="com.example.nope")
    remote.process.kill()
    assert p.expect(id=1)["code"] == "canceled"


def test_what_does_not_fit_a_line(router, make_daemon, remote):
    """§2.3: a longer event becomes a gap, a longer invocation is refused to its caller."""
    daemon = make_daemon(router, limits={"max_line": 65536})
    daemon.start()
    daemon.wait_joined()
    p = daemon.connect()
    p.subscribe("com.example.t")
    p.register("com.example.p")
    remote.publish("com.example.t", "x" * 70000)
    assert p.expect(op="gap") == {"op": "gap", "subscription": "com.example.t", "dropped": 1, "reason": "too_large"}
    failed = remote.call("com.example.p", "x" * 70000)
    assert failed["uri"] in ("wamp.error.payload_size_exceeded", "PayloadExceededError")
    remote.publish("com.example.t", "short")
    assert p.expect(op="event")["args"] == ["short"]


def test_what_is_too_big_for_the_session_is_refused_here(router, make_daemon):
    daemon = make_daemon(router, session={"max_message_size": 65536})
    daemon.start()
    daemon.wait_joined()
    p = daemon.connect()
    p.register("com.example.p")
    error = p.request(op="call", id=1, procedure="com.example.p", args=["x" * 70000])
    assert error["code"] == "payload_too_large"
    assert error["limit"] == {"name": "max_message_size", "value": 65536}
    assert p.request(op="publish", id=2, topic="com.example.t", args=["x" * 70000])["code"] == "payload_too_large"
    p.send(op="call", id=3, procedure="com.example.p")
    p.send(op="result", inv=p.expect(op="invocation")["inv"], args=["x" * 70000])
    replies = {line.get("id"): line for line in (p.expect(op="error"), p.expect(op="error"))}
    assert replies[3]["uri"] == "wamp.error.payload_size_exceeded"
    assert replies[None]["code"] == "payload_too_large"


# ---- shell programs ----

# A WAMP procedure in bash.
ADD2 = """
coproc W { exec socat - UNIX-CONNECT:"$S"; }
echo '{"op":"register","id":"add2","procedure":"com.example.add2"}' >&"${W[1]}"
while IFS= read -r line <&"${W[0]}"; do
  [[ $line == '{"op":"ok"'* ]] && echo ready
  [[ $line == '{"op":"invocation"'* ]] || continue
  jq -c '{op:"result",inv,args:[.args|add]}' <<<"$line" >&"${W[1]}"
done
"""

# A WAMP procedure that is one jq filter.
UPPER = """
exec 3>&1
mkfifo "$D/f"
{ echo '{"op":"register","id":"up","procedure":"com.example.upper"}'; cat "$D/f"; } |
  socat - UNIX-CONNECT:"$S" | tee >(grep --line-buffered -o '"state":"active"' >&3) |
  jq --unbuffered -c 'select(.op=="invocation")|{op:"result",inv,args:[.args[0]|ascii_upcase]}' > "$D/f"
"""

# One that follows a topic.
FOLLOW = """
{ echo '{"op":"subscribe","id":"t","topic":"com.example.temp"}'; sleep infinity; } |
  socat - UNIX-CONNECT:"$S" |
  jq -r --unbuffered 'select(.op=="ok").state, (select(.op=="event")|.args[0])'
"""

CALL = """
echo '{"op":"call","id":1,"procedure":"%s","args":%s}' |
  socat -t30 - UNIX-CONNECT:"$S" | jq -c 'select(.id==1)|.args[0]'
"""

PUBLISH = """
echo '{"op":"publish","topic":"com.example.temp","args":[21.5]}' | socat -t5 - UNIX-CONNECT:"$S" >/dev/null
"""


@pytest.fixture
def shell(daemon, tmp_path):
    """Starts bash programs that find the socket in $S; all of each is stopped at the end."""
    started = []

    def start(script):
        process = subprocess.Popen(["bash", "-c", script], stdout=subprocess.PIPE, text=True, start_new_session=True,
                                   env={**os.environ, "S": daemon.socket, "D": str(tmp_path)})
        started.append(process)
        return process

    yield start
    for process in started:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()
        process.stdout.close()


def test_two_shell_programs_talk_wamp(shell):
    for program, ready in ((ADD2, "ready"), (UPPER, '"state":"active"')):
        assert shell(program).stdout.readline().strip() == ready
    for procedure, args, result in (("com.example.add2", "[20,22]", "42"), ("com.example.upper", '["text"]', '"TEXT"')):
        out, _ = shell(CALL % (procedure, args)).communicate(timeout=WAIT)
        assert out.strip() == result
    follow = shell(FOLLOW)
    assert follow.stdout.readline().strip() == "active"
    shell(PUBLISH).communicate(timeout=WAIT)
    assert follow.stdout.readline().strip() == "21.5"


# ---- wampctl ----


def test_wampctl_calls_publishes_subscribes_and_registers(daemon):
    serve = daemon.start_ctl("register", "com.example.rev", "--", "jq", "-c", "reverse")
    try:
        assert "active" in serve.stderr.readline()
        done = daemon.ctl("call", "com.example.rev", "1", "0.1", "text", '{"a":1}')
        assert (done.returncode, done.stdout) == (0, '[{"a":1},"text",0.1,1]\n')
    finally:
        serve.terminate()
        assert serve.wait(WAIT) == 0
    done = daemon.ctl("call", "com.example.rev")
    assert done.returncode == 1 and json.loads(done.stderr)["code"] == "no_such_procedure"
    follow = daemon.start_ctl("subscribe", "com.example.t", "--count", "2")
    p = daemon.connect()
    while not p.request(op="list", id="l", what="subscriptions")["items"]:
        pass
    p.subscribe("com.example.t")
    assert daemon.ctl("publish", "--ack", "com.example.t", "21.5").returncode == 0
    assert daemon.ctl("pub", "com.example.t", "-k", "unit=C").returncode == 0
    out, _ = follow.communicate(timeout=WAIT)
    assert out == '[21.5]\n{"args":[],"kwargs":{"unit":"C"}}\n' and follow.returncode == 0


def test_wampctl_reports_what_a_command_did(daemon):
    serve = daemon.start_ctl("register", "com.example.fail", "--", "sh", "-c", "exit 3")
    try:
        serve.stderr.readline()
        done = daemon.ctl("call", "com.example.fail")
        assert done.returncode == 1
        error = json.loads(done.stderr)
        assert error["uri"] == "wamp.error.runtime_error" and error["message"] == "exit status 3"
    finally:
        serve.terminate()
        serve.wait(WAIT)
